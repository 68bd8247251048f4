// SPDX-License-Identifier: Apache-2.0
// How an IMAP service is named: imap://[USER@]HOST[:PORT] (STARTTLS) or imaps://… (TLS from the
// first byte, RFC 8314). USER is percent-encoded (RFC 3986 §2.1); a password is never part of it.
// Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/endpoint.hpp"

namespace mxferry::net {

struct EndpointUrl {
  Endpoint endpoint;
  std::string user{};  // decoded; empty where none was given
};

/// ErrorCode::usage names what was expected. An IPv6 host stands in brackets.
Result<EndpointUrl> parse_endpoint_url(std::string_view text);

}  // namespace mxferry::net
