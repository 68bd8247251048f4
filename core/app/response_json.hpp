// SPDX-License-Identifier: Apache-2.0
// An IMAP response as one JSON object, for `mxferry debug imap-parse`. What is a message's content
// (bodies, headers, literals) appears as size and SHA-256 only. Pure.
#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/json_reader.hpp"
#include "protocol/imap/response_reader.hpp"

namespace mxferry::app {

/// `event` is Tagged, Untagged or Continuation, the last that `reader` gave; `streamed` holds the
/// SHA-256 (hexadecimal) of its streamed literals in order.
Json response_json(const imap::Event& event, const imap::ResponseReader& reader,
                   std::deque<std::string> streamed);

}  // namespace mxferry::app
