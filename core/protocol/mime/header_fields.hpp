// SPDX-License-Identifier: Apache-2.0
// The fields of a message header, one after the other (RFC 5322 §2.2). Pure, any thread.
#pragma once

#include <string_view>

namespace mxferry::mime {

/// Calls `visit` with each field, its continuation lines and line end included, up to the empty
/// line; ends early where it gives false.
template <class Visit>
void each_field(std::string_view header, Visit visit) {
  std::size_t at = 0;
  while (at < header.size()) {
    auto end = header.find('\n', at);
    end = end == std::string_view::npos ? header.size() : end + 1;
    const auto first = header.substr(at, end - at);
    if (first == "\r\n" || first == "\n") return;
    while (end < header.size() && (header[end] == ' ' || header[end] == '\t')) {
      const auto more = header.find('\n', end);
      end = more == std::string_view::npos ? header.size() : more + 1;
    }
    if (!visit(header.substr(at, end - at))) return;
    at = end;
  }
}

}  // namespace mxferry::mime
