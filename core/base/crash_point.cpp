// SPDX-License-Identifier: Apache-2.0
#include "base/crash_point.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

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

int open_list() {
  const char* file = std::getenv("MXFERRY_DEBUG_POINTS");
  if (file == nullptr) return -1;
  return ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

const Wanted kWanted = read_wanted();
const int kList = open_list();
std::atomic<int> passes{0};

// Of a step's id, its kind; of anything else the whole.
std::string_view kind_of(std::string_view subject) { return subject.substr(0, subject.find(':')); }

bool is_wanted(std::string_view point, std::string_view subject) {
  const std::string_view wanted = kWanted.point;
  if (wanted == "any") return point != "store.committed";
  if (!wanted.starts_with(point)) return false;
  const auto rest = wanted.substr(point.size());
  return rest.empty() || (rest.front() == '.' && rest.substr(1) == kind_of(subject));
}

}  // namespace

const bool kCrashPointSet = !kWanted.point.empty() || kList >= 0;

void pass_crash_point(std::string_view point, std::string_view subject) {
  if (kList >= 0) {
    const std::string line = std::string(point) + '\n';
    (void)!::write(kList, line.data(), line.size());
  }
  if (!kWanted.point.empty() && is_wanted(point, subject) && ++passes == kWanted.pass)
    (void)::raise(SIGKILL);
}

}  // namespace mxferry::detail
