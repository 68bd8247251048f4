// SPDX-License-Identifier: Apache-2.0
#include "dns/asker.hpp"

#include <algorithm>
#include <sstream>

#include "protocol/dns/name.hpp"

namespace mxferry::dns {
namespace {

Seen unknown(std::string why) {
  Seen seen;
  seen.why = std::move(why);
  return seen;
}

// RFC 2308 §5: the smaller of the SOA's TTL and its MINIMUM field.
std::uint32_t negative_ttl_of(const Record& soa) {
  std::istringstream words(soa.rdata);
  std::string mname;
  std::string rname;
  std::uint64_t serial = 0;
  std::uint64_t refresh = 0;
  std::uint64_t retry = 0;
  std::uint64_t expire = 0;
  std::uint64_t minimum = 0;
  words >> mname >> rname >> serial >> refresh >> retry >> expire >> minimum;
  return std::min(soa.ttl, static_cast<std::uint32_t>(minimum));
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
  const auto message = decode_message(bytes);
  const std::string operation =
      "ask " + server.name() + " for " + question.name + " " + question.type;
  if (!message) return fail(ErrorCode::protocol, operation, "a malformed answer");
  if (!message->response || message->id != query.id || message->opcode != 0)
    return fail(ErrorCode::protocol, operation, "not an answer to what was asked");
  if (message->questions.size() != 1 || message->questions[0] != question)
    return fail(ErrorCode::protocol, operation, "an answer to another question");
  if (message->truncated) return fail(ErrorCode::protocol, operation, "truncated even over TCP");
  return *message;
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
    seen.kind = Seen::Kind::absent;
    seen.nxdomain = rcode == Rcode::nxdomain;
    seen.negative_ttl = negative_ttl_of(record);
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
