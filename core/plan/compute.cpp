// SPDX-License-Identifier: Apache-2.0
// The order (docs/architecture/overview.md): assess · new names · provision, pilot · bulk and
// deltas beside TTLs lowered and waited out · SPF overlap · visible · approve, last delta, verify,
// direct canary · flip · converge, public canary · monitor and stragglers · finalize · TTLs
// restored · report.
#include "plan/compute.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "model/finding_catalog.hpp"
#include "model/not_moved.hpp"
#include "plan/accept.hpp"
#include "plan/cache_mix.hpp"
#include "plan/notice_steps.hpp"
#include "plan/other_mx.hpp"
#include "plan/plan_json.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::plan {
namespace {

std::vector<std::string> rdata_of(const ZoneRRset* set) {
  std::vector<std::string> out;
  if (set != nullptr)
    for (const auto& record : set->records) out.push_back(record.rdata);
  return out;
}

std::string set_key(const std::string& name, const std::string& type) { return name + "/" + type; }

class Planner {
 public:
  Planner(const config::PlanFile& file, const Facts& facts) : file_(file), facts_(facts) {}

  Result<Computed> run() {
    Plan& plan = out_.plan;
    plan.id = file_.id;
    plan.inputs["config"] = file_.sha256;
    set_policy();
    plan.not_moved = not_moved(facts_.not_moved);
    if (!file_.copy.messages.empty())
      plan.not_moved.push_back("mail that [copy] of the plan leaves out; copied is: " +
                               file_.copy.messages.text());
    for (const auto& glob : file_.copy.folders.only)
      plan.not_moved.push_back("folders other than [copy] folders = \"" + glob + "\"");
    for (const auto& glob : file_.copy.folders.except)
      plan.not_moved.push_back("folders as [copy] exclude_folders = \"" + glob + "\"");
    add({"assess",
         Stage::assess,
         file_.id,
         {},
         Effect::read,
         OnFail::retry,
         "log in to every mailbox, count it, snapshot the zones",
         InventoryAction{}});
    add_mailboxes();
    for (const auto& domain : file_.domains) MXF_CHECK(add_domain(domain));
    MXF_CHECK(check_mixes());
    std::vector<std::string> all;
    for (const auto& step : plan.steps) all.push_back(step.id);
    add({"report", Stage::report, file_.id, all, Effect::read, OnFail::retry, "write the report",
         ReportAction{}});
    accept_findings(file_, out_.findings);
    plan.hash = hash_of(plan);
    return std::move(out_);
  }

 private:
  void add(Step step) { out_.plan.steps.push_back(std::move(step)); }
  void finding(std::string id, std::string subject, Severity severity, std::string text,
               std::string remedy) {
    out_.findings.push_back(
        {std::move(id), std::move(subject), severity, std::move(text), std::move(remedy), ""});
  }

  void set_policy() {
    auto& policy = out_.plan.policy;
    const auto ms = [](Millis d) { return std::to_string(d.count()) + "ms"; };
    policy["ttl.lowered"] = std::to_string(file_.ttl_lowered);
    policy["delta.every"] = ms(file_.delta_every);
    policy["delta.for"] = ms(file_.delta_for);
    policy["delta.max_age"] = ms(file_.delta_max_age);
    policy["monitor.for"] = ms(file_.monitor_for);
    policy["stragglers.every"] = ms(file_.stragglers_every);
    policy["spf.overlap"] = ms(file_.spf_overlap);
    policy["retain.for"] = ms(file_.retain_for);
    policy["approve.flip"] = file_.approve_flip == 0 ? "auto" : std::to_string(file_.approve_flip);
    policy["window.flip"] = file_.window;
  }

