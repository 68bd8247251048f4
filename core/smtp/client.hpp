// SPDX-License-Identifier: Apache-2.0
// A small SMTP client (RFC 5321) for canaries and probes: one message to one server at one address.
// Carries no credential. Canaries go as senders that do not know the domain would send them:
// opportunistically, in plain text; what a policy demands of TLS is a gate of its own. Awaitable,
// on the caller's executor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/connector.hpp"

namespace mxferry::smtp {

struct Server {
  std::string host;     // the MX host's name, for errors
  std::string address;  // where to connect
  std::uint16_t port = 25;
  std::string name() const { return host + " (" + address + ")"; }
};

struct Envelope {
  std::string helo;
  std::string from;  // empty: the null reverse-path (RFC 5321 §4.5.5)
  std::string to;
};

struct Reply {
  int code = 0;
  std::string words{};  // the server's, unescaped
  std::vector<std::string> lines{};
};

/// Delivers `message` (CRLF lines). The reply is the one to the final dot. ErrorCode::refused with
/// the server's words where it says 5xx, rate_limited with Retry::later at 4xx (greylisting),
/// network and timeout otherwise.
net::Task<Result<Reply>> send_message(net::Connector& connector, Server server, Envelope envelope,
                                      std::string message);

/// Goes as far as RCPT TO and then RSETs: does the server take mail for the address? Its reply,
/// whatever it is.
net::Task<Result<Reply>> probe_recipient(net::Connector& connector, Server server,
                                         Envelope envelope);

/// What a server shows of TLS.
struct TlsView {
  bool starttls = false;  // offered in EHLO
  std::string problem{};  // why the handshake, or what it had to prove, failed; empty: it did not
};
/// Greets the server and goes through STARTTLS: the certificate is proven for `server.host` by the
/// CAs (of `ca_file`, if given), or by `tlsa` records where there are any (RFC 7672). Nothing is
/// sent over it but QUIT. An error means that nothing is known (network, timeout, protocol).
net::Task<Result<TlsView>> look_at_tls(net::Connector& connector, Server server, std::string helo,
                                       std::string ca_file, std::vector<std::string> tlsa);

/// Dot-stuffing and the final dot (RFC 5321 §4.5.2). Pure.
std::string stuffed(const std::string& message);

}  // namespace mxferry::smtp
