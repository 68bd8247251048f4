// SPDX-License-Identifier: Apache-2.0
#include "pipeline/assess.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "base/log.hpp"
#include "pipeline/dns_steps.hpp"
#include "pipeline/mail_steps.hpp"
#include "plan/accept.hpp"
#include "plan/assess.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::pipeline {
namespace {

// Observations of the state: the latest one of a subject counts.
constexpr const char* kInventory = "inventory";
constexpr const char* kAddresses = "addresses";
constexpr const char* kRate = "rate";
constexpr const char* kEstimate = "estimate";

struct Lanes {
  Lanes(boost::asio::any_io_executor executor, MailEngine& engine) : mail(engine), ended(executor) {
    ended.expires_at(boost::asio::steady_timer::time_point::max());
  }
  MailEngine& mail;
  std::vector<ToLook> boxes;
  std::size_t next = 0;
  int running = 0;
  Instant since{};
  std::stop_token stop;
  std::function<Result<void>(const MailLook&)> each;
  std::optional<Error> problem;
  boost::asio::steady_timer ended;
};

Task<void> lane(std::shared_ptr<Lanes> all) {
  while (all->next < all->boxes.size() && !all->problem && !all->stop.stop_requested()) {
    const auto [box, at_destination] = all->boxes[all->next++];
    auto inventory = co_await all->mail.inventory(*box, at_destination);
    Result<SeenAddresses> seen = SeenAddresses();
    if (inventory) {
      auto looked = co_await all->mail.seen_addresses(*box, all->since);
      seen = std::move(looked);
    }
    const MailLook look{box, std::move(inventory), std::move(seen)};
    if (all->problem) break;
    if (auto kept = all->each(look); !kept) all->problem = kept.error();
  }
  --all->running;
  all->ended.cancel();
}

std::string random_local() {
  std::random_device random;
  std::string out = "mxferry-probe-";
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) out += kDigits[random() % kDigits.size()];
  return out;
}

// The stored looks of all mailboxes of the plan, by address.
Result<std::map<std::string, MailboxInventory>> inventories(Env& env) {
  MXF_TRY(rows, env.store.latest(kInventory));
  std::map<std::string, MailboxInventory> out;
  for (const auto& [address, row] : rows) {
    if (env.mailbox(address) == nullptr) continue;
    MXF_TRY(box, plan::inventory_from_json(row.second, "state: inventory"));
    out[address] = std::move(box);
  }
  return out;
}

Result<SeenAddresses> stored_addresses(Env& env) {
  MXF_TRY(rows, env.store.latest(kAddresses));
  SeenAddresses out;
  for (const auto& [address, row] : rows) {
    if (env.mailbox(address) == nullptr) continue;
    MXF_TRY(seen, plan::seen_from_json(row.second, "state: addresses"));
    plan::add(out, seen);
  }
  return out;
}

// The findings of these ids are looked for afresh.
Result<void> replace_findings(Env& env, std::initializer_list<const char*> ids,
                              const std::vector<Finding>& findings) {
  for (const auto* id : ids) MXF_CHECK(env.store.forget_findings(id, ""));
  for (const auto& finding : findings) MXF_CHECK(env.store.put_finding(finding));
  return {};
}

// The first finding that blocks and that nobody accepted.
const Finding* first_block(const std::vector<Finding>& findings) {
  const auto it = std::find_if(findings.begin(), findings.end(), [](const Finding& f) {
    return f.severity == Severity::block && f.accepted.empty();
  });
  return it == findings.end() ? nullptr : &*it;
}

std::size_t blocks_in(const std::vector<Finding>& findings) {
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(),
      [](const Finding& f) { return f.severity == Severity::block && f.accepted.empty(); }));
}

// With the finding's own id in front: "AD-01: …", "QU-01: …".
StepEnd held_by(const Finding& finding, std::size_t all) {
  return StepEnd::held(
      finding.id + ": " + finding.text +
          (all > 1 ? " (and " + std::to_string(all - 1) + " more; mxferry status)" : ""),
      finding.remedy);
}

