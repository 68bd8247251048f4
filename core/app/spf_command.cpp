// SPDX-License-Identifier: Apache-2.0
#include "app/spf_command.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/options.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "dns/resolver_lookups.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/spf_check.hpp"
#include "protocol/dns/spf_merge.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

// %{r}: who checks (RFC 7208 §7.3).
std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "unknown";
  return name.data();
}

// The question is answered whatever the verdict; a record that is wrong is a finding, and a lookup
// that failed is no answer.
int exit_of(dns::SpfResult result) {
  if (result == dns::SpfResult::temperror) return code(Exit::server);
  return code(result == dns::SpfResult::permerror ? Exit::findings : Exit::done);
}

void print_json(const dns::SpfVerdict& verdict) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json() : Json(text);
  };
  const Json out{{"result", dns::to_string(verdict.result)},
                 {"explanation", text_or_null(verdict.explanation)},
                 {"lookups", verdict.lookups},
                 {"voids", verdict.voids},
                 {"domain", verdict.domain},
                 {"matched", text_or_null(verdict.matched)},
                 {"problem", text_or_null(verdict.problem)}};
  std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_text(const dns::SpfVerdict& verdict) {
  std::cout << dns::to_string(verdict.result) << "  " << escape_line(verdict.domain);
  if (!verdict.matched.empty()) std::cout << "  by " << escape_line(verdict.matched);
  std::cout << "  (" << verdict.lookups << " of " << dns::kSpfLookups << " lookups, "
            << verdict.voids << " of " << dns::kSpfVoids << " void)\n";
  if (!verdict.explanation.empty())
    std::cout << "  the domain explains: " << escape_line(verdict.explanation) << '\n';
  if (!verdict.problem.empty()) std::cout << "  " << escape_line(verdict.problem) << '\n';
}

int check(std::span<const std::string> args) {
  std::string ip;
  dns::SpfRequest request;
  std::vector<std::string> given;
  bool json = false;
  OptionTable table;
  table.command = "spf check";
  table.synopsis = "--ip IP --helo NAME --from ADDRESS [OPTIONS]";
  table.about =
      "Says what SPF (RFC 7208) makes of a message: check_host() of an address, a HELO name and a "
      "MAIL FROM. The result is pass, fail, softfail, neutral, none, temperror or permerror; a "
      "permerror ends with exit 1, a temperror with exit 4.";
  auto add = table.options.add_options();
  add("ip", po::value(&ip)->required()->value_name("IP"), "address of the sending host");
  add("helo", po::value(&request.helo)->required()->value_name("NAME"), "what it says in HELO");
  add("from", po::value(&request.sender)->required()->value_name("ADDRESS"),
      "MAIL FROM; <> of a bounce, which is judged as postmaster@NAME");
  add("resolver", po::value(&given)->composing()->value_name("IP:PORT"),
      "resolver to ask; several are asked in turn. Default: this machine's");
  add("receiver", po::value(&request.receiver)->value_name("NAME"),
      "name of the checking host, for %{r}. Default: this machine's");
  add("json", po::bool_switch(&json), "print JSON");
  request.receiver = host_name();
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  const auto client = dns::parse_ip(ip);
  if (!client)
    return report_error(
        fail(ErrorCode::usage, "--ip", "\"" + escape_line(ip) + "\" is not an IP address").error());
  request.client = *client;
  request.now = std::chrono::duration_cast<std::chrono::seconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count();
  const auto resolvers = chosen_resolvers(given);
  if (!resolvers) return report_error(resolvers.error());
  dns::ResolverLookups lookups(*resolvers);
  const auto verdict = dns::check_spf(request, lookups);
  if (json)
    print_json(verdict);
  else
    print_text(verdict);
  return exit_of(verdict.result);
}

// The SPF record that stands at a domain.
Result<std::string> standing_record(const std::string& domain, dns::Lookups& lookups) {
  const auto answer = lookups.ask({domain, "TXT"});
  const std::string operation = "SPF record of " + escape_line(domain);
  if (answer.kind == dns::Answer::Kind::failed)
    return fail(ErrorCode::network, operation, answer.why);
  const auto records = dns::spf_records(answer.rdata);
  if (records.size() == 1) return records.front();
  auto error =
      fail(ErrorCode::config, operation, records.empty() ? "there is none" : "there are several")
          .error();
  return fail(error.with_remedy("name the record of today with --old"));
}

Json to_json(const std::vector<dns::SpfFlattening>& all) {
  Json out = Json::array();
  for (const auto& one : all) out.push_back({{"term", one.term}, {"networks", one.networks}});
  return out;
}

