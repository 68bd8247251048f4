// SPDX-License-Identifier: Apache-2.0
#include "support/fake_world.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "pipeline/ttl_gate.hpp"
#include "plan/addresses.hpp"
#include "plan/compute.hpp"
#include "protocol/dns/zone_diff.hpp"
#include "support/run_task.hpp"
#include "support/spf_answers.hpp"

namespace mxferry::test {
namespace {

const std::string kZone = "alpha.test.";
const std::string kDomain = "alpha.test";

config::PlanFile default_file() {
  config::PlanFile f;
  f.file = "plan.toml";
  f.id = "alpha";
  f.sha256 = "c0ffee";
  f.ttl_lowered = 10;
  f.approve_flip = 0;
  f.allow_loopback = true;
  f.delta_every = std::chrono::minutes(1);
  f.delta_for = std::chrono::minutes(2);
  f.monitor_for = std::chrono::minutes(10);
  f.stragglers_every = std::chrono::minutes(5);
  f.spf_overlap = std::chrono::hours(1);
  f.retain_for = std::chrono::hours(2);
  config::Domain d;
  d.name = "alpha.test";
  d.mx = {"10 mx.new.test."};
  d.spf = "v=spf1 include:new.test -all";
  d.dkim = {{"new", "TXT", "v=DKIM1; p=AAAA"}};
  d.client = {{"autoconfig", "CNAME", {"new.test."}},
              {"_imaps._tcp", "SRV", {"0 1 993 imap.new.test."}}};
  d.verification = {"new-verification=1"};
  d.dns.plugin = "fake";
  d.dns.zone = kZone;
  f.domains.push_back(d);
  for (const auto* address : {"anna@alpha.test", "bert@alpha.test"}) {
    config::Mailbox box;
    box.source = box.dest = address;
    f.mailboxes.push_back(box);
  }
  f.pilot = {"anna@alpha.test"};
  return f;
}

Error lost(const std::string& what) {
  return fail(ErrorCode::network, what, "the connection broke").error();
}

std::string line_of(const ZoneRRset& set) {
  std::vector<std::string> data;
  for (const auto& record : set.records) data.push_back(record.rdata);
  std::sort(data.begin(), data.end());
  std::string out = set.type + " " + set.name + " " + std::to_string(set.ttl);
  for (const auto& item : data) out += " " + item;
  return out;
}

}  // namespace

ZoneRRset rrset(const std::string& name, const std::string& type, std::uint32_t ttl,
                const std::vector<std::string>& data) {
  ZoneRRset set;
  set.name = name;
  set.type = type;
  set.ttl = ttl;
  for (const auto& item : data) set.records.push_back({item});
  return set;
}

class FakeWorld::Api final : public DnsApi {
 public:
  explicit Api(FakeWorld& world) : w_(world) { traits_.plugin = "fake"; }
  const DnsTraits& traits() const override { return traits_; }
  Result<std::vector<ZoneInfo>> list_zones(std::stop_token) override {
    ZoneInfo info;
    info.name = kZone;
    return std::vector<ZoneInfo>{info};
  }
  Result<ZoneInfo> describe_zone(const std::string&, std::stop_token) override {
    ZoneInfo info;
    info.name = kZone;
    return info;
  }
  Result<ZoneSnapshot> list_records(const std::string&, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("api list")) return fail(*error);
    return w_.zone;
  }
  Result<ApplyOutcome> apply(const std::string&, std::span<const ZoneChange> changes,
                             std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("api apply")) return fail(*error);
    for (const auto& change : changes) {
      const ZoneRRset& any = change.after ? *change.after : *change.before;
      std::erase_if(w_.zone.rrsets, [&](const ZoneRRset& set) {
        return set.name == any.name && set.type == any.type;
      });
      if (change.after) {
        w_.zone.rrsets.push_back(*change.after);
        w_.writes.push_back(line_of(*change.after));
      } else {
        w_.writes.push_back("- " + any.type + " " + any.name);
      }
    }
    if (w_.lose_answer)
      if (auto error = w_.lose_answer()) return fail(*error);
    ApplyOutcome out;
    out.applied = Applied::all;
    return out;
  }
  Result<bool> change_live(const std::string&, const std::string&, std::stop_token) override {
    return true;
  }

 private:
  FakeWorld& w_;
  DnsTraits traits_;
};

