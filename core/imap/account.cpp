// SPDX-License-Identifier: Apache-2.0
#include "imap/account.hpp"

#include <charconv>
#include <optional>

#include "imap/client.hpp"

namespace mxferry::imap {
namespace {

std::optional<std::string> percent_decode(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[i + 1]);
    const int low = digit(text[i + 2]);
    if (high < 0 || low < 0 || high * 16 + low == 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// Shared so that what is remembered of the endpoint holds for the next connection too.
struct Opening {
  ImapAccount account;
  MailboxRole role;
  std::shared_ptr<net::Connector> connector;
};

Task<Result<std::unique_ptr<Client>>> open_client(std::shared_ptr<Opening> opening) {
  auto client =
      co_await Client::open(*opening->connector, opening->account.endpoint,
                            opening->account.credentials, opening->role, opening->account.options);
  if (client && (*client)->connection().offered_tls()) {
    opening->account.endpoint.offered_tls_before = true;
    if (opening->account.on_tls_offered) opening->account.on_tls_offered(opening->account.endpoint);
  }
  co_return client;
}

template <class Port>
Task<Result<std::unique_ptr<Port>>> open_as(std::shared_ptr<Opening> opening) {
  auto client = co_await open_client(std::move(opening));
  if (!client) co_return fail(std::move(client).error());
  std::unique_ptr<Port> out = std::move(client).value();
  co_return out;
}

std::shared_ptr<Opening> make_opening(ImapAccount account, MailboxRole role,
                                      std::shared_ptr<net::Connector> connector) {
  auto opening = std::make_shared<Opening>();
  opening->account = std::move(account);
  opening->role = role;
  opening->connector = connector ? std::move(connector) : std::make_shared<net::NetConnector>();
  return opening;
}

}  // namespace

Result<MailUrl> parse_mail_url(std::string_view url, UserPart who) {
  const auto bad = [](const char* why) {
    return fail(ErrorCode::usage, "mail URL",
                std::string(why) + "; expected imaps://USER@HOST:PORT or imap://USER@HOST:PORT");
  };
  MailUrl out;
  constexpr std::string_view kPlain = "imap://";
  constexpr std::string_view kTls = "imaps://";
  if (url.starts_with(kTls)) {
    url.remove_prefix(kTls.size());
    out.endpoint.security = net::Security::tls;
    out.endpoint.port = 993;
  } else if (url.starts_with(kPlain)) {
    url.remove_prefix(kPlain.size());
    out.endpoint.security = net::Security::starttls;
    out.endpoint.port = 143;
  } else {
    return bad("neither imap:// nor imaps://");
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  // A user's @ should be %40; the last one is the separator in any case.
  const auto at = url.rfind('@');
  const bool named = at != std::string_view::npos;
  if (who == UserPart::required && (!named || at == 0)) return bad("no user");
  if (who == UserPart::none && named) return bad("a user does not belong here");
  const auto user = named ? url.substr(0, at) : std::string_view();
  if (user.find(':') != std::string_view::npos)
    return bad(
        "a password (or an unencoded :) stands in the URL: secrets are given as env:NAME or "
        "file:PATH");
  auto decoded = percent_decode(user);
  if (!decoded || (named && decoded->empty())) return bad("the user is not percent-encoded");
  out.user = *std::move(decoded);
  auto host = named ? url.substr(at + 1) : url;
  std::string_view port;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == std::string_view::npos) return bad("the address has no closing bracket");
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && !port.starts_with(':'))
      return bad("something other than a port follows the address");
    if (!port.empty()) port.remove_prefix(1);
  } else if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
    if (port.empty()) return bad("the port is empty");
  }
  if (host.empty() || host.find_first_of("/?#@ ") != std::string_view::npos) return bad("no host");
  out.endpoint.host = host;
  if (!port.empty()) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (error != std::errc() || end != port.data() + port.size() || value == 0 || value > 65535)
      return bad("the port is not a number from 1 to 65535");
    out.endpoint.port = static_cast<std::uint16_t>(value);
  }
  return out;
}

SourceOpener source_opener(ImapAccount account, std::shared_ptr<net::Connector> connector) {
  auto opening = make_opening(std::move(account), MailboxRole::ReadOnly, std::move(connector));
  return [opening] { return open_as<MailSource>(opening); };
}

TargetOpener target_opener(ImapAccount account, MailboxRole role,
                           std::shared_ptr<net::Connector> connector) {
  auto opening = make_opening(std::move(account), role, std::move(connector));
  return [opening] { return open_as<MailTarget>(opening); };
}

}  // namespace mxferry::imap
