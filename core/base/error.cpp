// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include "base/escape.hpp"

namespace mxferry {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::config:
      return "config";
    case ErrorCode::auth:
      return "auth";
    case ErrorCode::denied:
      return "denied";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::exists:
      return "exists";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::rate_limited:
      return "rate_limited";
    case ErrorCode::quota:
      return "quota";
    case ErrorCode::network:
      return "network";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::tls:
      return "tls";
    case ErrorCode::protocol:
      return "protocol";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::io:
      return "io";
    case ErrorCode::store:
      return "store";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::gate:
      return "gate";
    case ErrorCode::waiting:
      return "waiting";
    case ErrorCode::plugin:
      return "plugin";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

std::string Error::message() const {
  std::string line = operation.empty() ? text : operation + ": " + text;
  if (!remote.empty()) line += " (server: " + remote + ")";
  return escape_line(line);
}

}  // namespace mxferry
