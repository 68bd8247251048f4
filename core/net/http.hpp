// SPDX-License-Identifier: Apache-2.0
// HttpClient: one blocking HTTP exchange at a time over libcurl, with the house's rules of trust:
// TLS >= 1.2 and verified, no redirect followed, http and https only, plain http only towards
// loopback or where the endpoint says so, no proxy and no key log from the environment. Waits out
// 429 and 503 within its limit, repeats what is safe to repeat. An object belongs to one thread at
// a time; several objects run side by side.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::net {

struct HttpHeader {
  std::string name, value;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<HttpHeader> headers{};
  std::string body{};
  bool idempotent = false;  // repeating does no harm: network errors and 5xx may be retried
  std::string shown{};      // what errors and logs say instead of the URL; empty: URL without query
};

struct HttpResponse {
  unsigned code = 0;
  std::vector<HttpHeader> headers{};  // names in lower case
  std::string body{};
  unsigned attempts = 1;
  std::string_view header(std::string_view lower_case_name) const;
};

/// How the peer is trusted.
struct HttpTrust {
  std::string ca_file{};         // PEM; empty: $SSL_CERT_FILE, else the system's store
  std::string pin{};             // sha256:BASE64 (or 64 hex digits) of the certificate's public key
  bool allow_plaintext = false;  // http:// beyond loopback
  std::string address{};         // connect here; the name in the URL is still proven
  bool public_only = false;      // an address that is not public is refused as it is connected to
};

struct HttpLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds idle{30'000};    // without a byte either way
  std::chrono::milliseconds total{120'000};  // one attempt
  std::uint64_t response_bytes = 64ULL << 20;
  unsigned attempts = 4;
  std::chrono::milliseconds backoff{500};          // doubles with each attempt
  std::chrono::milliseconds longest_wait{60'000};  // a longer Retry-After is handed to the caller
};

class HttpClient {
 public:
  HttpClient(HttpTrust trust, HttpLimits limits);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any status but a redirect is a value. Error: network and timeout (Retry::safe: nothing had
  /// been sent), tls, refused (a redirect), protocol (answer too large or malformed), cancelled,
  /// config (URL). [any-thread, one at a time]
  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The parts of an http or https URL that decide about trust; an error for anything else, and for
/// one that carries user or password.
struct HttpTarget {
  std::string scheme, host, path;  // host in lower case, without brackets
  std::uint16_t port = 0;
  bool loopback() const;
};
Result<HttpTarget> parse_http_url(const std::string& url);

}  // namespace mxferry::net
