// SPDX-License-Identifier: Apache-2.0
#include "plan/connect_template.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::plan {
namespace {

constexpr std::uint64_t kMostRecords = 200;

// Numbers stand as such or as text, which may be a variable.
Result<std::string> text_of(const Json& record, const char* key, std::string_view where) {
  const auto found = record.find(key);
  if (found == record.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_unsigned()) return std::to_string(found->get<std::uint64_t>());
  return fail(ErrorCode::config, std::string(where),
              std::string(key) + ": expected text or a number that is not below zero");
}

Result<ConnectRecord> read_record(const Json& json, const std::string& where) {
  if (!json.is_object()) return fail(ErrorCode::config, where, "expected an object");
  ConnectRecord out;
  std::string points_to;
  std::string data;
  std::string rules;
  std::string target;
  std::string name;
  const std::pair<const char*, std::string*> members[] = {
      {"type", &out.type},
      {"groupId", &out.group},
      {"host", &out.host},
      {"name", &name},
      {"pointsTo", &points_to},
      {"target", &target},
      {"data", &data},
      {"spfRules", &rules},
      {"ttl", &out.ttl},
      {"priority", &out.priority},
      {"weight", &out.weight},
      {"port", &out.port},
      {"service", &out.service},
      {"protocol", &out.protocol},
      {"txtConflictMatchingMode", &out.conflicts},
      {"txtConflictMatchingPrefix", &out.prefix}};
  for (const auto& [key, value] : members) {
    MXF_TRY(text, text_of(json, key, where));
    *value = std::move(text);
  }
  const std::set<std::string> pointing = {"A", "AAAA", "CNAME", "MX"};
  if (pointing.contains(out.type)) {
    out.data = points_to;
  } else if (out.type == "TXT") {
    out.data = data;
  } else if (out.type == "SPFM") {
    out.data = rules;
  } else if (out.type == "SRV") {
    out.host = name;
    out.data = target;
  } else {
    return fail(ErrorCode::config, where,
                "\"" + escape_line(out.type) +
                    "\" is not a record of DNS that a mail provider needs, or not one that a zone "
                    "holds");
  }
  if (out.data.empty()) return fail(ErrorCode::config, where, out.type + " without its data");
  if (out.conflicts != "" && out.conflicts != "None" && out.conflicts != "All" &&
      out.conflicts != "Prefix")
    return fail(ErrorCode::config, where,
                "txtConflictMatchingMode is \"" + escape_line(out.conflicts) + "\"");
  return out;
}

void add_variables(const std::string& text, std::set<std::string>& to) {
  for (auto at = text.find('%'); at != std::string::npos;) {
    const auto end = text.find('%', at + 1);
    if (end == std::string::npos) return;
    to.insert(text.substr(at + 1, end - at - 1));
    at = text.find('%', end + 1);
  }
}

}  // namespace

Result<ConnectTemplate> read_connect_template(std::string_view text, std::string_view where) {
  MXF_TRY(json, parse_json(text, where));
  ConnectTemplate out;
  MXF_TRY(provider, json_string(json, "providerId", where));
  MXF_TRY(service, json_string(json, "serviceId", where));
  MXF_TRY(description, json_string_or(json, "description", "", where));
  MXF_TRY(host_required, json_bool_or(json, "hostRequired", false, where));
  out.provider = std::move(provider);
  out.service = std::move(service);
  out.description = std::move(description);
  out.host_required = host_required;
  const auto records = json.find("records");
  if (records == json.end() || !records->is_array() || records->size() > kMostRecords)
    return fail(ErrorCode::config, std::string(where), "records: expected a list of up to 200");
  for (const auto& one : *records) {
    const auto at = std::string(where) + " record " + std::to_string(out.records.size() + 1);
    MXF_TRY(record, read_record(one, at));
    out.records.push_back(std::move(record));
  }
  return out;
}

std::vector<std::string> connect_variables(const ConnectTemplate& from,
                                           const std::vector<std::string>& groups) {
  std::set<std::string> out;
  for (const auto& record : from.records) {
    if (!groups.empty() && std::find(groups.begin(), groups.end(), record.group) == groups.end())
      continue;
    for (const auto* text :
         {&record.host, &record.data, &record.ttl, &record.priority, &record.weight, &record.port,
          &record.service, &record.protocol, &record.prefix})
      add_variables(*text, out);
  }
  for (const char* given : {"domain", "host", "fqdn"}) out.erase(given);
  return {out.begin(), out.end()};
}

}  // namespace mxferry::plan
