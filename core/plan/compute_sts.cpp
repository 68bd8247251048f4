// SPDX-License-Identifier: Apache-2.0
#include "plan/compute_sts.hpp"

#include <utility>

#include "base/sha256.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plan {
namespace {

void add_hosts(dns::StsPolicy& policy, const std::vector<std::string>& mx) {
  for (const auto& rdata : mx) {
    const auto parsed = dns::parse_mx(rdata);
    if (!parsed || parsed->exchange == "." || dns::sts_lists(policy, parsed->exchange)) continue;
    policy.mx.push_back(parsed->exchange.substr(0, parsed->exchange.size() - 1));
  }
}

// A new id for a new file: letters and digits, and the same for the same plan (RFC 8461 §3.1).
std::string record_for(const std::string& policy, const std::string& replaced) {
  return dns::txt_rdata(
      dns::sts_record("mxf" + sha256_hex(replaced + "\n" + policy).substr(0, 20)));
}

}  // namespace

std::string sts_policy_url(const std::string& domain) {
  return "https://mta-sts." + domain + "/.well-known/mta-sts.txt";
}

std::optional<StsPlan> plan_sts(const StsFacts& facts, const DomainPlan& domain,
                                std::vector<Finding>& findings) {
  const auto say = [&](const char* id, Severity severity, std::string text, std::string remedy) {
    findings.push_back({id, domain.name, severity, std::move(text), std::move(remedy), ""});
  };
  const std::string url = sts_policy_url(domain.name);
  if (facts.records.empty()) {
    if (facts.policy_host)
      say("ST-05", Severity::warning,
          "mta-sts." + domain.name +
              " exists without a TXT record at _mta-sts: senders may hold an earlier policy, and "
              "none of them would fetch another",
          "publish the TXT record again so that the plan stages the policy, or accept this if no "
          "policy was published within the last year");
    return std::nullopt;
  }
  if (facts.records.size() > 1)
    say("ST-01", Severity::block,
        "_mta-sts." + domain.name + " has two MTA-STS records: senders ignore both (RFC 8461 §3.1)",
        "remove one of them first");
  const auto parsed = facts.problem.empty()
                          ? dns::parse_sts_policy(facts.policy)
                          : fail(ErrorCode::network, "MTA-STS policy", facts.problem);
  if (!parsed) {
    say("ST-04", Severity::block,
        "the domain has an MTA-STS record, but its policy could not be read (" +
            parsed.error().text + "): it may be enforced",
        "make " + url + " readable from here, at every address of the policy host");
    return std::nullopt;
  }
  if (parsed->mode == dns::StsMode::none) return std::nullopt;
  if (parsed->mode == dns::StsMode::testing)
    say("ST-01", Severity::warning,
        "MTA-STS is in mode testing; senders may still hold an earlier enforced policy",
        "nothing, if mode enforce was never published: the plan stages the policy as if it were");
  StsPlan out;
  out.before = facts.policy;
  dns::StsPolicy both = *parsed;
  add_hosts(both, domain.mx_before);
  add_hosts(both, domain.mx_after);
  out.overlap = dns::format_sts_policy(both);
  dns::StsPolicy last = *parsed;
  last.mx.clear();
  add_hosts(last, domain.mx_after);
  out.after = dns::format_sts_policy(last);
  out.record_before = facts.records.front();
  out.record_overlap = record_for(out.overlap, out.record_before);
  out.record_after = record_for(out.after, out.record_overlap);
  return out;
}

}  // namespace mxferry::plan
