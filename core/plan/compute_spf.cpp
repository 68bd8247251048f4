// SPDX-License-Identifier: Apache-2.0
#include "plan/compute_spf.hpp"

#include <algorithm>
#include <utility>

#include "base/escape.hpp"
#include "plan/edits.hpp"
#include "plan/zone_lookups.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "protocol/dns/spf_check.hpp"
#include "protocol/dns/spf_merge.hpp"
#include "protocol/dns/spf_tree.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::plan {
namespace {

constexpr std::size_t kLongRecord = 450;  // octets; longer answers may not fit everywhere
constexpr std::size_t kShown = 5;         // networks in a sentence

std::string apex_of(const std::string& domain) {
  const auto name = dns::canonical_name(domain);
  return name ? *name : domain + ".";
}

std::string listed(const std::vector<std::string>& items) {
  std::string out;
  for (std::size_t i = 0; i < std::min(items.size(), kShown); ++i)
    out += (i == 0 ? "" : ", ") + escape_line(items[i]);
  if (items.size() > kShown) out += ", … (" + std::to_string(items.size()) + " in all)";
  return out;
}

class SpfPlanner {
 public:
  SpfPlanner(const config::Domain& domain, const ZoneSnapshot& zone, dns::Lookups& lookups,
             std::vector<Finding>& findings)
      : domain_(domain),
        zone_(zone),
        apex_(apex_of(domain.name)),
        lookups_(zone, lookups),
        findings_(findings) {}

  SpfPlan run() {
    read_standing();
    out_.after = domain_.spf;
    out_.overlap = out_.before;
    if (out_.before.empty()) {
      // A record for both would fail the old side's mail, which passes for want of one: the new one
      // comes at the end.
      judge_new();
    } else if (out_.after.empty()) {
      finding("SPF-02", Severity::warning,
              "the plan names no SPF record for the new provider: its mail may fail SPF",
              "set domain.spf to the record that the new provider asks for");
    } else if (out_.after != out_.before || !dns::same_set("MX", mx_before(), domain_.mx)) {
      merge();
    }
    return std::move(out_);
  }

 private:
  void finding(std::string id, Severity severity, std::string text, std::string remedy) {
    findings_.push_back(
        {std::move(id), domain_.name, severity, std::move(text), std::move(remedy), ""});
  }

  std::vector<std::string> mx_before() const { return rdata_of(zone_.find(apex_, "MX")); }

  void read_standing() {
    for (const auto& rdata : rdata_of(zone_.find(apex_, "TXT"))) {
      const auto text = dns::txt_text(rdata);
      if (!text || !dns::is_spf(*text)) continue;
      if (!out_.before.empty())
        finding("SPF-01", Severity::block,
                "the domain has two SPF records today: receivers answer permerror (RFC 7208 §4.5)",
                "remove one of them first");
      out_.before = *text;
    }
  }

  void merge() {
    dns::SpfMergeRequest request;
    request.domain = apex_;
    request.old_record = out_.before;
    request.new_record = out_.after;
    for (const auto& rdata : domain_.mx)
      if (const auto mx = dns::parse_mx(rdata); mx && mx->exchange != ".")
        request.new_hosts.push_back(mx->exchange);
    const auto merged = dns::merge_spf(request, lookups_);
    if (!merged) return refuse(merged.error());
    out_.overlap = merged->record;
    if (!merged->proven) tell_unproven(*merged);
    if (!merged->outside.empty())
      finding("SPF-09", Severity::info,
              "the record for both is proven but for these terms, of which only a receiver can "
              "tell: " +
                  listed(merged->outside),
              "they stand in it as they are; nothing is to be done if both sides still need them");
    for (const auto& fixed : merged->fixed)
      finding("SPF-07", Severity::info,
              "\"" + fixed.term +
                  "\" of the old SPF record would mean other hosts after the flip: "
                  "until the old side is out it stands as " +
                  (fixed.networks.empty() ? "nothing, since it means no address today"
                                          : listed(fixed.networks)),
              "");
    for (const auto& flat : merged->flattened)
      finding("SPF-08", Severity::warning,
              flat.term + " stands as its networks of today (" + listed(flat.networks) +
                  ") until the old side is out",
              "look each day whether they are still the same; take out old terms that nobody uses");
    judge_limits("the overlap of old and new SPF", out_.overlap, merged->lookups, merged->voids);
    judge_new();
  }

