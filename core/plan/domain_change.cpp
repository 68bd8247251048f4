// SPDX-License-Identifier: Apache-2.0
#include "plan/domain_change.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "plan/compute_spf.hpp"
#include "plan/edits.hpp"
#include "plan/old_hosts.hpp"
#include "plan/other_mx.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::plan {
namespace {

class Changer {
 public:
  Changer(const config::PlanFile& file, const config::Domain& domain, const ZoneFacts& zone,
          const dns::Answers& answers, std::vector<Finding>& findings)
      : file_(file), domain_(domain), zone_(zone), answers_(answers), findings_(findings) {}

  Result<DomainChange> run() {
    MXF_TRY(apex, dns::canonical_name(domain_.name));
    out_.apex = apex;
    out_.lowered = std::max(file_.ttl_lowered, zone_.min_ttl);
    if (out_.lowered > file_.ttl_lowered)
      finding("TTL-01", Severity::info,
              "the DNS API gives no TTL below " + std::to_string(out_.lowered) +
                  " s; the plan counts with that",
              "");
    const auto* apex_txt = zone_.snapshot.find(apex, "TXT");
    out_.apex_has_txt = apex_txt != nullptr;
    auto& plan = out_.plan;
    plan.name = domain_.name;
    plan.zone = domain_.dns.zone;
    plan.mx_before = rdata_of(zone_.snapshot.find(apex, "MX"));
    plan.mx_after = domain_.mx;
    const auto apex_strings = rdata_of(apex_txt);
    MXF_CHECK(add_names());
    add_verification(apex_strings);
    check_mx();
    if (auto edit = edit_of(apex, "MX", domain_.mx)) plan.flip.push_back(std::move(*edit));
    MXF_CHECK(add_client());
    dns::RememberedLookups known(answers_);
    auto spf = plan_spf(domain_, zone_.snapshot, known, findings_);
    plan.spf_before = std::move(spf.before);
    plan.spf_overlap = std::move(spf.overlap);
    plan.spf_after = std::move(spf.after);
    for (const auto& edit : plan.flip) {
      lower(edit.name, edit.type);
      out_.flip_sets.push_back(set_key(edit.name, edit.type));
    }
    if (plan.spf_overlap != plan.spf_before || !plan.spf_after.empty()) lower(apex, "TXT");
    find_what_stays();
    if (const auto read = zone_.sts.find(domain_.name); read != zone_.sts.end())
      out_.sts = plan_sts(read->second, plan, findings_);
    if (out_.sts) {
      plan.sts_before = out_.sts->before;
      plan.sts_overlap = out_.sts->overlap;
      plan.sts_after = out_.sts->after;
      lower("_mta-sts." + apex, "TXT");
    }
    for (const auto& edit : plan.flip) {
      DnsEdit back = edit;
      std::swap(back.before, back.after);
      back.ttl = out_.lowered;
      plan.unflip.push_back(std::move(back));
    }
    return std::move(out_);
  }

 private:
  void finding(std::string id, Severity severity, std::string text, std::string remedy) {
    findings_.push_back(
        {std::move(id), domain_.name, severity, std::move(text), std::move(remedy), ""});
  }

  std::optional<DnsEdit> edit_of(const std::string& name, const std::string& type,
                                 const std::vector<std::string>& after) const {
    return set_edit(zone_.snapshot, out_.lowered, name, type, after);
  }

  // RFC 4592: an existing wildcard answers for a name until the name exists; then all its types are
  // hidden there.
  void check_wildcard(const std::string& name) {
    for (const auto& set : zone_.snapshot.rrsets)
      if (set.name == name) return;
    for (std::string parent = dns::parent_of(name); dns::is_within(parent, zone_.snapshot.zone);
         parent = dns::parent_of(parent)) {
      for (const auto& set : zone_.snapshot.rrsets) {
        if (set.name == "*." + parent)
          finding("WC-01", Severity::block,
                  "the new name " + name + " would hide the wildcard *." + parent + " (" +
                      set.type + ") for that name",
                  "plan the hidden types at " + name + " too, or remove the wildcard first");
      }
      if (parent == ".") break;
    }
  }

  // DKIM selectors and TLS reports.
  Result<void> add_names() {
    for (const auto& key : domain_.dkim) {
      MXF_TRY(name, dns::canonical_name(key.selector + "._domainkey." + domain_.name));
      MXF_TRY(data, dkim_rdata(key));
      check_wildcard(name);
      const auto* have = zone_.snapshot.find(name, key.type);
      if (have != nullptr && !dns::same_set(key.type, rdata_of(have), {data}))
        finding("DK-06", Severity::block,
                "the selector " + name + " is already used with another key",
                "ask the new provider for a selector of its own");
      if (auto edit = edit_of(name, key.type, {data})) out_.names.push_back(std::move(*edit));
    }
    if (!domain_.tls_rpt.empty()) {
      MXF_TRY(name, dns::canonical_name("_smtp._tls." + domain_.name));
      check_wildcard(name);
      if (auto edit = edit_of(name, "TXT", {dns::txt_rdata(domain_.tls_rpt)}))
        out_.names.push_back(std::move(*edit));
    }
    return {};
  }

  void add_verification(const std::vector<std::string>& apex_strings) {
    std::vector<std::string> missing;
    for (const auto& text : domain_.verification) {
      const bool there =
          std::any_of(apex_strings.begin(), apex_strings.end(), [&](const std::string& have) {
            return dns::same_set("TXT", {have}, {dns::txt_rdata(text)});
          });
      if (!there) missing.push_back(dns::txt_rdata(text));
    }
    if (missing.empty()) return;
    out_.names.push_back(string_edit(
        out_.apex, {}, missing, out_.apex_has_txt ? std::nullopt : std::optional(out_.lowered)));
  }

