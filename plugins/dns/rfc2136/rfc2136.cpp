// SPDX-License-Identifier: Apache-2.0
// DNS plugin `rfc2136`: DNS UPDATE (RFC 2136) signed with TSIG (RFC 8945), zones read by AXFR
// (RFC 5936), all over TCP. Prerequisites make every change a compare-and-swap of the records (they
// do not compare TTLs, §2.4.2). One operation at a time. verified 2026-11-24 on Knot 3.2, BIND 9.18
#include <optional>

#include "message.hpp"
#include "tsig.hpp"

namespace rfc2136 {
namespace {

class Rfc2136 final : public sdk::DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;

  sdk::Result<void> start() override {
    server_ = host().config_or("server", "");
    const auto name = host().config_or("key_name", "");
    if (name.empty()) return {};
    MXF_TRY(secret, host().secret("tsig_secret"));
    MXF_TRY(key, make_key(name, host().config_or("algorithm", "hmac-sha256"), secret));
    key_ = std::move(key);
    const auto fudge = std::strtoul(host().config_or("fudge", "300").c_str(), nullptr, 10);
    if (fudge == 0 || fudge > 65535)
      return sdk::fail(MXF_INVALID, "fudge: expected 1 to 65535 seconds");
    key_.fudge = static_cast<std::uint16_t>(fudge);
    return {};
  }

  sdk::Result<std::vector<sdk::Zone>> list_zones() override {
    return sdk::fail(MXF_UNSUPPORTED, "DNS has no list of zones: name the zone");
  }

  sdk::Result<sdk::Zone> describe_zone(const std::string& name) override {
    MXF_TRY(soa, ask(name, kTypeSoa));
    if (soa.records.empty() || soa.records[0].type != "SOA" || soa.records[0].name != name)
      return sdk::fail(MXF_NOT_FOUND, name + " is not the apex of a zone of this server");
    MXF_TRY(ns, ask(name, kTypeNs));
    sdk::Zone zone{name, {}, soa.records[0].records[0].rdata, 0, {}};
    for (const auto& record : ns.records)
      if (record.type == "NS" && record.name == name)
        zone.name_servers.push_back(record.records[0].rdata);
    return zone;
  }

  // RFC 5936 §2.2: the SOA, everything, the SOA again; over any number of messages.
  sdk::Result<std::vector<sdk::RRset>> list_records(const std::string& zone) override {
    MXF_TRY(id, new_id());
    MXF_TRY(message, query(id, zone, kTypeAxfr));
    Exchange signer(key_);
    std::vector<sdk::RRset> records;
    std::optional<sdk::Failure> why;
    bool complete = false;
    const auto sent = host().exchange(
        server_, true, signer.sign(std::move(message), now()), [&](std::string_view m) {
          const auto taken = take_transfer_message(m, zone, signer, records, complete);
          if (!taken) why = taken.error();
          return taken && !complete;
        });
    if (why) return sdk::fail(*why);
    if (!sent) return sdk::fail(sent.error());
    if (!complete || !signer.settled())
      return sdk::fail(MXF_REMOTE, "the transfer ended before its end");
    records.pop_back();  // the second SOA
    return grouped(records);
  }

  sdk::Result<sdk::ApplyOutcome> apply(const std::string& zone,
                                       const std::vector<sdk::Change>& changes) override {
    MXF_TRY(id, new_id());
    auto message = update(id, zone, changes);
    if (!message) return outcome(sdk::Applied::none, message.error());
    Exchange signer(key_);
    std::optional<Answer> answer;
    std::optional<sdk::Failure> why;
    const auto sent = host().exchange(server_, true, signer.sign(*std::move(message), now()),
                                      [&](std::string_view m) {
                                        if (auto checked = signer.check(m, now()); !checked) {
                                          why = checked.error();
                                        } else if (auto parsed = parse_answer(m); !parsed) {
                                          why = parsed.error();
                                        } else {
                                          answer = *std::move(parsed);
                                        }
                                        return false;
                                      });
    // The server names the reason itself, so it has not done it; a wrong signature proves nothing.
    if (why) {
      const bool refused = why->native_code == "BADKEY" || why->native_code == "BADSIG" ||
                           why->native_code == "BADTIME";
      return outcome(refused ? sdk::Applied::none : sdk::Applied::unknown, *why);
    }
    if (!sent) return outcome(sdk::Applied::unknown, sent.error());
    if (!answer) return outcome(sdk::Applied::unknown, {MXF_REMOTE, "no answer"});
    if (answer->rcode == 0) return sdk::ApplyOutcome{};
    return outcome(answer->rcode == kServfail ? sdk::Applied::unknown : sdk::Applied::none,
                   failure(answer->rcode, zone, true));
  }