// One mailbox as it was looked at, into the state. Nothing is lost by a kill between two.
Result<void> keep_look(Env& env, const MailLook& look, std::size_t& done, std::size_t& parked) {
  const auto& address = look.box->dest;
  for (const auto* error : {look.inventory ? nullptr : &look.inventory.error(),
                            look.seen ? nullptr : &look.seen.error()}) {
    if (error == nullptr) continue;
    if (!is_login_problem(*error)) return fail(*error);
    MXF_CHECK(park(env, address, *error));
    env.watcher.note(address + " is parked: " + error->message());
    ++parked;
    return {};
  }
  MXF_TRY(row, row_of(env, address));
  row.src_messages = static_cast<std::int64_t>(look.inventory->messages);
  row.state = "pending";
  row.words.clear();
  MXF_CHECK(env.store.put_mailbox(row));
  MXF_CHECK(env.store.observe(kAddresses, address, plan::to_json(*look.seen)));
  MXF_CHECK(env.store.observe(kInventory, address, plan::to_json(*look.inventory)));
  ++done;
  return {};
}

// The zones as they are, before anything of ours: the snapshot to go back to, and the TTLs that
// caches hold now. Nothing: done.
Task<std::optional<StepEnd>> take_snapshots(Env& env) {
  for (auto& [zone, api] : env.dns) {
    auto have = env.store.first_snapshot(zone);
    if (!have) co_return StepEnd::failed(have.error());
    const auto slot = co_await env.dns_slots->take();
    auto* dns = api;
    auto read = [dns, zone = zone, stop = env.stop] { return dns->list_records(zone, stop); };
    const auto snapshot = co_await on_worker(env, std::move(read));
    if (!snapshot) co_return StepEnd::failed(snapshot.error());
    if (!*have) {
      if (auto kept = env.store.put_snapshot(*snapshot); !kept)
        co_return StepEnd::failed(kept.error());
    }
    for (const auto& set : snapshot->rrsets) {
      if (auto seen = env.store.see_ttl(zone, set.name, set.type, set.ttl); !seen)
        co_return StepEnd::failed(seen.error());
    }
    auto* eyes = &env.eyes;
    auto walk = [eyes, zone = zone, stop = env.stop] { return eyes->delegation(zone, stop); };
    const auto delegation = co_await on_worker(env, std::move(walk));
    if (!delegation) co_return StepEnd::failed(delegation.error());
    if (delegation->zone != zone) {
      Error error = fail(ErrorCode::gate, "assess " + zone,
                         "ZN-01: the world finds the name in the zone " + delegation->zone +
                             ", not in " + zone)
                        .error();
      co_return StepEnd::failed(
          std::move(error.with_remedy("name the delegated zone in [[domain]] dns.zone")));
    }
    for (const auto& problem : delegation->problems) {
      Finding finding;
      finding.id = "NS-01";
      finding.subject = zone;
      finding.severity = Severity::warning;
      finding.text = problem;
      finding.remedy = "make parent and zone agree on reachable name servers";
      if (auto put = env.store.put_finding(finding); !put) co_return StepEnd::failed(put.error());
    }
    std::vector<dns::Question> questions;
    for (const auto& domain : env.plan.domains)
      for (const auto& [key, ttl] : domain.ttl_before)
        if (domain.zone == zone) questions.push_back(question_of(key));
    auto ask = [eyes, d = *delegation, questions, stop = env.stop] {
      return eyes->round(d, questions, stop);
    };
    const auto round = co_await on_worker(env, std::move(ask));
    for (const auto& question : questions) {
      if (const auto ttl = dns::largest_ttl(round, question)) {
        if (auto seen = env.store.see_ttl(zone, question.name, question.type, *ttl); !seen)
          co_return StepEnd::failed(seen.error());
      }
    }
  }
  co_return std::nullopt;
}

}  // namespace

bool is_login_problem(const Error& error) {
  return error.code == ErrorCode::auth || error.code == ErrorCode::denied ||
         error.code == ErrorCode::tls;
}

