// SPDX-License-Identifier: Apache-2.0
// The one place where TLS is decided, for IMAP and SMTP (HTTP says the same to libcurl): TLS 1.2 or
// newer, the chain, the purpose, the name or address in the certificate, SNI, and where given a pin
// of the public key in addition; or TLSA records in place of the chain (RFC 7672). There is no
// switch that turns it off; no key log is written. RFC 6125, RFC 5280.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "net/byte_stream.hpp"
#include "net/endpoint.hpp"

namespace mxferry::net {

/// Handshake as client. ErrorCode::tls with what was wrong; config for a CA file or a pin that
/// cannot be used.
Task<Result<std::unique_ptr<ByteStream>>> tls_connect(boost::asio::ip::tcp::socket socket,
                                                      const Endpoint& endpoint,
                                                      std::chrono::milliseconds timeout);

/// Is it spelled `sha256:` and base64 of 32 octets? For configuration checks, before any
/// connection.
Result<void> check_pin(const std::string& pin);

}  // namespace mxferry::net
