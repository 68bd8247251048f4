// SPDX-License-Identifier: Apache-2.0
#include "app/audit_command.hpp"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/dmarc_command.hpp"
#include "app/findings.hpp"
#include "app/options.hpp"
#include "app/spf_command.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "dns/audit.hpp"
#include "dns/resolver_lookups.hpp"
#include "pipeline/net_eyes.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

// What blocks a plan is, of a domain as it stands, an error.
const char* severity_of(const Finding& finding) {
  switch (finding.severity) {
    case Severity::block:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::info:
      break;
  }
  return "info";
}

Json branch_json(const dns::SpfBranch& branch) {
  Json below = Json::array();
  for (const auto& one : branch.below) below.push_back(branch_json(one));
  return {{"term", branch.term},
          {"lookups", branch.lookups},
          {"voids", branch.voids},
          {"problem", branch.problem.empty() ? Json() : Json(branch.problem)},
          {"below", std::move(below)}};
}

Json spf_json(const dns::Audit& audit) {
  if (!audit.spf) return {};
  Json terms = Json::array();
  for (const auto& branch : audit.spf->terms) terms.push_back(branch_json(branch));
  return {{"record", audit.spf->text},
          {"lookups", audit.spf->lookups},
          {"voids", audit.spf->voids},
          {"outside", audit.spf->outside},
          {"tree", std::move(terms)}};
}

Json dmarc_json(const dns::Audit& audit) {
  if (!audit.dmarc || audit.dmarc->record.empty()) return {};
  return {{"record", audit.dmarc->record},
          {"policy", dns::to_string(audit.dmarc->policy)},
          {"record_domain", dns::shown_name(audit.dmarc->record_domain)},
          {"organizational_domain", dns::shown_name(audit.dmarc->organization)}};
}

long count(const dns::Audit& audit, Severity severity) {
  return std::count_if(audit.findings.begin(), audit.findings.end(),
                       [&](const Finding& finding) { return finding.severity == severity; });
}

void print_json(const std::string& domain, const dns::Audit& audit) {
  Json findings = Json::array();
  for (const auto& finding : audit.findings)
    findings.push_back({{"id", finding.id},
                        {"severity", severity_of(finding)},
                        {"subject", finding.subject},
                        {"text", finding.text},
                        {"remedy", finding.remedy}});
  const Json out{{"domain", dns::shown_name(domain)},
                 {"zone", dns::shown_name(audit.zone)},
                 {"findings", std::move(findings)},
                 {"errors", count(audit, Severity::block)},
                 {"warnings", count(audit, Severity::warning)},
                 {"mx", audit.mx},
                 {"spf", spf_json(audit)},
                 {"dkim", audit.dkim},
                 {"dmarc", dmarc_json(audit)},
                 {"sts_policy", audit.sts_policy.empty() ? Json() : Json(audit.sts_policy)},
                 {"lookups", audit.questions}};
  std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_branch(const dns::SpfBranch& branch, int depth) {
  std::cout << std::string(static_cast<std::size_t>(2 * depth + 4), ' ')
            << escape_line(branch.term);
  if (branch.lookups > 0) std::cout << "  (" << branch.lookups << ")";
  if (!branch.problem.empty()) std::cout << "  ! " << escape_line(branch.problem);
  std::cout << '\n';
  for (const auto& below : branch.below) print_branch(below, depth + 1);
}

void print_text(const dns::Audit& audit) {
  for (const auto& finding : audit.findings) {
    std::cout << std::left << std::setw(8) << severity_of(finding) << std::setw(7) << finding.id
              << escape_line(finding.subject) << ": " << escape_line(finding.text) << '\n';
    if (!finding.remedy.empty()) std::cout << "               " << finding.remedy << '\n';
  }
  for (const auto& mx : audit.mx) std::cout << "MX    " << escape_line(mx) << '\n';
  if (audit.spf) {
    std::cout << "SPF   " << escape_line(audit.spf->text) << "  (" << audit.spf->lookups
              << " of 10 lookups)\n";
    for (const auto& branch : audit.spf->terms) print_branch(branch, 0);
  }
  for (const auto& [selector, key] : audit.dkim)
    std::cout << "DKIM  " << escape_line(selector) << "  " << escape_line(key) << '\n';
  if (audit.dmarc && !audit.dmarc->record.empty())
    std::cout << "DMARC " << escape_line(audit.dmarc->record) << '\n';
  std::cout << count(audit, Severity::block) << " errors, " << count(audit, Severity::warning)
            << " warnings, " << audit.questions << " lookups\n";
}

}  // namespace

int dns_audit(std::span<const std::string> args) {
  std::string domain;
  std::vector<std::string> given;
  std::string suffix_file = kSuffixFile;
  pipeline::PolicyFetch fetch;
  dns::AuditRequest request;
  bool json = false;
  OptionTable table;
  table.command = "dns audit";
  table.synopsis = "DOMAIN [OPTIONS]";
  table.about =
      "Looks at all that DNS says about a domain's mail: MX, SPF with its tree of lookups, DKIM, "
      "DMARC by RFC 9989 and by RFC 7489, MTA-STS with its policy, TLS-RPT, DANE, DNSSEC, client "
      "records, CAA, and whether the name servers agree. What it finds has an id (mxferry explain "
      "ID) and a remedy; with an error or a warning the exit code is 1.";
  auto add = table.options.add_options();
  add("resolver", po::value(&given)->composing()->value_name("IP:PORT"),
      "resolver to ask; several are asked in turn. Default: this machine's");
  add("selector", po::value(&request.selectors)->composing()->value_name("NAME"),
      "DKIM selector that is in use; the usual ones are looked for besides");
  add("allow-loopback", po::bool_switch(&request.allow_loopback),
      "hosts may have addresses that are not public (labs)");
  add("authority-port", po::value(&request.authority_port)->value_name("PORT"),
      "port of the domain's name servers (53)");
  add("ca-file", po::value(&fetch.ca_file)->value_name("FILE"),
      "CA certificates for the MTA-STS policy host. Default: the system's");
  add("suffixes", po::value(&suffix_file)->value_name("FILE"),
      "public suffix list, for RFC 7489. Default: that of the package publicsuffix");
  add("json", po::bool_switch(&json), "print JSON");
  table.hidden.add_options()("domain", po::value(&domain));
  table.positional.add("domain", 1);
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  const auto name = dns::canonical_name(domain);
  if (!name || *name == ".")
    return report_error(
        fail(ErrorCode::usage, "dns audit",
             domain.empty() ? "which DOMAIN?" : "\"" + escape_line(domain) + "\" is not a domain")
            .error());
  request.domain = *name;
  const auto resolvers = chosen_resolvers(given);
  if (!resolvers) return report_error(resolvers.error());
  const auto suffixes = read_suffixes(suffix_file);
  if (!suffixes.empty()) request.suffixes = &suffixes;
  fetch.allow_loopback = request.allow_loopback;
  request.fetch_policy = [&](const std::vector<std::string>& addresses) {
    return pipeline::fetch_policy_at(addresses, dns::shown_name(*name), fetch, {});
  };
  dns::ResolverLookups lookups(*resolvers, {}, std::chrono::seconds(60));
  const auto audit = dns::audit_domain(request, lookups, {});
  if (json)
    print_json(*name, audit);
  else
    print_text(audit);
  if (!audit.readable) return code(Exit::server);
  return code(has_warnings(audit.findings) ? Exit::findings : Exit::done);
}

}  // namespace mxferry::app
