// SPDX-License-Identifier: Apache-2.0
// Asking one resolver over HTTPS one question; what its answer is worth is judged as any other's
// (dns/asker.hpp). Blocking; any thread; no state.
#pragma once

#include <chrono>
#include <stop_token>

#include "dns/asker.hpp"
#include "net/doh.hpp"

namespace mxferry::dns {

/// The whole message, if it is an answer to this very question; everything else is an error. What
/// HTTP caches kept it is taken off its TTLs.
Result<Message> ask(const net::DohServer& server, const Question& question, std::stop_token stop,
                    std::chrono::milliseconds patience = std::chrono::seconds(5));

Seen ask_resolver(const net::DohServer& server, const Question& question, std::stop_token stop);

}  // namespace mxferry::dns
