// SPDX-License-Identifier: Apache-2.0
#include "convert.hpp"

#include <mxferry/json_answer.hpp>

namespace powerdns {
namespace {

using namespace mxferry::sdk;

std::string string_at(const Json& object, const char* key) {
  const auto* found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

// What a REPLACE would lose: `disabled` of a record, and the RRset's comments (kept with its
// first).
std::string kept_of(const Json& record, const Json* comments) {
  Json extra = Json::object();
  if (is_true(record, "disabled")) extra["disabled"] = true;
  if (comments != nullptr && comments->is_array() && !comments->empty())
    extra["comments"] = *comments;
  return extra_text(extra);
}

bool disabled(const Record& record) { return is_true(extra_of(record.extra), "disabled"); }

}  // namespace

sdk::Result<ZoneDocument> parse_zone(std::string_view body, const std::string& zone) {
  MXF_TRY(json, parsed(body, "zone " + zone));
  if (!json.is_object()) return nonsense("not a JSON object");
  ZoneDocument out{
      lower(string_at(json, "name")), string_at(json, "id"), lower(string_at(json, "kind")), 0, {}};
  if (out.name != zone) return nonsense("asked for zone " + zone + ", got another");
  const auto rrsets = json.find("rrsets");
  if (rrsets == json.end() || !rrsets->is_array()) return nonsense("no list of RRsets");
  if (const auto it = json.find("serial"); it != json.end() && it->is_number_integer())
    out.serial = it->get<std::int64_t>();
  for (const auto& item : *rrsets) {
    if (!item.is_object()) return nonsense("an RRset that is no object");
    sdk::RRset set;
    set.name = lower(string_at(item, "name"));
    set.type = string_at(item, "type");
    const auto ttl = item.find("ttl");
    const auto records = item.find("records");
    if (set.name.empty() || set.type.empty() || records == item.end() || !records->is_array())
      return nonsense("an RRset without name, type or records");
    if (ttl == item.end() || !ttl->is_number_unsigned() || ttl->get<std::uint64_t>() > 0xffffffffU)
      return nonsense("an RRset without a TTL: " + set.name);
    set.ttl = ttl->get<std::uint32_t>();
    const auto comments = item.find("comments");
    for (const auto& record : *records) {
      if (!record.is_object() || string_at(record, "content").empty())
        return nonsense("a record without content: " + set.name);
      const Json* with = set.records.empty() && comments != item.end() ? &*comments : nullptr;
      set.records.push_back({string_at(record, "content"), {}, kept_of(record, with)});
    }
    // Only comments are left of it: no record, nothing to serve.
    if (!set.records.empty()) out.rrsets.push_back(std::move(set));
  }
  return out;
}

sdk::Result<std::vector<sdk::Zone>> parse_zone_list(std::string_view body) {
  MXF_TRY(json, parsed(body, "the list of zones"));
  if (!json.is_array()) return nonsense("the list of zones is no JSON array");
  std::vector<sdk::Zone> out;
  for (const auto& item : json) {
    sdk::Zone zone;
    zone.name = item.is_object() ? lower(string_at(item, "name")) : "";
    if (zone.name.empty()) return nonsense("a zone without a name");
    zone.id = string_at(item, "id");
    out.push_back(std::move(zone));
  }
  return out;
}

sdk::Result<std::string> patch_body(const std::vector<sdk::Change>& changes) {
  Json sets = Json::array();
  // All of it is one transaction, but the server checks it in its order: what makes room for a
  // CNAME, or a CNAME that makes room, goes first.
  for (const auto& change : changes)
    if (!change.after)
      sets.push_back(
          {{"name", change.any().name}, {"type", change.any().type}, {"changetype", "DELETE"}});
  for (const auto& change : changes) {
    if (!change.after) continue;
    Json set = {{"name", change.any().name}, {"type", change.any().type}};
    set["changetype"] = "REPLACE";
    set["ttl"] = change.after->ttl;
    set["records"] = Json::array();
    for (const auto& record : change.after->records) {
      set["records"].push_back({{"content", record.rdata}, {"disabled", disabled(record)}});
      // Without the key the server keeps the comments that are there; an empty list would delete
      // them.
      const auto extra = extra_of(record.extra);
      if (extra.contains("comments") && extra["comments"].is_array())
        set["comments"] = extra["comments"];
    }
    sets.push_back(std::move(set));
  }
  // dump() throws on text that is not UTF-8; replace it instead: the server refuses such a record.
  return Json{{"rrsets", std::move(sets)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool same_served(const sdk::RRset& a, const sdk::RRset& b) {
  const auto off = [](const RRset& set) {
    std::set<std::string> out;
    for (const auto& record : set.records)
      if (disabled(record)) out.insert(comparable(set.type, record.rdata));
    return out;
  };
  return same_rrset(a, b) && off(a) == off(b);
}

std::string zone_in_path(std::string_view name) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto u = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    if (plain) {
      out.push_back(c);
    } else {
      out += {'=', kHex[u >> 4U], kHex[u & 15U]};
    }
  }
  return out;
}

}  // namespace powerdns
