// SPDX-License-Identifier: Apache-2.0
#include "app/dns_want.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "dns/change_set.hpp"
#include "plan/plan_json.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"

namespace mxferry::app {
namespace {

Unexpected<Error> wrong(const std::string& where, const std::string& what) {
  return fail(ErrorCode::config, where, what);
}

// What is wrong with a file is the operator's to mend: exit 2, not 4.
template <class T>
Result<T> as_config(Result<T> result) {
  if (!result && result.error().code == ErrorCode::protocol)
    result.error().code = ErrorCode::config;
  return result;
}

Result<std::string> name_in(const std::string& text, const std::string& zone,
                            const std::string& where) {
  std::string full = text;
  if (text == "@")
    full = zone;
  else if (!text.ends_with('.'))
    full = zone == "." ? text + "." : text + "." + zone;
  MXF_TRY(name, dns::canonical_name(full));
  if (!dns::is_within(name, zone))
    return wrong(where, "the name " + escape_line(name) + " lies outside the zone " + zone);
  return name;
}

Result<std::string> rdata_in(const std::string& type, const std::string& text) {
  if ((type == "TXT" || type == "SPF") && !text.starts_with('"')) return dns::txt_rdata(text);
  return dns::canonical_rdata(type, text);
}

Result<std::vector<std::string>> data_of(const Json& set, const std::string& where) {
  if (!set.contains("records")) return json_strings(set, "data", where);
  std::vector<std::string> out;
  if (!set["records"].is_array()) return wrong(where, "records: expected an array");
  for (const auto& record : set["records"]) {
    MXF_TRY(rdata, json_string(record, "rdata", where));
    out.push_back(std::move(rdata));
  }
  return out;
}

Result<void> check_keys(const Json& object, std::initializer_list<std::string_view> known,
                        const std::string& where) {
  if (!object.is_object()) return wrong(where, "expected an object");
  for (const auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return wrong(where, "unknown key \"" + escape_line(key) + "\"");
  return {};
}

Result<std::vector<std::string>> plain_data_of(const Json& set, const std::string& type,
                                               const std::string& where) {
  MXF_TRY(data, json_strings(set, "records", where));
  if (type == "TXT")
    for (auto& text : data) text = dns::txt_rdata(text);
  return data;
}

Result<DnsEdit> wanted_set(const Json& set, const std::string& zone, bool plain,
                           const std::string& where) {
  MXF_CHECK(
      check_keys(set,
                 plain ? std::initializer_list<std::string_view>{"name", "type", "ttl", "records"}
                       : std::initializer_list<std::string_view>{"name", "type", "ttl", "data",
                                                                 "records", "etag"},
                 where));
  DnsEdit edit;
  MXF_TRY(name, json_string(set, "name", where));
  MXF_TRY(absolute, name_in(name, zone, where));
  MXF_TRY(type, json_string(set, "type", where));
  MXF_TRY(ttl, json_int_or(set, "ttl", -1, where));
  MXF_TRY(data, plain ? plain_data_of(set, type, where) : data_of(set, where));
  if (ttl < -1 || ttl > 0x7fffffff) return wrong(where, "ttl: out of range (RFC 2181 §8)");
  edit.name = absolute;
  edit.type = type;
  if (!dns::type_number(type)) return wrong(where, "unknown type \"" + escape_line(type) + "\"");
  if (ttl >= 0) edit.ttl = static_cast<std::uint32_t>(ttl);
  for (const auto& item : data) {
    auto rdata = rdata_in(type, item);
    if (!rdata) return wrong(where, rdata.error().message());
    edit.after.push_back(std::move(*rdata));
  }
  return edit;
}

std::vector<std::string> texts_of(const std::optional<ZoneRRset>& set) {
  std::vector<std::string> out;
  if (set && set->type == "TXT")
    for (const auto& record : set->records)
      if (auto text = dns::txt_text(record.rdata)) out.push_back(*std::move(text));
  return out;
}

// Whoever wrote the file may not know of strings that others put beside theirs.
Result<void> check_texts(const std::vector<ZoneChange>& changes,
                         const std::vector<std::string>& may_drop) {
  for (const auto& change : changes) {
    const auto kept = texts_of(change.after);
    for (const auto& text : texts_of(change.before)) {
      const auto is_in = [&](const std::vector<std::string>& texts) {
        return std::find(texts.begin(), texts.end(), text) != texts.end();
      };
      if (is_in(kept) || is_in(may_drop) || dns::is_spf(text)) continue;
      auto error = fail(ErrorCode::gate, "change " + change.before->name + " TXT",
                        "DC-04: the string \"" + escape_line(text) + "\" would be dropped")
                       .error();
      return fail(std::move(error.with_remedy(
          "put it among the records, or name it in \"delete\"; nothing was written")));
    }
  }
  return {};
}

// A domain that published SPF and stops is open to whoever forges it: only by name.
Result<void> check_spf(const std::vector<ZoneChange>& changes,
                       const std::vector<std::string>& may_drop) {
  for (const auto& change : changes) {
    const auto kept = texts_of(change.after);
    if (std::any_of(kept.begin(), kept.end(), [](const auto& text) { return dns::is_spf(text); }))
      continue;
    for (const auto& text : texts_of(change.before)) {
      if (!dns::is_spf(text) || std::find(may_drop.begin(), may_drop.end(), text) != may_drop.end())
        continue;
      auto error = fail(ErrorCode::gate, "change " + change.before->name + " TXT",
                        "DC-04: \"" + escape_line(text) +
                            "\" would be dropped and no SPF put in "
                            "its place")
                       .error();
      return fail(std::move(error.with_remedy(
          "put an SPF record among the records, or name this one in \"delete\"")));
    }
  }
  return {};
}

Result<void> check_ttls(const std::vector<ZoneChange>& changes, std::uint32_t floor) {
  for (const auto& change : changes) {
    if (!change.after || change.after->ttl >= floor) continue;
    if (change.before && change.before->ttl == change.after->ttl) continue;  // as it stands
    auto error = fail(ErrorCode::gate, "change " + change.after->name + " " + change.after->type,
                      "DC-07: the DNS API takes no TTL of " + std::to_string(change.after->ttl))
                     .error();
    return fail(std::move(error.with_remedy("write " + std::to_string(floor) + " or more")));
  }
  return {};
}

bool is_served_by_the_api_alone(const DnsEdit& edit, const std::string& zone) {
  return edit.type == "SOA" || edit.type == "RRSIG" || edit.type == "NSEC" ||
         edit.type == "NSEC3PARAM" || edit.type == "DNSKEY" ||
         (edit.type == "NS" && edit.name == zone);
}

}  // namespace

Result<Want> parse_want(std::string_view text, const std::string& zone, const std::string& file) {
  MXF_TRY(json, as_config(parse_json(text, file)));
  MXF_TRY(format, as_config(json_string_or(json, "format", "", file)));
  Want out;
  if (format == "mxferry-edits/1") {
    MXF_CHECK(check_keys(json, {"format", "edits"}, file));
    if (!json.contains("edits") || !json["edits"].is_array())
      return wrong(file, "edits: expected an array");
    for (const auto& item : json["edits"]) {
      MXF_TRY(edit, as_config(plan::edit_from_json(item, file)));
      MXF_TRY(name, name_in(edit.name, zone, file));
      edit.name = name;
      out.edits.push_back(std::move(edit));
    }
    return out;
  }
  const bool plain = format.empty();
  if (!plain && format != "mxferry-want/1" && format != "mxferry-zone/1")
    return wrong(file,
                 "format: expected mxferry-want/1, mxferry-zone/1 or mxferry-edits/1, found \"" +
                     escape_line(format) + "\"");
  out.exact = true;
  if (plain) {
    MXF_CHECK(check_keys(json, {"zone", "rrsets", "delete"}, file));
    out.keeps_texts = true;
  } else {
    MXF_CHECK(check_keys(json, {"format", "zone", "rrsets", "delete"}, file));
  }
  if (json.contains("delete")) {
    MXF_TRY(texts, as_config(json_strings(json, "delete", file)));
    out.may_drop = std::move(texts);
  }
  MXF_TRY(of, as_config(json_string_or(json, "zone", zone, file)));
  MXF_TRY(named, dns::canonical_name(of));
  if (named != zone) return wrong(file, "it is about the zone " + named + ", not " + zone);
  if (!json.contains("rrsets") || !json["rrsets"].is_array())
    return wrong(file, "rrsets: expected an array");
  for (std::size_t i = 0; i < json["rrsets"].size(); ++i) {
    const auto where = file + ": rrsets[" + std::to_string(i) + "]";
    MXF_TRY(edit, as_config(wanted_set(json["rrsets"][i], zone, plain, where)));
    if (format == "mxferry-zone/1" && is_served_by_the_api_alone(edit, zone)) continue;
    for (const auto& other : out.edits)
      if (other.name == edit.name && other.type == edit.type)
        return wrong(where, edit.name + " " + edit.type + " stands twice");
    out.edits.push_back(std::move(edit));
  }
  return out;
}

Result<std::vector<ZoneChange>> changes_for(const Want& want, const ZoneSnapshot& now,
                                            std::uint32_t floor,
                                            std::span<const ZoneChange> begun) {
  auto edits = want.edits;
  for (auto& edit : edits) {
    if (!want.exact) continue;
    edit.before.clear();
    if (const auto* have = now.find(edit.name, edit.type))
      for (const auto& record : have->records) edit.before.push_back(record.rdata);
  }
  MXF_TRY(changes,
          dns::resolve_edits(now, edits, want.exact ? std::span<const ZoneChange>() : begun));
  if (want.keeps_texts) MXF_CHECK(check_texts(changes, want.may_drop));
  if (want.exact) MXF_CHECK(check_spf(changes, want.may_drop));
  MXF_CHECK(check_ttls(changes, floor));
  return changes;
}

}  // namespace mxferry::app
