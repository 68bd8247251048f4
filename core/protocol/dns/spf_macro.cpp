// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/spf_macro.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace mxferry::dns {
namespace {

constexpr std::size_t kLongestName = 253;  // RFC 7208 §7.3
constexpr std::string_view kDelimiters = ".-+,/_=";

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What stands between "%{" and "}".
std::optional<SpfMacro> parse_macro(std::string_view text, SpfText kind) {
  const std::string_view letters = kind == SpfText::explanation ? "slodiphcrtv" : "slodiphv";
  if (text.empty() || !is_alpha(text[0])) return std::nullopt;
  SpfMacro macro;
  macro.letter = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  macro.url = macro.letter != text[0];
  if (letters.find(macro.letter) == std::string_view::npos) return std::nullopt;
  std::size_t at = 1;
  for (; at < text.size() && is_digit(text[at]); ++at)
    macro.parts = std::min<std::size_t>(macro.parts * 10 + static_cast<std::size_t>(text[at] - '0'),
                                        kLongestName);
  if (at > 1 && macro.parts == 0) return std::nullopt;  // §7.3: must be nonzero
  if (at < text.size() && (text[at] == 'r' || text[at] == 'R')) {
    macro.reversed = true;
    ++at;
  }
  macro.delimiters = text.substr(at);
  if (macro.delimiters.find_first_not_of(kDelimiters) != std::string::npos) return std::nullopt;
  return macro;
}

bool is_toplabel(std::string_view label) {
  const auto alphanumeric = [](char c) { return is_alpha(c) || is_digit(c); };
  if (label.empty() || !alphanumeric(label.front()) || !alphanumeric(label.back())) return false;
  if (!std::all_of(label.begin(), label.end(), [&](char c) { return alphanumeric(c) || c == '-'; }))
    return false;
  return std::any_of(label.begin(), label.end(), [](char c) { return is_alpha(c) || c == '-'; });
}

// §7.3: everything outside RFC 3986's "unreserved" set.
std::string url_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    std::array<char, 4> code{};
    std::snprintf(code.data(), code.size(), "%%%02X", static_cast<unsigned char>(c));
    out += code.data();
  }
  return out;
}

// The address in dots: an IPv6 one as its nibbles (§7.3).
std::string dotted(const IpAddress& address) {
  if (address.is_v4()) return address.text();
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const auto octet : address.octets) {
    if (!out.empty()) out += '.';
    out += kHex[octet >> 4U];
    out += '.';
    out += kHex[octet & 0xfU];
  }
  return out;
}

std::string value_of(char letter, const SpfMacroValues& values) {
  switch (letter) {
    case 's':
      return values.local + "@" + values.origin;
    case 'l':
      return values.local;
    case 'o':
      return values.origin;
    case 'd':
      return values.domain;
    case 'i':
      return dotted(values.client);
    case 'p':
      return values.validated ? values.validated() : "unknown";
    case 'h':
      return values.helo;
    case 'c':
      return values.client.text();
    case 'r':
      return values.receiver;
    case 't':
      return std::to_string(values.now);
    default:
      return values.client.is_v4() ? "in-addr" : "ip6";
  }
}

std::string transformed(const SpfMacro& macro, const std::string& value) {
  const std::string& delimiters = macro.delimiters.empty() ? "." : macro.delimiters;
  std::vector<std::string> parts(1);
  for (const char c : value) {
    if (delimiters.find(c) != std::string::npos)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (macro.reversed) std::reverse(parts.begin(), parts.end());
  const std::size_t skipped =
      macro.parts == 0 || macro.parts > parts.size() ? 0 : parts.size() - macro.parts;
  std::string out;
  for (std::size_t i = skipped; i < parts.size(); ++i) out += (i > skipped ? "." : "") + parts[i];
  return macro.url ? url_escaped(out) : out;
}

}  // namespace

std::optional<std::vector<SpfPiece>> parse_macro_string(std::string_view text, SpfText kind) {
  std::vector<SpfPiece> out;
  const auto literal = [&](std::string_view more) {
    if (out.empty() || out.back().macro) out.emplace_back();
    out.back().literal += more;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '%') {
      if ((c < 0x21 || c > 0x7e) && !(c == ' ' && kind == SpfText::explanation))
        return std::nullopt;
      literal(text.substr(at, 1));
      continue;
    }
    const char next = ++at < text.size() ? text[at] : '\0';
    if (next == '%') {
      literal("%");
    } else if (next == '_') {
      literal(" ");
    } else if (next == '-') {
      literal("%20");
    } else if (next == '{') {
      const auto close = text.find('}', at);
      if (close == std::string_view::npos) return std::nullopt;
      auto macro = parse_macro(text.substr(at + 1, close - at - 1), kind);
      if (!macro) return std::nullopt;
      SpfPiece piece;
      piece.macro = std::move(macro);
      out.push_back(std::move(piece));
      at = close;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

bool is_domain_spec(std::string_view text) {
  if (text.empty() || !parse_macro_string(text, SpfText::domain)) return false;
  // What stands behind the last macro-expand, which is two octets or ends with "}".
  std::size_t tail = 0;
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', tail))
    tail = text[at + 1] == '{' ? text.find('}', at) + 1 : at + 2;
  auto end = text.substr(tail);
  if (end.empty()) return true;
  if (end.ends_with('.')) end.remove_suffix(1);
  const auto dot = end.rfind('.');
  return dot != std::string_view::npos && is_toplabel(end.substr(dot + 1));
}

std::string expand_macros(const std::vector<SpfPiece>& pieces, const SpfMacroValues& values,
                          std::size_t most) {
  std::string out;
  for (const auto& piece : pieces) {
    out += piece.macro ? transformed(*piece.macro, value_of(piece.macro->letter, values))
                       : piece.literal;
    if (out.size() > most) out.erase(0, out.size() - most);
  }
  return out;
}

std::string target_name(std::string_view domain_spec, const SpfMacroValues& values) {
  const auto pieces = parse_macro_string(domain_spec, SpfText::domain);
  if (!pieces) return "";
  // A name keeps its right end: four times its length is more than the cut can need.
  std::string name = expand_macros(*pieces, values, 4 * kLongestName);
  if (name.ends_with('.')) name.pop_back();
  while (name.size() > kLongestName) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) break;
    name.erase(0, dot + 1);
  }
  return name;
}

}  // namespace mxferry::dns
