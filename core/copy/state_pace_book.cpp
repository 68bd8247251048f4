// SPDX-License-Identifier: Apache-2.0
#include "copy/state_pace_book.hpp"

#include <charconv>

namespace mxferry::copy {
namespace {

std::string key_of(const std::string& who) { return "moved:" + who; }

}  // namespace

Result<std::uint64_t> StatePaceBook::moved(const std::string& who, const std::string& day) {
  MXF_TRY(row, file_.meta(key_of(who)));
  if (!row.starts_with(day + " ")) return std::uint64_t{0};
  std::uint64_t octets = 0;
  const char* const first = row.data() + day.size() + 1;
  const char* const last = row.data() + row.size();
  const auto [end, problem] = std::from_chars(first, last, octets);
  if (problem != std::errc() || end != last)
    return fail(ErrorCode::store, "read the day's budget", "the state holds \"" + row + "\"");
  return octets;
}

Result<void> StatePaceBook::set_moved(const std::string& who, const std::string& day,
                                      std::uint64_t octets) {
  return file_.set_meta(key_of(who), day + " " + std::to_string(octets));
}

}  // namespace mxferry::copy
