// SPDX-License-Identifier: Apache-2.0
#include "smtp/submission.hpp"

#include <algorithm>
#include <charconv>

#include "smtp/conversation.hpp"

namespace mxferry::smtp {
namespace {

// Proven and, where it is asked for, authenticated: ready for MAIL FROM.
net::Task<Result<std::unique_ptr<Conversation>>> open(net::Connector& connector,
                                                      const Submission& submission) {
  const auto& endpoint = submission.endpoint;
  MXF_CO_TRY(stream, co_await connector.connect(endpoint));
  auto talk = std::make_unique<Conversation>(std::move(stream), endpoint.name());
  if (endpoint.security == net::Security::tls)
    MXF_CO_CHECK(co_await talk->start_tls(connector, endpoint));
  MXF_CO_CHECK(co_await talk->greeting());
  MXF_CO_CHECK(co_await talk->ehlo(submission.helo));
  if (endpoint.security == net::Security::starttls) {
    if (talk->offers("STARTTLS")) {
      MXF_CO_CHECK(co_await talk->start_tls(connector, endpoint));
      MXF_CO_CHECK(co_await talk->ehlo(submission.helo));
    } else if (!talk->is_private()) {
      Error error = fail(ErrorCode::tls, "smtp " + endpoint.name(),
                         "the server offers no STARTTLS, and it is not on this machine")
                        .error();
      co_return fail(
          std::move(error.with_remedy("name a server with TLS: smtps://HOST, or one that offers "
                                      "STARTTLS")));
    }
  }
  if (!submission.user.empty())
    MXF_CO_CHECK(co_await talk->auth_plain(submission.user, submission.secret));
  co_return talk;
}

}  // namespace

bool is_plain_address(std::string_view address) {
  const auto at = address.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == address.size()) return false;
  if (address.find('@', at + 1) != std::string_view::npos || address.size() > 254) return false;
  return std::all_of(address.begin(), address.end(), [](char c) {
    return c > ' ' && c < '\x7f' && c != '<' && c != '>' && c != '"' && c != '\\' && c != ',' &&
           c != ';' && c != ':' && c != '(' && c != ')' && c != '[' && c != ']';
  });
}

Result<net::Endpoint> parse_submission_url(std::string_view url) {
  const auto bad = [](const char* why) {
    return fail(ErrorCode::usage, "SMTP URL",
                std::string(why) + "; expected smtp://HOST[:PORT] or smtps://HOST[:PORT]");
  };
  net::Endpoint out;
  if (url.starts_with("smtps://")) {
    out.security = net::Security::tls;
    out.port = 465;
    url.remove_prefix(8);
  } else if (url.starts_with("smtp://")) {
    out.security = net::Security::starttls;
    out.port = 587;
    url.remove_prefix(7);
  } else {
    return bad("neither smtp:// nor smtps://");
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  if (url.find('@') != std::string_view::npos) return bad("a user does not belong here");
  std::string_view port;
  if (url.starts_with('[')) {
    const auto end = url.find(']');
    if (end == std::string_view::npos) return bad("the address has no closing bracket");
    out.host = url.substr(1, end - 1);
    port = url.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad("no port follows the address");
  } else {
    const auto colon = url.rfind(':');
    out.host = url.substr(0, colon);
    if (colon != std::string_view::npos) port = url.substr(colon);
  }
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (ec != std::errc() || end != port.data() + port.size() || out.port == 0)
      return bad("the port is not a number from 1 to 65535");
  }
  if (out.host.empty() || out.host.find_first_of("/?# \t") != std::string::npos)
    return bad("no host");
  return out;
}

net::Task<Result<Submitted>> submit(net::Connector& connector, Submission submission,
                                    std::vector<std::string> to, std::string message) {
  Submitted out;
  MXF_CO_TRY(talk, co_await open(connector, submission));
  std::string from = "MAIL FROM:<" + submission.from + ">";
  MXF_CO_TRY(mail, co_await talk->command("MAIL FROM", std::move(from), 2));
  (void)mail;
  for (const auto& address : to) {
    if (!is_plain_address(address)) {
      out.refused.push_back({address, "not an address that can be written to"});
      continue;
    }
    std::string line = "RCPT TO:<" + address + ">\r\n";
    MXF_CO_TRY(answer, co_await talk->exchange("RCPT TO", std::move(line)));
    const Untaken untaken{address, std::to_string(answer.code) + " " + answer.words};
    if (answer.code / 100 == 2)
      out.taken.push_back(address);
    else if (answer.code / 100 == 4)
      out.deferred.push_back(untaken);
    else
      out.refused.push_back(untaken);
  }
  if (!out.taken.empty()) {
    std::string data = "DATA";
    MXF_CO_TRY(go, co_await talk->command("DATA", std::move(data), 3));
    (void)go;
    MXF_CO_TRY(answer, co_await talk->exchange("message", stuffed(message)));
    if (answer.code / 100 != 2) co_return fail(talk->refused("message", answer));
    out.words = std::to_string(answer.code) + " " + answer.words;
  }
  co_await talk->quit();
  co_return out;
}

}  // namespace mxferry::smtp
