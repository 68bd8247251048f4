// SPDX-License-Identifier: Apache-2.0
#include "base/crash_point.hpp"

#include <signal.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

namespace mxferry::detail {
namespace {

struct Wanted {
  std::string point;
  int pass = 1;
};

Wanted read_wanted() {
  Wanted out;
  const char* text = std::getenv("MXFERRY_DEBUG_KILL_AT");
  if (text == nullptr) return out;
  const std::string_view all(text);
  const auto colon = all.rfind(':');
  out.point = all.substr(0, colon);
  if (colon != std::string_view::npos) {
    const auto number = all.substr(colon + 1);
    (void)std::from_chars(number.begin(), number.end(), out.pass);
  }
  return out;
}

const Wanted kWanted = read_wanted();
std::atomic<int> passes{0};

// Of a step's id, its kind; of anything else the whole.
std::string_view kind_of(std::string_view subject) { return subject.substr(0, subject.find(':')); }

bool is_wanted(std::string_view point, std::string_view subject) {
  const std::string_view wanted = kWanted.point;
  if (wanted == "any") return true;
  if (!wanted.starts_with(point)) return false;
  const auto rest = wanted.substr(point.size());
  return rest.empty() || (rest.front() == '.' && rest.substr(1) == kind_of(subject));
}

}  // namespace

const bool kCrashPointSet = !kWanted.point.empty();

void pass_crash_point(std::string_view point, std::string_view subject) {
  if (is_wanted(point, subject) && ++passes == kWanted.pass) (void)::raise(SIGKILL);
}

}  // namespace mxferry::detail
