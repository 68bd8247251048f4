// SPDX-License-Identifier: Apache-2.0
// Dovecot's passwd-file as text in, text out:
//   user:password:uid:gid:gecos:home:shell:extra fields, separated by spaces
// Lines that are not touched stay byte for byte, comments included. The gecos field, which Dovecot
// ignores, marks the accounts that we created. Pure.
#pragma once

#include <cstdint>
#include <mxferry/plugin.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dovecot {

namespace sdk = mxferry::sdk;

struct User {
  std::string address;
  bool ours = false;
  bool disabled = false;
  std::optional<std::uint64_t> quota_bytes{};
};

/// Users of the domain (empty: all) in the file's order.
std::vector<User> users_in(std::string_view file, std::string_view domain);
std::optional<User> find_user(std::string_view file, std::string_view address);

/// The file with the user at its end. `password` is a complete field, {SCHEME}hash.
std::string with_user(std::string_view file, const std::string& address,
                      const std::string& password, std::optional<std::uint64_t> quota_bytes);
std::string with_quota(std::string_view file, std::string_view address, std::uint64_t bytes);
std::string without_user(std::string_view file, std::string_view address);

/// May it stand in the file? An address with exactly one @ and nothing that separates fields.
bool is_plain_address(std::string_view address);

/// "*:storage=100M" and "*:bytes=5", as Dovecot reads them; nothing for rules of other kinds.
std::optional<std::uint64_t> quota_rule_bytes(std::string_view rule);

}  // namespace dovecot
