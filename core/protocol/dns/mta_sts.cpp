// SPDX-License-Identifier: Apache-2.0
// policy = field *( (LF / CRLF) field ) [LF / CRLF] ; field = key *WSP ":" *WSP value *WSP
// record = "v=STSv1" *WSP ";" *WSP field *( *WSP ";" *WSP field ) ; field = key *WSP "=" *WSP value
// (RFC 8461 §3.1, §3.2)
#include "protocol/dns/mta_sts.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/escape.hpp"

namespace mxferry::dns {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (out.ends_with('.')) out.pop_back();
  return out;
}

bool is_host(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  char last = '.';
  for (const char c : name) {
    if (c == '.') {
      if (label == 0 || last == '-') return false;
      label = 0;
    } else {
      const bool plain =
          std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c == '-' && label != 0);
      if (!plain || ++label > 63) return false;
    }
    last = c;
  }
  return label != 0 && last != '-';
}

Unexpected<Error> wrong(const std::string& why) {
  return fail(ErrorCode::protocol, "MTA-STS policy", why);
}

}  // namespace

std::string to_string(StsMode mode) {
  switch (mode) {
    case StsMode::none:
      return "none";
    case StsMode::testing:
      return "testing";
    case StsMode::enforce:
      return "enforce";
  }
  return "enforce";
}

Result<StsPolicy> parse_sts_policy(std::string_view text) {
  if (text.size() > kStsPolicyBytes)
    return wrong("larger than " + std::to_string(kStsPolicyBytes) + " bytes");
  StsPolicy out;
  std::optional<std::string_view> version;
  std::optional<std::string_view> mode;
  std::optional<std::string_view> max_age;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trimmed(line).empty()) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return wrong("\"" + escape_line(line) + "\" is not \"key: value\"");
    const auto key = trimmed(line.substr(0, colon));
    const auto value = trimmed(line.substr(colon + 1));
    if (key == "version" && !version) version = value;
    if (key == "mode" && !mode) mode = value;
    if (key == "max_age" && !max_age) max_age = value;
    if (key != "mx") continue;
    const auto host = lower(value);
    if (!is_host(host.starts_with("*.") ? std::string_view(host).substr(2) : host))
      return wrong("mx: \"" + escape_line(value) + "\" is neither a host name nor \"*.\" and one");
    out.mx.push_back(host);
  }
  if (version != "STSv1") return wrong("\"version: STSv1\" is missing (RFC 8461 §3.2)");
  if (mode == "enforce")
    out.mode = StsMode::enforce;
  else if (mode == "testing")
    out.mode = StsMode::testing;
  else if (mode != "none")
    return wrong("\"mode\" is missing, or neither enforce, testing nor none");
  if (!max_age) return wrong("\"max_age\" is missing");
  const auto [end, ec] =
      std::from_chars(max_age->data(), max_age->data() + max_age->size(), out.max_age);
  const bool whole = ec == std::errc() && end == max_age->data() + max_age->size();
  if (!whole || max_age->size() > 10 || out.max_age > kStsLongestAge)
    return wrong("max_age: expected seconds, at most " + std::to_string(kStsLongestAge));
  if (out.mode != StsMode::none && out.mx.empty()) return wrong("no \"mx\" is named");
  return out;
}

std::string format_sts_policy(const StsPolicy& policy) {
  std::string out = "version: STSv1\r\nmode: " + to_string(policy.mode) + "\r\n";
  for (const auto& mx : policy.mx) out += "mx: " + mx + "\r\n";
  return out + "max_age: " + std::to_string(policy.max_age) + "\r\n";
}

bool sts_lists(const StsPolicy& policy, std::string_view host) {
  const auto name = lower(host);
  const auto dot = name.find('.');
  return std::any_of(policy.mx.begin(), policy.mx.end(), [&](const std::string& pattern) {
    if (!pattern.starts_with("*.")) return pattern == name;
    // RFC 8461 §4.1: the left-most label and no more.
    return dot != std::string::npos && dot != 0 && name.substr(dot + 1) == pattern.substr(2);
  });
}

bool is_sts_record(std::string_view text) {
  constexpr std::string_view kVersion = "v=STSv1";
  return text.starts_with(kVersion) && trimmed(text.substr(kVersion.size())).starts_with(';');
}

Result<std::string> sts_record_id(std::string_view text) {
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::protocol, "MTA-STS record \"" + escape_line(text) + "\"", why);
  };
  if (!is_sts_record(text)) return bad("does not begin with v=STSv1;");
  while (!text.empty()) {
    const auto end = text.find(';');
    const auto field = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos || trimmed(field.substr(0, equals)) != "id") continue;
    const auto id = trimmed(field.substr(equals + 1));
    const bool plain =
        std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
    if (id.empty() || id.size() > 32 || !plain)
      return bad("id: expected 1 to 32 letters or digits");
    return std::string(id);
  }
  return bad("has no id");
}

std::string sts_record(std::string_view id) { return "v=STSv1; id=" + std::string(id) + ";"; }

}  // namespace mxferry::dns
