// SPDX-License-Identifier: Apache-2.0
#include "users_file.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace dovecot {
namespace {

constexpr std::string_view kMark = "created by mxferry";
constexpr std::string_view kRule = "userdb_quota_rule=";
constexpr std::size_t kGecos = 4;
constexpr std::size_t kExtra = 7;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Extra fields may hold colons (userdb_quota_rule=*:storage=1M): the eighth field is the rest.
std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> out;
  while (out.size() < kExtra) {
    const auto colon = line.find(':');
    out.emplace_back(line.substr(0, colon));
    if (colon == std::string_view::npos) return out;
    line.remove_prefix(colon + 1);
  }
  out.emplace_back(line);
  return out;
}

std::string joined(const std::vector<std::string>& fields) {
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i) out += (i == 0 ? "" : ":") + fields[i];
  return out;
}

std::string_view rule_in(std::string_view extra) {
  while (!extra.empty()) {
    const auto space = extra.find(' ');
    const auto field = extra.substr(0, space);
    if (field.starts_with(kRule)) return field.substr(kRule.size());
    if (space == std::string_view::npos) break;
    extra.remove_prefix(space + 1);
  }
  return {};
}

std::optional<User> parse_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.front() == '#') return {};
  auto fields = fields_of(line);
  if (fields[0].empty()) return {};
  fields.resize(kExtra + 1);
  User user{fields[0], fields[kGecos] == kMark, fields[1].ends_with("}!"), {}};
  if (const auto rule = rule_in(fields[kExtra]); !rule.empty())
    user.quota_bytes = quota_rule_bytes(rule);
  return user;
}

// Calls `visit(line, with its newline)` for each line.
template <class Visit>
void each_line(std::string_view file, Visit visit) {
  while (!file.empty()) {
    const auto end = file.find('\n');
    const auto size = end == std::string_view::npos ? file.size() : end + 1;
    visit(file.substr(0, size));
    file.remove_prefix(size);
  }
}

bool same_user(std::string_view line, std::string_view address) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  const auto user = parse_line(line);
  return user && lower(user->address) == lower(address);
}

}  // namespace

bool is_plain_address(std::string_view address) {
  const auto at = address.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < address.size() &&
         address.rfind('@') == at && address.size() <= 254 && address.front() != '#' &&
         std::none_of(address.begin(), address.end(), [](char c) {
           return c == ':' || c == '/' || c == '*' || c == '%' ||
                  static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
         });
}

std::optional<std::uint64_t> quota_rule_bytes(std::string_view rule) {
  if (!rule.starts_with("*:")) return {};
  rule.remove_prefix(2);
  std::uint64_t unit = 1;
  if (rule.starts_with("storage=")) {
    unit = 1024;  // without a suffix storage counts kilobytes
    rule.remove_prefix(8);
  } else if (rule.starts_with("bytes=")) {
    rule.remove_prefix(6);
  } else {
    return {};
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(rule.data(), rule.data() + rule.size(), number);
  if (error != std::errc() || end == rule.data()) return {};
  const std::string_view suffix(end, static_cast<std::size_t>(rule.data() + rule.size() - end));
  if (suffix.size() > 1) return {};
  if (!suffix.empty()) {
    const auto power = std::string_view("BKMGT").find(static_cast<char>(suffix[0] & ~0x20));
    if (power == std::string_view::npos) return {};
    unit = std::uint64_t{1} << (10 * power);
  }
  if (number > std::numeric_limits<std::uint64_t>::max() / unit) return {};
  return number * unit;
}

std::vector<User> users_in(std::string_view file, std::string_view domain) {
  std::vector<User> out;
  each_line(file, [&](std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    auto user = parse_line(line);
    if (!user) return;
    const auto at = user->address.rfind('@');
    if (at == std::string::npos) return;
    if (!domain.empty() && lower(user->address.substr(at + 1)) != lower(domain)) return;
    out.push_back(*std::move(user));
  });
  return out;
}

std::optional<User> find_user(std::string_view file, std::string_view address) {
  std::optional<User> out;
  each_line(file, [&](std::string_view line) {
    if (out || !same_user(line, address)) return;
    if (line.ends_with('\n')) line.remove_suffix(1);
    out = parse_line(line);
  });
  return out;
}

std::string with_user(std::string_view file, const std::string& address,
                      const std::string& password, std::optional<std::uint64_t> quota_bytes) {
  std::string out(file);
  if (!out.empty() && out.back() != '\n') out.push_back('\n');
  out += address + ":" + password + ":::" + std::string(kMark) + ":::";
  if (quota_bytes) out += std::string(kRule) + "*:bytes=" + std::to_string(*quota_bytes);
  out.push_back('\n');
  return out;
}

std::string with_quota(std::string_view file, std::string_view address, std::uint64_t bytes) {
  std::string out;
  each_line(file, [&](std::string_view line) {
    if (!same_user(line, address)) {
      out += line;
      return;
    }
    std::string end;
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) {
      end.insert(end.begin(), line.back());
      line.remove_suffix(1);
    }
    auto fields = fields_of(line);
    fields.resize(kExtra + 1);
    std::string extra;
    std::string_view rest = fields[kExtra];
    while (!rest.empty()) {
      const auto space = rest.find(' ');
      const auto field = rest.substr(0, space);
      if (!field.empty() && !field.starts_with(kRule)) extra += std::string(field) + " ";
      if (space == std::string_view::npos) break;
      rest.remove_prefix(space + 1);
    }
    fields[kExtra] = extra + std::string(kRule) + "*:bytes=" + std::to_string(bytes);
    out += joined(fields) + end;
  });
  return out;
}

std::string without_user(std::string_view file, std::string_view address) {
  std::string out;
  each_line(file, [&](std::string_view line) {
    if (!same_user(line, address)) out += line;
  });
  return out;
}

}  // namespace dovecot
