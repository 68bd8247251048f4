// SPDX-License-Identifier: Apache-2.0
// Record data in the generic spelling of RFC 3597 §5, as octets. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mxferry::dns {

/// "\# 4 c0000201" -> four octets; nothing where it is anything else.
std::optional<std::string> octets_of(std::string_view rdata);

}  // namespace mxferry::dns