std::vector<ToLook> to_look_at(std::vector<const config::Mailbox*> boxes, MailProvider* provider,
                               std::stop_token stop) {
  std::vector<ToLook> out;
  std::map<std::string, std::set<std::string>> accounts;  // by domain
  for (const auto* box : boxes) {
    bool there = provider == nullptr;
    if (provider != nullptr) {
      const auto domain = box->dest.substr(box->dest.rfind('@') + 1);
      const auto known = accounts.find(domain);
      auto& list = accounts[domain];
      if (known == accounts.end()) {
        // What cannot be listed is not tried.
        const auto listed = provider->list_accounts(domain, stop);
        if (listed)
          for (const auto& account : *listed) list.insert(account.address);
      }
      there = list.contains(box->dest);
    }
    out.push_back({box, there});
  }
  return out;
}

Task<Result<void>> look_at_mail(MailEngine& mail, std::vector<ToLook> boxes, int lanes,
                                Instant since, std::stop_token stop,
                                std::function<Result<void>(const MailLook&)> each) {
  const auto executor = co_await boost::asio::this_coro::executor;
  auto all = std::make_shared<Lanes>(executor, mail);
  all->boxes = std::move(boxes);
  all->since = since;
  all->stop = stop;
  all->each = std::move(each);
  const auto wanted =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(lanes, 1)), all->boxes.size());
  all->running = static_cast<int>(wanted);
  for (std::size_t i = 0; i < wanted; ++i)
    boost::asio::co_spawn(executor, lane(all), boost::asio::detached);
  while (all->running > 0)
    co_await all->ended.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  if (all->problem) co_return fail(*all->problem);
  if (stop.stop_requested() && all->next < all->boxes.size())
    co_return fail(ErrorCode::cancelled, "look at the mailboxes", "stopped");
  co_return Result<void>();
}

std::vector<OldMx> old_mx_hosts(const Plan& plan, DnsEyes& eyes, std::stop_token stop) {
  std::vector<OldMx> out;
  for (const auto& domain : plan.domains) {
    for (const auto& rdata : domain.mx_before) {
      const auto mx = dns::parse_mx(rdata);
      if (!mx || mx->exchange == ".") continue;
      OldMx host{domain.name, mx->exchange};
      const auto addresses = eyes.addresses(mx->exchange, stop);
      if (!addresses)
        host.problem = addresses.error().message();
      else if (addresses->empty())
        host.problem = "it has no address";
      else
        host.addresses = *addresses;
      out.push_back(std::move(host));
    }
  }
  return out;
}

Task<std::vector<Finding>> probe_old_mx(CanaryPost& post, std::vector<OldMx> hosts) {
  std::map<std::string, std::vector<plan::Probe>> by_domain;
  for (const auto& host : hosts) {
    plan::Probe probe{host.host, plan::CatchAll::unknown, host.problem};
    const std::string nobody = random_local() + "@" + host.domain;
    for (const auto& address : host.addresses) {
      const auto reply = co_await post.probe(host.host, address, nobody);
      if (!reply) {
        probe.words = reply.error().message();
        continue;
      }
      probe.verdict = plan::judge_probe(reply->code, reply->words);
      probe.words = std::to_string(reply->code) + " " + reply->words;
      if (probe.verdict != plan::CatchAll::unknown) break;
    }
    by_domain[host.domain].push_back(std::move(probe));
  }
  std::vector<Finding> out;
  for (const auto& [domain, probes] : by_domain)
    for (auto& finding : plan::judge_probes(domain, probes)) out.push_back(std::move(finding));
  co_return out;
}

