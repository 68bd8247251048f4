// SPDX-License-Identifier: Apache-2.0
#include "model/not_moved.hpp"

#include <algorithm>
#include <array>

#include "base/escape.hpp"
#include "protocol/imap/flags.hpp"

namespace mxferry {
namespace {

constexpr std::array<std::string_view, 8> kBase{
    "calendars and tasks",
    "contacts and address books",
    "server-side rules (Sieve and the like)",
    "forwards and out-of-office replies",
    "app passwords, sessions and second factors",
    "signatures and settings of the web mail",
    "shared and other users' folders, but where they have a row of their own",
    "mailing lists and groups",
};

}  // namespace

std::span<const std::string_view> base_not_moved() { return kBase; }

std::vector<std::string> not_moved(const std::vector<std::string>& profiles) {
  std::vector<std::string> out(kBase.begin(), kBase.end());
  for (const auto& item : profiles) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const std::string& have) {
      return imap::equals_ignoring_case(have, item);
    });
    if (!known && !item.empty()) out.push_back(escape_line(item));
  }
  return out;
}

}  // namespace mxferry
