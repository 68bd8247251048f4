// SPDX-License-Identifier: Apache-2.0
#include "dns/signatures.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "protocol/dns/nsec.hpp"
#include "protocol/dns/rrsig.hpp"

namespace mxferry::dns {
namespace {

constexpr const char* kSignAnew = "sign the zone anew; until then validators refuse it";
constexpr std::string_view kNsec3 = "TYPE50";  // no type of the plan's

std::set<std::uint16_t> tags_of(const Message& keys) {
  std::set<std::uint16_t> out;
  for (const auto& record : keys.answers)
    if (record.type == "DNSKEY")
      if (const auto tag = dnskey_tag(record.rdata)) out.insert(*tag);
  return out;
}

// Why no RRSIG among `records` makes the set `name` `type` good; nothing: one does.
std::optional<std::string> unsigned_because(const std::vector<Record>& records,
                                            const std::string& name, const std::string& type,
                                            const Message& keys, const std::string& zone,
                                            const Validity& validity) {
  const auto tags = tags_of(keys);
  auto keep = validity.overlap;
  for (const auto& record : records)
    if (record.name == name && record.type == type)
      keep = std::max<Millis>(keep, std::chrono::seconds(record.ttl));
  std::string why = "has no RRSIG";
  for (const auto& record : records) {
    if (record.name != name || record.type != "RRSIG") continue;
    const auto signature = parse_rrsig(record.rdata);
    if (!signature || signature->covers != type) continue;
    if (signature->signer != zone)
      why = "is signed by " + signature->signer;
    else if (!is_current(*signature, validity.now))
      why = "has an RRSIG that is not valid now";
    else if (!is_current(*signature, validity.now + keep))
      why = "has an RRSIG that ends within " + format_duration(keep) +
            ", before older answers have run out of caches";
    else if (!tags.contains(signature->key_tag))
      why = "is signed by key " + std::to_string(signature->key_tag) + ", which is not in DNSKEY";
    else
      return std::nullopt;
  }
  return why;
}

// The links of the zone's chain that the answer holds and that are signed as they must be.
std::vector<DenialRecord> signed_links(const Message& answer, const Message& keys,
                                       const std::string& zone, const Validity& validity) {
  std::vector<DenialRecord> out;
  for (const auto& record : answer.authority) {
    const bool hashed = record.type == kNsec3;
    if (!hashed && record.type != "NSEC") continue;
    if (unsigned_because(answer.authority, record.name, record.type, keys, zone, validity))
      continue;
    auto link =
        hashed ? parse_nsec3(record.name, record.rdata) : parse_nsec(record.name, record.rdata);
    if (link) out.push_back(*std::move(link));
  }
  return out;
}

std::string text_of(const Question& question) { return question.name + " " + question.type; }

// One server: the keys, each set, and what the chain says of the names that have one.
Assertion check_server(const DnsServer& address, const std::string& zone,
                       const std::vector<Question>& questions, const Validity& validity,
                       const std::stop_token& stop) {
  const auto asked = [&](const Question& question) -> Result<Message> {
    MXF_TRY(answer, ask(address, question, false, false, stop, true));
    if (!answer.authoritative)
      return fail(ErrorCode::protocol, text_of(question), "not authoritative");
    return answer;
  };
  const auto keys = asked({zone, "DNSKEY"});
  if (!keys) return Assertion::unknown(keys.error().text);
  for (const auto& question : questions) {
    const auto answer = asked(question);
    if (!answer) return Assertion::unknown(answer.error().text);
    auto verdict = judge_signatures(*answer, *keys, question, zone, validity);
    if (!verdict.passed()) return verdict;
    const bool has = std::any_of(
        answer->answers.begin(), answer->answers.end(),
        [&](const Record& r) { return r.name == question.name && r.type == question.type; });
    if (!has) continue;
    const auto listing = asked({question.name, kUnusedType});
    if (!listing) return Assertion::unknown(listing.error().text);
    verdict = judge_listed(*listing, *keys, question, zone, validity);
    if (!verdict.passed()) return verdict;
  }
  return Assertion::pass();
}

}  // namespace

Assertion judge_signatures(const Message& answer, const Message& keys, const Question& question,
                           const std::string& zone, const Validity& validity) {
  const auto has = [&](const std::string& type) {
    return std::any_of(answer.answers.begin(), answer.answers.end(),
                       [&](const Record& r) { return r.name == question.name && r.type == type; });
  };
  const std::string type = has(question.type) ? question.type : has("CNAME") ? "CNAME" : "";
  if (type.empty()) {
    if (denies(signed_links(answer, keys, zone, validity), zone, question.name, question.type))
      return Assertion::pass("absent, and proved to be");
    return Assertion::fail(text_of(question) +
                               " is absent without a proof: no signed NSEC or NSEC3 "
                               "records deny it",
                           kSignAnew);
  }
  const auto why = unsigned_because(answer.answers, question.name, type, keys, zone, validity);
  if (!why) return Assertion::pass();
  return Assertion::fail(text_of(question) + " " + *why, kSignAnew);
}

Assertion judge_listed(const Message& answer, const Message& keys, const Question& question,
                       const std::string& zone, const Validity& validity) {
  const auto links = signed_links(answer, keys, zone, validity);
  if (!denies(links, zone, question.name, kUnusedType))
    return Assertion::fail(
        "what the signed NSEC or NSEC3 records say of " + question.name + " proves nothing",
        kSignAnew);
  if (denies(links, zone, question.name, question.type))
    return Assertion::fail(text_of(question) +
                               " is there, and the signed NSEC or NSEC3 records "
                               "deny it",
                           kSignAnew);
  return Assertion::pass();
}

Assertion check_signatures(const Delegation& delegation, const std::vector<Question>& questions,
                           const Validity& validity, std::stop_token stop) {
  Assertion worst = Assertion::pass("every server's sets are signed");
  for (const auto& server : delegation.servers) {
    for (const auto& address : server.addresses) {
      auto one = check_server(address, delegation.zone, questions, validity, stop);
      if (one.passed()) continue;
      const std::string who = server.name + " (" + address.name() + "): ";
      if (one.verdict == Assertion::Verdict::unknown) {
        worst = Assertion::unknown(who + one.why);
        continue;
      }
      one.why = "DN-01: " + who + one.why;
      return one;
    }
  }
  return worst;
}

}  // namespace mxferry::dns
