// SPDX-License-Identifier: Apache-2.0
// DKIM key records (RFC 6376 §3.6.1, RFC 8301, RFC 8463) as values. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mxferry::dns {

struct DkimKey {
  std::string type = "rsa";             // k=
  int bits = 0;                         // of an RSA key; 256 of an ed25519 one
  bool revoked = false;                 // p= is empty
  bool testing = false;                 // t=y
  std::vector<std::string> problems{};  // why verifiers would not use it; sentences for people
};

/// Reads the text of a TXT record at SELECTOR._domainkey.DOMAIN; whatever is wrong with it stands
/// in `problems`.
DkimKey parse_dkim_key(std::string_view text);

}  // namespace mxferry::dns