Task<StepEnd> take_inventory(Env& env, const Step& step) {
  (void)step;
  auto looked_at = env.store.latest(kInventory);
  if (!looked_at) co_return StepEnd::failed(looked_at.error());
  std::size_t done = 0;
  std::size_t parked = 0;
  std::vector<const config::Mailbox*> todo;
  for (const auto& box : env.file.mailboxes) {
    auto row = row_of(env, box.dest);
    if (!row) co_return StepEnd::failed(row.error());
    if (looked_at->contains(box.dest) && row->state != "parked")
      ++done;  // looked at before a restart
    else
      todo.push_back(&box);
  }
  std::function<Result<void>(const MailLook&)> keep = [&](const MailLook& look) {
    return keep_look(env, look, done, parked);
  };
  auto list = [todo, provider = env.provider, stop = env.stop] {
    return to_look_at(todo, provider, stop);
  };
  std::vector<ToLook> targets;
  {
    const auto slot = co_await env.provider_slots->take();
    targets = co_await on_worker(env, std::move(list));
  }
  const auto looked = co_await look_at_mail(env.mail, std::move(targets), env.file.parallel,
                                            env.clock.now() - plan::kAddressWindow, env.stop, keep);
  if (!looked) {
    if (looked.error().code == ErrorCode::cancelled) co_return StepEnd::stopped();
    co_return StepEnd::failed(looked.error());
  }
  const auto unreadable = co_await take_snapshots(env);
  if (unreadable) co_return *unreadable;

  std::vector<Finding> findings;
  auto boxes = inventories(env);
  if (!boxes) co_return StepEnd::failed(boxes.error());
  for (const auto& [address, box] : *boxes)
    for (auto& f : plan::judge_inventory(env.file, box, env.dest_message_bytes))
      findings.push_back(std::move(f));
  auto seen = stored_addresses(env);
  if (!seen) co_return StepEnd::failed(seen.error());
  for (auto& f : plan::judge_addresses(env.file, *seen)) findings.push_back(std::move(f));
  auto find = [eyes = &env.eyes, plan = &env.plan, stop = env.stop] {
    return old_mx_hosts(*plan, *eyes, stop);
  };
  auto hosts = co_await on_worker(env, std::move(find));
  auto probed = co_await probe_old_mx(env.canary, std::move(hosts));
  plan::accept_findings(env.file, probed);
  for (auto& f : probed) findings.push_back(std::move(f));
  if (auto put = replace_findings(
          env, {"MB-08", "QU-01", "QU-02", "SZ-01", "FO-01", "FO-02", "AD-01", "AD-02"}, findings);
      !put)
    co_return StepEnd::failed(put.error());
  if (auto noted = note_estimate(env); !noted) co_return StepEnd::failed(noted.error());
  if (const auto* block = first_block(findings)) co_return held_by(*block, blocks_in(findings));
  co_return StepEnd::done(std::to_string(done) + " mailboxes answer" +
                          (parked > 0 ? ", " + std::to_string(parked) + " parked" : ""));
}

