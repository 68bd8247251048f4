// SPDX-License-Identifier: Apache-2.0
#include "dns/asker.hpp"

#include <algorithm>

#include "dns/answer.hpp"
#include "dns/soa.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

Seen unknown(std::string why) {
  Seen seen;
  seen.why = std::move(why);
  return seen;
}

}  // namespace

std::string rcode_name(std::uint8_t rcode) {
  switch (static_cast<Rcode>(rcode)) {
    case Rcode::noerror:
      return "NOERROR";
    case Rcode::formerr:
      return "FORMERR";
    case Rcode::servfail:
      return "SERVFAIL";
    case Rcode::nxdomain:
      return "NXDOMAIN";
    case Rcode::notimp:
      return "NOTIMP";
    case Rcode::refused:
      return "REFUSED";
  }
  return "rcode " + std::to_string(rcode);
}

Result<Message> ask(const DnsServer& server, const Question& question, bool recursive, bool tcp,
                    std::stop_token stop, bool dnssec, std::chrono::milliseconds patience) {
  Query query;
  query.id = net::random_dns_id();
  query.question = question;
  query.recursion_desired = recursive;
  query.authentic_data = recursive;
  query.dnssec_ok = dnssec;
  net::DnsExchange how;
  how.tcp = tcp;
  how.timeout = patience;
  MXF_TRY(bytes, net::dns_exchange(server, encode_query(query), how, stop));
  const std::string operation =
      "ask " + server.name() + " for " + question.name + " " + question.type;
  MXF_TRY(message, answer_in(bytes, query, operation));
  if (message.truncated) return fail(ErrorCode::protocol, operation, "truncated even over TCP");
  return message;
}

Seen judge(const Message& message, const Question& question, const std::string& zone) {
  const bool authoritative = !zone.empty();
  const auto rcode = static_cast<Rcode>(message.rcode);
  if (rcode != Rcode::noerror && rcode != Rcode::nxdomain)
    return unknown(rcode_name(message.rcode));
  if (authoritative && !message.authoritative)
    return unknown("not authoritative for " + zone + " (lame)");
  Seen seen;
  seen.authentic = message.authentic_data;
  std::string name = question.name;
  // Follow the alias chain inside the answer; a resolver puts it in order, an authority may stop at
  // the zone's edge.
  for (std::size_t hops = 0; hops <= message.answers.size(); ++hops) {
    bool moved = false;
    for (const auto& record : message.answers) {
      if (record.name != name) continue;
      if (record.type == question.type) {
        seen.kind = Seen::Kind::present;
        seen.rdata.push_back(record.rdata);
        seen.ttl = seen.rdata.size() == 1 ? record.ttl : std::max(seen.ttl, record.ttl);
      } else if (record.type == "CNAME" && question.type != "CNAME") {
        if (seen.alias.empty()) {
          seen.alias = record.rdata;
          seen.alias_ttl = record.ttl;
        }
        name = record.rdata;
        moved = true;
        break;
      }
    }
    if (!moved) break;
  }
  if (seen.kind == Seen::Kind::present) {
    std::sort(seen.rdata.begin(), seen.rdata.end());
    return seen;
  }
  if (!seen.alias.empty() && authoritative) {
    seen.kind =
        Seen::Kind::present;  // the alias is what this server has; the target is another question
    return seen;
  }
  for (const auto& record : message.authority) {
    if (record.type != "SOA") continue;
    if (authoritative && record.name != zone)
      return unknown("a SOA of " + record.name + " instead of " + zone);
    if (!is_within(question.name, record.name))
      return unknown("a SOA of " + record.name + ", which does not hold the name");
    const auto soa = parse_soa(record.rdata);
    if (!soa) return unknown("a SOA that cannot be read");
    seen.kind = Seen::Kind::absent;
    seen.nxdomain = rcode == Rcode::nxdomain;
    seen.negative_ttl = negative_ttl_of(*soa, record.ttl);
    return seen;
  }
  if (!authoritative && rcode == Rcode::nxdomain) {
    seen.kind = Seen::Kind::absent;
    seen.nxdomain = true;
    return seen;
  }
  return unknown(std::any_of(message.authority.begin(), message.authority.end(),
                             [](const Record& r) { return r.type == "NS"; })
                     ? "a referral instead of an answer"
                     : "an empty answer without a SOA");
}

Seen ask_authoritative(const DnsServer& server, const std::string& zone, const Question& question,
                       bool tcp, std::stop_token stop) {
  const auto message = ask(server, question, false, tcp, std::move(stop));
  if (!message) return unknown(message.error().text);
  return judge(*message, question, zone);
}

Seen ask_resolver(const DnsServer& server, const Question& question, std::stop_token stop) {
  const auto message = ask(server, question, true, false, std::move(stop));
  if (!message) return unknown(message.error().text);
  return judge(*message, question, "");
}

}  // namespace mxferry::dns
