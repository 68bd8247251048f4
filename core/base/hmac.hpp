// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA256 (RFC 2104, FIPS 198-1) through libcrypto. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace mxferry {

/// 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace mxferry
