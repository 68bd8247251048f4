// SPDX-License-Identifier: Apache-2.0
#include "pipeline/net_eyes.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "smtp/client.hpp"

namespace mxferry::pipeline {

Result<dns::Delegation> NetEyes::delegation(const std::string& name, std::stop_token stop) {
  return dns::Walker(roots_).zone_of(name, std::move(stop));
}

dns::Round NetEyes::round(const dns::Delegation& delegation,
                          const std::vector<dns::Question>& questions, std::stop_token stop) {
  return dns::ask_all(delegation, questions, false, std::move(stop));
}

Assertion NetEyes::confirmed(const dns::Delegation& delegation,
                             const std::vector<dns::Expected>& expected, std::stop_token stop) {
  return dns::confirmed(delegation, expected, std::move(stop));
}

Result<std::uint32_t> NetEyes::negative_ttl(const dns::Delegation& delegation,
                                            std::stop_token stop) {
  return dns::negative_ttl(delegation, std::move(stop));
}

Result<std::vector<std::string>> NetEyes::addresses(const std::string& host, std::stop_token stop) {
  return dns::Walker(roots_).addresses_of(host, std::move(stop));
}

std::vector<DnsEyes::Resolver> NetEyes::ask_resolvers(const dns::Question& question,
                                                      std::stop_token stop) {
  std::vector<Resolver> out;
  for (const auto& resolver : resolvers_)
    out.push_back({resolver.name(), dns::ask_resolver(resolver, question, stop)});
  return out;
}

std::string canary_message(Instant now, const std::string& to, const std::string& message_id) {
  const std::time_t seconds = std::chrono::duration_cast<Seconds>(now.time_since_epoch()).count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  // RFC 5322 §3.3; English names whatever the locale.
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> date{};
  std::snprintf(date.data(), date.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return "From: mxferry canary <" + to + ">\r\nTo: <" + to +
         ">\r\nSubject: mxferry canary: mail reaches this mailbox\r\nDate: " +
         std::string(date.data()) + "\r\nMessage-ID: " + message_id +
         "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
         "charset=us-ascii\r\n\r\n"
         "This message proves that mail for this domain reaches this mailbox. It is removed as "
         "soon as it is found.\r\n";
}

namespace {

std::string helo_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                             : "localhost";
}

}  // namespace

Task<Result<smtp::Reply>> SmtpPost::probe(const std::string& mx_host, const std::string& address,
                                          const std::string& to) {
  smtp::Server server;
  server.host = mx_host;
  server.address = address;
  smtp::Envelope envelope;
  envelope.helo = helo_name();
  envelope.to = to;
  auto reply = co_await smtp::probe_recipient(connector_, server, envelope);
  co_return reply;
}

Task<Result<void>> SmtpPost::send(const std::string& mx_host, const std::string& address,
                                  const std::string& to, const std::string& message_id) {
  smtp::Server server;
  server.host = mx_host;
  server.address = address;
  smtp::Envelope envelope;
  envelope.helo = helo_name();
  envelope.to = to;
  const std::string message = canary_message(clock_.now(), to, message_id);
  auto reply = co_await smtp::send_message(connector_, server, envelope, message);
  if (!reply) co_return fail(std::move(reply).error());
  co_return Result<void>();
}

}  // namespace mxferry::pipeline
