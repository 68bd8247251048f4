// SPDX-License-Identifier: Apache-2.0
// TSIG (RFC 8945) over wire messages: signing, and checking every message of an answer. Written
// here because ldns takes its time from the system's clock and checks neither time, fudge nor the
// length of a MAC. Pure: the time is given. One Exchange belongs to one question and its answers.
#pragma once

#include <cstdint>
#include <mxferry/plugin.hpp>
#include <string>
#include <string_view>

namespace rfc2136 {

namespace sdk = mxferry::sdk;

struct Key {
  std::string name;       // wire form, lower case; empty: no key
  std::string algorithm;  // wire form
  std::string digest;     // OpenSSL's name of it
  std::string secret;     // raw
  std::uint16_t fudge = 300;
  bool empty() const { return name.empty(); }
};

/// `name` and `algorithm` in presentation form, the secret in base64. An error names what is wrong,
/// never the secret.
sdk::Result<Key> make_key(const std::string& name, const std::string& algorithm,
                          const std::string& base64);

class Exchange {
 public:
  explicit Exchange(const Key& key) : key_(key) {}

  /// The message with its TSIG record. Without a key: the message as it is.
  std::string sign(std::string message, std::int64_t unix_seconds);

  /// Checks the next message of the answer. Errors: MXF_AUTH (the server names BADKEY, BADSIG,
  /// BADTIME, or our check of the MAC fails), MXF_REMOTE (unsigned or malformed). An unsigned
  /// message with an error code passes with `signed_` false: it can only make the operation fail.
  sdk::Result<void> check(std::string_view message, std::int64_t unix_seconds);

  /// False while messages of a transfer have come in without a TSIG behind them.
  bool settled() const { return key_.empty() || unsigned_since_.empty(); }

 private:
  std::string mac(const std::string& data) const;
  Key key_;
  std::string last_mac_;        // of the request, then of the last signed message
  std::string unsigned_since_;  // RFC 8945 §5.3.1: messages between two signed ones
  unsigned unsigned_count_ = 0;
  bool first_ = true;
};

/// Where the records of a message lie; false if it is malformed. `tsig_at` is the offset of a TSIG
/// as the last record of the additional section, or 0.
bool walk(std::string_view message, std::size_t& tsig_at);

}  // namespace rfc2136
