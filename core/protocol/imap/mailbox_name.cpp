// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/mailbox_name.hpp"

#include <cstdint>

#include "base/escape.hpp"

namespace mxferry::imap {
namespace {

// RFC 3501 §5.1.3: base64 with ',' for '/', without padding.
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

void put_utf8(std::string& out, std::uint32_t c) {
  const auto byte = [&](std::uint32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  } else {
    byte(0xF0 | (c >> 18));
    byte(0x80 | ((c >> 12) & 0x3F));
    byte(0x80 | ((c >> 6) & 0x3F));
    byte(0x80 | (c & 0x3F));
  }
}

// One run between '&' and '-': UTF-16BE in base64. The bits left over must be zero and fewer than
// six.
bool decode_run(std::string_view run, std::string& out) {
  std::uint32_t bits = 0;
  int have = 0;
  std::optional<std::uint32_t> high;
  for (const char ch : run) {
    const auto value = kAlphabet.find(ch);
    if (value == std::string_view::npos) return false;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have < 16) continue;
    have -= 16;
    const std::uint32_t unit = (bits >> have) & 0xFFFF;
    bits &= (1U << have) - 1;
    if (high) {
      if (unit < 0xDC00 || unit > 0xDFFF) return false;
      put_utf8(out, 0x10000 + ((*high - 0xD800) << 10) + (unit - 0xDC00));
      high.reset();
    } else if (unit >= 0xD800 && unit <= 0xDBFF) {
      high = unit;
    } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
      return false;
    } else {
      put_utf8(out, unit);
    }
  }
  return !high && have < 6 && bits == 0;
}

}  // namespace

std::optional<std::string> decode_mutf7(std::string_view wire) {
  std::string out;
  for (std::size_t at = 0; at < wire.size(); ++at) {
    const auto c = static_cast<unsigned char>(wire[at]);
    if (c >= 0x80) return std::nullopt;
    if (c != '&') {
      out += wire[at];
      continue;
    }
    const auto end = wire.find('-', at + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const auto run = wire.substr(at + 1, end - at - 1);
    if (run.empty()) {
      out += '&';
    } else if (!decode_run(run, out)) {
      return std::nullopt;
    }
    at = end;
  }
  return out;
}

std::string encode_mutf7(std::string_view utf8) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  bool shifted = false;
  const auto flush = [&] {
    if (!shifted) return;
    if (have > 0) out += kAlphabet[(bits << (6 - have)) & 0x3F];
    out += '-';
    bits = 0;
    have = 0;
    shifted = false;
  };
  const auto unit = [&](std::uint32_t u) {
    if (!shifted) out += '&';
    shifted = true;
    bits = (bits << 16) | u;
    have += 16;
    while (have >= 6) {
      have -= 6;
      out += kAlphabet[(bits >> have) & 0x3F];
      bits &= (1U << have) - 1;
    }
  };
  for (std::size_t at = 0; at < utf8.size();) {
    const auto raw = static_cast<unsigned char>(utf8[at]);
    const int decoded = decode_utf8(utf8, at);
    const auto c = static_cast<std::uint32_t>(decoded < 0 ? raw : decoded);
    if (c >= 0x20 && c <= 0x7E) {
      flush();
      out += static_cast<char>(c);
      if (c == '&') out += '-';
    } else if (c >= 0x10000) {
      unit(0xD800 + ((c - 0x10000) >> 10));
      unit(0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      unit(c);
    }
  }
  flush();
  return out;
}

std::string display_name(std::string_view wire) {
  auto decoded = decode_mutf7(wire);
  return decoded ? *std::move(decoded) : std::string(wire);
}

bool is_inbox(std::string_view name) {
  if (name.size() != 5) return false;
  constexpr std::string_view kInbox = "INBOX";
  for (std::size_t i = 0; i < 5; ++i)
    if ((name[i] & ~0x20) != kInbox[i]) return false;
  return true;
}

std::vector<std::string> split_path(std::string_view wire, std::optional<char> delimiter) {
  std::vector<std::string> parts;
  if (!delimiter) {
    parts.emplace_back(wire);
    return parts;
  }
  for (std::size_t at = 0;;) {
    const auto end = wire.find(*delimiter, at);
    parts.emplace_back(wire.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

}  // namespace mxferry::imap
