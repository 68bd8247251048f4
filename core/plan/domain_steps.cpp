// SPDX-License-Identifier: Apache-2.0
#include "plan/domain_steps.hpp"

#include <set>
#include <utility>

#include "plan/cache_mix.hpp"
#include "plan/edits.hpp"
#include "plan/notice_steps.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plan {
namespace {

class DomainSteps {
 public:
  DomainSteps(Plan& plan, const config::PlanFile& file, const config::Domain& domain,
              const DomainChange& change, std::vector<Finding>& findings)
      : plan_(plan),
        file_(file),
        domain_(domain),
        change_(change),
        dp_(change.plan),
        d_(domain.name),
        findings_(findings) {
    for (const auto& box : file_.mailboxes)
      if (config::belongs_to(box, d_)) boxes_.push_back(box.dest);
  }

  void run() {
    add_overlap();
    add_approval();
    const auto verified = add_last_copies();
    add_gates(verified);
    add_flip();
    add_end();
  }

 private:
  void add(Step step) { plan_.steps.push_back(std::move(step)); }

  // Up to the moment at which all that comes before the flip can be seen everywhere.
  void add_overlap() {
    std::vector<std::string> written;
    std::vector<std::string> before_visible = {"assess"};
    if (!change_.names.empty()) {
      add({"names:" + d_,
           Stage::names,
           d_,
           {"assess"},
           Effect::dns,
           OnFail::hold,
           "add the new names: DKIM selectors, verification, TLS reports",
           DnsChangeAction{dp_.zone, change_.names}});
      add({"names-visible:" + d_,
           Stage::names,
           d_,
           {"names:" + d_},
           Effect::read,
           OnFail::hold,
           "every authoritative server serves the new names, and no denial of them can be cached",
           VisibleAction{dp_.zone, {"names:" + d_}}});
      before_visible.push_back("names-visible:" + d_);
    }
    if (!change_.lower.empty())
      add({"lower-ttl:" + d_,
           Stage::ttl,
           d_,
           {"assess"},
           Effect::dns,
           OnFail::hold,
           "lower the TTLs of all that will change to " + std::to_string(change_.lowered) + " s",
           DnsChangeAction{dp_.zone, change_.lower}});
    std::vector<std::string> waited = change_.flip_sets;
    if (dp_.ttl_before.contains(set_key(change_.apex, "TXT")))
      waited.push_back(set_key(change_.apex, "TXT"));
    add({"ttl-wait:" + d_,
         Stage::ttl,
         d_,
         {change_.lower.empty() ? "assess" : "lower-ttl:" + d_},
         Effect::read,
         OnFail::hold,
         "wait until no cache holds the old TTL",
         TtlWaitAction{dp_.zone, waited}});
    if (dp_.spf_overlap != dp_.spf_before) {
      const std::vector<std::string> old_spf = {dns::txt_rdata(dp_.spf_before)};
      std::vector<std::string> after = {"ttl-wait:" + d_};
      if (!change_.names.empty()) after.push_back("names:" + d_);
      add({"overlap:" + d_, Stage::overlap, d_, after, Effect::dns, OnFail::hold,
           "SPF that authorises the old and the new provider",
           DnsChangeAction{
               dp_.zone, {string_edit(change_.apex, old_spf, {dns::txt_rdata(dp_.spf_overlap)})}}});
      written.push_back("overlap:" + d_);
      before_visible.push_back("overlap:" + d_);
    }
    if (change_.sts) add_sts_overlap(written, before_visible);
    before_visible.push_back("ttl-wait:" + d_);
    add({"visible:" + d_, Stage::overlap, d_, before_visible, Effect::read, OnFail::hold,
         "every authoritative server serves what was written, and old answers have expired",
         VisibleAction{dp_.zone, written}});
  }

  // RFC 8461 §8.1: the file first, then its id; a sender that sees the id fetches what is served.
  void add_sts_overlap(std::vector<std::string>& written,
                       std::vector<std::string>& before_visible) {
    const auto& sts = *change_.sts;
    add({"sts-policy:" + d_,
         Stage::overlap,
         d_,
         {"assess"},
         Effect::manual,
         OnFail::hold,
         "a person serves the MTA-STS policy that lists the old and the new hosts",
         ManualAction{"mta-sts-policy", d_, sts.overlap}});
    add({"sts-id:" + d_,
         Stage::overlap,
         d_,
         {"sts-policy:" + d_, "ttl-wait:" + d_},
         Effect::dns,
         OnFail::hold,
         "a new id for that policy",
         DnsChangeAction{dp_.zone,
                         {string_edit("_mta-sts." + change_.apex, {sts.record_before},
                                      {sts.record_overlap})}}});
    written.push_back("sts-id:" + d_);
    before_visible.push_back("sts-id:" + d_);
  }

