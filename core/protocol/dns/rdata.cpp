// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/rdata.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "base/escape.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 24> kTypes = {
    {{"A", 1},     {"NS", 2},     {"CNAME", 5},  {"SOA", 6},   {"PTR", 12},    {"HINFO", 13},
     {"MX", 15},   {"TXT", 16},   {"AAAA", 28},  {"SRV", 33},  {"NAPTR", 35},  {"DNAME", 39},
     {"DS", 43},   {"SSHFP", 44}, {"RRSIG", 46}, {"NSEC", 47}, {"DNSKEY", 48}, {"NSEC3PARAM", 51},
     {"TLSA", 52}, {"SVCB", 64},  {"HTTPS", 65}, {"SPF", 99},  {"CAA", 257},   {"ALIAS", 65401}}};

Unexpected<Error> wrong(std::string_view type, std::string_view rdata, const std::string& why) {
  return fail(ErrorCode::config, std::string(type) + " data \"" + escape_line(rdata) + "\"", why);
}

// Words and "character strings" of a presentation line; inside quotes \X and \DDD are decoded.
struct Token {
  std::string text;
  bool quoted = false;
};
std::optional<std::vector<Token>> tokens_of(std::string_view line) {
  std::vector<Token> out;
  std::size_t at = 0;
  while (at < line.size()) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    Token token;
    token.quoted = line[at] == '"';
    if (token.quoted) ++at;
    bool closed = false;
    while (at < line.size()) {
      const char c = line[at];
      if (token.quoted && c == '"') {
        ++at;
        closed = true;
        break;
      }
      if (!token.quoted && (c == ' ' || c == '\t')) break;
      if (!token.quoted && c == '"')
        break;  // "a""b": Route 53 writes adjacent strings without a blank
      if (c == '\\') {
        const auto digit = [&](std::size_t i) {
          return i < line.size() && line[i] >= '0' && line[i] <= '9';
        };
        if (digit(at + 1) && digit(at + 2) && digit(at + 3)) {
          const int value =
              (line[at + 1] - '0') * 100 + (line[at + 2] - '0') * 10 + (line[at + 3] - '0');
          if (value > 255) return std::nullopt;
          token.text += static_cast<char>(value);
          at += 4;
          continue;
        }
        if (at + 1 >= line.size()) return std::nullopt;
        token.text += line[at + 1];
        at += 2;
        continue;
      }
      token.text += c;
      ++at;
    }
    if (token.quoted && !closed) return std::nullopt;
    out.push_back(std::move(token));
  }
  return out;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += raw;
    } else if (c < 0x20 || c >= 0x7f) {
      std::array<char, 5> code{};
      std::snprintf(code.data(), code.size(), "\\%03u", static_cast<unsigned>(c));
      out += code.data();
    } else {
      out += raw;
    }
  }
  return out + "\"";
}

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// The shape of a type's data: n16/n32 numbers, d domain name, s character-string, h hexadecimal
// rest, w word kept as it is.
std::string_view shape_of(std::string_view type) {
  if (type == "NS" || type == "CNAME" || type == "PTR" || type == "DNAME") return "d";
  if (type == "MX") return "nd";
  if (type == "SRV") return "nnnd";
  if (type == "SOA") return "ddNNNNN";
  return {};
}

std::uint16_t u16(std::string_view m, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(m[at]) << 8U) |
                                    static_cast<unsigned char>(m[at + 1]));
}
std::uint32_t u32(std::string_view m, std::size_t at) {
  return (static_cast<std::uint32_t>(u16(m, at)) << 16U) | u16(m, at + 2);
}

std::string unknown_rdata(std::string_view bytes) {
  std::string out = "\\# " + std::to_string(bytes.size());
  if (!bytes.empty()) out += " " + hex(bytes);
  return out;
}

}  // namespace

std::optional<std::uint16_t> type_number(std::string_view mnemonic) {
  for (const auto& [name, value] : kTypes)
    if (name == mnemonic) return value;
  if (mnemonic.starts_with("TYPE")) {
    if (const auto value = number(mnemonic.substr(4), 65535))
      return static_cast<std::uint16_t>(*value);
  }
  return std::nullopt;
}

std::string type_name(std::uint16_t type) {
  for (const auto& [name, value] : kTypes)
    if (value == type) return std::string(name);
  return "TYPE" + std::to_string(type);
}

