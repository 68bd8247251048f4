// SPDX-License-Identifier: Apache-2.0
#include "maildir/manifest.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::maildir {
namespace {

constexpr const char* kManifestFormat = "mxferry-manifest";
constexpr const char* kIndexFormat = "mxferry-backup";
constexpr std::int64_t kVersion = 1;

// https://cr.yp.to/proto/maildir.html; P (passed) is $Forwarded, as Dovecot has it.
constexpr std::array<std::pair<char, std::string_view>, 6> kLetters = {{
    {'D', "\\Draft"},
    {'F', "\\Flagged"},
    {'P', "$Forwarded"},
    {'R', "\\Answered"},
    {'S', "\\Seen"},
    {'T', "\\Deleted"},
}};

std::string line_of(const Json& json) { return json.dump() + '\n'; }

Json to_json(const imap::Flags& flags) {
  Json out = Json::array();
  for (const auto& name : flags.names()) out.push_back(escape_bytes(name));
  return out;
}

Unexpected<Error> broken(const std::string& where, std::string text) {
  Error error;
  error.code = ErrorCode::store;
  error.operation = "read " + where;
  error.text = std::move(text);
  return fail(std::move(
      error.with_remedy("take the file from another copy of the backup, or begin a new backup")));
}

// Calls `take(line, where)` for each whole line; gives the octets that they fill. A NUL, which no
// line has, is a sector that a power cut kept from the disk: what it belongs to and what follows
// was never synced, so nobody was told that it is stored.
template <class Take>
Result<std::uint64_t> each_line(std::string_view text, const std::string& where, Take take) {
  std::uint64_t number = 0;
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', at)) {
    ++number;
    const auto line = text.substr(at, end - at);
    if (line.find('\0') != std::string_view::npos) break;
    MXF_CHECK(take(line, where + ":" + std::to_string(number), number));
    at = end + 1;
  }
  return std::uint64_t{at};
}

Result<Json> object(std::string_view line, const std::string& where) {
  auto parsed = parse_json(line, where);
  if (!parsed) return broken(where, parsed.error().text);
  if (!parsed->is_object()) return broken(where, "a JSON object is expected");
  return parsed;
}

Result<void> check_format(const Json& json, const char* format, const std::string& where) {
  auto version = json_int(json, format, where);
  if (!version) return broken(where, std::string("\"") + format + "\" is expected first");
  if (*version != kVersion)
    return broken(where, "format " + std::to_string(*version) + " is not known to this version");
  return {};
}

Result<imap::Flags> flags_of(const Json& json, const std::string& where) {
  auto names = json_strings(json, "flags", where);
  if (!names) return broken(where, names.error().text);
  imap::Flags out;
  for (const auto& name : *names) out.add(unescape_bytes(name));
  return out;
}

}  // namespace

Result<void> Manifest::read_line(std::string_view line, const std::string& where) {
  MXF_TRY(json, object(line, where));
  ++lines_;
  if (lines_ == 1) {
    MXF_CHECK(check_format(json, kManifestFormat, where));
    auto validity = json_int(json, "uidvalidity", where);
    if (!validity || *validity < 1 || *validity > 0xFFFFFFFFLL)
      return broken(where, "\"uidvalidity\" must be 1 to 4294967295");
    validity_ = UidValidity(static_cast<std::uint32_t>(*validity));
    return {};
  }
  auto uid = json_int(json, "uid", where);
  if (!uid || *uid < 1 || *uid > 0xFFFFFFFELL) return broken(where, "\"uid\" must be a UID");
  const auto number = static_cast<std::uint32_t>(*uid);
  if (json.contains("sha256")) {
    ManifestEntry entry;
    entry.uid = Uid(number);
    if (number <= highest_) return broken(where, "UIDs must ascend");
    auto size = json_int(json, "size", where);
    auto digest = json_string(json, "sha256", where);
    auto date = json_string_or(json, "date", "", where);
    if (!size || *size < 0) return broken(where, "\"size\" must be the octets of the message");
    if (!digest || digest->size() != 64) return broken(where, "\"sha256\" must be 64 digits");
    if (!date) return broken(where, date.error().text);
    entry.size = static_cast<std::uint64_t>(*size);
    entry.sha256 = *digest;
    if (!date->empty()) {
      entry.date = imap::parse_internal_date(*date);
      if (!entry.date) return broken(where, "\"date\" is not a date");
    }
    MXF_TRY(flags, flags_of(json, where));
    entry.flags = std::move(flags);
    entry.changed = lines_;
    highest_ = number;
    entries_.emplace(number, std::move(entry));
    return {};
  }
  const auto known = entries_.find(number);
  if (known == entries_.end())
    return broken(where, "UID " + std::to_string(number) + " is not above");
  if (json.contains("removed")) {
    entries_.erase(known);
    return {};
  }
  MXF_TRY(flags, flags_of(json, where));
  known->second.flags = std::move(flags);
  known->second.changed = lines_;
  return {};
}