void print_merge_json(const dns::SpfMerge& merged) {
  const Json out{{"record", merged.record},
                 {"proven", merged.proven},
                 {"lookups", merged.lookups},
                 {"voids", merged.voids},
                 {"missing", merged.missing.spf_terms()},
                 {"surplus", merged.surplus.spf_terms()},
                 {"outside", merged.outside},
                 {"fixed", to_json(merged.fixed)},
                 {"flattened", to_json(merged.flattened)},
                 {"notes", merged.notes}};
  std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

// The record alone is data; what is said about it goes to stderr.
void print_merge(const dns::SpfMerge& merged) {
  std::cout << escape_line(merged.record) << '\n';
  std::cerr << (merged.proven ? "proven: what passed by one of both passes, and nothing else"
                              : "NOT proven to let pass what passed by one of both")
            << "; " << merged.lookups << " of " << dns::kSpfLookups << " lookups\n";
  for (const auto& term : merged.outside)
    std::cerr << "outside of the proof: " << escape_line(term) << '\n';
  for (const auto& fixed : merged.fixed)
    std::cerr << escape_line(fixed.term) << " would mean other hosts after the flip: it stands as "
              << fixed.networks.size() << " networks\n";
  for (const auto& term : merged.missing.spf_terms()) std::cerr << "lost: " << term << '\n';
  for (const auto& term : merged.surplus.spf_terms()) std::cerr << "new: " << term << '\n';
  for (const auto& note : merged.notes) std::cerr << escape_line(note) << '\n';
}

int merge(std::span<const std::string> args) {
  std::string domain;
  std::vector<std::string> hosts;
  std::vector<std::string> given;
  dns::SpfMergeRequest request;
  bool json = false;
  OptionTable table;
  table.command = "spf merge";
  table.synopsis = "--domain DOMAIN --new RECORD [OPTIONS]";
  table.about =
      "Computes the SPF record for the time in which an old and a new provider send: every address "
      "that passes by one of both passes, and no other, with the fewest lookups. The proof is by "
      "sets of addresses; exists, ptr and macros are kept as they are and named. Exit 1 where it "
      "is not proven or needs more than 10 lookups.";
  auto add = table.options.add_options();
  add("domain", po::value(&domain)->required()->value_name("DOMAIN"), "domain of both records");
  add("new", po::value(&request.new_record)->required()->value_name("RECORD"),
      "record that the new provider asks for");
  add("old", po::value(&request.old_record)->value_name("RECORD"),
      "record of today. Default: what stands in DNS");
  add("new-mx", po::value(&hosts)->composing()->value_name("HOST"),
      "new MX host: what mx of the new record is to mean");
  add("resolver", po::value(&given)->composing()->value_name("IP:PORT"),
      "resolver to ask; several are asked in turn. Default: this machine's");
  add("json", po::bool_switch(&json), "print JSON");
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  const auto name = dns::canonical_name(domain);
  if (!name) return report_error(fail(ErrorCode::usage, "--domain", name.error().text).error());
  request.domain = *name;
  for (const auto& host : hosts) {
    const auto mx = dns::canonical_name(host);
    if (!mx) return report_error(fail(ErrorCode::usage, "--new-mx", mx.error().text).error());
    request.new_hosts.push_back(*mx);
  }
  const auto resolvers = chosen_resolvers(given);
  if (!resolvers) return report_error(resolvers.error());
  dns::ResolverLookups lookups(*resolvers);
  if (request.old_record.empty()) {
    auto standing = standing_record(request.domain, lookups);
    if (!standing) return report_error(standing.error());
    request.old_record = *std::move(standing);
  }
  const auto merged = dns::merge_spf(request, lookups);
  if (!merged) return report_error(merged.error());
  if (json)
    print_merge_json(*merged);
  else
    print_merge(*merged);
  const bool good = merged->proven && merged->lookups <= dns::kSpfLookups;
  return code(good ? Exit::done : Exit::findings);
}

}  // namespace

std::vector<std::string> spf_subcommands() { return {"check", "merge"}; }

int spf_command(std::span<const std::string> args) {
  if (!args.empty() && args[0] == "check") return check(args.subspan(1));
  if (!args.empty() && args[0] == "merge") return merge(args.subspan(1));
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h");
  (help ? std::cout : std::cerr)
      << "usage: mxferry spf check --ip IP --helo NAME --from ADDRESS\n"
         "       mxferry spf merge --domain DOMAIN --new RECORD     (--help says what they do)\n";
  return code(help ? Exit::done : Exit::usage);
}

Result<std::vector<net::DnsServer>> chosen_resolvers(const std::vector<std::string>& given) {
  if (given.empty()) return net::system_resolvers();
  std::vector<net::DnsServer> out;
  for (const auto& text : given) {
    auto server = net::parse_dns_server(text);
    if (!server) return fail(ErrorCode::usage, "--resolver", server.error().message());
    out.push_back(*std::move(server));
  }
  return out;
}

}  // namespace mxferry::app