 private:
  static constexpr unsigned kServfail = 2;

  std::int64_t now() const { return host().now_ms() / 1000; }

  sdk::Result<std::uint16_t> new_id() const {
    const auto bytes = host().random(2);
    if (!bytes) return sdk::fail(bytes.error());
    std::uint16_t id = 0;
    for (const char c : *bytes)
      id = static_cast<std::uint16_t>(id << 8U | static_cast<unsigned char>(c));
    return id;
  }

  static sdk::Result<sdk::ApplyOutcome> outcome(sdk::Applied applied, sdk::Failure why) {
    sdk::ApplyOutcome out;
    out.applied = applied;
    out.why = std::move(why);
    return out;
  }

  sdk::Result<void> take_transfer_message(std::string_view m, const std::string& zone,
                                          Exchange& signer, std::vector<sdk::RRset>& records,
                                          bool& complete) const {
    MXF_CHECK(signer.check(m, now()));
    MXF_TRY(answer, parse_answer(m));
    if (answer.rcode != 0) return sdk::fail(failure(answer.rcode, zone, false));
    if (answer.records.empty())
      return sdk::fail(MXF_REMOTE, "an empty message within the transfer");
    for (auto& record : answer.records) {
      if (complete) return sdk::fail(MXF_REMOTE, "records behind the end of the transfer");
      const bool soa = record.type == "SOA" && record.name == zone;
      if (records.empty() && !soa)
        return sdk::fail(MXF_REMOTE, "the transfer does not begin with the zone's SOA");
      complete = soa && !records.empty();
      if (complete && record.records[0].rdata != records[0].records[0].rdata)
        return sdk::fail(MXF_REMOTE,
                         "the zone changed during the transfer: its two SOA records differ");
      records.push_back(std::move(record));
    }
    return {};
  }

  sdk::Result<Answer> ask(const std::string& name, std::uint16_t type) {
    MXF_TRY(id, new_id());
    MXF_TRY(message, query(id, name, type));
    Exchange signer(key_);
    std::optional<Answer> answer;
    std::optional<sdk::Failure> why;
    MXF_CHECK(host().exchange(server_, true, signer.sign(std::move(message), now()),
                              [&](std::string_view m) {
                                if (auto checked = signer.check(m, now()); !checked) {
                                  why = checked.error();
                                } else if (auto parsed = parse_answer(m); !parsed) {
                                  why = parsed.error();
                                } else {
                                  answer = *std::move(parsed);
                                }
                                return false;
                              }));
    if (why) return sdk::fail(*why);
    if (!answer) return sdk::fail(MXF_REMOTE, "no answer");
    if (answer->rcode != 0) return sdk::fail(failure(answer->rcode, name, false));
    if (!answer->authoritative)
      return sdk::fail(MXF_NOT_FOUND, "the server is not authoritative for " + name);
    return *std::move(answer);
  }

  // RFC 2136 §2.2 and what servers mean by it.
  static sdk::Failure failure(unsigned rcode, const std::string& zone, bool writing) {
    sdk::Failure why;
    why.native_code = rcode_name(rcode);
    switch (rcode) {
      case 3:
      case 6:
      case 7:
      case 8:
        why.status = writing ? MXF_CONFLICT : MXF_NOT_FOUND;
        why.text = writing ? "the records of " + zone +
                                 " are no longer what they were when the change was made"
                           : zone + " does not exist on this server";
        break;
      case 1:
        why.status = MXF_INVALID;
        why.text = "the server calls the message malformed";
        break;
      case 4:
        why.status = MXF_UNSUPPORTED;
        why.text = writing ? "the server does not take DNS UPDATE" : "the server does not do this";
        break;
      case 5:
        why.status = MXF_DENIED;
        // BIND refuses an update that leaves an MX or NS target of the zone without an address.
        why.text =
            writing ? "the server refuses the change: the key may not change these records, or an "
                      "MX or NS in it "
                      "names a host of this zone that has no address"
                    : "the server refuses to hand out the zone: allow this key to transfer " + zone;
        break;
      case 9:
        why.status = MXF_NOT_FOUND;
        why.text = "the server is not authoritative for " + zone +
                   ", or takes no message without a TSIG key";
        break;
      case 10:
        why.status = MXF_INVALID;
        why.text = "a name of the change is not in zone " + zone;
        break;
      default:
        why.status = MXF_REMOTE;
        why.text = "the server failed on " + zone;
    }
    return why;
  }

  std::string server_;
  Key key_;
};

}  // namespace
}  // namespace rfc2136

MXF_DNS_PLUGIN("rfc2136", rfc2136::Rfc2136)
