// SPDX-License-Identifier: Apache-2.0
#include "pipeline/net_eyes.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "base/escape.hpp"
#include "dns/signatures.hpp"
#include "net/http.hpp"
#include "net/public_address.hpp"
#include "plan/compute_sts.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "smtp/client.hpp"

namespace mxferry::pipeline {
namespace {

std::string own_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                             : "localhost";
}

}  // namespace

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

Result<dns::Seen> NetEyes::lookup(const dns::Question& question, std::stop_token stop) {
  return dns::Walker(roots_).lookup(question, std::move(stop));
}

Result<bool> NetEyes::has_ds(const std::string& zone, std::stop_token stop) {
  MXF_TRY(seen, dns::Walker(roots_).ds_of(zone, std::move(stop)));
  return seen.kind == dns::Seen::Kind::present;
}

Assertion NetEyes::signatures(const dns::Delegation& delegation,
                              const std::vector<dns::Question>& questions, std::stop_token stop) {
  const dns::Validity validity{SystemClock().now()};
  return dns::check_signatures(delegation, questions, validity, std::move(stop));
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

Task<Result<smtp::Reply>> SmtpPost::probe(const std::string& mx_host, const std::string& address,
                                          const std::string& to) {
  smtp::Server server;
  server.host = mx_host;
  server.address = address;
  smtp::Envelope envelope;
  envelope.helo = own_name();
  envelope.to = to;
  auto reply = co_await smtp::probe_recipient(connector_, server, envelope);
  co_return reply;
}

Result<std::string> fetch_policy(DnsEyes& eyes, const std::string& domain, const PolicyFetch& fetch,
                                 std::stop_token stop) {
  MXF_TRY(addresses, eyes.addresses("mta-sts." + domain + ".", stop));
  return fetch_policy_at(addresses, domain, fetch, std::move(stop));
}

Result<std::string> fetch_policy_at(const std::vector<std::string>& addresses,
                                    const std::string& domain, const PolicyFetch& fetch,
                                    std::stop_token stop) {
  const std::string host = "mta-sts." + domain;
  const std::string url = plan::sts_policy_url(domain);
  if (addresses.empty()) return fail(ErrorCode::refused, url, host + " has no address");
  std::optional<std::string> first;
  for (const auto& address : addresses) {
    const std::string where = url + " at " + address;
    net::HttpTrust trust;
    trust.ca_file = fetch.ca_file;
    trust.address = address;
    trust.public_only = !fetch.allow_loopback;
    if (trust.public_only && !net::is_public_address(address))
      return fail(ErrorCode::refused, where, "not a public address");
    net::HttpLimits limits;
    limits.total = std::chrono::seconds(10);
    limits.response_bytes = dns::kStsPolicyBytes;
    limits.attempts = 1;
    net::HttpRequest request;
    request.url = fetch.port == 443 ? url
                                    : "https://" + host + ":" + std::to_string(fetch.port) +
                                          "/.well-known/mta-sts.txt";
    request.shown = where;
    MXF_TRY(response, net::HttpClient(trust, limits).send(request, stop));
    if (response.code != 200)
      return fail(ErrorCode::refused, where, "HTTP " + std::to_string(response.code));
    const auto type = response.header("content-type");
    if (!type.starts_with("text/plain"))
      return fail(
          ErrorCode::protocol, where,
          "the policy is not text/plain but " + escape_line(type.empty() ? "nothing" : type));
    MXF_TRY(policy, dns::parse_sts_policy(response.body));
    if (first && *dns::parse_sts_policy(*first) != policy)
      return fail(ErrorCode::protocol, where, "it serves another policy than " + addresses.front());
    if (!first) first = response.body;
  }
  return *first;
}

Task<Result<TlsView>> SmtpPost::look_at_tls(const std::string& mx_host, const std::string& address,
                                            const std::vector<std::string>& tlsa) {
  smtp::Server server;
  server.host = mx_host;
  if (server.host.ends_with('.')) server.host.pop_back();
  server.address = address;
  auto seen = co_await smtp::look_at_tls(connector_, server, own_name(), ca_file_, tlsa);
  if (!seen) co_return fail(std::move(seen).error());
  TlsView out;
  out.starttls = seen->starttls;
  out.problem = seen->problem;
  co_return out;
}

Task<Result<void>> SmtpPost::send(const std::string& mx_host, const std::string& address,
                                  const std::string& to, const std::string& message_id) {
  smtp::Server server;
  server.host = mx_host;
  server.address = address;
  smtp::Envelope envelope;
  envelope.helo = own_name();
  envelope.to = to;
  const std::string message = canary_message(clock_.now(), to, message_id);
  auto reply = co_await smtp::send_message(connector_, server, envelope, message);
  if (!reply) co_return fail(std::move(reply).error());
  co_return Result<void>();
}

}  // namespace mxferry::pipeline
