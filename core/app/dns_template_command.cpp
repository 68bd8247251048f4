// SPDX-License-Identifier: Apache-2.0
#include "app/dns_template_command.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/options.hpp"
#include "app/spf_command.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "base/read_file.hpp"
#include "dns/resolver_lookups.hpp"
#include "plan/connect_template.hpp"
#include "plan/plan_json.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/remembered_lookups.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

struct Given {
  std::string file, snapshot, domain;
  std::vector<std::string> set, resolvers;
  plan::ConnectRequest request;
};

// As `apply --desired` reads it: TXT as plain text.
Json desired(const plan::ConnectChange& change) {
  Json sets = Json::array();
  for (const auto& set : change.sets) {
    Json records = Json::array();
    for (const auto& record : set.records) {
      const auto text = dns::txt_text(record.rdata);
      records.push_back(set.type == "TXT" && text ? *text : record.rdata);
    }
    Json one{{"name", set.name}, {"type", set.type}, {"records", std::move(records)}};
    if (!set.records.empty()) one["ttl"] = set.ttl;
    sets.push_back(std::move(one));
  }
  return {{"rrsets", std::move(sets)}, {"delete", change.dropped}};
}

// What is wrong in a file that a person named is the person's to mend.
template <class T>
Result<T> of_a_file(Result<T> read) {
  if (read) return read;
  Error error = read.error();
  error.code = ErrorCode::config;
  return fail(std::move(error));
}

Result<plan::ConnectChange> changed(Given& given) {
  MXF_TRY(text, read_file(given.file));
  MXF_TRY(from, of_a_file(plan::read_connect_template(text, given.file)));
  MXF_TRY(zone_text, read_file(given.snapshot));
  MXF_TRY(zone, of_a_file(plan::snapshot_from_json(zone_text, given.snapshot)));
  MXF_TRY(domain, dns::canonical_name(given.domain.empty() ? zone.zone : given.domain));
  if (!dns::is_within(domain, zone.zone))
    return fail(ErrorCode::usage, "--domain",
                domain + " does not lie in the zone " + zone.zone + " of the snapshot");
  given.request.domain = domain;
  for (const auto& pair : given.set) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(ErrorCode::usage, "--set", "expected NAME=VALUE");
    given.request.variables[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  MXF_TRY(resolvers, chosen_resolvers(given.resolvers));
  dns::ResolverLookups asked(std::move(resolvers));
  dns::RememberedLookups lookups(asked);
  return plan::change_by_template(from, given.request, zone, lookups);
}

}  // namespace

int dns_template(std::span<const std::string> args) {
  Given given;
  OptionTable table;
  table.command = "dns template";
  table.synopsis = "FILE --snapshot ZONE [OPTIONS]";
  table.about =
      "Prints what a mail provider's Domain Connect template makes of a zone, as a file for "
      "`mxferry dns apply --desired`. MX and client records are replaced, SPF is merged with "
      "proof, other TXT strings stay unless the template says that they give way; each record that "
      "gives way is "
      "named on stderr. Nothing is written.";
  auto add = table.options.add_options();
  add("snapshot", po::value(&given.snapshot)->required()->value_name("ZONE"),
      "the zone as it is: a file of `dns snapshot`");
  add("domain", po::value(&given.domain)->value_name("DOMAIN"),
      "where to apply it. Default: the zone itself");
  add("host", po::value(&given.request.host)->value_name("NAME"),
      "host below the domain, for templates that want one");
  add("set", po::value(&given.set)->composing()->value_name("NAME=VALUE"),
      "value of a variable of the template");
  add("group", po::value(&given.request.groups)->composing()->value_name("NAME"),
      "only the records of this group. Default: all");
  add("resolver", po::value(&given.resolvers)->composing()->value_name("IP:PORT"),
      "resolver to ask what SPF leads to. Default: this machine's");
  table.hidden.add_options()("file", po::value(&given.file)->required()->value_name("FILE"), "");
  table.positional.add("file", 1);
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  const auto change = changed(given);
  if (!change) return report_error(change.error());
  for (const auto* sentences : {&change->conflicts, &change->notes})
    for (const auto& sentence : *sentences) std::cerr << escape_line(sentence) << '\n';
  std::cout << desired(*change).dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  return code(Exit::done);
}

}  // namespace mxferry::app
