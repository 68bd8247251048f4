// SPDX-License-Identifier: Apache-2.0
#include "app/dmarc_command.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/command.hpp"
#include "app/options.hpp"
#include "app/spf_command.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "dns/resolver_lookups.hpp"
#include "protocol/dns/dmarc_check.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

struct Options {
  std::string author, spf_domain, spf_result;
  std::vector<std::string> dkim_domains, dkim_results;
  std::vector<std::string> resolvers;
  std::string suffixes = kSuffixFile;
  bool json = false;
};

// A domain, or an address of which it is the domain; canonical.
Result<std::string> domain_of(const char* option, const std::string& text) {
  const auto at = text.rfind('@');
  auto name = dns::canonical_name(at == std::string::npos ? text : text.substr(at + 1));
  if (!name || *name == ".")
    return fail(ErrorCode::usage, option, "\"" + escape_line(text) + "\" is not a domain");
  return *std::move(name);
}

Result<dns::DmarcIdentity> identity_of(const char* kind, const std::string& domain,
                                       const std::string& result) {
  const std::string option = std::string("--") + kind;
  static constexpr std::array kResults = {"pass", "fail",   "softfail",  "neutral",
                                          "none", "policy", "temperror", "permerror"};
  dns::DmarcIdentity out;
  if (std::find(kResults.begin(), kResults.end(), result) == kResults.end())
    return fail(ErrorCode::usage, option + "-result",
                "\"" + escape_line(result) + "\" is not a result of RFC 8601 such as pass or fail");
  out.result = result;
  MXF_TRY(name, domain_of((option + "-domain").c_str(), domain));
  out.domain = std::move(name);
  return out;
}