  void add_mailboxes() {
    std::vector<std::string> pilots;
    const auto is_pilot = [&](const config::Mailbox& box) {
      return std::find(file_.pilot.begin(), file_.pilot.end(), box.dest) != file_.pilot.end() ||
             std::find(file_.pilot.begin(), file_.pilot.end(), box.source) != file_.pilot.end();
    };
    for (const auto& box : file_.mailboxes) {
      std::vector<std::string> after = {"assess"};
      if (facts_.dest_has_accounts) {
        add({"provision:" + box.dest,
             Stage::provision,
             box.dest,
             {"assess"},
             Effect::account,
             OnFail::park,
             "account, aliases and quota at the destination",
             ProvisionAction{box.dest}});
        after = {"provision:" + box.dest};
      }
      if (!is_pilot(box)) continue;
      add({"pilot:" + box.dest, Stage::pilot, box.dest, after, Effect::mail, OnFail::park,
           "copy a pilot mailbox, routing unchanged", CopyAction{CopyKind::bulk, box.dest}});
      add({"pilot-verify:" + box.dest,
           Stage::pilot,
           box.dest,
           {"pilot:" + box.dest},
           Effect::read,
           OnFail::park,
           "compare the pilot mailbox message by message",
           VerifyAction{box.dest}});
      pilots.push_back("pilot-verify:" + box.dest);
    }
    for (const auto& box : file_.mailboxes) {
      std::vector<std::string> after = pilots;
      after.push_back(facts_.dest_has_accounts ? "provision:" + box.dest : "assess");
      add({"bulk:" + box.dest, Stage::bulk, box.dest, after, Effect::mail, OnFail::park,
           "copy everything", CopyAction{CopyKind::bulk, box.dest}});
      add({"deltas:" + box.dest,
           Stage::bulk,
           box.dest,
           {"bulk:" + box.dest},
           Effect::mail,
           OnFail::park,
           "copy what is new, again and again",
           CopyAction{CopyKind::deltas, box.dest}});
    }
  }

  struct Zone {
    const ZoneFacts* facts = nullptr;
    std::uint32_t lowered = 0;
  };

  // The edit that brings a whole set to `after`, or nothing when it stands so already.
  std::optional<DnsEdit> set_edit(const Zone& zone, const std::string& name,
                                  const std::string& type,
                                  const std::vector<std::string>& after) const {
    const auto* have = zone.facts->snapshot.find(name, type);
    const auto before = rdata_of(have);
    if (dns::same_set(type, before, after) && have != nullptr) return std::nullopt;
    DnsEdit edit;
    edit.kind = DnsEdit::Kind::set;
    edit.name = name;
    edit.type = type;
    edit.before = before;
    edit.after = after;
    if (have == nullptr) edit.ttl = zone.lowered;
    return edit;
  }

  // RFC 4592: an existing wildcard answers for a name until the name exists; then all its types are
  // hidden there.
  void check_wildcard(const Zone& zone, const std::string& domain, const std::string& name) {
    for (const auto& set : zone.facts->snapshot.rrsets)
      if (set.name == name) return;
    for (std::string parent = dns::parent_of(name);
         dns::is_within(parent, zone.facts->snapshot.zone); parent = dns::parent_of(parent)) {
      for (const auto& set : zone.facts->snapshot.rrsets) {
        if (set.name == "*." + parent)
          finding("WC-01", domain, Severity::block,
                  "the new name " + name + " would hide the wildcard *." + parent + " (" +
                      set.type + ") for that name",
                  "plan the hidden types at " + name + " too, or remove the wildcard first");
      }
      if (parent == ".") break;
    }
  }

  Result<std::string> absolute(const std::string& name, const std::string& domain) {
    if (name == "@") return dns::canonical_name(domain);
    if (name.ends_with('.')) return dns::canonical_name(name);
    return dns::canonical_name(name + "." + domain);
  }