  void check_mx() {
    bool null_mx = false;
    for (const auto& rdata : domain_.mx) {
      const auto mx = dns::parse_mx(rdata);
      if (!mx) {
        finding("MX-01", Severity::block, mx.error().message(),
                "write each MX as \"PREFERENCE HOST.\"");
        continue;
      }
      if (mx->exchange == ".") null_mx = true;
      const auto* alias = zone_.snapshot.find(mx->exchange, "CNAME");
      if (alias != nullptr)
        finding("MX-02", Severity::block,
                "the MX host " + mx->exchange + " is a CNAME (RFC 2181 §10.3)",
                "name the host that the CNAME points to");
    }
    if (null_mx)
      finding("MX-04", Severity::block,
              "the new MX set holds the null MX \".\", which refuses all mail (RFC 7505)",
              "name the new provider's hosts");
    if (zone_.snapshot.find(out_.apex, "CNAME") != nullptr)
      finding("MX-11", Severity::block,
              "a CNAME stands at " + out_.apex + ", so no MX can stand there (RFC 1034 §3.6.2)",
              "replace the CNAME by address records");
    if (out_.plan.mx_before.empty())
      finding("MX-05", Severity::warning,
              "the domain has no MX today: senders use its address record (RFC 5321 §5.1)",
              "make sure that this is the domain you mean");
    for (const auto& old_mx : out_.plan.mx_before) {
      const auto before = dns::parse_mx(old_mx);
      for (const auto& new_mx : domain_.mx) {
        const auto after = dns::parse_mx(new_mx);
        if (before && after && before->exchange == after->exchange &&
            out_.plan.mx_before.size() != domain_.mx.size())
          finding("MX-07", Severity::warning,
                  "the old host " + before->exchange + " stays in the new MX set",
                  "drop it unless both providers take mail for the domain");
      }
    }
  }

  // Client settings are changed with MX.
  Result<void> add_client() {
    for (const auto& record : domain_.client) {
      MXF_TRY(name, absolute(record.name));
      if (!dns::is_within(name, domain_.dns.zone))
        return fail(ErrorCode::config, "plan " + domain_.name,
                    "the client record " + name + " lies outside the zone " + domain_.dns.zone);
      std::vector<std::string> data;
      for (const auto& text : record.data) {
        MXF_TRY(canonical,
                dns::canonical_rdata(record.type, record.type == "TXT" && !text.starts_with('"')
                                                      ? dns::txt_rdata(text)
                                                      : text));
        data.push_back(canonical);
      }
      check_wildcard(name);
      // A CNAME stands alone (RFC 1034 §3.6.2): what stands there with another type goes in the
      // same change.
      for (const auto& set : zone_.snapshot.rrsets) {
        if (set.name != name || set.type == record.type) continue;
        if (record.type != "CNAME" && set.type != "CNAME") continue;
        DnsEdit gone;
        gone.name = name;
        gone.type = set.type;
        gone.before = rdata_of(&set);
        out_.plan.flip.push_back(gone);
      }
      if (auto edit = edit_of(name, record.type, data)) out_.plan.flip.push_back(std::move(*edit));
    }
    return {};
  }

  Result<std::string> absolute(const std::string& name) const {
    if (name == "@") return out_.apex;
    if (name.ends_with('.')) return dns::canonical_name(name);
    return dns::canonical_name(name + "." + domain_.name);
  }

  // The TTL of a set that the overlap or the flip writes.
  void lower(const std::string& name, const std::string& type) {
    const auto key = set_key(name, type);
    if (!lowered_.insert(key).second) return;
    const auto* have = zone_.snapshot.find(name, type);
    if (have == nullptr) return;
    out_.plan.ttl_before[key] = have->ttl;
    if (have->ttl <= out_.lowered) return;
    DnsEdit edit;
    edit.kind = DnsEdit::Kind::ttl;
    edit.name = name;
    edit.type = type;
    edit.ttl = out_.lowered;
    out_.lower.push_back(edit);
  }

  // Records that go on naming the old side, and names whose mail nobody planned.
  void find_what_stays() {
    std::vector<Finding> found;
    if (const auto old = zone_.old_side.find(domain_.name); old != zone_.old_side.end())
      found = find_old_hosts(zone_.snapshot, out_.plan, old->second, out_.flip_sets);
    auto other_mx = find_other_mx(file_, zone_.snapshot, out_.plan);
    std::move(other_mx.begin(), other_mx.end(), std::back_inserter(found));
    std::move(found.begin(), found.end(), std::back_inserter(findings_));
  }

  const config::PlanFile& file_;
  const config::Domain& domain_;
  const ZoneFacts& zone_;
  const dns::Answers& answers_;
  std::vector<Finding>& findings_;
  std::set<std::string> lowered_;
  DomainChange out_;
};

}  // namespace

Result<DomainChange> change_of(const config::PlanFile& file, const config::Domain& domain,
                               const Facts& facts, std::vector<Finding>& findings) {
  const auto zone = facts.zones.find(domain.dns.zone);
  if (zone == facts.zones.end())
    return fail(ErrorCode::config, "plan " + domain.name,
                "the zone " + domain.dns.zone + " was not read");
  return Changer(file, domain, zone->second, facts.answers, findings).run();
}

Result<std::string> dkim_rdata(const config::DkimKey& key) {
  if (key.type == "CNAME")
    return dns::canonical_rdata("CNAME", key.data.ends_with('.') ? key.data : key.data + ".");
  return dns::txt_rdata(key.data);
}

}  // namespace mxferry::plan
