// SPDX-License-Identifier: Apache-2.0
// APIs whose records are flat JSON objects: id, name, type, one text of data, TTL and a priority
// beside it. A plugin fills in a FlatDialect; reading, checking and spelling are the same for all.
// Needs nlohmann/json. Pure, any thread.
#pragma once

#include <cstdlib>
#include <mxferry/dns_records.hpp>
#include <mxferry/json_answer.hpp>

namespace mxferry::sdk {

/// How an API spells a record.
struct FlatDialect {
  const char* id = "id";
  const char* name = "name";
  const char* type = "type";
  const char* data = "content";
  const char* ttl = "ttl";
  const char* priority = "priority";
  bool relative_names = true;    // to the zone; else the full name without its final dot
  const char* apex = "";         // the zone's own relative name
  bool numbers_as_text = false;  // "600" for TTL and priority
  bool quoted_txt = false;       // takes TXT as quoted strings; else as one plain text
  TxtRules txt{};
  bool null_mx = false;                                     // stores "0 ."
  std::string_view types = " A AAAA CNAME MX NS SRV TXT ";  // that are written, between blanks
};

namespace detail {

inline Result<std::uint32_t> flat_number(const Json& item, const char* key, std::uint32_t most) {
  const auto* found = member(item, key);
  if (found == nullptr || !found->is_string()) return number_at(item, key, most);
  const auto text = found->get<std::string>();
  if (text.empty() || text.size() > 10 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoull(text) > most)
    return nonsense(std::string("no number ") + key);
  return static_cast<std::uint32_t>(std::stoull(text));
}

}  // namespace detail

inline Result<StoredRecord> flat_record(const Json& item, const std::string& zone,
                                        const FlatDialect& d) {
  StoredRecord out;
  MXF_TRY(id, id_at(item, d.id));
  MXF_TRY(type, text_at(item, d.type));
  MXF_TRY(data, text_at(item, d.data));
  MXF_TRY(ttl, detail::flat_number(item, d.ttl, 0x7fffffffU));
  const auto* name = member(item, d.name);
  if (name == nullptr || !(name->is_string() || (d.relative_names && name->is_null())))
    return nonsense("a record without a name");
  const auto owner = name->is_string() ? name->get<std::string>() : std::string();
  out.id = id;
  out.name = d.relative_names ? absolute_name(owner, zone) : lower(with_dot(owner));
  if (!lies_in(out.name, zone)) return nonsense("a record outside the zone: " + out.name);
  out.type = type;
  out.ttl = ttl;
  out.rdata = type == "TXT" ? txt_as_read(data) : data == "@" ? zone : host_completed(type, data);
  if (type == "MX" || type == "SRV") {
    MXF_TRY(priority, detail::flat_number(item, d.priority, 65535));
    out.rdata.insert(0, std::to_string(priority) + " ");
  }
  if (type == "SOA") {
    auto words = fields_of(data);
    out.rdata.clear();
    for (std::size_t i = 0; i < words.size(); ++i)
      out.rdata += (i == 0 ? "" : " ") + (i < 2 ? with_dot(words[i]) : words[i]);
  }
  if (type == "SOA" || d.types.find(" " + type + " ") == std::string_view::npos)
    out.extra = locked_extra("records of this type are not written by this plugin");
  return out;
}

/// The object that creates or changes a record; invalid where the API cannot store it.
inline Result<Json> flat_body(const StoredRecord& record, const std::string& zone,
                              const FlatDialect& d) {
  if (d.types.find(" " + record.type + " ") == std::string_view::npos)
    return fail(MXF_UNSUPPORTED, "records of this type are not written by this plugin");
  const auto number = [&](const std::string& text) {
    return d.numbers_as_text ? Json(text) : Json(std::atoi(text.c_str()));
  };
  Json out = {{d.type, record.type},
              {d.name, d.relative_names ? relative_name(record.name, zone, d.apex)
                                        : without_dot(record.name)},
              {d.ttl, number(std::to_string(record.ttl))}};
  const auto words = fields_of(record.rdata);
  if (record.type == "TXT") {
    MXF_TRY(text, plain_txt(record.rdata, d.txt));
    out[d.data] = d.quoted_txt ? txt_rdata(text) : text;
  } else if (record.type == "MX" || record.type == "SRV") {
    if (words.size() != (record.type == "MX" ? 2U : 4U))
      return fail(MXF_INVALID, "it has not the fields of " + record.type);
    if (words.back() == "." && !(record.type == "MX" && d.null_mx))
      return fail(MXF_INVALID, "this API stores no record without a host (null MX)");
    out[d.priority] = number(words[0]);
    out[d.data] = without_dot(record.rdata.substr(record.rdata.find(words[1], words[0].size())));
  } else {
    out[d.data] = ends_in_host(record.type) ? without_dot(record.rdata) : record.rdata;
  }
  return out;
}

}  // namespace mxferry::sdk