  Result<void> add_domain(const config::Domain& domain) {
    const auto found = facts_.zones.find(domain.dns.zone);
    if (found == facts_.zones.end())
      return fail(ErrorCode::config, "plan " + domain.name,
                  "the zone " + domain.dns.zone + " was not read");
    Zone zone{&found->second, effective_ttl(file_.ttl_lowered, found->second.min_ttl)};
    MXF_TRY(apex, dns::canonical_name(domain.name));
    out_.plan.inputs["zone:" + domain.dns.zone] = zone_hash(zone.facts->snapshot);
    if (zone.lowered > file_.ttl_lowered)
      finding("TTL-01", domain.name, Severity::info,
              "the DNS API gives no TTL below " + std::to_string(zone.lowered) +
                  " s; the plan counts with that",
              "");

    DomainPlan dp;
    dp.name = domain.name;
    dp.zone = domain.dns.zone;

    // New names and added strings.
    std::vector<DnsEdit> names;
    for (const auto& key : domain.dkim) {
      MXF_TRY(name, dns::canonical_name(key.selector + "._domainkey." + domain.name));
      MXF_TRY(data, dkim_rdata(key));
      check_wildcard(zone, domain.name, name);
      const auto* have = zone.facts->snapshot.find(name, key.type);
      if (have != nullptr && !dns::same_set(key.type, rdata_of(have), {data}))
        finding("DK-06", domain.name, Severity::block,
                "the selector " + name + " is already used with another key",
                "ask the new provider for a selector of its own");
      if (auto edit = set_edit(zone, name, key.type, {data})) names.push_back(std::move(*edit));
    }
    if (!domain.tls_rpt.empty()) {
      MXF_TRY(name, dns::canonical_name("_smtp._tls." + domain.name));
      check_wildcard(zone, domain.name, name);
      if (auto edit = set_edit(zone, name, "TXT", {dns::txt_rdata(domain.tls_rpt)}))
        names.push_back(std::move(*edit));
    }
    const auto* apex_txt = zone.facts->snapshot.find(apex, "TXT");
    const auto apex_strings = rdata_of(apex_txt);
    {
      std::vector<std::string> missing;
      for (const auto& text : domain.verification) {
        const bool there =
            std::any_of(apex_strings.begin(), apex_strings.end(), [&](const std::string& have) {
              return dns::same_set("TXT", {have}, {dns::txt_rdata(text)});
            });
        if (!there) missing.push_back(dns::txt_rdata(text));
      }
      if (!missing.empty())
        names.push_back(string_edit(zone, apex, {}, missing, apex_txt == nullptr));
    }

    // MX.
    const auto* mx_have = zone.facts->snapshot.find(apex, "MX");
    dp.mx_before = rdata_of(mx_have);
    dp.mx_after = domain.mx;
    check_mx(domain, dp, zone, apex);
    std::vector<DnsEdit> flip;
    if (auto edit = set_edit(zone, apex, "MX", domain.mx)) flip.push_back(std::move(*edit));

    // Client settings: changed with MX.
    for (const auto& record : domain.client) {
      MXF_TRY(name, absolute(record.name, domain.name));
      if (!dns::is_within(name, domain.dns.zone))
        return fail(ErrorCode::config, "plan " + domain.name,
                    "the client record " + name + " lies outside the zone " + domain.dns.zone);
      std::vector<std::string> data;
      for (const auto& text : record.data) {
        MXF_TRY(canonical,
                dns::canonical_rdata(record.type, record.type == "TXT" && !text.starts_with('"')
                                                      ? dns::txt_rdata(text)
                                                      : text));
        data.push_back(canonical);
      }
      check_wildcard(zone, domain.name, name);
      // A CNAME stands alone (RFC 1034 §3.6.2): what stands there with another type goes in the
      // same change.
      for (const auto& set : zone.facts->snapshot.rrsets) {
        if (set.name != name || set.type == record.type) continue;
        if (record.type == "CNAME" || set.type == "CNAME") {
          DnsEdit gone;
          gone.name = name;
          gone.type = set.type;
          gone.before = rdata_of(&set);
          flip.push_back(gone);
        }
      }
      if (auto edit = set_edit(zone, name, record.type, data)) flip.push_back(std::move(*edit));
    }

    // SPF: old and new together during the overlap.
    MXF_CHECK(plan_spf(domain, zone, apex_strings, dp));

    // TTLs of every set that the overlap and the flip write.
    std::vector<DnsEdit> lower;
    std::vector<std::string> flip_sets;
    std::set<std::string> seen;
    const auto lower_set = [&](const std::string& name, const std::string& type) {
      const auto key = set_key(name, type);
      if (!seen.insert(key).second) return;
      const auto* have = zone.facts->snapshot.find(name, type);
      if (have == nullptr) return;
      dp.ttl_before[key] = have->ttl;
      if (have->ttl <= zone.lowered) return;
      DnsEdit edit;
      edit.kind = DnsEdit::Kind::ttl;
      edit.name = name;
      edit.type = type;
      edit.ttl = zone.lowered;
      lower.push_back(edit);
    };
    for (const auto& edit : flip) {
      lower_set(edit.name, edit.type);
      flip_sets.push_back(set_key(edit.name, edit.type));
    }
    if (dp.spf_overlap != dp.spf_before || !dp.spf_after.empty()) lower_set(apex, "TXT");
    if (const auto old = zone.facts->old_side.find(domain.name);
        old != zone.facts->old_side.end()) {
      auto named = find_old_hosts(zone.facts->snapshot, dp, old->second, flip_sets);
      std::move(named.begin(), named.end(), std::back_inserter(out_.findings));
    }
    auto other_mx = find_other_mx(file_, zone.facts->snapshot, dp);
    std::move(other_mx.begin(), other_mx.end(), std::back_inserter(out_.findings));
    std::optional<StsPlan> sts;
    if (const auto read = zone.facts->sts.find(domain.name); read != zone.facts->sts.end())
      sts = plan_sts(read->second, dp, out_.findings);
    if (sts) {
      dp.sts_before = sts->before;
      dp.sts_overlap = sts->overlap;
      dp.sts_after = sts->after;
      lower_set("_mta-sts." + apex, "TXT");
    }

    dp.flip = flip;
    for (const auto& edit : flip) {
      DnsEdit back = edit;
      std::swap(back.before, back.after);
      back.ttl = zone.lowered;
      dp.unflip.push_back(std::move(back));
    }
    add_domain_steps(domain, zone, apex, dp, names, lower, flip, flip_sets, sts);
    out_.plan.domains.push_back(std::move(dp));
    return {};
  }