  void add_approval() {
    std::vector<std::string> ready = {"visible:" + d_};
    if (change_.sts) {
      add({"sts-hold:" + d_,
           Stage::overlap,
           d_,
           {"visible:" + d_},
           Effect::read,
           OnFail::hold,
           "senders look for a new MTA-STS id about once a day",
           WaitAction{kWaitStsHold, file_.mta_sts_hold, "visible:" + d_}});
      ready.push_back("sts-hold:" + d_);
    }
    for (const auto& box : boxes_) ready.push_back("deltas:" + box);
    add_notices_before(plan_, file_, d_, boxes_, ready);
    add({"approve:" + d_, Stage::approve, d_, ready, Effect::manual, OnFail::hold,
         "approval of the flip", ApproveAction{"flip", file_.approve_flip}});
  }

  // What must be done before the gates: their ids.
  std::vector<std::string> add_last_copies() {
    std::vector<std::string> verified = {"approve:" + d_};
    for (const auto& box : boxes_) {
      add({"last:" + box,
           Stage::final_sync,
           box,
           {"approve:" + d_},
           Effect::mail,
           OnFail::park,
           "last delta before the flip",
           CopyAction{CopyKind::last, box}});
      add({"verify:" + box,
           Stage::final_sync,
           box,
           {"last:" + box},
           Effect::read,
           OnFail::park,
           "compare both sides message by message",
           VerifyAction{box}});
      verified.push_back("verify:" + box);
    }
    const std::string canary =
        domain_.canary.empty() ? (boxes_.empty() ? "" : boxes_.front()) : domain_.canary;
    plan_.policy["canary:" + d_] = canary;
    if (canary.empty())
      findings_.push_back(
          {"CN-01", d_, Severity::block,
           "no mailbox of the domain is in the plan, so no canary can prove the new MX",
           "add a mailbox of " + d_ + " to mailboxes.csv", ""});
    add({"canary-direct:" + d_, Stage::final_sync, d_, verified, Effect::mail, OnFail::hold,
         "a canary sent straight to each new MX, found by IMAP", CanaryAction{d_, "direct"}});
    return verified;
  }

  void add_gates(const std::vector<std::string>& verified) {
    // The canary may be done since an earlier run, and a mailbox that was parked then under way.
    std::vector<std::string> judged = verified;
    judged.push_back("canary-direct:" + d_);
    add({"gate:" + d_, Stage::flip, d_, judged, Effect::read, OnFail::hold,
         "every mailbox copied, fresh and verified (MB-01)", GateAction{"MB-01", d_}});
    add({"addresses:" + d_,
         Stage::flip,
         d_,
         {"gate:" + d_},
         Effect::read,
         OnFail::hold,
         "no mail arrives at an address that the plan does not serve (AD-01)",
         GateAction{"AD-01", d_}});
    add({"gate-tls:" + d_,
         Stage::flip,
         d_,
         {"canary-direct:" + d_},
         Effect::read,
         OnFail::hold,
         "the new hosts give what senders demand: STARTTLS, certificates, MTA-STS, TLSA",
         GateAction{kTransport, d_}});
  }

  void add_flip() {
    add({"flip:" + d_,
         Stage::flip,
         d_,
         {"gate:" + d_, "addresses:" + d_, "gate-tls:" + d_, "visible:" + d_, "ttl-wait:" + d_},
         Effect::dns,
         OnFail::hold,
         "MX and client records to the new provider",
         DnsChangeAction{dp_.zone, dp_.flip}});
    add({"converge:" + d_,
         Stage::converge,
         d_,
         {"flip:" + d_},
         Effect::read,
         OnFail::hold,
         "every authoritative server and every resolver agree",
         ConvergeAction{d_, dp_.zone, change_.flip_sets}});
    add({"canary-public:" + d_,
         Stage::converge,
         d_,
         {"converge:" + d_},
         Effect::mail,
         OnFail::hold,
         "a canary by the public route, found by IMAP",
         CanaryAction{d_, "public"}});
    add({"monitor:" + d_,
         Stage::monitor,
         d_,
         {"canary-public:" + d_},
         Effect::mail,
         OnFail::retry,
         "watch, and fetch stragglers from the old server",
         MonitorAction{d_, file_.monitor_for, file_.stragglers_every, boxes_}});
    add_notices_after(plan_, file_, d_);
  }

