// SPDX-License-Identifier: Apache-2.0
// A master file (RFC 1035 §5, $TTL of RFC 2308 §4) as its records and the bytes that each stands
// on, and the same file with some RRsets exchanged. Everything that is not touched stays byte for
// byte. Pure, any thread.
#pragma once

#include <mxferry/plugin.hpp>

namespace zonefile {

namespace sdk = mxferry::sdk;

struct Entry {
  std::size_t begin = 0, end = 0;  // of its lines in the file, with the last line's end
  bool has_owner = false;          // else it stands for the owner of the entry before it
  std::string owner, type;         // absolute, lower case; upper case
  std::uint32_t ttl = 0;
  std::string rdata;                             // names absolute
  std::size_t serial_begin = 0, serial_end = 0;  // of a SOA
};

/// Failures: unsupported ($INCLUDE, $GENERATE, another class), invalid (malformed, with the line),
/// not_found (the file's SOA is of another zone).
sdk::Result<std::vector<Entry>> entries_of(std::string_view text, const std::string& zone);

/// The RRsets of the entries, in the order of the file.
std::vector<sdk::RRset> rrsets_of(const std::vector<Entry>& entries);

/// The text with the changes carried out and the serial one higher. `changes` have been compared
/// with the entries.
std::string changed(std::string_view text, const std::vector<Entry>& entries,
                    const std::vector<sdk::Change>& changes);

}  // namespace zonefile
