// SPDX-License-Identifier: Apache-2.0
#include "model/plan.hpp"

#include <array>
#include <utility>

namespace mxferry {
namespace {

constexpr std::array<std::pair<StepStatus, const char*>, 9> kStatus = {
    {{StepStatus::pending, "pending"},
     {StepStatus::waiting, "waiting"},
     {StepStatus::running, "running"},
     {StepStatus::unknown, "unknown"},
     {StepStatus::done, "done"},
     {StepStatus::failed, "failed"},
     {StepStatus::parked, "parked"},
     {StepStatus::undone, "undone"},
     {StepStatus::waived, "waived"}}};

template <std::size_t N>
std::string name_at(const std::array<const char*, N>& names, std::size_t index) {
  return names.at(index);
}

}  // namespace

std::string to_string(Stage stage) {
  static constexpr std::array<const char*, 14> kNames = {
      "assess",  "names",      "provision", "pilot",    "bulk",    "ttl",      "overlap",
      "approve", "final sync", "flip",      "converge", "monitor", "finalize", "report"};
  return name_at(kNames, static_cast<std::size_t>(stage));
}

std::string to_string(Effect effect) {
  static constexpr std::array<const char*, 6> kNames = {"read",    "mail",   "dns",
                                                        "account", "notice", "manual"};
  return name_at(kNames, static_cast<std::size_t>(effect));
}

std::string to_string(CopyKind kind) {
  static constexpr std::array<const char*, 4> kNames = {"bulk", "deltas", "last", "straggler"};
  return name_at(kNames, static_cast<std::size_t>(kind));
}

std::string to_string(OnFail on_fail) {
  static constexpr std::array<const char*, 4> kNames = {"retry", "park", "hold", "rollback"};
  return name_at(kNames, static_cast<std::size_t>(on_fail));
}

std::string to_string(StepStatus status) {
  for (const auto& [value, name] : kStatus)
    if (value == status) return name;
  return "unknown";
}

std::optional<StepStatus> step_status(const std::string& text) {
  for (const auto& [value, name] : kStatus)
    if (text == name) return value;
  return std::nullopt;
}

}  // namespace mxferry