  Result<std::string> dkim_rdata(const config::DkimKey& key) {
    if (key.type == "CNAME")
      return dns::canonical_rdata("CNAME", key.data.ends_with('.') ? key.data : key.data + ".");
    return dns::txt_rdata(key.data);
  }

  DnsEdit string_edit(const Zone& zone, const std::string& name, std::vector<std::string> before,
                      std::vector<std::string> after, bool fresh) const {
    DnsEdit edit;
    edit.kind = DnsEdit::Kind::string;
    edit.name = name;
    edit.type = "TXT";
    edit.before = std::move(before);
    edit.after = std::move(after);
    if (fresh) edit.ttl = zone.lowered;
    return edit;
  }

  void check_mx(const config::Domain& domain, const DomainPlan& dp, const Zone& zone,
                const std::string& apex) {
    bool null_mx = false;
    for (const auto& rdata : domain.mx) {
      const auto mx = dns::parse_mx(rdata);
      if (!mx) {
        finding("MX-01", domain.name, Severity::block, mx.error().message(),
                "write each MX as \"PREFERENCE HOST.\"");
        continue;
      }
      if (mx->exchange == ".") null_mx = true;
      const auto* alias = zone.facts->snapshot.find(mx->exchange, "CNAME");
      if (alias != nullptr)
        finding("MX-02", domain.name, Severity::block,
                "the MX host " + mx->exchange + " is a CNAME (RFC 2181 §10.3)",
                "name the host that the CNAME points to");
    }
    if (null_mx)
      finding("MX-04", domain.name, Severity::block,
              "the new MX set holds the null MX \".\", which refuses all mail (RFC 7505)",
              "name the new provider's hosts");
    if (zone.facts->snapshot.find(apex, "CNAME") != nullptr)
      finding("MX-11", domain.name, Severity::block,
              "a CNAME stands at " + apex + ", so no MX can stand there (RFC 1034 §3.6.2)",
              "replace the CNAME by address records");
    if (dp.mx_before.empty())
      finding("MX-05", domain.name, Severity::warning,
              "the domain has no MX today: senders use its address record (RFC 5321 §5.1)",
              "make sure that this is the domain you mean");
    for (const auto& old_mx : dp.mx_before) {
      const auto before = dns::parse_mx(old_mx);
      for (const auto& new_mx : domain.mx) {
        const auto after = dns::parse_mx(new_mx);
        if (before && after && before->exchange == after->exchange &&
            dp.mx_before.size() != domain.mx.size())
          finding("MX-07", domain.name, Severity::warning,
                  "the old host " + before->exchange + " stays in the new MX set",
                  "drop it unless both providers take mail for the domain");
      }
    }
  }

