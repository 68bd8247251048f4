// SPDX-License-Identifier: Apache-2.0
// INTERNALDATE: an instant and the zone it was written in (RFC 9051 §9 date-time). Two are the same
// when the instants are; the zone only decides how it is spelled to the destination. A plain value,
// any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mxferry::imap {

struct InternalDate {
  std::chrono::sys_seconds instant{};
  std::chrono::minutes zone{};
  bool operator==(const InternalDate& other) const { return instant == other.instant; }
};

/// Reads `17-Jul-1996 02:44:25 -0700` (a day of one digit may have a blank before it); nothing
/// where it is not a date.
std::optional<InternalDate> parse_internal_date(std::string_view text);
/// True if the grammar can say it: a year of four digits and a zone within 99:59.
bool is_sayable(const InternalDate& date);
/// The inverse, without quotes; always two digits or a blank for the day as the grammar wants.
std::string format_internal_date(const InternalDate& date);

}  // namespace mxferry::imap