class FakeWorld::Eyes final : public pipeline::DnsEyes {
 public:
  explicit Eyes(FakeWorld& world) : w_(world) {}
  Result<dns::Delegation> delegation(const std::string&, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("eyes delegation")) return fail(*error);
    dns::Delegation out;
    out.zone = kZone;
    for (const auto& [name, server] : w_.servers) {
      dns::NameServer entry;
      entry.name = name;
      entry.addresses.push_back({"127.0.0.1", 53});
      entry.at_parent = entry.at_child = true;
      out.servers.push_back(std::move(entry));
    }
    return out;
  }
  dns::Round round(const dns::Delegation& delegation, const std::vector<dns::Question>& questions,
                   std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    const auto error = w_.meet("eyes round");
    dns::Round out;
    for (const auto& entry : delegation.servers) {
      const auto& server = w_.servers.at(entry.name);
      for (const auto& question : questions) {
        dns::View view;
        view.server = entry.name;
        view.address = entry.addresses.at(0);
        view.question = question;
        if (server.silent || error)
          view.seen.why = "timed out";
        else if (w_.authority)
          view.seen = w_.authority(entry.name, question);
        else
          view.seen = w_.serve(server.frozen ? *server.frozen : w_.zone, question);
        out.views.push_back(std::move(view));
      }
    }
    return out;
  }
  Assertion confirmed(const dns::Delegation& delegation, const std::vector<dns::Expected>& expected,
                      std::stop_token stop) override {
    std::vector<dns::Question> questions;
    for (const auto& want : expected) questions.push_back(want.question);
    return dns::check(round(delegation, questions, stop), expected);
  }
  Result<std::uint32_t> negative_ttl(const dns::Delegation&, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("eyes soa")) return fail(*error);
    return 10U;
  }
  Result<std::vector<std::string>> addresses(const std::string& host, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("eyes addresses")) return fail(*error);
    const auto it = w_.addresses.find(host);
    return it == w_.addresses.end() ? std::vector<std::string>() : it->second;
  }
  Result<dns::Seen> lookup(const dns::Question& question, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("eyes lookup")) return fail(*error);
    const auto it = w_.tlsa.find(question.name);
    if (it != w_.tlsa.end()) return it->second;
    return w_.serve(w_.zone, question);
  }
  Result<bool> has_ds(const std::string&, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("eyes ds")) return fail(*error);
    return w_.has_ds;
  }
  Assertion signatures(const dns::Delegation&, const std::vector<dns::Question>&,
                       std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    return w_.signatures ? w_.signatures() : Assertion::pass();
  }
  std::vector<Resolver> ask_resolvers(const dns::Question& question, std::stop_token) override {
    const std::lock_guard lock(w_.mutex_);
    if (const auto it = w_.tlsa.find(question.name); it != w_.tlsa.end())
      return {{"r1", it->second}};
    if (w_.public_view) return w_.public_view(question);
    std::vector<Resolver> out;
    for (auto& [name, resolver] : w_.resolvers) out.push_back({name, w_.ask(resolver, question)});
    return out;
  }

 private:
  FakeWorld& w_;
};

