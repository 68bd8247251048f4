// SPDX-License-Identifier: Apache-2.0
#include "signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <ctime>

namespace route53 {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    out += {kHex[u >> 4U], kHex[u & 15U]};
  }
  return out;
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

std::string amz_date(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 20> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

std::string authorization(const SignedRequest& request, const SigningKey& key,
                          const std::string& date) {
  std::string headers = "host:" + request.host + "\nx-amz-date:" + date + "\n";
  std::string names = "host;x-amz-date";
  if (!request.session_token.empty()) {
    headers += "x-amz-security-token:" + request.session_token + "\n";
    names += ";x-amz-security-token";
  }
  const std::string canonical = request.method + "\n" + request.path + "\n" + request.query + "\n" +
                                headers + "\n" + names + "\n" + hex(sha256(request.body));
  const auto day = date.substr(0, 8);
  const auto scope = day + "/" + key.region + "/" + key.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex(sha256(canonical));
  const auto of_day = hmac("AWS4" + key.secret_access_key, day);
  const auto of_service = hmac(hmac(of_day, key.region), key.service);
  const auto signature = hex(hmac(hmac(of_service, "aws4_request"), to_sign));
  return "AWS4-HMAC-SHA256 Credential=" + key.access_key_id + "/" + scope +
         ", SignedHeaders=" + names + ", Signature=" + signature;
}

}  // namespace route53
