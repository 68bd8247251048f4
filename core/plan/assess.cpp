// SPDX-License-Identifier: Apache-2.0
#include "plan/assess.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "plan/accept.hpp"

namespace mxferry::plan {
namespace {

Json number(const std::optional<std::uint64_t>& n) { return n ? Json(*n) : Json(); }

Result<std::uint64_t> count(const Json& json, const char* key, std::string_view where) {
  MXF_TRY(n, json_int(json, key, where));
  if (n < 0)
    return fail(ErrorCode::protocol, std::string(where), std::string(key) + " is below zero");
  return static_cast<std::uint64_t>(n);
}

Result<std::optional<std::uint64_t>> maybe(const Json& json, const char* key,
                                           std::string_view where) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::optional<std::uint64_t>();
  MXF_TRY(n, count(json, key, where));
  return std::optional(n);
}

Json texts(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const auto& item : list) out.push_back(escape_bytes(item));
  return out;
}

Result<std::vector<std::string>> read_texts(const Json& json, const char* key,
                                            std::string_view where) {
  MXF_TRY(list, json_strings(json, key, where));
  for (auto& item : list) item = unescape_bytes(item);
  return list;
}

// JSON numbers are 64 bits signed where they are read.
std::uint64_t capped(std::uint64_t n) { return std::min<std::uint64_t>(n, INT64_MAX); }

}  // namespace

std::string print_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value,
                kUnits.at(unit));
  return text.data();
}

std::vector<Finding> judge_inventory(const config::PlanFile& file, const MailboxInventory& box,
                                     std::optional<std::uint64_t> message_bytes) {
  std::vector<Finding> out;
  const auto put = [&](const char* id, Severity severity, std::string text, std::string remedy) {
    out.push_back({id, box.address, severity, std::move(text), std::move(remedy), ""});
  };
  // Once, and not again and again: a destination may lock out who tries too often.
  if (box.dest_asked && !box.dest_problem.empty())
    put("MB-08", Severity::warning,
        "the mailbox could not be looked at on the destination: " + box.dest_problem,
        "mend its account or password there; a run would park it");
  // What will hold: the server's word, else what the plan will set.
  std::optional<std::uint64_t> limit = box.dest_quota.limit;
  for (const auto& row : file.mailboxes)
    if (row.dest == box.address && row.quota_bytes)
      limit = std::max(limit.value_or(0), *row.quota_bytes);
  if (limit && *limit > 0) {
    const std::string sizes =
        print_bytes(box.bytes) + " at the source, " + print_bytes(*limit) + " allowed";
    const auto used = box.dest_quota.used.value_or(0);
    const std::string remedy = "raise the quota at the destination, or make the mailbox smaller";
    if (box.bytes > *limit)
      put("QU-01", Severity::block, "the mailbox does not fit at the destination: " + sizes,
          remedy);
    else if (static_cast<double>(std::max(box.bytes, used)) > 0.9 * static_cast<double>(*limit))
      put("QU-02", Severity::warning,
          "the mailbox will fill more than 90 % of its quota at the destination: " + sizes, remedy);
  }
  const auto largest_allowed = box.dest_append_limit ? box.dest_append_limit : message_bytes;
  if (largest_allowed && box.largest > *largest_allowed)
    put("SZ-01", Severity::warning,
        "the largest message has " + print_bytes(box.largest) + ", the destination takes up to " +
            print_bytes(*largest_allowed) + ": it will be refused (MB-03)",
        "raise the limit at the destination, or save the message elsewhere first");
  if (!box.renamed.empty()) {
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(box.renamed.size(), 5); ++i)
      list += (i == 0 ? "" : ", ") + box.renamed[i].from + " -> " + box.renamed[i].to;
    if (box.renamed.size() > 5) list += ", …";
    put("FO-01", Severity::info,
        std::to_string(box.renamed.size()) + (box.renamed.size() == 1 ? " folder" : " folders") +
            " will be called otherwise at the destination: " + list,
        "tell the mailbox's user");
  }
  if (!box.foreign.empty()) {
    std::string list;
    for (const auto& item : box.foreign) list += (list.empty() ? "" : ", ") + item;
    put("FO-02", Severity::info,
        "the account sees folders of others, which are not copied with it: " + list,
        "give each mailbox that they belong to a row of its own in mailboxes.csv");
  }
  accept_findings(file, out);
  return out;
}