  // Nothing is merged by guess: the record of today stays, and the plan is held.
  void refuse(const Error& error) {
    const bool unknown = error.code != ErrorCode::config;
    finding("SPF-12", Severity::block,
            (unknown ? "it is not known what SPF lets pass, so no record for both is written: "
                     : "no record for both can be written: ") +
                error.text,
            unknown ? "try again when the lookup succeeds"
                    : "mend the record that is named, or take the term out");
  }

  void tell_unproven(const dns::SpfMerge& merged) {
    std::string text = "the record for both does not let pass just what passes by one of them";
    if (!merged.missing.empty()) text += "; lost: " + listed(merged.missing.spf_terms());
    if (!merged.surplus.empty()) text += "; new: " + listed(merged.surplus.spf_terms());
    finding("SPF-09", Severity::block, text,
            "mxferry spf merge shows the record; simplify negative terms of one side");
  }

  // The record that is left in the end.
  void judge_new() {
    if (out_.after.empty()) return;
    lookups_.hold(apex_, "MX", domain_.mx);
    const auto tree = dns::spf_tree(apex_, out_.after, lookups_);
    if (!tree) return refuse(tree.error());
    if (!tree->problems.empty()) {
      const auto code = tree->unknown ? ErrorCode::network : ErrorCode::config;
      return refuse(fail(code, "SPF", "the new record: " + tree->problems.front()).error());
    }
    if (out_.after != out_.overlap)
      judge_limits("the new SPF record", out_.after, tree->lookups, tree->voids);
  }

  void judge_limits(const std::string& whose, const std::string& record, int lookups, int voids) {
    if (lookups > dns::kSpfLookups)
      finding("SPF-02", Severity::block,
              whose + " needs " + std::to_string(lookups) + " lookups, more than the " +
                  std::to_string(dns::kSpfLookups) + " allowed (RFC 7208 §4.6.4)",
              "take out terms that nobody needs, or name networks instead");
    if (voids > dns::kSpfVoids)
      finding("SPF-03", Severity::block,
              whose + " has " + std::to_string(voids) +
                  " terms whose lookup finds nothing; receivers stop at the third (RFC 7208 "
                  "§4.6.4)",
              "take out terms whose names have no records");
    if (record.size() > kLongRecord)
      finding("SPF-04", Severity::warning,
              whose + " has " + std::to_string(record.size()) + " octets; above " +
                  std::to_string(kLongRecord) + " answers get long",
              "drop terms that nobody uses");
  }

  const config::Domain& domain_;
  const ZoneSnapshot& zone_;
  std::string apex_;
  ZoneLookups lookups_;
  std::vector<Finding>& findings_;
  SpfPlan out_;
};

}  // namespace

SpfPlan plan_spf(const config::Domain& domain, const ZoneSnapshot& zone, dns::Lookups& lookups,
                 std::vector<Finding>& findings) {
  return SpfPlanner(domain, zone, lookups, findings).run();
}

SpfPasses spf_passes(const std::string& domain, const std::string& text,
                     const std::vector<std::string>& mx, const ZoneSnapshot& zone,
                     dns::Lookups& lookups) {
  SpfPasses out;
  if (text.empty()) return out;
  const std::string apex = apex_of(domain);
  ZoneLookups seen(zone, lookups);
  seen.hold(apex, "MX", mx);
  const auto tree = dns::spf_tree(apex, text, seen);
  if (!tree) return out;  // receivers answer permerror: nothing passes
  if (tree->unknown) out.unknown = tree->problems.front();
  out.proven = tree->passes;
  // A redirect stands as an include in the record for both.
  const std::string redirect = "redirect=";
  for (auto term : tree->outside) {
    if (const auto at = term.find(redirect); at != std::string::npos)
      term.replace(at, redirect.size(), "include:");
    out.outside.insert(std::move(term));
  }
  return out;
}

void look_up_spf(const config::Domain& domain, const ZoneSnapshot& zone, dns::Lookups& lookups) {
  std::vector<Finding> unused;
  const auto spf = plan_spf(domain, zone, lookups, unused);
  const auto mx_before = rdata_of(zone.find(apex_of(domain.name), "MX"));
  for (const auto* text : {&spf.before, &spf.overlap, &spf.after})
    for (const auto* mx : {&mx_before, &domain.mx})
      (void)spf_passes(domain.name, *text, *mx, zone, lookups);
}

}  // namespace mxferry::plan
