// SPDX-License-Identifier: Apache-2.0
// The conformance checks behind `mxferry plugins check`: a plugin is loaded and fed with answers
// that fail, lie, are cut, and come in parallel. Run it in a process of its own: a plugin that
// crashes or hangs takes the process with it. One call at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/error.hpp"

namespace mxferry::plugin {

struct CheckResult {
  enum class Outcome { passed, warned, failed };
  std::string name;  // a sentence that is true when it passed
  Outcome outcome = Outcome::passed;
  std::string detail{};
};

/// The plugin.json that FILE (it, its folder, or the library beside it) means.
std::filesystem::path manifest_of(const std::filesystem::path& file);

/// Runs the checks in order: `begin` before each, `end` behind it. Returns true if none failed.
bool run_checks(const std::filesystem::path& file, std::uint64_t seed,
                const std::function<void(const std::string& name)>& begin,
                const std::function<void(const CheckResult&)>& end);

}  // namespace mxferry::plugin