Task<StepEnd> address_gate(Env& env, const Step& step, const GateAction& action) {
  auto stored = env.store.latest(kAddresses);
  if (!stored) co_return StepEnd::failed(stored.error());
  auto rows = env.store.mailboxes();
  if (!rows) co_return StepEnd::failed(rows.error());
  auto known = stored_addresses(env);
  if (!known) co_return StepEnd::failed(known.error());
  SeenAddresses all = *known;
  std::uint64_t fresh = 0;
  for (const auto& box : env.file.mailboxes) {
    if (!config::belongs_to(box, action.domain)) continue;
    const bool waived =
        std::any_of(env.file.accept.begin(), env.file.accept.end(),
                    [&](const config::Accept& accept) { return accept.id == "MB-01:" + box.dest; });
    const auto row = rows->find(box.dest);
    if (waived && row != rows->end() && row->second.state == "parked") continue;
    // One that could not be looked at by assess is looked at in full.
    const auto before = stored->find(box.dest);
    const Instant since =
        before == stored->end() ? env.clock.now() - plan::kAddressWindow : before->second.first;
    const auto slot = co_await env.mail_slots->take();
    const auto seen = co_await env.mail.seen_addresses(box, since);
    if (!seen) {
      if (!is_login_problem(seen.error())) co_return StepEnd::failed(seen.error());
      co_return StepEnd::held(
          "AD-01: whether mail of " + box.dest + " arrives at an address that the plan does not " +
              "serve cannot be seen: " + seen.error().message(),
          "mend it and run the same command again, or accept \"MB-01:" + box.dest +
              "\" with a reason in the plan");
    }
    fresh += seen->messages;
    all.cut = all.cut || seen->cut;
    // What assess counted is not counted twice.
    for (const auto& [address, count] : seen->seen)
      if (!known->seen.contains(address)) {
        auto& sum = all.seen[address];
        sum.messages += count.messages;
        for (const auto& [header, n] : count.by_header) sum.by_header[header] += n;
      }
  }
  const auto findings = plan::judge_addresses(env.file, all);
  if (auto put = replace_findings(env, {"AD-01"}, findings); !put)
    co_return StepEnd::failed(put.error());
  std::vector<Finding> here;
  for (const auto& finding : findings)
    if (finding.subject.ends_with("@" + action.domain) || finding.subject == env.file.id)
      here.push_back(finding);
  const auto* block = first_block(here);
  const Json body = {{"gate", "AD-01"},
                     {"domain", action.domain},
                     {"messages", fresh},
                     {"not_served", blocks_in(here)},
                     {"verdict", block == nullptr ? "pass" : "fail"}};
  if (auto noted = env.store.journal(step.id, "observation", body); !noted)
    co_return StepEnd::failed(noted.error());
  if (block != nullptr) {
    auto end = held_by(*block, blocks_in(here));
    end.remedy += "; or accept \"AD-01:" + block->subject + "\" with a reason in the plan";
    co_return end;
  }
  co_return StepEnd::done("every address that mail arrives at is served; " + std::to_string(fresh) +
                          " messages since assess were looked at");
}

Result<void> note_estimate(Env& env) {
  MXF_TRY(boxes, inventories(env));
  if (boxes.empty()) return {};
  std::vector<plan::Load> loads;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  for (const auto& box : env.file.mailboxes) {
    const auto it = boxes.find(box.dest);
    if (it == boxes.end()) continue;
    loads.push_back({it->second.messages, it->second.bytes});
    messages += it->second.messages;
    bytes += it->second.bytes;
  }
  std::vector<plan::Measured> copies;
  MXF_TRY(rates, env.store.latest(kRate));
  for (const auto& [address, row] : rates) {
    constexpr const char* kWhere = "state: rate";
    MXF_TRY(json, parse_json(row.second, kWhere));
    plan::Measured copy;
    MXF_TRY(n, json_int(json, "messages", kWhere));
    MXF_TRY(size, json_int(json, "bytes", kWhere));
    MXF_TRY(ms, json_int(json, "ms", kWhere));
    copy.messages = static_cast<std::uint64_t>(n);
    copy.bytes = static_cast<std::uint64_t>(size);
    copy.took = Millis(ms);
    copies.push_back(copy);
  }
  plan::Speed speed = env.speed;
  const auto measured = plan::measured_speed(copies);
  if (measured) {
    // What was measured holds for the line too, as far as one account can say.
    speed.account_bytes = measured->account_bytes;
    speed.account_messages = measured->account_messages;
  }
  speed.lanes = env.file.parallel;
  const auto interval = plan::estimate(loads, speed);
  const Json body = {{"least_ms", interval.least.count()},
                     {"most_ms", interval.most.count()},
                     {"basis", measured ? "measured" : "assumed"},
                     {"mailboxes", loads.size()},
                     {"messages", messages},
                     {"bytes", bytes}};
  return env.store.observe(kEstimate, env.file.id, body);
}

Result<void> note_rate(Env& env, const std::string& address, std::uint64_t messages,
                       std::uint64_t bytes, Millis took) {
  if (messages == 0 || took <= Millis(0)) return {};
  const Json body = {{"messages", messages}, {"bytes", bytes}, {"ms", took.count()}};
  return env.store.observe(kRate, address, body);
}

}  // namespace mxferry::pipeline
