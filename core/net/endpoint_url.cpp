// SPDX-License-Identifier: Apache-2.0
// url = ("imap" / "imaps") "://" [ user "@" ] host [ ":" port ] [ "/" ]
#include "net/endpoint_url.hpp"

#include <charconv>

#include "base/escape.hpp"

namespace mxferry::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<EndpointUrl> parse_endpoint_url(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    // A URL with user:password@ is not repeated: it may hold the password.
    const bool shown = text.find('@') == std::string_view::npos ||
                       text.substr(0, text.rfind('@')).find(':', 8) == std::string_view::npos;
    return fail(ErrorCode::usage,
                shown ? "endpoint \"" + escape_line(text) + "\"" : std::string("endpoint"),
                why + "; expected imap://[USER@]HOST[:PORT] or imaps://[USER@]HOST[:PORT]");
  };
  EndpointUrl out;
  std::string_view rest = text;
  if (rest.starts_with("imaps://")) {
    out.endpoint.security = Security::tls;
    out.endpoint.port = 993;
    rest.remove_prefix(8);
  } else if (rest.starts_with("imap://")) {
    out.endpoint.security = Security::starttls;
    out.endpoint.port = 143;
    rest.remove_prefix(7);
  } else {
    return wrong("neither imap:// nor imaps://");
  }
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const auto user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    if (user.find(':') != std::string_view::npos)
      return wrong("a password does not belong here (write a ':' in the user as %3A)");
    for (std::size_t i = 0; i < user.size(); ++i) {
      if (user[i] != '%') {
        out.user += user[i];
        continue;
      }
      if (i + 2 >= user.size() || hex_digit(user[i + 1]) < 0 || hex_digit(user[i + 2]) < 0)
        return wrong("a malformed %XX in the user");
      out.user += static_cast<char>(hex_digit(user[i + 1]) * 16 + hex_digit(user[i + 2]));
      i += 2;
    }
    if (out.user.empty()) return wrong("an empty user");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return wrong("a '[' without ']'");
    out.endpoint.host = rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
  } else {
    const auto colon = rest.find(':');
    out.endpoint.host = rest.substr(0, colon);
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon);
  }
  if (out.endpoint.host.empty()) return wrong("no host");
  if (out.endpoint.host.find_first_of("/?# ") != std::string::npos)
    return wrong("something behind the host");
  if (!rest.empty()) {
    unsigned port = 0;
    const auto [end, ec] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
    if (rest[0] != ':' || ec != std::errc() || end != rest.data() + rest.size() || port == 0 ||
        port > 65535)
      return wrong("the port is not a number from 1 to 65535");
    out.endpoint.port = static_cast<std::uint16_t>(port);
  }
  return out;
}

}  // namespace mxferry::net
