// SPDX-License-Identifier: Apache-2.0
// Endpoint: a server as the operator names it, and how it is trusted. Plain value, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mxferry::net {

enum class Security {
  tls,       // from the first byte (RFC 8314)
  starttls,  // plain, then upgraded before any credential
};

struct Endpoint {
  std::string host{};  // the name that the certificate must carry
  std::uint16_t port = 0;
  Security security = Security::tls;
  std::string address{};  // connect here instead of resolving host
  std::string ca_file{};  // PEM; empty: SSL_CERT_FILE, else the system's
  std::string
      pin{};  // sha256:BASE64 of the certificate's SubjectPublicKeyInfo; in addition to the chain
  /// TLSA records of the server ("3 1 1 HEX"), from a secure answer: with any, the certificate is
  /// proven by them instead of the CAs (RFC 7672: usages 2 and 3; SMTP).
  std::vector<std::string> tlsa{};
  /// Plain text is taken from a host off loopback that offers no STARTTLS. Never from one that has
  /// offered it.
  bool allow_plaintext = false;
  /// This endpoint has offered TLS before: its absence now is an attack or a fault.
  bool offered_tls_before = false;

  std::string name() const { return host + ":" + std::to_string(port); }
};

}  // namespace mxferry::net