  Result<void> plan_spf(const config::Domain& domain, const Zone& zone,
                        const std::vector<std::string>& apex_strings, DomainPlan& dp) {
    for (const auto& rdata : apex_strings) {
      MXF_TRY(text, dns::txt_text(rdata));
      if (!dns::is_spf(text)) continue;
      if (!dp.spf_before.empty())
        finding("SPF-01", domain.name, Severity::block,
                "the domain has two SPF records today: receivers answer permerror (RFC 7208 §4.5)",
                "remove one of them first");
      dp.spf_before = text;
    }
    dp.spf_after = domain.spf;
    if (dp.spf_before.empty())
      return {};  // a record for both would fail the old side's mail, which
                  // passes for want of one: the new one comes at the end
    if (domain.spf.empty()) {
      dp.spf_overlap = dp.spf_before;
      finding("SPF-02", domain.name, Severity::warning,
              "the plan names no SPF record for the new provider: its mail may fail SPF",
              "set domain.spf to the record that the new provider asks for");
      return {};
    }
    std::vector<std::string> new_hosts;
    for (const auto& rdata : domain.mx)
      if (const auto mx = dns::parse_mx(rdata))
        new_hosts.push_back(mx->exchange.substr(0, mx->exchange.size() - 1));
    MXF_TRY(overlap,
            dns::spf_overlap(dp.spf_before, domain.spf, zone.facts->spf_addresses, new_hosts));
    dp.spf_overlap = overlap;
    MXF_TRY(parsed, dns::parse_spf(overlap));
    // The lookups inside each include are not counted here: that needs the network (RFC 7208
    // §4.6.4).
    if (dns::spf_lookup_terms(parsed) > 10)
      finding("SPF-02", domain.name, Severity::block,
              "the overlap of old and new SPF needs " +
                  std::to_string(dns::spf_lookup_terms(parsed)) +
                  " lookups, more than the 10 allowed (RFC 7208 §4.6.4)",
              "flatten terms that only the old provider needs");
    if (overlap.size() > 450)
      finding("SPF-04", domain.name, Severity::warning,
              "the overlap record has " + std::to_string(overlap.size()) +
                  " octets; above 450 answers get long",
              "drop terms that nobody uses");
    return {};
  }

