// SPDX-License-Identifier: Apache-2.0
#include "protocol/sasl/sasl.hpp"

#include <cstdint>

#include "base/secret.hpp"

namespace mxferry::sasl {
namespace {

std::string base64_and_wipe(std::string clear) {
  auto out = base64(clear);
  wipe(clear);
  return out;
}

// RFC 5801 §4 saslname: ',' and '=' are escaped.
std::string saslname(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0;
    };
    const std::uint32_t group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    out += kAlphabet[group >> 18];
    out += kAlphabet[(group >> 12) & 0x3F];
    out += at + 1 < bytes.size() ? kAlphabet[(group >> 6) & 0x3F] : '=';
    out += at + 2 < bytes.size() ? kAlphabet[group & 0x3F] : '=';
  }
  return out;
}

std::string plain(std::string_view authzid, std::string_view user, std::string_view password) {
  std::string clear;
  clear.reserve(authzid.size() + user.size() + password.size() + 2);
  clear += authzid;
  clear += '\0';
  clear += user;
  clear += '\0';
  clear += password;
  return base64_and_wipe(std::move(clear));
}

std::string xoauth2(std::string_view user, std::string_view token) {
  std::string clear;
  clear.reserve(user.size() + token.size() + 32);
  clear += "user=";
  clear += user;
  clear +=
      "\x01"
      "auth=Bearer ";
  clear += token;
  clear += "\x01\x01";
  return base64_and_wipe(std::move(clear));
}

std::string oauthbearer(std::string_view user, std::string_view host, unsigned port,
                        std::string_view token) {
  std::string clear;
  clear.reserve(user.size() + host.size() + token.size() + 64);
  clear += "n,a=" + saslname(user) + ",\x01host=";
  clear += host;
  clear += "\x01port=" + std::to_string(port) +
           "\x01"
           "auth=Bearer ";
  clear += token;
  clear += "\x01\x01";
  return base64_and_wipe(std::move(clear));
}

}  // namespace mxferry::sasl
