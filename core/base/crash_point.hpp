// SPDX-License-Identifier: Apache-2.0
// Named points between an act and its record. With MXFERRY_DEBUG_KILL_AT=POINT[:N] in the
// environment the process kills itself with SIGKILL when it passes that point for the Nth time; a
// test that runs the same command again then proves that nothing was lost or done twice. Without
// the variable a point costs one test of a constant. POINT may be narrowed to what it is about:
// `dns.applied.flip` is `dns.applied` in a step `flip:...`; `any` is every point. Any thread.
#pragma once

#include <string_view>

namespace mxferry {

namespace detail {
extern const bool kCrashPointSet;
void pass_crash_point(std::string_view point, std::string_view subject);
}  // namespace detail

inline void crash_point(std::string_view point, std::string_view subject = {}) {
  if (detail::kCrashPointSet) detail::pass_crash_point(point, subject);
}

}  // namespace mxferry