Json to_json(const MailboxInventory& box) {
  Json renamed = Json::array();
  for (const auto& folder : box.renamed)
    renamed.push_back({{"from", escape_bytes(folder.from)}, {"to", escape_bytes(folder.to)}});
  const auto quota = [](const QuotaState& q) -> Json {
    return {{"used", number(q.used)}, {"limit", number(q.limit)}};
  };
  return {{"address", escape_bytes(box.address)},
          {"folders", capped(box.folders)},
          {"messages", capped(box.messages)},
          {"bytes", capped(box.bytes)},
          {"largest", capped(box.largest)},
          {"source_quota", quota(box.source_quota)},
          {"dest_quota", quota(box.dest_quota)},
          {"dest_append_limit", number(box.dest_append_limit)},
          {"renamed", renamed},
          {"foreign", texts(box.foreign)},
          {"aliases", texts(box.aliases)},
          {"dest_asked", box.dest_asked},
          {"dest_problem", escape_line(box.dest_problem)}};
}

Result<MailboxInventory> inventory_from_json(std::string_view text, std::string_view where) {
  MXF_TRY(json, parse_json(text, where));
  MailboxInventory out;
  MXF_TRY(address, json_string(json, "address", where));
  out.address = unescape_bytes(address);
  const std::pair<const char*, std::uint64_t*> counts[] = {{"folders", &out.folders},
                                                           {"messages", &out.messages},
                                                           {"bytes", &out.bytes},
                                                           {"largest", &out.largest}};
  for (const auto& [key, value] : counts) {
    MXF_TRY(n, count(json, key, where));
    *value = n;
  }
  const std::pair<const char*, QuotaState*> quotas[] = {{"source_quota", &out.source_quota},
                                                        {"dest_quota", &out.dest_quota}};
  for (const auto& [key, value] : quotas) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_object())
      return fail(ErrorCode::protocol, std::string(where), std::string(key) + " is missing");
    MXF_TRY(used, maybe(*found, "used", where));
    MXF_TRY(limit, maybe(*found, "limit", where));
    value->used = used;
    value->limit = limit;
  }
  MXF_TRY(limit, maybe(json, "dest_append_limit", where));
  out.dest_append_limit = limit;
  const auto renamed = json.find("renamed");
  if (renamed == json.end() || !renamed->is_array())
    return fail(ErrorCode::protocol, std::string(where), "renamed is missing");
  for (const auto& item : *renamed) {
    MXF_TRY(from, json_string(item, "from", where));
    MXF_TRY(to, json_string(item, "to", where));
    out.renamed.push_back({unescape_bytes(from), unescape_bytes(to)});
  }
  MXF_TRY(foreign, read_texts(json, "foreign", where));
  out.foreign = std::move(foreign);
  MXF_TRY(aliases, read_texts(json, "aliases", where));
  out.aliases = std::move(aliases);
  MXF_TRY(asked, json_bool(json, "dest_asked", where));
  out.dest_asked = asked;
  MXF_TRY(problem, json_string(json, "dest_problem", where));
  out.dest_problem = std::move(problem);
  return out;
}

Json to_json(const SeenAddresses& seen) {
  Json addresses = Json::object();
  for (const auto& [address, count] : seen.seen) {
    Json headers = Json::object();
    for (const auto& [header, n] : count.by_header) headers[header] = capped(n);
    addresses[escape_bytes(address)] = {{"messages", capped(count.messages)},
                                        {"headers", std::move(headers)}};
  }
  return {{"messages", capped(seen.messages)}, {"cut", seen.cut}, {"seen", std::move(addresses)}};
}

Result<SeenAddresses> seen_from_json(std::string_view text, std::string_view where) {
  MXF_TRY(json, parse_json(text, where));
  SeenAddresses out;
  MXF_TRY(messages, count(json, "messages", where));
  out.messages = messages;
  MXF_TRY(cut, json_bool(json, "cut", where));
  out.cut = cut;
  const auto seen = json.find("seen");
  if (seen == json.end() || !seen->is_object())
    return fail(ErrorCode::protocol, std::string(where), "seen is missing");
  for (const auto& [address, item] : seen->items()) {
    AddressSeen entry;
    MXF_TRY(n, count(item, "messages", where));
    entry.messages = n;
    const auto headers = item.find("headers");
    if (headers == item.end() || !headers->is_object())
      return fail(ErrorCode::protocol, std::string(where), "headers is missing");
    for (const auto& [header, unused] : headers->items()) {
      (void)unused;
      MXF_TRY(times, count(*headers, header.c_str(), where));
      entry.by_header[header] = times;
    }
    out.seen[unescape_bytes(address)] = std::move(entry);
  }
  return out;
}

}  // namespace mxferry::plan
