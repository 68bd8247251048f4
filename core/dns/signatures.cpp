// SPDX-License-Identifier: Apache-2.0
#include "dns/signatures.hpp"

#include <algorithm>
#include <set>

#include "protocol/dns/rrsig.hpp"

namespace mxferry::dns {

Assertion judge_signatures(const Message& answer, const Message& keys, const Question& question,
                           const std::string& zone, Instant now) {
  const std::string what = question.name + " " + question.type;
  const auto has = [&](const std::string& type) {
    return std::any_of(answer.answers.begin(), answer.answers.end(),
                       [&](const Record& r) { return r.name == question.name && r.type == type; });
  };
  const std::string type = has(question.type) ? question.type : has("CNAME") ? "CNAME" : "";
  if (type.empty()) return Assertion::pass("absent");
  std::set<std::uint16_t> tags;
  for (const auto& record : keys.answers)
    if (record.type == "DNSKEY")
      if (const auto tag = dnskey_tag(record.rdata)) tags.insert(*tag);
  std::string why = "has no RRSIG";
  for (const auto& record : answer.answers) {
    if (record.name != question.name || record.type != "RRSIG") continue;
    const auto signature = parse_rrsig(record.rdata);
    if (!signature || signature->covers != type) continue;
    if (signature->signer != zone)
      why = "is signed by " + signature->signer;
    else if (!is_current(*signature, now))
      why = "has an RRSIG that is not valid now";
    else if (!tags.contains(signature->key_tag))
      why = "is signed by key " + std::to_string(signature->key_tag) + ", which is not in DNSKEY";
    else
      return Assertion::pass();
  }
  return Assertion::fail(what + " " + why, "sign the zone anew; until then validators refuse it");
}

Assertion check_signatures(const Delegation& delegation, const std::vector<Question>& questions,
                           Instant now, std::stop_token stop) {
  Assertion worst = Assertion::pass("every server's sets are signed");
  for (const auto& server : delegation.servers) {
    for (const auto& address : server.addresses) {
      const std::string who = server.name + " (" + address.name() + "): ";
      const auto keys = ask(address, {delegation.zone, "DNSKEY"}, false, false, stop, true);
      for (const auto& question : questions) {
        const auto answer = keys ? ask(address, question, false, false, stop, true)
                                 : Result<Message>(fail(keys.error()));
        if (!answer || !answer->authoritative) {
          worst = Assertion::unknown(who + (answer ? "not authoritative" : answer.error().text));
          continue;
        }
        auto one = judge_signatures(*answer, *keys, question, delegation.zone, now);
        if (one.passed()) continue;
        one.why = "DN-01: " + who + one.why;
        return one;
      }
    }
  }
  return worst;
}

}  // namespace mxferry::dns