  // The old side goes out of SPF and of the MTA-STS policy, TTLs come back.
  void add_end() {
    std::vector<std::string> closing = {"monitor:" + d_};
    if (dp_.spf_overlap != dp_.spf_after && !dp_.spf_after.empty()) {
      std::vector<std::string> overlap;
      if (!dp_.spf_overlap.empty()) overlap.push_back(dns::txt_rdata(dp_.spf_overlap));
      add({"spf-wait:" + d_,
           Stage::monitor,
           d_,
           {"flip:" + d_},
           Effect::read,
           OnFail::hold,
           "the old server's queue life, counted from the flip",
           WaitAction{kWaitSpfOverlap, file_.spf_overlap, "flip:" + d_}});
      add({"finalize:" + d_,
           Stage::finalize,
           d_,
           {"monitor:" + d_, "spf-wait:" + d_},
           Effect::dns,
           OnFail::hold,
           "take the old provider out of SPF",
           DnsChangeAction{dp_.zone,
                           {string_edit(change_.apex, overlap, {dns::txt_rdata(dp_.spf_after)},
                                        change_.apex_has_txt ? std::nullopt
                                                             : std::optional(change_.lowered))}}});
      closing.push_back("finalize:" + d_);
    }
    if (change_.sts) {
      add({"sts-policy-new:" + d_,
           Stage::finalize,
           d_,
           {"monitor:" + d_},
           Effect::manual,
           OnFail::hold,
           "a person serves the MTA-STS policy that lists the new hosts alone",
           ManualAction{"mta-sts-policy", d_, change_.sts->after}});
      add({"sts-id-new:" + d_,
           Stage::finalize,
           d_,
           {"sts-policy-new:" + d_},
           Effect::dns,
           OnFail::hold,
           "a new id for that policy",
           DnsChangeAction{dp_.zone,
                           {string_edit("_mta-sts." + change_.apex, {change_.sts->record_overlap},
                                        {change_.sts->record_after})}}});
      closing.push_back("sts-id-new:" + d_);
    }
    add({"retain-wait:" + d_,
         Stage::finalize,
         d_,
         {"flip:" + d_},
         Effect::read,
         OnFail::hold,
         "the rollback window, counted from the flip",
         WaitAction{"retain", file_.retain_for, "flip:" + d_}});
    closing.push_back("retain-wait:" + d_);
    add_restored_ttls(closing);
  }

  void add_restored_ttls(const std::vector<std::string>& closing) {
    std::vector<DnsEdit> restore;
    std::set<std::string> gone;
    for (const auto& edit : dp_.flip)
      if (edit.after.empty()) gone.insert(set_key(edit.name, edit.type));
    for (const auto& [key, ttl] : dp_.ttl_before) {
      if (ttl <= change_.lowered || gone.contains(key)) continue;
      DnsEdit edit;
      edit.kind = DnsEdit::Kind::ttl;
      edit.name = key.substr(0, key.rfind('/'));
      edit.type = key.substr(key.rfind('/') + 1);
      edit.ttl = ttl;
      restore.push_back(edit);
    }
    if (!restore.empty())
      add({"restore-ttl:" + d_, Stage::finalize, d_, closing, Effect::dns, OnFail::hold,
           "put the TTLs back", DnsChangeAction{dp_.zone, restore}});
  }

  Plan& plan_;
  const config::PlanFile& file_;
  const config::Domain& domain_;
  const DomainChange& change_;
  const DomainPlan& dp_;
  const std::string& d_;  // the domain's name
  std::vector<Finding>& findings_;
  std::vector<std::string> boxes_;  // of the domain
};

}  // namespace

void add_domain_steps(Plan& plan, const config::PlanFile& file, const config::Domain& domain,
                      const DomainChange& change, std::vector<Finding>& findings) {
  DomainSteps(plan, file, domain, change, findings).run();
}

}  // namespace mxferry::plan
