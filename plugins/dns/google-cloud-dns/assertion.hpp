// SPDX-License-Identifier: Apache-2.0
// The signed assertion of a service account: a JWT with RS256 (RFC 7515, RFC 7518 §3.3, RFC 7523).
// Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace google_cloud_dns {

/// RFC 4648 §5 without padding.
std::string base64url(std::string_view bytes);

/// header.claims.signature; nothing where the key (PKCS #8 PEM) cannot sign. `now`: Unix seconds.
std::optional<std::string> assertion(const std::string& client_email, const std::string& key_id,
                                     const std::string& private_key, const std::string& audience,
                                     std::int64_t now);

}  // namespace google_cloud_dns
