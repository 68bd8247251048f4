// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/name.hpp"

#include <array>
#include <cctype>
#include <cstdio>
#include <vector>

#include "base/escape.hpp"

namespace mxferry::dns {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxName = 255;

// Splits presentation form into labels of raw octets. Nothing where an escape is malformed or a
// label is empty.
std::optional<std::vector<std::string>> labels_of(std::string_view name) {
  std::vector<std::string> labels;
  if (name == "." || name.empty()) return labels;
  std::string label;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (c == '.') {
      if (label.empty()) return std::nullopt;
      labels.push_back(std::move(label));
      label.clear();
    } else if (c == '\\') {
      const auto digit = [&](std::size_t i) {
        return i < name.size() && std::isdigit(static_cast<unsigned char>(name[i])) != 0;
      };
      if (digit(at + 1)) {
        if (!digit(at + 2) || !digit(at + 3)) return std::nullopt;
        const int value =
            (name[at + 1] - '0') * 100 + (name[at + 2] - '0') * 10 + (name[at + 3] - '0');
        if (value > 255) return std::nullopt;
        label += static_cast<char>(value);
        at += 3;
      } else if (at + 1 < name.size()) {
        label += name[++at];
      } else {
        return std::nullopt;
      }
    } else {
      label += c;
    }
  }
  if (!label.empty()) labels.push_back(std::move(label));
  return labels;
}

std::string present(const std::string& label) {
  std::string out;
  for (const char raw : label) {
    const auto c = static_cast<unsigned char>(raw);
    if (c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' ||
        c == '$') {
      out += '\\';
      out += raw;
    } else if (c <= 0x20 || c >= 0x7f) {
      std::array<char, 5> text{};
      std::snprintf(text.data(), text.size(), "\\%03u", static_cast<unsigned>(c));
      out += text.data();
    } else {
      out += static_cast<char>(std::tolower(c));
    }
  }
  return out;
}

}  // namespace

Result<std::string> canonical_name(std::string_view text) {
  const auto labels = labels_of(text);
  const auto wrong = [&](const char* why) {
    return fail(ErrorCode::config, "name \"" + escape_line(text) + "\"", why);
  };
  if (!labels || text.empty()) return wrong("not a domain name");
  std::string out;
  std::size_t wire = 1;
  for (const auto& label : *labels) {
    if (label.size() > kMaxLabel) return wrong("a label is longer than 63 octets");
    wire += label.size() + 1;
    out += present(label) + ".";
  }
  if (wire > kMaxName) return wrong("longer than 255 octets");
  return out.empty() ? std::string(".") : out;
}

bool is_within(std::string_view name, std::string_view zone) {
  if (zone == "." || name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) &&
         name[name.size() - zone.size() - 1] == '.';
}

std::string parent_of(std::string_view name) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '\\') {
      ++at;
    } else if (name[at] == '.') {
      const auto rest = name.substr(at + 1);
      return rest.empty() ? "." : std::string(rest);
    }
  }
  return ".";
}

std::string name_to_wire(std::string_view name) {
  std::string out;
  if (const auto labels = labels_of(name)) {
    for (const auto& label : *labels) {
      out += static_cast<char>(label.size());
      out += label;
    }
  }
  out += '\0';
  return out;
}

std::optional<std::string> name_from_wire(std::string_view message, std::size_t& at) {
  std::string out;
  std::size_t here = at;
  std::size_t wire = 1;
  bool jumped = false;
  while (true) {
    if (here >= message.size()) return std::nullopt;
    const auto length = static_cast<unsigned char>(message[here]);
    if ((length & 0xc0U) == 0xc0U) {
      if (here + 1 >= message.size()) return std::nullopt;
      const std::size_t target = (static_cast<std::size_t>(length & 0x3fU) << 8U) |
                                 static_cast<unsigned char>(message[here + 1]);
      if (!jumped) at = here + 2;
      jumped = true;
      // Only backwards: a pointer to itself or forward cannot end (RFC 1035 §4.1.4 "prior
      // occurrence").
      if (target >= here) return std::nullopt;
      here = target;
      continue;
    }
    if (length > kMaxLabel) return std::nullopt;
    ++here;
    if (length == 0) break;
    if (here + length > message.size()) return std::nullopt;
    wire += length + 1U;
    if (wire > kMaxName) return std::nullopt;
    out += present(std::string(message.substr(here, length))) + ".";
    here += length;
  }
  if (!jumped) at = here;
  return out.empty() ? "." : out;
}

}  // namespace mxferry::dns
