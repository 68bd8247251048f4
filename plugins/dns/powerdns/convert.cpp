// SPDX-License-Identifier: Apache-2.0
#include "convert.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace powerdns {
namespace {

using Json = nlohmann::json;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string string_at(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

mxferry::Unexpected<sdk::Failure> nonsense(const std::string& what) {
  return sdk::fail(MXF_REMOTE, "the API's answer makes no sense: " + what);
}

// What a REPLACE would lose: `disabled` of a record, and the RRset's comments (kept with its
// first).
std::string extra_of(const Json& record, const Json* comments) {
  Json extra = Json::object();
  if (const auto it = record.find("disabled");
      it != record.end() && it->is_boolean() && it->get<bool>())
    extra["disabled"] = true;
  if (comments != nullptr && comments->is_array() && !comments->empty())
    extra["comments"] = *comments;
  return extra.empty() ? std::string() : extra.dump();
}

Json parsed_extra(const std::string& extra) {
  auto json = extra.empty() ? Json::object() : Json::parse(extra, nullptr, false);
  return json.is_object() ? json : Json::object();
}

bool disabled(const sdk::Record& record) {
  const auto extra = parsed_extra(record.extra);
  return extra.contains("disabled") && extra["disabled"].is_boolean() &&
         extra["disabled"].get<bool>();
}

// The bytes of all character-strings of a TXT in presentation form (RFC 1035 §5.1): quoted or bare,
// \DDD and \X escapes.
std::string txt_bytes(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && i + 1 < text.size()) {
      const auto digit = [&](std::size_t k) {
        return k < text.size() && text[k] >= '0' && text[k] <= '9';
      };
      if (digit(i + 1) && digit(i + 2) && digit(i + 3)) {
        out.push_back(static_cast<char>((text[i + 1] - '0') * 100 + (text[i + 2] - '0') * 10 +
                                        (text[i + 3] - '0')));
        i += 3;
      } else {
        out.push_back(text[++i]);
      }
    } else if (quoted || (c != ' ' && c != '\t')) {
      out.push_back(c);
    }
  }
  return out;
}

std::string comparable(const std::string& type, const sdk::Record& record) {
  std::string out = disabled(record) ? "off " : "on ";
  if (type == "TXT" || type == "SPF") return out + txt_bytes(record.rdata);
  bool space = false;
  for (const char c : lower(record.rdata)) {
    if (c == ' ' || c == '\t') {
      space = true;
      continue;
    }
    if (space) out.push_back(' ');
    space = false;
    out.push_back(c);
  }
  return out;
}

}  // namespace

sdk::Result<ZoneDocument> parse_zone(std::string_view body, const std::string& zone) {
  const auto json = Json::parse(body, nullptr, false);
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
      set.records.push_back({string_at(record, "content"), {}, extra_of(record, with)});
    }
    // Only comments are left of it: no record, nothing to serve.
    if (!set.records.empty()) out.rrsets.push_back(std::move(set));
  }
  return out;
}

sdk::Result<std::vector<sdk::Zone>> parse_zone_list(std::string_view body) {
  const auto json = Json::parse(body, nullptr, false);
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
  for (const auto& change : changes) {
    Json set = {{"name", change.any().name}, {"type", change.any().type}};
    if (!change.after) {
      set["changetype"] = "DELETE";
      sets.push_back(std::move(set));
      continue;
    }
    set["changetype"] = "REPLACE";
    set["ttl"] = change.after->ttl;
    set["records"] = Json::array();
    for (const auto& record : change.after->records) {
      set["records"].push_back({{"content", record.rdata}, {"disabled", disabled(record)}});
      // Without the key the server keeps the comments that are there; an empty list would delete
      // them.
      const auto extra = parsed_extra(record.extra);
      if (extra.contains("comments") && extra["comments"].is_array())
        set["comments"] = extra["comments"];
    }
    sets.push_back(std::move(set));
  }
  // dump() throws on text that is not UTF-8; replace it instead: the server refuses such a record.
  return Json{{"rrsets", std::move(sets)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string error_words(std::string_view body) {
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::string(body.substr(0, 2000));
  auto words = string_at(json, "error");
  if (const auto it = json.find("errors"); it != json.end() && it->is_array())
    for (const auto& more : *it)
      if (more.is_string()) words += "; " + more.get<std::string>();
  return words.empty() ? std::string(body.substr(0, 2000)) : words;
}

bool same_rrset(const sdk::RRset& a, const sdk::RRset& b) {
  if (lower(a.name) != lower(b.name) || a.type != b.type || a.ttl != b.ttl) return false;
  std::vector<std::string> left;
  std::vector<std::string> right;
  for (const auto& r : a.records) left.push_back(comparable(a.type, r));
  for (const auto& r : b.records) right.push_back(comparable(b.type, r));
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
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