Result<dns::DmarcRequest> request_of(const Options& options) {
  dns::DmarcRequest request;
  MXF_TRY(author, domain_of("--from", options.author));
  request.author = std::move(author);
  request.spf.result = options.spf_result;
  if (options.spf_domain.empty() != options.spf_result.empty() ||
      options.dkim_domains.size() != options.dkim_results.size())
    return fail(ErrorCode::usage, "dmarc check",
                "each domain needs its result, and each result its domain");
  if (!options.spf_domain.empty()) {
    MXF_TRY(spf, identity_of("spf", options.spf_domain, options.spf_result));
    request.spf = std::move(spf);
  }
  for (std::size_t i = 0; i < options.dkim_domains.size(); ++i) {
    MXF_TRY(dkim, identity_of("dkim", options.dkim_domains[i], options.dkim_results[i]));
    request.dkim.push_back(std::move(dkim));
  }
  return request;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json to_json(const dns::DmarcRequest& request, const dns::DmarcVerdict& verdict) {
  const bool applies = !verdict.policy_tag.empty();
  Json dkim = Json::array();
  for (std::size_t i = 0; i < request.dkim.size(); ++i)
    dkim.push_back({{"domain", dns::shown_name(request.dkim[i].domain)},
                    {"result", request.dkim[i].result},
                    {"aligned", bool(verdict.dkim_aligned[i])}});
  const Json spf = {{"domain", text_or_null(dns::shown_name(request.spf.domain))},
                    {"result", text_or_null(request.spf.result)},
                    {"aligned", verdict.spf_aligned}};
  return {{"result", dns::to_string(verdict.result)},
          {"policy", applies ? Json(dns::to_string(verdict.policy)) : Json()},
          {"policy_tag", text_or_null(verdict.policy_tag)},
          {"disposition", dns::to_string(verdict.disposition)},
          {"organizational_domain", text_or_null(dns::shown_name(verdict.organization))},
          {"record_domain", text_or_null(dns::shown_name(verdict.record_domain))},
          {"record", text_or_null(verdict.record)},
          {"testing", verdict.testing},
          {"pct", verdict.pct ? Json(*verdict.pct) : Json()},
          {"spf", spf},
          {"dkim", dkim},
          {"lookups", verdict.questions},
          {"problems", verdict.problems}};
}

void print_text(const char* rfc, const dns::DmarcVerdict& verdict) {
  std::cout << dns::to_string(verdict.result) << "  by " << rfc << ": ";
  if (verdict.policy_tag.empty()) {
    std::cout << "no policy applies";
  } else {
    std::cout << verdict.policy_tag << "=" << dns::to_string(verdict.policy) << " of "
              << escape_line(dns::shown_name(verdict.record_domain));
    if (verdict.testing) std::cout << ", t=y";
    if (verdict.pct) std::cout << ", pct=" << *verdict.pct;
    std::cout << ", disposition " << dns::to_string(verdict.disposition);
  }
  std::cout << "; organisational domain " << escape_line(dns::shown_name(verdict.organization))
            << '\n';
  for (const auto& problem : verdict.problems) std::cout << "  " << escape_line(problem) << '\n';
}

int judge(const Options& options) {
  const auto request = request_of(options);
  if (!request) return report_error(request.error());
  const auto resolvers = chosen_resolvers(options.resolvers);
  if (!resolvers) return report_error(resolvers.error());
  dns::ResolverLookups lookups(*resolvers);
  const auto verdict = dns::check_dmarc(*request, lookups);
  const auto suffixes = read_suffixes(options.suffixes);
  std::optional<dns::DmarcVerdict> before;
  std::vector<std::string> differences;
  if (!suffixes.empty()) {
    before = dns::check_dmarc_7489(*request, suffixes, lookups);
    differences = dns::dmarc_differences(verdict, *before);
  }
  if (options.json) {
    Json out = to_json(*request, verdict);
    out["rfc7489"] = before ? to_json(*request, *before) : Json();
    out["differences"] = differences;
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  } else {
    print_text("RFC 9989", verdict);
    if (before) print_text("RFC 7489", *before);
    for (const auto& difference : differences) std::cout << "  differs: " << difference << '\n';
  }
  if (verdict.result == dns::DmarcResult::temperror && verdict.lookup_failed)
    return code(Exit::server);
  return code(verdict.problems.empty() ? Exit::done : Exit::findings);
}

int check(std::span<const std::string> args) {
  Options options;
  OptionTable table;
  table.command = "dmarc check";
  table.synopsis =
      "--from DOMAIN [--spf-domain D --spf-result R] [--dkim-domain D --dkim-result R]... "
      "[OPTIONS]";
  table.about =
      "Says what DMARC makes of a message whose SPF and DKIM results are known: by RFC 9989, which "
      "walks up the tree, and by RFC 7489, which reads the public suffix list; and where the two "
      "differ. Problems of the record end with exit 1, a failed lookup with exit 4.";
  auto add = table.options.add_options();
  add("from", po::value(&options.author)->required()->value_name("DOMAIN"),
      "domain of the From header field");
  add("spf-domain", po::value(&options.spf_domain)->value_name("DOMAIN"),
      "domain of MAIL FROM that SPF was evaluated for");
  add("spf-result", po::value(&options.spf_result)->value_name("RESULT"),
      "pass, fail, temperror, ...");
  add("dkim-domain", po::value(&options.dkim_domains)->composing()->value_name("DOMAIN"),
      "d= of a signature; may stand several times, each with its result");
  add("dkim-result", po::value(&options.dkim_results)->composing()->value_name("RESULT"),
      "pass, fail, temperror, ...");
  add("resolver", po::value(&options.resolvers)->composing()->value_name("IP:PORT"),
      "resolver to ask; several are asked in turn. Default: this machine's");
  add("suffixes", po::value(&options.suffixes)->value_name("FILE"),
      "public suffix list, for RFC 7489. Default: that of the package publicsuffix");
  add("json", po::bool_switch(&options.json), "print JSON");
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  return judge(options);
}

}  // namespace

dns::PublicSuffixes read_suffixes(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  dns::PublicSuffixes out(text.str());
  if (out.empty())
    std::cerr << "no public suffix list at " << escape_line(file)
              << ": not judged by RFC 7489 (package publicsuffix, or --suffixes FILE)\n";
  return out;
}

std::vector<std::string> dmarc_subcommands() { return {"check"}; }

int dmarc_command(std::span<const std::string> args) {
  if (!args.empty() && args[0] == "check") return check(args.subspan(1));
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h");
  (help ? std::cout : std::cerr)
      << "usage: mxferry dmarc check --from DOMAIN [OPTIONS]     (mxferry dmarc check --help "
         "explains it)\n";
  return code(help ? Exit::done : Exit::usage);
}

}  // namespace mxferry::app
