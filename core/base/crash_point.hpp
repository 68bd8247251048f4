// SPDX-License-Identifier: Apache-2.0
// Named points between an act and its record; each costs one test of a constant. Any thread. With
// MXFERRY_DEBUG_KILL_AT=POINT[:N] SIGKILL at its Nth pass; the same command again must mend all. In
// a step `flip:...`, `dns.applied.flip` is `dns.applied`; `any`: each but `store.committed`, behind
// each transaction. MXFERRY_DEBUG_POINTS=FILE gets the name of each point passed. A test thus
// proves that nothing is lost or done twice.
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
