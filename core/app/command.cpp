// SPDX-License-Identifier: Apache-2.0
#include "app/command.hpp"

#include <iostream>

#include "base/escape.hpp"
#include "model/finding_catalog.hpp"

namespace mxferry::app {

Exit exit_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage:
    case ErrorCode::config:
    case ErrorCode::unsupported:
    case ErrorCode::not_found:
      return Exit::usage;
    case ErrorCode::auth:
    case ErrorCode::denied:
      return Exit::auth;
    case ErrorCode::network:
    case ErrorCode::timeout:
    case ErrorCode::tls:
    case ErrorCode::protocol:
    case ErrorCode::refused:
    case ErrorCode::rate_limited:
    case ErrorCode::quota:
    case ErrorCode::exists:
    case ErrorCode::plugin:
      return Exit::server;
    case ErrorCode::cancelled:
    case ErrorCode::io:
    case ErrorCode::store:
      return Exit::interrupted;
    case ErrorCode::gate:
    case ErrorCode::conflict:
      return Exit::refused;
    case ErrorCode::waiting:
      return Exit::waiting;
    case ErrorCode::internal:
      return Exit::fault;
  }
  return Exit::fault;
}

int report_error(const Error& error) {
  std::cerr << "mxferry: " << error.message() << '\n';
  if (!error.remedy.empty()) std::cerr << "  what to do: " << escape_line(error.remedy) << '\n';
  const auto* known = exit_for(error.code) == Exit::refused
                          ? find_finding(std::string_view(error.text).substr(0, 5))
                          : nullptr;
  if (known != nullptr) std::cerr << "  more: mxferry explain " << known->id << '\n';
  return static_cast<int>(exit_for(error.code));
}

}  // namespace mxferry::app
