// SPDX-License-Identifier: Apache-2.0
#include "pipeline/rollback.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dns/change_set.hpp"
#include "pipeline/dns_steps.hpp"
#include "pipeline/gate_steps.hpp"
#include "pipeline/transport_steps.hpp"
#include "pipeline/visibility.hpp"
#include "plan/cache_mix.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::pipeline {
namespace {

std::vector<const config::Mailbox*> mailboxes_of(const Env& env, const std::string& domain) {
  std::vector<const config::Mailbox*> out;
  for (const auto& box : env.file.mailboxes)
    if (config::belongs_to(box, domain)) out.push_back(&box);
  return out;
}

Task<Result<void>> prove_old_side(Env& env, const DomainPlan& domain, OldSideProbe& probe) {
  const auto refuse = [&](const Error& why) {
    Error error = fail(ErrorCode::gate, "rollback of " + domain.name,
                       "RB-01: the old side is not proven alive: " + why.message())
                      .error();
    return fail(
        std::move(error.with_remedy("bring the old side back first: mail would be lost there")));
  };
  const auto boxes = mailboxes_of(env, domain.name);
  MXF_CO_TRY(rows, env.store.mailboxes());
  for (const auto* box : boxes) {
    const auto row = rows.find(box->dest);
    if (row != rows.end() && row->second.state == "parked") continue;
    const auto alive = co_await env.mail.source_answers(*box);
    if (!alive) co_return refuse(alive.error());
  }
  if (domain.mx_before.empty())
    co_return refuse(
        fail(ErrorCode::gate, "MX", "RB-01: the domain had no MX before the flip").error());
  for (const auto& rdata : domain.mx_before) {
    MXF_CO_TRY(mx, dns::parse_mx(rdata));
    auto* eyes = &env.eyes;
    auto work = [eyes, host = mx.exchange, stop = env.stop] { return eyes->addresses(host, stop); };
    const auto addresses = co_await on_worker(env, std::move(work));
    if (!addresses) co_return refuse(addresses.error());
    if (addresses->empty())
      co_return refuse(
          fail(ErrorCode::not_found, mx.exchange, "the old MX host has no address").error());
    for (const auto& address : *addresses) {
      for (const auto* box : boxes) {
        const auto taken = co_await probe.takes_mail(mx.exchange, address, box->source);
        if (!taken) co_return refuse(taken.error());
      }
    }
  }
  co_return Result<void>();
}

Task<Result<std::vector<NewMail>>> stranded_of(Env& env, const std::string& domain) {
  std::vector<NewMail> out;
  MXF_CO_TRY(rows, env.store.mailboxes());
  for (const auto* box : mailboxes_of(env, domain)) {
    const auto row = rows.find(box->dest);
    if (row != rows.end() && row->second.state == "parked") continue;
    MXF_CO_TRY(arrived, co_await env.mail.arrived_since_flip(*box));
    out.insert(out.end(), arrived.begin(), arrived.end());
  }
  co_return out;
}

// One rollback at work; its members are coroutines so that nothing is captured by a temporary.
class Rollback {
 public:
  Rollback(Env& env, const DomainPlan& domain, DnsApi& dns)
      : env_(env), domain_(domain), dns_(dns), id_("rollback:" + domain.name) {}