class FakeWorld::Mail final : public pipeline::MailEngine {
 public:
  explicit Mail(FakeWorld& world) : w_(world) {}
  Task<Result<MailboxInventory>> inventory(const config::Mailbox& box, bool) override {
    auto error = broken("inventory", box);
    if (error) co_return fail(*error);
    const auto it = w_.inventories.find(box.dest);
    MailboxInventory out;
    out.folders = 1;
    out.messages = 3;
    if (it != w_.inventories.end()) out = it->second;
    out.address = box.dest;
    co_return out;
  }
  Task<Result<void>> source_answers(const config::Mailbox& box) override {
    auto error = broken("source", box);
    if (error) co_return fail(*error);
    co_return Result<void>();
  }
  Task<Result<SeenAddresses>> seen_addresses(const config::Mailbox& box, Instant since) override {
    auto error = broken("addresses", box);
    if (error) co_return fail(*error);
    SeenAddresses out;
    for (const auto& [at, address] : w_.mail_for[box.dest])
      if (at >= std::chrono::floor<std::chrono::days>(since))
        plan::count_addresses("Delivered-To: " + address + "\r\n", plan::domain_names(w_.file),
                              out);
    co_return out;
  }
  Task<Result<copy::CopyReport>> copy(
      const config::Mailbox& box, CopyKind kind, std::shared_ptr<copy::CopyControl> control,
      std::function<void(const copy::Progress&)> progress) override {
    (void)kind;
    (void)control;
    (void)progress;
    auto error = broken("copy", box);
    if (error) co_return fail(*error);
    if (w_.during_copy) w_.during_copy(*w_.env_);
    copy::CopyReport out;
    out.copied = w_.copies[box.dest]++ == 0 ? 3 : 0;
    if (out.copied == 0 && w_.late.contains(box.dest))
      out.copied = static_cast<std::uint64_t>(std::exchange(w_.late[box.dest], 0));
    out.known = 3;
    co_return out;
  }
  Task<Result<copy::VerifyReport>> verify(const config::Mailbox& box,
                                          std::shared_ptr<copy::CopyControl>) override {
    auto error = broken("verify", box);
    if (error) co_return fail(*error);
    ++w_.verifies[box.dest];
    copy::VerifyReport out;
    out.checked = out.equal = 3;
    co_return out;
  }
  Task<Result<bool>> find_canary(const config::Mailbox& box, const std::string& token,
                                 bool remove) override {
    auto error = broken("canary", box);
    if (error) co_return fail(*error);
    const bool found = w_.delivered.contains(token);
    if (found && remove) w_.delivered.erase(token);
    if (!found && w_.mx_swallows && remove) w_.clock.advance(std::chrono::minutes(1));
    co_return found;
  }
  Task<Result<std::vector<pipeline::NewMail>>> arrived_since_flip(
      const config::Mailbox& box) override {
    auto error = broken("arrived", box);
    if (error) co_return fail(*error);
    co_return w_.arrived[box.dest];
  }
  Task<Result<std::vector<pipeline::Sender>>> senders(const config::Mailbox& box,
                                                      const pipeline::SourceMarks&) override {
    auto error = broken("senders", box);
    if (error) co_return fail(*error);
    co_return w_.senders[box.dest];
  }
  Task<Result<QuotaState>> quota(const config::Mailbox& box) override {
    auto error = broken("quota", box);
    if (error) co_return fail(*error);
    co_return w_.quotas[box.dest];
  }
  Task<Result<void>> mark_flip(const config::Mailbox& box) override {
    auto error = broken("mark", box);
    if (error) co_return fail(*error);
    co_return Result<void>();
  }

 private:
  std::optional<Error> broken(const std::string& what, const config::Mailbox& box) {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("mail " + what)) return error;
    const auto it = w_.broken_mailbox.find(box.dest);
    if (it == w_.broken_mailbox.end()) return std::nullopt;
    Error error = fail(it->second, "imap login " + box.dest, "refused").error();
    error.remote = "NO [AUTHENTICATIONFAILED] wrong";
    return error;
  }
  FakeWorld& w_;
};

class FakeWorld::Post final : public pipeline::CanaryPost {
 public:
  explicit Post(FakeWorld& world) : w_(world) {}
  Task<Result<void>> send(const std::string&, const std::string&, const std::string&,
                          const std::string& message_id) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("mx canary")) co_return fail(*error);
    if (w_.mx_refuses) co_return fail(*w_.mx_refuses);
    ++w_.canaries_sent;
    const auto at = message_id.find('@');
    if (!w_.mx_swallows) w_.delivered.insert(message_id.substr(8, at - 8));  // "<canary."
    co_return Result<void>();
  }
  Task<Result<smtp::Reply>> probe(const std::string&, const std::string&,
                                  const std::string&) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("mx probe")) co_return fail(*error);
    co_return w_.old_mx_reply;
  }
  Task<Result<pipeline::TlsView>> look_at_tls(const std::string&, const std::string& address,
                                              const std::vector<std::string>& tlsa) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("mx tls")) co_return fail(*error);
    pipeline::TlsView out;
    out.starttls = true;
    if (const auto it = w_.mx_tls.find(address); it != w_.mx_tls.end()) out = it->second;
    if (!tlsa.empty()) out.problem = w_.mx_dane_problem[address];
    co_return out;
  }

 private:
  FakeWorld& w_;
};

