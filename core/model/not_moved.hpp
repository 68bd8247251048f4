// SPDX-License-Identifier: Apache-2.0
// What mxferry does not move: the base list, and what the providers' profiles add to it. Every
// check, plan, notice and report prints it, so that nobody finds out afterwards. Constants and a
// pure function, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry {

/// What no mail migration over IMAP carries, whatever the providers are.
std::span<const std::string_view> base_not_moved();

/// The base list, then what `profiles` adds, each item once, whatever its case. Never empty.
std::vector<std::string> not_moved(const std::vector<std::string>& profiles);

}  // namespace mxferry