  Task<Result<RollbackResult>> run(OldSideProbe& probe, RollbackOptions options) {
    RollbackResult result;
    MXF_CO_TRY(writes, env_.store.dns_writes(domain_.zone));
    const std::string flip = "flip:" + domain_.name;
    result.flipped =
        std::any_of(writes.begin(), writes.end(),
                    [&](const RunStore::DnsWrite& write) { return write.step == flip; });
    if (!result.flipped) co_return result;
    MXF_CO_CHECK(co_await prove_old_side(env_, domain_, probe));
    MXF_CO_TRY(arrived, co_await stranded_of(env_, domain_.name));
    if (!arrived.empty() && !options.strand_new_mail) co_return fail(would_strand(arrived.size()));
    MXF_CO_CHECK(note("intent", "stranded_so_far", arrived.size()));

    MXF_CO_CHECK(co_await put_policy_back(result));
    // After finalize the old side is no longer in SPF: it goes back in first, and must be seen,
    // before mail goes there.
    const auto spf = spf_edits();
    if (!spf.empty()) {
      auto read = [this] { return dns_.list_records(domain_.zone, env_.stop); };
      MXF_CO_TRY(now, co_await on_worker(env_, std::move(read)));
      if (dns::probe_edits(now, spf) == dns::Probe::not_done) {
        env_.watcher.note("SPF that authorises both sides is put back first");
        const std::string spf_step = id_ + ":spf";
        MXF_CO_TRY(written, co_await write(spf, spf_step));
        result.changes += written;
        MXF_CO_CHECK(co_await watch(spf_step));
      }
    }
    MXF_CO_TRY(written, co_await write(domain_.unflip, id_));
    result.changes += written;
    env_.watcher.note("MX and client records are back; watching until no cache holds the new MX");
    MXF_CO_CHECK(co_await watch(id_));
    // Senders with the new MX in their cache delivered there until a moment ago: the list is made
    // now.
    MXF_CO_TRY(stranded, co_await stranded_of(env_, domain_.name));
    result.stranded = std::move(stranded);
    MXF_CO_CHECK(note("result", "stranded", result.stranded.size()));
    MXF_CO_CHECK(env_.store.set_step(flip, StepStatus::undone, "rolled back"));
    co_return result;
  }

 private:
  // RFC 8461 §8.1: as before the flip: the file that lists both, its id, and the hold.
  Task<Result<void>> put_policy_back(RollbackResult& result) {
    if (domain_.sts_overlap.empty()) co_return Result<void>();
    auto read = [read = env_.read_policy, name = domain_.name, stop = env_.stop]() {
      return read ? read(name, stop)
                  : Result<std::string>(fail(ErrorCode::internal, "MTA-STS policy", "not read"));
    };
    const auto served = co_await on_worker(env_, std::move(read));
    const auto policy =
        served ? dns::parse_sts_policy(*served) : Result<dns::StsPolicy>(fail(served.error()));
    bool lists = policy.has_value();
    for (const auto& rdata : domain_.mx_before)
      if (const auto mx = dns::parse_mx(rdata); mx && lists && policy->mode != dns::StsMode::none)
        lists = dns::sts_lists(*policy, mx->exchange);
    if (!lists) {
      show_policy(env_, domain_.name, domain_.sts_overlap);
      Error error =
          fail(ErrorCode::gate, "rollback of " + domain_.name,
               "ST-04: the MTA-STS policy does not list the old hosts, or cannot be read: "
               "senders would refuse them")
              .error();
      co_return fail(std::move(
          error.with_remedy("serve the file that is shown above, and run the same command again")));
    }
    MXF_CO_TRY(writes, env_.store.dns_writes(domain_.zone));
    const std::string last = "sts-id-new:" + domain_.name;
    const auto* step = env_.plan.find(last);
    const bool written =
        std::any_of(writes.begin(), writes.end(),
                    [&](const RunStore::DnsWrite& write) { return write.step == last; });
    if (step == nullptr || !written) co_return Result<void>();
    std::vector<DnsEdit> edits = std::get<DnsChangeAction>(step->action).edits;
    for (auto& edit : edits) std::swap(edit.before, edit.after);
    const std::string id_step = id_ + ":sts-id";
    MXF_CO_TRY(changed, co_await write(edits, id_step));
    result.changes += changed;
    MXF_CO_CHECK(co_await watch(id_step));
    env_.watcher.note("senders look for the MTA-STS id about once a day: waiting mta_sts.hold");
    Step hold;
    hold.id = id_ + ":sts-hold";
    hold.subject = domain_.name;
    WaitAction wait;
    wait.what = plan::kWaitStsHold;
    wait.duration = env_.file.mta_sts_hold;
    const auto end = co_await plan_wait(env_, hold, wait);
    if (end.kind == StepEnd::Kind::done) co_return Result<void>();
    if (end.error) co_return fail(*end.error);
    co_return fail(ErrorCode::cancelled, hold.id, end.why);
  }