class FakeWorld::Probe final : public pipeline::OldSideProbe {
 public:
  explicit Probe(FakeWorld& world) : w_(world) {}
  Task<Result<void>> takes_mail(const std::string& host, const std::string&,
                                const std::string&) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("old mx")) co_return fail(*error);
    if (w_.old_mx_dead) co_return fail(lost(host));
    co_return Result<void>();
  }

 private:
  FakeWorld& w_;
};

class FakeWorld::Letters final : public pipeline::MailPost {
 public:
  explicit Letters(FakeWorld& world) : w_(world) {}
  Task<Result<smtp::Submitted>> send(std::vector<std::string> to, std::string message) override {
    const std::lock_guard lock(w_.mutex_);
    smtp::Submitted out;
    if (auto error = w_.meet("notice send")) co_return fail(*error);
    for (const auto& address : to) {
      const auto refused = w_.refused_recipients.find(address);
      if (refused == w_.refused_recipients.end())
        out.taken.push_back(address);
      else if (refused->second.starts_with("4"))
        out.deferred.push_back({address, refused->second});
      else
        out.refused.push_back({address, refused->second});
    }
    if (!out.taken.empty()) w_.mails.push_back({out.taken, message, w_.clock.now()});
    if (auto error = w_.meet("notice sent")) co_return fail(*error);
    co_return out;
  }

 private:
  FakeWorld& w_;
};

class FakeWorld::AlertSink final : public pipeline::AlertChannel {
 public:
  explicit AlertSink(FakeWorld& world) : w_(world) {}
  std::string name() const override { return "webhook"; }
  Task<Result<void>> send(pipeline::Env&, const pipeline::Alert& alert) override {
    const std::lock_guard lock(w_.mutex_);
    if (auto error = w_.meet("alert send")) co_return fail(*error);
    w_.alerts.push_back(alert);
    if (auto error = w_.meet("alert sent")) co_return fail(*error);
    co_return Result<void>();
  }

 private:
  FakeWorld& w_;
};

class FakeWorld::Watcher final : public pipeline::RunWatcher {
 public:
  explicit Watcher(FakeWorld& world) : w_(world) {}
  void step(const Step& step, StepStatus status, const std::string&) override {
    if (w_.at_step) w_.at_step(step.id, status);
  }
  void progress(const copy::Progress&) override {}
  void note(const std::string& text) override { w_.notes.push_back(text); }

 private:
  FakeWorld& w_;
};

FakeWorld::FakeWorld()
    : clock(Instant(std::chrono::hours(24 * 365 * 56))),
      file(default_file()),
      state_(store::StateFile::open(dir_ / "state.db", store::Access::act)),
      store_(state_.value(), clock),
      waits_(state_->db(), clock),
      api_(std::make_unique<Api>(*this)),
      eyes_(std::make_unique<Eyes>(*this)),
      mail_(std::make_unique<Mail>(*this)),
      post_(std::make_unique<Post>(*this)),
      probe_(std::make_unique<Probe>(*this)),
      letters_(std::make_unique<Letters>(*this)),
      watcher_(std::make_unique<Watcher>(*this)) {
  // What is tested is what is written, not that it survives a power cut.
  if (auto fast = state_->db().run("PRAGMA synchronous = OFF"); !fast)
    throw std::runtime_error(fast.error().message());
  zone.zone = kZone;
  zone.rrsets = {
      rrset(kZone, "SOA", 10, {"ns1.dns.test. hostmaster.alpha.test. 1 60 10 604800 10"}),
      rrset(kZone, "NS", 40, {"ns1.dns.test.", "ns2.dns.test."}),
      rrset(kZone, "MX", 40, {"10 mx.old.test."}),
      rrset(kZone, "TXT", 40, {"\"foreign=1\"", "\"v=spf1 ip4:192.0.2.1 -all\""}),
      rrset("autoconfig.alpha.test.", "CNAME", 40, {"old.test."})};
  servers = {{"ns1.dns.test.", {}}, {"ns2.dns.test.", {}}};
  addresses = {{"mx.old.test.", {"127.0.0.10"}}, {"mx.new.test.", {"127.0.0.20"}}};
}

