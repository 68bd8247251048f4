// SPDX-License-Identifier: Apache-2.0
#include "app/dns_journal.hpp"

#include <nlohmann/json.hpp>

#include "app/dns_snapshot_file.hpp"
#include "app/write_file.hpp"
#include "base/clock.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "base/read_file.hpp"

namespace mxferry::app {
namespace fs = std::filesystem;
namespace {

std::string line_of(Json json) {
  json["at"] = format_instant(SystemClock().now());
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<DnsJournal> DnsJournal::open(const fs::path& file, const std::string& digest) {
  DnsJournal out(file, digest);
  const auto where = escape_line(file.string());
  std::error_code ec;
  if (fs::symlink_status(file, ec).type() == fs::file_type::not_found) return out;
  if (ec) return fail(ErrorCode::io, where, ec.message());
  MXF_TRY(text, read_file(file.string()));
  for (std::size_t at = 0;;) {
    const auto end = text.find('\n', at);
    if (end == std::string::npos) break;
    auto json = parse_json(std::string_view(text).substr(at, end - at), where);
    if (!json || !json->is_object())
      return fail(ErrorCode::config, where, "is not the journal of an apply");
    MXF_TRY(phase, json_string(*json, "phase", where));
    at = end + 1;
    if (phase == "intent") {
      MXF_TRY(of, json_string(*json, "of", where));
      if (of != digest) return DnsJournal(file, digest);
      out.open_ = true;
      out.ids_.clear();
    } else if (phase == "accepted") {
      MXF_TRY(ids, json_strings(*json, "ids", where));
      out.ids_ = std::move(ids);
    } else if (phase == "result") {
      out.open_ = false;
      MXF_TRY(stood, json_string(*json, "at", where));
      Instant at_instant{};
      if (!parse_instant(stood, at_instant))
        return fail(ErrorCode::config, where, "is not the journal of an apply");
      out.stood_at_ = at_instant;
    }
    out.whole_ = at;
  }
  return out;
}

// Behind the last whole line: what was cut off there, or is of another snapshot, goes.
Result<void> DnsJournal::append(const std::string& line) {
  MXF_CHECK(write_behind(file_, whole_, line));
  whole_ += line.size();
  return {};
}

Result<void> DnsJournal::intent(const std::string& way, const std::vector<ZoneChange>& changes) {
  MXF_CHECK(append(line_of(
      {{"phase", "intent"}, {"of", digest_}, {"way", way}, {"changes", changes_images(changes)}})));
  open_ = true;
  ids_.clear();
  return {};
}

Result<void> DnsJournal::accepted(const std::vector<std::string>& ids) {
  MXF_CHECK(append(line_of({{"phase", "accepted"}, {"ids", ids}})));
  ids_ = ids;
  return {};
}

Result<void> DnsJournal::result() {
  MXF_CHECK(append(line_of({{"phase", "result"}})));
  open_ = false;
  stood_at_ = SystemClock().now();
  return {};
}

}  // namespace mxferry::app
