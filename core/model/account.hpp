// SPDX-License-Identifier: Apache-2.0
// A mailbox account as a mail provider knows it. Plain values, any thread. Byte counts: nothing =
// unknown or unlimited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mxferry {

struct Account {
  std::string address;  // local@domain
  std::string display_name{};
  bool disabled = false;
  std::vector<std::string> aliases{};
  std::optional<std::uint64_t> quota_bytes{};
  std::optional<std::uint64_t> used_bytes{};
  bool operator==(const Account&) const = default;
};

/// One entry of an RFC 4314 ACL.
struct AclEntry {
  std::string identifier;
  std::string rights;
};

}  // namespace mxferry
