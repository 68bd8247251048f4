// SPDX-License-Identifier: Apache-2.0
#include "app/dns_snapshot_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_reader.hpp"
#include "base/sha256.hpp"
#include "dns/change_dangers.hpp"
#include "dns/change_set.hpp"
#include "plan/plan_json.hpp"

namespace mxferry::app {
namespace {

constexpr const char* kFormat = "mxferry-dns-snapshot/1";

Json side(const std::optional<ZoneRRset>& set) { return set ? plan::to_json(*set) : Json(); }

Result<std::optional<ZoneRRset>> side_from(const Json& json, const std::string& file) {
  if (json.is_null()) return std::optional<ZoneRRset>();
  MXF_TRY(set, plan::rrset_from_json(json, file));
  return std::optional<ZoneRRset>(std::move(set));
}

bool stands(const ZoneRRset* now, const std::optional<ZoneRRset>& wanted) {
  if (now == nullptr || !wanted) return now == nullptr && !wanted;
  return dns::same_rrset(*now, *wanted);
}

// All of it but the digest.
Json contents(const AppliedSnapshot& snapshot) {
  Json out = plan::to_json(snapshot.before);
  out["format"] = kFormat;
  out["plugin"] = snapshot.plugin;
  out["changes"] = changes_images(snapshot.changes);
  return out;
}

}  // namespace

Json changes_images(const std::vector<ZoneChange>& changes) {
  Json out = Json::array();
  for (const auto& change : changes)
    out.push_back({{"before", side(change.before)}, {"after", side(change.after)}});
  return out;
}

std::string snapshot_digest(const AppliedSnapshot& snapshot) {
  return sha256_hex(canonical_json(contents(snapshot)));
}

std::string snapshot_text(const AppliedSnapshot& snapshot) {
  Json out = contents(snapshot);
  out["digest"] = snapshot_digest(snapshot);
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

bool is_applied_snapshot(std::string_view text) {
  return text.find("\"" + std::string(kFormat) + "\"") != text.npos;
}

Result<AppliedSnapshot> read_applied_snapshot(std::string_view text, const std::string& file) {
  const auto wrong = [&](const std::string& what) { return fail(ErrorCode::config, file, what); };
  auto parsed = parse_json(text, file);
  if (!parsed) return wrong(parsed.error().text + ": it is cut off, or no snapshot");
  auto& json = *parsed;
  if (!json.is_object() || !json.contains("format") || json["format"] != kFormat)
    return wrong("expected a snapshot of dns apply (format " + std::string(kFormat) + ")");
  MXF_TRY(digest, json_string(json, "digest", file));
  json.erase("digest");
  if (sha256_hex(canonical_json(json)) != digest)
    return wrong("its digest is not that of its contents: it was cut off or edited");
  AppliedSnapshot out;
  MXF_TRY(plugin, json_string(json, "plugin", file));
  out.plugin = plugin;
  json["format"] = "mxferry-zone/1";
  MXF_TRY(before, plan::snapshot_from_json(json.dump(), file));
  out.before = std::move(before);
  if (!json.contains("changes") || !json["changes"].is_array())
    return wrong("changes: expected an array");
  for (const auto& item : json["changes"]) {
    if (!item.is_object() || !item.contains("before") || !item.contains("after"))
      return wrong("changes: expected before and after");
    MXF_TRY(had, side_from(item["before"], file));
    MXF_TRY(has, side_from(item["after"], file));
    if (!had && !has) return wrong("changes: one has neither before nor after");
    out.changes.push_back({std::move(had), std::move(has)});
  }
  return out;
}

Result<Restoration> restoration(const AppliedSnapshot& snapshot, const ZoneSnapshot& now,
                                bool all) {
  Restoration out;
  for (auto& change : dns::differences(now, snapshot.before)) {
    const auto& any = change.before ? *change.before : *change.after;
    const auto ours =
        std::find_if(snapshot.changes.begin(), snapshot.changes.end(), [&](const ZoneChange& c) {
          const auto& set = c.before ? *c.before : *c.after;
          return set.name == any.name && set.type == any.type;
        });
    const auto* there = now.find(any.name, any.type);
    const bool back = ours != snapshot.changes.end() &&
                      (stands(there, ours->after) || dns::is_between(there, *ours));
    if (all || back) {
      out.changes.push_back(std::move(change));
    } else if (there != nullptr) {
      out.left.push_back(*there);
    } else {
      auto gone = any;
      gone.records.clear();
      out.left.push_back(std::move(gone));
    }
  }
  for (const auto& change : out.changes)
    MXF_CHECK(dns::audit_change(now.zone, change, snapshot.changes));
  MXF_CHECK(dns::check_dangers(now, out.changes, snapshot.changes));
  return out;
}

}  // namespace mxferry::app