Result<std::string> canonical_rdata(std::string_view type, std::string_view rdata) {
  const auto tokens = tokens_of(rdata);
  if (!tokens || tokens->empty()) return wrong(type, rdata, "malformed: check quotes and escapes");
  if (type == "TXT" || type == "SPF") {
    std::string out;
    for (const auto& token : *tokens) {
      if (token.text.size() > 255) {
        // Some APIs hand out one long string; on the wire it is several (RFC 1035 §3.3).
        for (std::size_t i = 0; i < token.text.size(); i += 255)
          out += (out.empty() ? "" : " ") + quote(std::string_view(token.text).substr(i, 255));
      } else {
        out += (out.empty() ? "" : " ") + quote(token.text);
      }
    }
    return out;
  }
  if (type == "A" || type == "AAAA") {
    const int family = type == "A" ? AF_INET : AF_INET6;
    std::array<unsigned char, 16> bytes{};
    if (tokens->size() != 1 || ::inet_pton(family, (*tokens)[0].text.c_str(), bytes.data()) != 1)
      return wrong(type, rdata, "not an address");
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return std::string(text.data());
  }
  const auto shape = shape_of(type);
  if (shape.empty()) {
    std::string out;
    for (const auto& token : *tokens)
      out += (out.empty() ? "" : " ") + (token.quoted ? quote(token.text) : token.text);
    // "\# 4 c0000201" (RFC 3597 §5): its backslash is the mark of the spelling, no escape.
    return rdata.starts_with("\\# ") ? "\\" + out : out;
  }
  // Names keep their escapes, so the raw words are needed here, not the decoded tokens.
  std::vector<std::string> words;
  for (std::size_t at = 0; at < rdata.size();) {
    const auto start = rdata.find_first_not_of(" \t", at);
    if (start == std::string_view::npos) break;
    const auto end = std::min(rdata.find_first_of(" \t", start), rdata.size());
    words.emplace_back(rdata.substr(start, end - start));
    at = end;
  }
  if (words.size() != shape.size())
    return wrong(type, rdata, "expected " + std::to_string(shape.size()) + " fields");
  std::string out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    std::string field;
    if (shape[i] == 'd') {
      if (!words[i].ends_with('.'))
        return wrong(type, rdata,
                     "\"" + escape_line(words[i]) +
                         "\" needs a final dot: names in record data are absolute");
      MXF_TRY(name, canonical_name(words[i]));
      field = std::move(name);
    } else {
      const auto value = number(words[i], shape[i] == 'n' ? 65535U : 4294967295U);
      if (!value)
        return wrong(type, rdata, "\"" + escape_line(words[i]) + "\" is not a number in range");
      field = std::to_string(*value);
    }
    out += (out.empty() ? "" : " ") + field;
  }
  return out;
}

Result<std::string> txt_text(std::string_view rdata) {
  const auto tokens = tokens_of(rdata);
  if (!tokens) return wrong("TXT", rdata, "malformed: check quotes and escapes");
  std::string out;
  for (const auto& token : *tokens) out += token.text;
  return out;
}

std::string txt_rdata(std::string_view text) {
  std::string out = quote(text.substr(0, 255));
  for (std::size_t at = 255; at < text.size(); at += 255) out += " " + quote(text.substr(at, 255));
  return out;
}

std::optional<std::string> rdata_from_wire(std::uint16_t type, std::string_view m, std::size_t at,
                                           std::size_t length) {
  if (at + length > m.size()) return std::nullopt;
  const std::size_t end = at + length;
  const auto bytes = m.substr(at, length);
  const auto name = type_name(type);
  if (name == "A" || name == "AAAA") {
    if (length != (name == "A" ? 4U : 16U)) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(name == "A" ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
    return std::string(text.data());
  }
  if (name == "TXT" || name == "SPF") {
    std::string out;
    while (at < end) {
      const std::size_t size = static_cast<unsigned char>(m[at]);
      if (at + 1 + size > end) return std::nullopt;
      out += (out.empty() ? "" : " ") + quote(m.substr(at + 1, size));
      at += size + 1;
    }
    if (out.empty()) return std::nullopt;
    return out;
  }
  const auto shape = shape_of(name);
  if (!shape.empty()) {
    std::string out;
    for (const char field : shape) {
      std::string text;
      if (field == 'd') {
        const auto decoded = name_from_wire(m, at);
        if (!decoded) return std::nullopt;
        text = *decoded;
      } else {
        const std::size_t width = field == 'n' ? 2 : 4;
        if (at + width > end) return std::nullopt;
        text = std::to_string(field == 'n' ? u16(m, at) : u32(m, at));
        at += width;
      }
      if (at > end) return std::nullopt;
      out += (out.empty() ? "" : " ") + text;
    }
    if (at != end) return std::nullopt;
    return out;
  }
  if (name == "TLSA" && length >= 3) {
    return std::to_string(static_cast<unsigned char>(m[at])) + " " +
           std::to_string(static_cast<unsigned char>(m[at + 1])) + " " +
           std::to_string(static_cast<unsigned char>(m[at + 2])) + " " +
           hex(m.substr(at + 3, length - 3));
  }
  if (name == "DS" && length >= 4) {
    return std::to_string(u16(m, at)) + " " +
           std::to_string(static_cast<unsigned char>(m[at + 2])) + " " +
           std::to_string(static_cast<unsigned char>(m[at + 3])) + " " +
           hex(m.substr(at + 4, length - 4));
  }
  if (name == "CAA" && length >= 2) {
    const std::size_t tag = static_cast<unsigned char>(m[at + 1]);
    if (2 + tag > length) return std::nullopt;
    return std::to_string(static_cast<unsigned char>(m[at])) + " " +
           std::string(m.substr(at + 2, tag)) + " " +
           quote(m.substr(at + 2 + tag, length - 2 - tag));
  }
  return unknown_rdata(bytes);
}

Result<Mx> parse_mx(std::string_view rdata) {
  MXF_TRY(canonical, canonical_rdata("MX", rdata));
  const auto blank = canonical.find(' ');
  Mx mx;
  mx.preference = static_cast<std::uint16_t>(std::stoul(canonical.substr(0, blank)));
  mx.exchange = canonical.substr(blank + 1);
  return mx;
}

}  // namespace mxferry::dns