  Error would_strand(std::size_t count) const {
    Error error = fail(ErrorCode::gate, "rollback of " + domain_.name,
                       "RB-02: " + std::to_string(count) +
                           " messages arrived on the new side since the flip; this version does "
                           "not carry them back")
                      .error();
    return error.with_remedy(
        "run it again with --strand-new-mail: they stay on the new side and are listed");
  }

  Result<void> note(const char* phase, const char* key, std::size_t count) {
    Json body = Json::object();
    body["domain"] = domain_.name;
    body[key] = count;
    return env_.store.journal(id_, phase, body);
  }

  std::vector<DnsEdit> spf_edits() const {
    std::vector<DnsEdit> edits;
    if (domain_.spf_overlap == domain_.spf_after || domain_.spf_after.empty()) return edits;
    DnsEdit back;
    back.kind = DnsEdit::Kind::string;
    back.name = domain_.name + ".";
    back.type = "TXT";
    back.before.push_back(dns::txt_rdata(domain_.spf_after));
    if (!domain_.spf_overlap.empty()) back.after.push_back(dns::txt_rdata(domain_.spf_overlap));
    edits.push_back(std::move(back));
    return edits;
  }

  Task<Result<std::size_t>> write(std::vector<DnsEdit> edits, std::string step) {
    auto id = std::make_shared<std::int64_t>(0);
    dns::ChangeHooks hooks;
    hooks.intent = [this, id, step](const std::vector<ZoneChange>& changes) -> Result<void> {
      return on_main(env_.main, [&]() -> Result<void> {
        MXF_TRY(made, env_.store.dns_intent(domain_.zone, step, changes));
        *id = made;
        return {};
      });
    };
    hooks.result = [this, id](const std::vector<ZoneChange>&, const std::vector<std::string>& ids) {
      return on_main(env_.main, [&] { return env_.store.dns_result(*id, ids); });
    };
    const auto begun = begun_changes(env_.store, domain_.zone, step);
    if (!begun) co_return fail(begun.error());
    auto work = [this, edits, hooks, begun = *begun] {
      return dns::apply_edits(dns_, domain_.zone, edits, hooks, env_.stop, begun);
    };
    const auto changes = co_await on_worker(env_, std::move(work));
    if (!changes) co_return fail(changes.error());
    co_return changes->size();
  }

  // Until every server serves what `written` wrote and no older answer can be cached.
  Task<Result<void>> watch(std::string written) {
    Step step;
    step.id = written + ":visible";
    step.stage = Stage::overlap;
    step.subject = domain_.name;
    step.title = "watch the way back";
    VisibleAction visible;
    visible.zone = domain_.zone;
    visible.steps.push_back(written);
    MXF_CO_CHECK(env_.waits.reset(step.id));
    const auto end = co_await wait_visible(env_, step, visible);
    if (end.kind == StepEnd::Kind::done) co_return Result<void>();
    if (end.error) co_return fail(*end.error);
    co_return fail(ErrorCode::cancelled, step.id, end.why);
  }

  Env& env_;
  const DomainPlan& domain_;
  DnsApi& dns_;
  std::string id_;
};

}  // namespace

Task<Result<RollbackResult>> roll_back(Env& env, const std::string& name, OldSideProbe& probe,
                                       RollbackOptions options) {
  const auto* domain = env.domain(name);
  if (domain == nullptr)
    co_return fail(ErrorCode::usage, "rollback", "the plan has no domain " + name);
  const auto api = env.dns.find(domain->zone);
  if (api == env.dns.end())
    co_return fail(ErrorCode::internal, "rollback", "no DNS API for " + domain->zone);
  const auto work = std::make_unique<Rollback>(env, *domain, *api->second);
  co_return co_await work->run(probe, options);
}

}  // namespace mxferry::pipeline
