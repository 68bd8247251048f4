// SPDX-License-Identifier: Apache-2.0
// Submission: our own mail (notices, alerts) handed to the server that the plan names (RFC 6409):
// smtps:// is TLS from the first byte, smtp:// demands STARTTLS off loopback; the credential goes
// only to that server, proven by its certificate. Awaitable, on the caller's executor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "net/connector.hpp"

namespace mxferry::smtp {

struct Submission {
  net::Endpoint endpoint{};
  std::string user{};  // empty: no AUTH
  Secret secret{};
  std::string helo = "localhost";
  std::string from{};  // the envelope's sender
};

/// Recipients that were not taken, with the server's words.
struct Untaken {
  std::string address, words;
};
struct Submitted {
  std::vector<std::string> taken{};
  std::vector<Untaken> refused{};   // for good
  std::vector<Untaken> deferred{};  // may be taken later
  std::string words{};              // the answer to the whole message
};

/// `smtp://HOST[:PORT]` (587) or `smtps://HOST[:PORT]` (465); usage with what was expected.
Result<net::Endpoint> parse_submission_url(std::string_view url);

/// Is it an address that can stand in RCPT TO without SMTPUTF8: printable ASCII, no blank, no
/// angle bracket, one @ that is neither first nor last? Pure.
bool is_plain_address(std::string_view address);

/// Hands `message` (CRLF lines) over for all of `to` at once. Nothing is sent where nobody is
/// taken: then the message is not sent and `taken` is empty. Errors: auth, tls, refused,
/// rate_limited (later), network, timeout, unsupported.
net::Task<Result<Submitted>> submit(net::Connector& connector, Submission submission,
                                    std::vector<std::string> to, std::string message);

}  // namespace mxferry::smtp