FakeWorld::~FakeWorld() = default;

std::optional<Error> FakeWorld::meet(const std::string& what) {
  ++calls;
  return fault ? fault(what) : std::nullopt;
}

dns::Seen FakeWorld::serve(const ZoneSnapshot& from, const dns::Question& question) const {
  dns::Seen seen;
  const auto* set = from.find(question.name, question.type);
  const auto host = addresses.find(question.name);
  if (set != nullptr) {
    seen.kind = dns::Seen::Kind::present;
    seen.ttl = set->ttl;
    for (const auto& record : set->records) seen.rdata.push_back(record.rdata);
    std::sort(seen.rdata.begin(), seen.rdata.end());
  } else if (question.type == "A" && host != addresses.end()) {
    seen.kind = dns::Seen::Kind::present;
    seen.ttl = 300;
    seen.rdata = host->second;
  } else {
    seen.kind = dns::Seen::Kind::absent;
    seen.negative_ttl = 10;
  }
  return seen;
}

dns::Seen FakeWorld::ask(FakeResolver& resolver, const dns::Question& question) {
  dns::Seen seen;
  if (resolver.silent) {
    seen.why = "timed out";
    return seen;
  }
  const std::string key = question.name + "/" + question.type;
  const auto it = resolver.cache.find(key);
  if (it != resolver.cache.end() && clock.now() < it->second.until) {
    seen = it->second.seen;
    const auto left = it->second.until - clock.now();
    seen.ttl = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(left).count());
    return seen;
  }
  for (const auto& [name, server] : servers) {
    if (server.silent) continue;
    seen = serve(server.frozen ? *server.frozen : zone, question);
    const auto ttl = std::max(seen.kind == dns::Seen::Kind::present ? seen.ttl : *seen.negative_ttl,
                              resolver.floor);
    seen.ttl = ttl;
    resolver.cache[key] = {seen, clock.now() + std::chrono::seconds(ttl)};
    return seen;
  }
  seen.why = "SERVFAIL";
  return seen;
}

void FakeWorld::prime(const std::string& name, const std::string& type) {
  const dns::Question question{name, type};
  for (auto& [resolver, cache] : resolvers) (void)ask(cache, question);
}

dns::Seen FakeWorld::resolve(const std::string& resolver, const std::string& name,
                             const std::string& type) {
  const dns::Question question{name, type};
  return ask(resolvers.at(resolver), question);
}

const Plan& FakeWorld::plan() {
  if (plan_) return *plan_;
  plan::Facts facts;
  facts.zones[kZone].snapshot = zone;
  facts.zones[kZone].min_ttl = api_floor;
  if (const auto* txt = zone.find("_mta-sts." + kZone, "TXT"))
    facts.zones[kZone].sts[kDomain] = {{txt->records.front().rdata}, true, served_policy, ""};
  facts.answers = spf_answers(file, facts.zones, kSpfWorld);
  auto computed = plan::compute(file, facts);
  if (!computed) throw std::runtime_error(computed.error().message());
  plan_ = std::move(computed->plan);
  if (auto frozen = store_.freeze(*plan_); !frozen)
    throw std::runtime_error(frozen.error().message());
  return *plan_;
}

