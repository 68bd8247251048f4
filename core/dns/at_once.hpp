// SPDX-License-Identifier: Apache-2.0
// Many questions in flight: a round takes as long as its slowest answer, not as long as all of them
// together.
#pragma once

#include <cstddef>
#include <functional>

namespace mxferry::dns {

/// Calls `ask(0)` to `ask(count - 1)`, up to 64 of them side by side on threads of its own, and
/// returns when all have returned. `ask` must not throw.
void at_once(std::size_t count, const std::function<void(std::size_t)>& ask);

}  // namespace mxferry::dns
