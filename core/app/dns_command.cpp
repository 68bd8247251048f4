// SPDX-License-Identifier: Apache-2.0
#include "app/dns_command.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <tuple>

#include "app/audit_command.hpp"
#include "app/command.hpp"
#include "app/dns_change_commands.hpp"
#include "app/dns_template_command.hpp"
#include "app/dns_wait.hpp"
#include "app/options.hpp"
#include "app/plugins_command.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "credentials/secret_ref.hpp"
#include "plugin/registry.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

struct Subcommand {
  const char* name;
  const char* summary;
  int (*run)(std::span<const std::string> args);
};

Result<std::pair<std::string, std::string>> split_pair(const std::string& option,
                                                       const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return fail(ErrorCode::usage, "--" + option,
                "expected NAME=" + std::string(option == "set" ? "VALUE" : "REFERENCE"));
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

void sort_zone(ZoneSnapshot& zone) {
  for (auto& set : zone.rrsets)
    std::sort(set.records.begin(), set.records.end(), [](const auto& a, const auto& b) {
      return std::tie(a.rdata, a.id) < std::tie(b.rdata, b.id);
    });
  std::sort(zone.rrsets.begin(), zone.rrsets.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.type) < std::tie(b.name, b.type);
  });
}

int records(std::span<const std::string> args) {
  DnsTarget target;
  bool json = false;
  OptionTable table;
  table.command = "dns records";
  table.synopsis = "--provider ID --zone ZONE [OPTIONS]";
  table.about = "Prints every record that the DNS API has for the zone.";
  add_dns_options(table.options, target);
  table.options.add_options()("json", po::bool_switch(&json), "print JSON");
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  auto api = open_dns_target(target);
  if (!api) return report_error(api.error());
  auto zone = (*api)->list_records(target.zone, {});
  if (!zone) return report_error(zone.error());
  if (json)
    std::cout << zone_json(target.plugin, *std::move(zone)) << '\n';
  else
    std::cout << zone_text(*std::move(zone));
  return static_cast<int>(Exit::done);
}

constexpr std::array kSubcommands{
    Subcommand{"records", "print the records of a zone", records},
    Subcommand{"plan", "show what would change for a zone to be as a file says", dns_plan},
    Subcommand{"apply", "make a zone as a file says", dns_apply},
    Subcommand{"snapshot", "write a zone to a file", dns_snapshot},
    Subcommand{"restore", "bring a zone back to a snapshot", dns_restore},
    Subcommand{"wait", "wait until every server and resolver shows what a file says", dns_wait},
    Subcommand{"template", "what a provider's template makes of a zone", dns_template},
    Subcommand{"audit", "look at all that DNS says about a domain's mail", dns_audit},
};

}  // namespace

std::vector<std::string> dns_subcommands() {
  std::vector<std::string> out;
  for (const auto& sub : kSubcommands) out.emplace_back(sub.name);
  return out;
}

int dns_command(std::span<const std::string> args) {
  for (const auto& sub : kSubcommands)
    if (!args.empty() && args[0] == sub.name) return sub.run(args.subspan(1));
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h");
  auto& out = help ? std::cout : std::cerr;
  out << "usage: mxferry dns SUBCOMMAND [OPTIONS]\n";
  for (const auto& sub : kSubcommands)
    out << "  " << std::left << std::setw(10) << sub.name << sub.summary << '\n';
  return static_cast<int>(help ? Exit::done : Exit::usage);
}

void add_dns_options(po::options_description& options, DnsTarget& target) {
  auto add = options.add_options();
  add("provider", po::value(&target.plugin)->value_name("ID"), "DNS plugin (mxferry plugins list)");
  add("plugin", po::value(&target.same)->value_name("ID"), "the same");
  add("zone", po::value(&target.zone)->required()->value_name("ZONE"), "zone, e.g. example.com");
  add("set", po::value(&target.set)->composing()->value_name("NAME=VALUE"),
      "setting of the plugin");
  add("secret", po::value(&target.secret)->composing()->value_name("NAME=REF"),
      "secret of the plugin by reference: env:VARIABLE or file:PATH");
  add("plugins", po::value(&target.folders)->composing()->value_name("FOLDER"),
      "look for plugins there too");
}

Result<std::unique_ptr<DnsApi>> open_dns_target(DnsTarget& target) {
  if (target.plugin.empty()) target.plugin = target.same;
  if (target.plugin.empty())
    return fail(ErrorCode::usage, "--provider",
                "is missing; mxferry plugins list shows which there are");
  if (!target.same.empty() && target.same != target.plugin)
    return fail(ErrorCode::usage, "--provider", "and --plugin name different plugins");
  auto zone = dns::canonical_name(target.zone);
  if (!zone) return fail(ErrorCode::usage, "--zone", zone.error().text);
  target.zone = *std::move(zone);
  plugin::Config config;
  for (const auto& text : target.set) {
    MXF_TRY(pair, split_pair("set", text));
    config[pair.first] = pair.second;
  }
  plugin::Secrets secrets;
  for (const auto& text : target.secret) {
    MXF_TRY(pair, split_pair("secret", text));
    MXF_TRY(secret, resolve_secret(pair.second));
    secrets[pair.first] = std::move(secret);
  }
  const auto registry = plugin::Registry::scan(plugin_folders(target.folders));
  return registry.open_dns(target.plugin, config, std::move(secrets));
}

std::string zone_json(const std::string& plugin, ZoneSnapshot zone) {
  sort_zone(zone);
  Json sets = Json::array();
  for (const auto& set : zone.rrsets) {
    Json list = Json::array();
    for (const auto& record : set.records) {
      Json item{{"rdata", record.rdata}};
      if (!record.id.empty()) item["id"] = record.id;
      if (!record.extra.empty()) {
        auto extra = parse_json(record.extra, "extra");
        item["extra"] = extra ? *extra : Json(record.extra);
      }
      list.push_back(std::move(item));
    }
    Json item{
        {"name", set.name}, {"type", set.type}, {"ttl", set.ttl}, {"records", std::move(list)}};
    if (!set.etag.empty()) item["etag"] = set.etag;
    sets.push_back(std::move(item));
  }
  return Json{{"plugin", plugin}, {"zone", zone.zone}, {"rrsets", std::move(sets)}}.dump(
      2, ' ', false, Json::error_handler_t::replace);
}

std::string zone_text(ZoneSnapshot zone) {
  sort_zone(zone);
  std::string out;
  for (const auto& set : zone.rrsets)
    for (const auto& record : set.records) {
      out += escape_line(set.name + " " + std::to_string(set.ttl) + " IN " + set.type + " " +
                         record.rdata);
      if (!record.extra.empty()) out += escape_line("  ; " + record.extra);
      out += "\n";
    }
  return out;
}

}  // namespace mxferry::app
