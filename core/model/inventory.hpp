// SPDX-License-Identifier: Apache-2.0
// What was found in a mailbox before it is moved: counts, sizes, quotas on both sides, folders that
// will be called otherwise, and the addresses at which its mail arrives. Plain values, any thread.
// Nothing = the server did not say, never zero.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mxferry {

struct RenamedFolder {
  std::string from, to;  // UTF-8 paths, "/" between the parts
  bool operator==(const RenamedFolder&) const = default;
};

/// RFC 9208, octets. `limit` is nothing where there is none.
struct QuotaState {
  std::optional<std::uint64_t> used{};
  std::optional<std::uint64_t> limit{};
  bool operator==(const QuotaState&) const = default;
};

struct MailboxInventory {
  std::string address{};  // at the destination: the key
  std::uint64_t folders = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;    // as the server counts them
  std::uint64_t largest = 0;  // octets of the largest message
  QuotaState source_quota{}, dest_quota{};
  std::optional<std::uint64_t> dest_append_limit{};  // RFC 7889
  std::vector<RenamedFolder> renamed{};
  std::vector<std::string> foreign{};  // "Shared/ (3 folders)": other users' and shared namespaces
  std::vector<std::string> aliases{};  // of the plan
  bool dest_asked = false;             // false: the account is made by a later step
  std::string
      dest_problem{};  // why the destination did not answer; empty: it did, or was not asked
  bool operator==(const MailboxInventory&) const = default;
};

/// How often an address was seen, and in which headers.
struct AddressSeen {
  std::uint64_t messages = 0;
  std::map<std::string, std::uint64_t> by_header{};  // "Delivered-To" -> messages
  bool operator==(const AddressSeen&) const = default;
};

/// Addresses of the plan's own domains, lower case; never a third party's.
struct SeenAddresses {
  std::map<std::string, AddressSeen> seen{};
  std::uint64_t messages = 0;  // that were looked at
  bool cut = false;            // there were more than kMostSeenAddresses: the rest is not known
  bool operator==(const SeenAddresses&) const = default;
};
inline constexpr std::size_t kMostSeenAddresses = 10'000;

}  // namespace mxferry
