// SPDX-License-Identifier: Apache-2.0
// Error: what failed, where, whose words, whether to try again, and what a person can do about it.
// Result<T> carries it. Plain values, any thread. `remote` holds a server's own words and may hold
// user data: print it through base/escape.hpp.
#pragma once

#include <chrono>
#include <mxferry/result.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace mxferry {

enum class ErrorCode {
  usage,         // the command line is wrong
  config,        // a file is wrong; text starts with file:line:column where known
  auth,          // credentials refused
  denied,        // authenticated, not permitted
  not_found,     // it is not there: certain, not a guess
  exists,        // it is there already
  conflict,      // someone else changed it
  rate_limited,  // come back later; retry_after where the server said when
  quota,         // no room
  network,       // no connection, or it broke
  timeout,       // no progress within the deadline
  tls,           // the peer could not be proven to be who we asked for
  protocol,      // the peer broke the protocol; text names the offset
  refused,       // the peer said no; remote holds its words
  io,            // a local file or system call
  store,         // the durable state
  cancelled,     // we were asked to stop
  unsupported,   // the peer or plugin cannot do it
  gate,          // a safety gate refuses
  waiting,       // not yet; retry_after
  plugin,        // a plugin broke its contract
  internal,      // our own fault
};
std::string_view to_string(ErrorCode code);

enum class Retry { never, later, safe };  // safe: repeating cannot do harm

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string operation;  // "imap append", "dns apply", ...; where it failed, with host and object
  std::string text;       // our sentence
  std::string remote{};   // the peer's own words, unescaped
  std::string remedy{};   // what to do; empty when we know nothing better
  Retry retry = Retry::never;
  std::optional<std::chrono::milliseconds> retry_after{};

  Error& with_remedy(std::string what) {
    remedy = std::move(what);
    return *this;
  }
  Error& with_remote(std::string words) {
    remote = std::move(words);
    return *this;
  }
  Error& with_retry(Retry how, std::optional<std::chrono::milliseconds> after = std::nullopt) {
    retry = how;
    retry_after = after;
    return *this;
  }
  /// One line for people: operation: text (remote words, escaped).
  std::string message() const;
};

template <class T = void>
using Result = BasicResult<T, Error>;

/// `return fail(ErrorCode::io, "open state", "…");`
inline Unexpected<Error> fail(ErrorCode code, std::string operation, std::string text) {
  Error error;
  error.code = code;
  error.operation = std::move(operation);
  error.text = std::move(text);
  return Unexpected<Error>(std::move(error));
}
inline Unexpected<Error> fail(Error error) { return Unexpected<Error>(std::move(error)); }

}  // namespace mxferry