  // RFC 8461 §8.1: the file first, then its id; a sender that sees the id fetches what is served.
  void add_sts_overlap(const std::string& d, const Zone& zone, const DomainPlan& dp,
                       const StsPlan& sts, std::vector<std::string>& written,
                       std::vector<std::string>& before_visible) {
    add({"sts-policy:" + d,
         Stage::overlap,
         d,
         {"assess"},
         Effect::manual,
         OnFail::hold,
         "a person serves the MTA-STS policy that lists the old and the new hosts",
         ManualAction{"mta-sts-policy", d, sts.overlap}});
    add({"sts-id:" + d,
         Stage::overlap,
         d,
         {"sts-policy:" + d, "ttl-wait:" + d},
         Effect::dns,
         OnFail::hold,
         "a new id for that policy",
         DnsChangeAction{dp.zone,
                         {string_edit(zone, "_mta-sts." + d + ".", {sts.record_before},
                                      {sts.record_overlap}, false)}}});
    written.push_back("sts-id:" + d);
    before_visible.push_back("sts-id:" + d);
  }

  void add_domain_steps(const config::Domain& domain, const Zone& zone, const std::string& apex,
                        const DomainPlan& dp, const std::vector<DnsEdit>& names,
                        const std::vector<DnsEdit>& lower, const std::vector<DnsEdit>& flip,
                        const std::vector<std::string>& flip_sets,
                        const std::optional<StsPlan>& sts) {
    const std::string& d = domain.name;
    std::vector<std::string> written;
    std::vector<std::string> before_visible = {"assess"};
    if (!names.empty()) {
      add({"names:" + d,
           Stage::names,
           d,
           {"assess"},
           Effect::dns,
           OnFail::hold,
           "add the new names: DKIM selectors, verification, TLS reports",
           DnsChangeAction{dp.zone, names}});
      add({"names-visible:" + d,
           Stage::names,
           d,
           {"names:" + d},
           Effect::read,
           OnFail::hold,
           "every authoritative server serves the new names, and no denial of them can be cached",
           VisibleAction{dp.zone, {"names:" + d}}});
      before_visible.push_back("names-visible:" + d);
    }
    if (!lower.empty())
      add({"lower-ttl:" + d,
           Stage::ttl,
           d,
           {"assess"},
           Effect::dns,
           OnFail::hold,
           "lower the TTLs of all that will change to " + std::to_string(zone.lowered) + " s",
           DnsChangeAction{dp.zone, lower}});
    std::vector<std::string> waited = flip_sets;
    if (dp.ttl_before.contains(set_key(apex, "TXT"))) waited.push_back(set_key(apex, "TXT"));
    add({"ttl-wait:" + d,
         Stage::ttl,
         d,
         {lower.empty() ? "assess" : "lower-ttl:" + d},
         Effect::read,
         OnFail::hold,
         "wait until no cache holds the old TTL",
         TtlWaitAction{dp.zone, waited}});
    if (dp.spf_overlap != dp.spf_before) {
      const std::vector<std::string> old_spf = {dns::txt_rdata(dp.spf_before)};
      std::vector<std::string> after = {"ttl-wait:" + d};
      if (!names.empty()) after.push_back("names:" + d);
      add({"overlap:" + d, Stage::overlap, d, after, Effect::dns, OnFail::hold,
           "SPF that authorises the old and the new provider",
           DnsChangeAction{
               dp.zone,
               {string_edit(zone, apex, old_spf, {dns::txt_rdata(dp.spf_overlap)}, false)}}});
      written.push_back("overlap:" + d);
      before_visible.push_back("overlap:" + d);
    }
    if (sts) add_sts_overlap(d, zone, dp, *sts, written, before_visible);
    before_visible.push_back("ttl-wait:" + d);
    add({"visible:" + d, Stage::overlap, d, before_visible, Effect::read, OnFail::hold,
         "every authoritative server serves what was written, and old answers have expired",
         VisibleAction{dp.zone, written}});

    std::vector<std::string> boxes;
    for (const auto& box : file_.mailboxes)
      if (config::belongs_to(box, d)) boxes.push_back(box.dest);
    std::vector<std::string> ready = {"visible:" + d};
    if (sts) {
      add({"sts-hold:" + d,
           Stage::overlap,
           d,
           {"visible:" + d},
           Effect::read,
           OnFail::hold,
           "senders look for a new MTA-STS id about once a day",
           WaitAction{kWaitStsHold, file_.mta_sts_hold, "visible:" + d}});
      ready.push_back("sts-hold:" + d);
    }
    for (const auto& box : boxes) ready.push_back("deltas:" + box);
    add_notices_before(out_.plan, file_, d, boxes, ready);
    add({"approve:" + d, Stage::approve, d, ready, Effect::manual, OnFail::hold,
         "approval of the flip", ApproveAction{"flip", file_.approve_flip}});
    std::vector<std::string> verified = {"approve:" + d};
    for (const auto& box : boxes) {
      add({"last:" + box,
           Stage::final_sync,
           box,
           {"approve:" + d},
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
        domain.canary.empty() ? (boxes.empty() ? "" : boxes.front()) : domain.canary;
    out_.plan.policy["canary:" + d] = canary;
    if (canary.empty())
      finding("CN-01", d, Severity::block,
              "no mailbox of the domain is in the plan, so no canary can prove the new MX",
              "add a mailbox of " + d + " to mailboxes.csv");
    add({"canary-direct:" + d, Stage::final_sync, d, verified, Effect::mail, OnFail::hold,
         "a canary sent straight to each new MX, found by IMAP", CanaryAction{d, "direct"}});
    // The canary may be done since an earlier run, and a mailbox that was parked then under way.
    std::vector<std::string> judged = verified;
    judged.push_back("canary-direct:" + d);
    add({"gate:" + d, Stage::flip, d, judged, Effect::read, OnFail::hold,
         "every mailbox copied, fresh and verified (MB-01)", GateAction{"MB-01", d}});
    add({"addresses:" + d,
         Stage::flip,
         d,
         {"gate:" + d},
         Effect::read,
         OnFail::hold,
         "no mail arrives at an address that the plan does not serve (AD-01)",
         GateAction{"AD-01", d}});
    add({"gate-tls:" + d,
         Stage::flip,
         d,
         {"canary-direct:" + d},
         Effect::read,
         OnFail::hold,
         "the new hosts give what senders demand: STARTTLS, certificates, MTA-STS, TLSA",
         GateAction{kTransport, d}});
    add({"flip:" + d,
         Stage::flip,
         d,
         {"gate:" + d, "addresses:" + d, "gate-tls:" + d, "visible:" + d, "ttl-wait:" + d},
         Effect::dns,
         OnFail::hold,
         "MX and client records to the new provider",
         DnsChangeAction{dp.zone, flip}});
    add({"converge:" + d,
         Stage::converge,
         d,
         {"flip:" + d},
         Effect::read,
         OnFail::hold,
         "every authoritative server and every resolver agree",
         ConvergeAction{d, dp.zone, flip_sets}});
    add({"canary-public:" + d,
         Stage::converge,
         d,
         {"converge:" + d},
         Effect::mail,
         OnFail::hold,
         "a canary by the public route, found by IMAP",
         CanaryAction{d, "public"}});
    add({"monitor:" + d,
         Stage::monitor,
         d,
         {"canary-public:" + d},
         Effect::mail,
         OnFail::retry,
         "watch, and fetch stragglers from the old server",
         MonitorAction{d, file_.monitor_for, file_.stragglers_every, boxes}});
    add_notices_after(out_.plan, file_, d);
    std::vector<std::string> closing = {"monitor:" + d};
    if (dp.spf_overlap != dp.spf_after && !dp.spf_after.empty()) {
      std::vector<std::string> overlap;
      if (!dp.spf_overlap.empty()) overlap.push_back(dns::txt_rdata(dp.spf_overlap));
      add({"spf-wait:" + d,
           Stage::monitor,
           d,
           {"flip:" + d},
           Effect::read,
           OnFail::hold,
           "the old server's queue life, counted from the flip",
           WaitAction{kWaitSpfOverlap, file_.spf_overlap, "flip:" + d}});
      add({"finalize:" + d,
           Stage::finalize,
           d,
           {"monitor:" + d, "spf-wait:" + d},
           Effect::dns,
           OnFail::hold,
           "take the old provider out of SPF",
           DnsChangeAction{dp.zone,
                           {string_edit(zone, apex, overlap, {dns::txt_rdata(dp.spf_after)},
                                        zone.facts->snapshot.find(apex, "TXT") == nullptr)}}});
      closing.push_back("finalize:" + d);
    }
    if (sts) {
      add({"sts-policy-new:" + d,
           Stage::finalize,
           d,
           {"monitor:" + d},
           Effect::manual,
           OnFail::hold,
           "a person serves the MTA-STS policy that lists the new hosts alone",
           ManualAction{"mta-sts-policy", d, sts->after}});
      add({"sts-id-new:" + d,
           Stage::finalize,
           d,
           {"sts-policy-new:" + d},
           Effect::dns,
           OnFail::hold,
           "a new id for that policy",
           DnsChangeAction{dp.zone,
                           {string_edit(zone, "_mta-sts." + apex, {sts->record_overlap},
                                        {sts->record_after}, false)}}});
      closing.push_back("sts-id-new:" + d);
    }
    add({"retain-wait:" + d,
         Stage::finalize,
         d,
         {"flip:" + d},
         Effect::read,
         OnFail::hold,
         "the rollback window, counted from the flip",
         WaitAction{"retain", file_.retain_for, "flip:" + d}});
    closing.push_back("retain-wait:" + d);
    std::vector<DnsEdit> restore;
    std::set<std::string> gone;
    for (const auto& edit : flip)
      if (edit.after.empty()) gone.insert(set_key(edit.name, edit.type));
    for (const auto& [key, ttl] : dp.ttl_before) {
      if (ttl <= zone.lowered || gone.contains(key)) continue;
      DnsEdit edit;
      edit.kind = DnsEdit::Kind::ttl;
      edit.name = key.substr(0, key.rfind('/'));
      edit.type = key.substr(key.rfind('/') + 1);
      edit.ttl = ttl;
      restore.push_back(edit);
    }
    if (!restore.empty())
      add({"restore-ttl:" + d, Stage::finalize, d, closing, Effect::dns, OnFail::hold,
           "put the TTLs back", DnsChangeAction{dp.zone, restore}});
  }

  static std::string zone_hash(const ZoneSnapshot& snapshot) {
    // SOA moves with every write and says nothing about what the plan was made from.
    std::vector<std::string> lines;
    for (const auto& set : snapshot.rrsets) {
      if (set.type == "SOA") continue;
      auto data = rdata_of(&set);
      std::sort(data.begin(), data.end());
      std::string line = set.name + " " + std::to_string(set.ttl) + " " + set.type;
      for (const auto& item : data) line += "\n  " + item;
      lines.push_back(std::move(line));
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return sha256_hex(text);
  }

  Result<void> check_mixes() {
    for (std::size_t i = 0; i < file_.domains.size(); ++i) {
      const auto& zone = facts_.zones.at(file_.domains[i].dns.zone);
      MixFacts mix{zone.snapshot, zone.spf_addresses, {}};
      for (const auto& key : file_.domains[i].dkim) {
        MXF_TRY(name, dns::canonical_name(key.selector + "._domainkey." + file_.domains[i].name));
        MXF_TRY(data, dkim_rdata(key));
        mix.dkim[set_key(name, key.type)] = data;
      }
      auto found = check_cache_mix(out_.plan, out_.plan.domains.at(i), mix);
      std::move(found.begin(), found.end(), std::back_inserter(out_.findings));
    }
    return {};
  }

  const config::PlanFile& file_;
  const Facts& facts_;
  Computed out_;
};

}  // namespace

std::uint32_t effective_ttl(std::uint32_t wanted, std::uint32_t floor) {
  return std::max(wanted, floor);
}

Result<Computed> compute(const config::PlanFile& file, const Facts& facts) {
  return Planner(file, facts).run();
}

}  // namespace mxferry::plan
