// SPDX-License-Identifier: Apache-2.0
#include "base/redact.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "base/escape.hpp"

namespace mxferry {
namespace {

constexpr std::size_t kShortest = 4;
constexpr std::size_t kShortestInside = 6;  // of a fragment of base64

char to_upper(char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; }

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::string percent(std::string_view bytes, bool upper) {
  std::string out;
  for (const char c : bytes) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    for (const char digit : hex(std::string_view(&c, 1))) out += upper ? to_upper(digit) : digit;
  }
  return out;
}

// A secret's base64 depends on how many octets stand before it, modulo 3; the characters at its
// ends also hold bits of its neighbours. What is left between them stands in every base64 of it.
std::string inside_base64(std::string_view secret, std::size_t before) {
  std::string bytes(before, '\0');
  bytes += secret;
  std::string text = base64(bytes);
  wipe(bytes);
  const std::size_t whole = (before + secret.size()) / 3 * 4;
  const std::size_t first = before == 0 ? 0 : 4;
  return whole > first ? text.substr(first, whole - first) : std::string();
}

std::vector<std::string> spellings(std::string_view secret) {
  std::vector<std::string> out = {std::string(secret), percent(secret, true),
                                  percent(secret, false), base64(secret), hex(secret)};
  std::string upper = out.back();
  std::transform(upper.begin(), upper.end(), upper.begin(), to_upper);
  out.push_back(upper);
  std::string escaped;
  for (const char c : secret) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      escaped += "\\u00" + hex(std::string_view(&c, 1));
    else
      escaped += c;
  }
  out.push_back(escaped);
  for (std::size_t before = 0; before < 3; ++before) {
    auto text = inside_base64(secret, before);
    if (text.size() >= kShortestInside) out.push_back(std::move(text));
  }
  // The longest first: a shorter one may be a part of it.
  std::sort(out.begin(), out.end(),
            [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  return out;
}

}  // namespace

std::string redact(std::string text, const Secret& secret, std::string_view mark) {
  if (secret.reveal().size() < kShortest || text.empty()) return text;
  for (auto& spelling : spellings(secret.reveal())) {
    for (auto at = text.find(spelling); at != std::string::npos;
         at = text.find(spelling, at + mark.size()))
      text.replace(at, spelling.size(), mark);
    wipe(spelling);
  }
  return text;
}

}  // namespace mxferry