Result<Manifest> Manifest::parse(std::string_view text, const std::string& where) {
  Manifest out;
  MXF_TRY(whole, each_line(text, where, [&](std::string_view line, const std::string& place, auto) {
            return out.read_line(line, place);
          }));
  out.whole_ = whole;
  return out;
}

std::string Manifest::first_line() {
  lines_ = 1;
  return line_of({{kManifestFormat, kVersion}, {"uidvalidity", validity_.value}});
}

std::string Manifest::add(ManifestEntry entry) {
  ++lines_;
  entry.changed = lines_;
  highest_ = entry.uid.value;
  Json json = {{"uid", entry.uid.value},
               {"size", entry.size},
               {"sha256", entry.sha256},
               {"flags", to_json(entry.flags)}};
  if (entry.date) json["date"] = imap::format_internal_date(*entry.date);
  entries_.insert_or_assign(entry.uid.value, std::move(entry));
  return line_of(json);
}

std::string Manifest::set_flags(Uid uid, const imap::Flags& flags) {
  ++lines_;
  auto& entry = entries_[uid.value];
  entry.flags = flags;
  entry.changed = lines_;
  return line_of({{"uid", uid.value}, {"flags", to_json(flags)}});
}

std::string Manifest::remove(Uid uid) {
  ++lines_;
  entries_.erase(uid.value);
  return line_of({{"uid", uid.value}, {"removed", true}});
}

Result<FolderIndex> FolderIndex::parse(std::string_view text, const std::string& where) {
  FolderIndex out;
  const auto take = [&](std::string_view line, const std::string& place,
                        std::uint64_t number) -> Result<void> {
    MXF_TRY(json, object(line, place));
    if (number == 1) return check_format(json, kIndexFormat, place);
    auto wire = json_string(json, "folder", place);
    auto directory = json_string(json, "directory", place);
    auto use = json_string_or(json, "use", "", place);
    auto subscribed = json_bool_or(json, "subscribed", false, place);
    if (!wire || !directory || !use || !subscribed)
      return broken(place, "\"folder\" and \"directory\" are expected");
    IndexedFolder folder;
    folder.wire = unescape_bytes(*wire);
    folder.directory = *directory;
    folder.use = use_from_text(*use);
    folder.subscribed = *subscribed;
    (void)out.put(std::move(folder));
    return {};
  };
  MXF_TRY(whole, each_line(text, where, take));
  if (whole == 0) return broken(where, "the first line is missing");
  out.whole_ = whole;
  return out;
}

std::string FolderIndex::first_line() { return line_of({{kIndexFormat, kVersion}}); }

std::string FolderIndex::put(IndexedFolder folder) {
  Json json = {{"folder", escape_bytes(folder.wire)}, {"directory", folder.directory}};
  if (folder.use != SpecialUse::none) json["use"] = use_text(folder.use);
  if (folder.subscribed) json["subscribed"] = true;
  const std::string key = folder.wire;
  folders_.insert_or_assign(key, std::move(folder));
  return line_of(json);
}

std::string letters_of(const imap::Flags& flags) {
  std::string out;
  for (const auto& [letter, name] : kLetters)
    if (flags.contains(name)) out += letter;
  return out;
}

imap::Flags flags_of_name(std::string_view name, const std::vector<std::string>& keywords) {
  imap::Flags out;
  const auto at = name.rfind(":2,");
  if (at == std::string_view::npos) return out;
  for (const char c : name.substr(at + 3)) {
    for (const auto& [letter, flag] : kLetters)
      if (c == letter) out.add(flag);
    const auto keyword = static_cast<std::size_t>(c - 'a');
    if (c >= 'a' && c <= 'z' && keyword < keywords.size() && !keywords[keyword].empty())
      out.add(keywords[keyword]);
  }
  return out;
}

std::string file_name(const ManifestEntry& entry) {
  const auto seconds =
      entry.date ? std::max<std::int64_t>(0, entry.date->instant.time_since_epoch().count()) : 0;
  return std::to_string(seconds) + ".U" + std::to_string(entry.uid.value) +
         ".mxferry,S=" + std::to_string(entry.size) + ":2," + letters_of(entry.flags);
}

std::optional<Uid> uid_of_file(std::string_view name) {
  const auto from = name.find(".U");
  const auto to = name.find(".mxferry,");
  if (from == std::string_view::npos || to == std::string_view::npos || to < from + 3 ||
      to > from + 12)
    return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : name.substr(from + 2, to - from - 2)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (number == 0 || number > 0xFFFFFFFEULL) return std::nullopt;
  return Uid(static_cast<std::uint32_t>(number));
}

}  // namespace mxferry::maildir