template <class F>
auto FakeWorld::with_env(F work) {
  const Plan& frozen = plan();
  boost::asio::io_context io;
  boost::asio::thread_pool workers(2);
  pipeline::Slots mail(io.get_executor(), 4);
  pipeline::Slots large(io.get_executor(), 1);
  pipeline::Slots dns(io.get_executor(), 1);
  pipeline::Slots provider(io.get_executor(), 1);
  pipeline::Env env{file,
                    frozen,
                    store_,
                    waits_,
                    clock,
                    *mail_,
                    *eyes_,
                    {},
                    nullptr,
                    *post_,
                    *watcher_,
                    {},
                    io.get_executor(),
                    workers,
                    std::stop_token()};
  env.dns[kZone] = api_.get();
  env.mail_slots = &mail;
  env.large_slots = &large;
  env.dns_slots = &dns;
  env.provider_slots = &provider;
  if (file.notice.enabled()) env.post = letters_.get();
  std::vector<std::unique_ptr<pipeline::AlertChannel>> channels;
  if (make_channels)
    channels = make_channels();
  else
    channels.push_back(std::make_unique<AlertSink>(*this));
  pipeline::Alerts raised(store_, clock, file.id, std::move(channels));
  if (file.alert.enabled()) env.alerts = &raised;
  env.read_policy = [this](const std::string&, std::stop_token) -> Result<std::string> {
    const std::lock_guard lock(mutex_);
    if (auto error = meet("policy")) return fail(*error);
    if (served_policy.empty()) return fail(ErrorCode::refused, "policy", "HTTP 404");
    return served_policy;
  };
  env.pass_time = [this](Millis time) {
    clock.advance(time);
    if (at_rest) at_rest();
  };
  env_ = &env;
  auto task = work(env);
  std::optional<typename decltype(task)::value_type> out;
  boost::asio::co_spawn(io, keep_result(std::move(task), out), [&](std::exception_ptr broken) {
    if (broken) std::rethrow_exception(broken);
    io.stop();
  });
  io.run();
  workers.join();
  return std::move(*out);
}

void FakeWorld::begin() {
  if (auto begun = store_.begin_run(plan(), 1); !begun)
    throw std::runtime_error(begun.error().message());
  if (auto reopened = pipeline::reopen_steps(store_, plan()); !reopened)
    throw std::runtime_error(reopened.error().message());
}

pipeline::RunEnd FakeWorld::run() {
  begin();
  return with_env([](pipeline::Env& env) {
    env.no_wait = true;
    return pipeline::run_plan(env);
  });
}

pipeline::RunEnd FakeWorld::run_waiting() {
  begin();
  return with_env([](pipeline::Env& env) { return pipeline::run_plan(env); });
}

pipeline::RunEnd FakeWorld::run_on(int at_most) {
  for (int i = 0;; ++i) {
    auto end = run();
    if (end.kind != pipeline::RunEnd::Kind::waiting || i >= at_most) return end;
    if (*end.retry_at > clock.now()) clock.advance(*end.retry_at - clock.now());
  }
}

pipeline::RunEnd FakeWorld::run_until_done(const std::string& step) {
  for (int i = 0;; ++i) {
    auto end = run();
    if (end.kind != pipeline::RunEnd::Kind::waiting || status(step) == StepStatus::done || i >= 60)
      return end;
    if (*end.retry_at > clock.now()) clock.advance(*end.retry_at - clock.now());
  }
}

pipeline::StepEnd FakeWorld::pass_ttl_gate(const TtlWaitAction& action) {
  Step step;
  step.id = "gate";
  step.action = action;
  auto end = with_env([step, action](pipeline::Env& env) -> Task<Result<pipeline::StepEnd>> {
    co_return co_await pipeline::wait_ttl(env, step, action);
  });
  return *end;
}

Result<pipeline::RollbackResult> FakeWorld::roll_back(bool strand_new_mail) {
  return with_env([this, strand_new_mail](pipeline::Env& env) {
    pipeline::RollbackOptions options;
    options.strand_new_mail = strand_new_mail;
    return pipeline::roll_back(env, kDomain, *probe_, options);
  });
}

StepStatus FakeWorld::status(const std::string& step) {
  const auto rows = store_.steps();
  const auto it = rows->find(step);
  return it == rows->end() ? StepStatus::pending : it->second.status;
}

std::string FakeWorld::why(const std::string& step) {
  const auto rows = store_.steps();
  const auto it = rows->find(step);
  return it == rows->end() ? "" : it->second.why;
}

std::optional<Instant> FakeWorld::not_before(const std::string& step) {
  const auto rows = store_.steps();
  const auto it = rows->find(step);
  return it == rows->end() ? std::nullopt : it->second.not_before;
}

std::vector<std::string> FakeWorld::zone_lines() const {
  std::vector<std::string> out;
  for (const auto& set : zone.rrsets)
    if (set.type != "SOA") out.push_back(line_of(set));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mxferry::test
