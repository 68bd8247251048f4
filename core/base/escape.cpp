// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"

#include <array>
#include <cstdint>

namespace mxferry {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_byte(std::string& out, unsigned char byte) {
  out += "\\x";
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

// Code points that move the cursor, reorder text or end a line although they are not C0.
bool is_deceptive(int cp) {
  return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || (cp >= 0x202a && cp <= 0x202e) ||
         (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e || cp == 0x200f || cp == 0x061c ||
         cp == 0x2028 || cp == 0x2029 || cp == 0xfeff;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

int decode_utf8(std::string_view bytes, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return static_cast<int>(lead);
  }
  const std::size_t length = lead >= 0xf0 && lead <= 0xf4  ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || at + length > bytes.size()) {
    ++at;
    return -1;
  }
  constexpr std::array<unsigned, 5> kLeadMask = {0, 0, 0x1f, 0x0f, 0x07};
  constexpr std::array<unsigned, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  unsigned cp = lead & kLeadMask.at(length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0U) != 0x80U) {
      ++at;
      return -1;
    }
    cp = (cp << 6U) | (byte(at + i) & 0x3fU);
  }
  if (cp < kSmallest.at(length) || (cp >= 0xd800 && cp <= 0xdfff) || cp > 0x10ffff) {
    ++at;
    return -1;
  }
  at += length;
  return static_cast<int>(cp);
}

bool is_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (decode_utf8(bytes, at) < 0) return false;
  }
  return true;
}

std::string escape_line(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t start = at;
    const int cp = decode_utf8(bytes, at);
    if (cp < 0 || (cp < 0x100 && is_deceptive(cp) && at - start == 1)) {
      append_byte(out, static_cast<unsigned char>(bytes[start]));
    } else if (is_deceptive(cp)) {
      out += "\\u{";
      std::string digits;
      for (auto value = static_cast<unsigned>(cp); value != 0; value >>= 4U)
        digits.insert(digits.begin(), kHex[value & 15U]);
      out += digits + "}";
    } else {
      out.append(bytes.substr(start, at - start));
    }
  }
  return out;
}

std::string escape_html(std::string_view bytes) {
  std::string out;
  for (const char c : escape_line(bytes)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string escape_csv(std::string_view bytes) {
  std::string cell = escape_line(bytes);
  if (!bytes.empty() && std::string_view("=+-@\t\r").find(bytes.front()) != std::string_view::npos)
    cell.insert(0, "'");
  if (cell.find_first_of("\",\n\r") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string escape_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t start = at;
    const int cp = decode_utf8(bytes, at);
    if (cp == '\\') {
      out += "\\\\";
    } else if (is_deceptive(cp)) {  // also what is no UTF-8: -1
      for (std::size_t i = start; i < at; ++i)
        append_byte(out, static_cast<unsigned char>(bytes[i]));
    } else {
      out.append(bytes.substr(start, at - start));
    }
  }
  return out;
}

std::string unescape_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '\\') {
      out += '\\';
      ++at;
    } else if (text[at] == '\\' && at + 3 < text.size() && text[at + 1] == 'x' &&
               hex_value(text[at + 2]) >= 0 && hex_value(text[at + 3]) >= 0) {
      out += static_cast<char>(hex_value(text[at + 2]) * 16 + hex_value(text[at + 3]));
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace mxferry
