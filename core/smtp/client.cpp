// SPDX-License-Identifier: Apache-2.0
#include "smtp/client.hpp"

#include "smtp/conversation.hpp"

namespace mxferry::smtp {
namespace {

net::Task<Result<std::unique_ptr<Conversation>>> open(net::Connector& connector,
                                                      const Server& server) {
  net::Endpoint endpoint;
  endpoint.host = server.host;
  endpoint.address = server.address;
  endpoint.port = server.port;
  endpoint.security = net::Security::starttls;
  MXF_CO_TRY(stream, co_await connector.connect(endpoint));
  co_return std::make_unique<Conversation>(std::move(stream), server.name());
}

net::Task<Result<void>> greet(Conversation& talk, const Envelope& envelope) {
  MXF_CO_CHECK(co_await talk.greeting());
  MXF_CO_CHECK(co_await talk.ehlo(envelope.helo));
  std::string from = "MAIL FROM:<" + envelope.from + ">";
  MXF_CO_TRY(mail, co_await talk.command("MAIL FROM", std::move(from), 2));
  (void)mail;
  co_return Result<void>();
}

}  // namespace

std::string stuffed(const std::string& message) {
  std::string out;
  out.reserve(message.size() + 8);
  bool start = true;
  for (const char c : message) {
    if (start && c == '.') out += '.';
    out += c;
    start = c == '\n';
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out + ".\r\n";
}

net::Task<Result<Reply>> send_message(net::Connector& connector, Server server, Envelope envelope,
                                      std::string message) {
  MXF_CO_TRY(talk, co_await open(connector, server));
  MXF_CO_CHECK(co_await greet(*talk, envelope));
  std::string to = "RCPT TO:<" + envelope.to + ">";
  MXF_CO_TRY(rcpt, co_await talk->command("RCPT TO", std::move(to), 2));
  (void)rcpt;
  std::string data = "DATA";
  MXF_CO_TRY(go, co_await talk->command("DATA", std::move(data), 3));
  (void)go;
  MXF_CO_TRY(answer, co_await talk->exchange("message", stuffed(message)));
  if (answer.code / 100 != 2) co_return fail(talk->refused("message", answer));
  co_await talk->quit();
  co_return answer;
}

net::Task<Result<Reply>> probe_recipient(net::Connector& connector, Server server,
                                         Envelope envelope) {
  MXF_CO_TRY(talk, co_await open(connector, server));
  MXF_CO_CHECK(co_await greet(*talk, envelope));
  std::string to = "RCPT TO:<" + envelope.to + ">\r\n";
  MXF_CO_TRY(answer, co_await talk->exchange("RCPT TO", std::move(to)));
  co_await talk->quit();
  co_return answer;
}

net::Task<Result<TlsView>> look_at_tls(net::Connector& connector, Server server, std::string helo,
                                       std::string ca_file, std::vector<std::string> tlsa) {
  MXF_CO_TRY(talk, co_await open(connector, server));
  MXF_CO_CHECK(co_await talk->greeting());
  MXF_CO_CHECK(co_await talk->ehlo(helo));
  TlsView out;
  out.starttls = talk->offers("STARTTLS");
  if (!out.starttls) {
    co_await talk->quit();
    co_return out;
  }
  net::Endpoint endpoint;
  endpoint.host = server.host;
  endpoint.address = server.address;
  endpoint.port = server.port;
  endpoint.security = net::Security::starttls;
  endpoint.ca_file = std::move(ca_file);
  endpoint.tlsa = std::move(tlsa);
  auto started = co_await talk->start_tls(connector, endpoint);
  if (started) {
    co_await talk->quit();
  } else if (started.error().code == ErrorCode::tls || started.error().code == ErrorCode::refused) {
    out.problem = started.error().text;
  } else {
    co_return fail(started.error());
  }
  co_return out;
}

}  // namespace mxferry::smtp
