// SPDX-License-Identifier: Apache-2.0
// Asking one name server one question, and what its answer is worth: present, absent or unknown.
// Timeout, SERVFAIL, a lame server and a malformed answer are all unknown; absent needs AA, an
// empty answer and a SOA of this zone (RFC 2308 §2). Blocking; any thread; no state.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/dns_exchange.hpp"
#include "protocol/dns/message.hpp"

namespace mxferry::dns {

using net::DnsServer;

struct Seen {
  enum class Kind { present, absent, unknown };
  Kind kind = Kind::unknown;
  std::vector<std::string> rdata{};  // canonical, sorted
  std::uint32_t ttl = 0;             // of the set as answered: a resolver's is what is left of it
  std::string alias{};  // the CNAME target where the name is an alias and another type was asked
  std::uint32_t alias_ttl = 0;
  std::optional<std::uint32_t> negative_ttl{};  // absent: min(SOA TTL, SOA MINIMUM) (RFC 2308 §5)
  std::string why{};                            // unknown: what happened
  bool nxdomain = false;
  bool authentic = false;  // AD: the resolver validated it
};

/// The whole message, if it is an answer to this very question; everything else is an error.
/// `dnssec`: with its signatures (DO=1).
/// `patience`: how long one try may take.
Result<Message> ask(const DnsServer& server, const Question& question, bool recursive, bool tcp,
                    std::stop_token stop, bool dnssec = false,
                    std::chrono::milliseconds patience = net::DnsExchange{}.timeout);

/// "SERVFAIL", or "rcode N" of one without a name.
std::string rcode_name(std::uint8_t rcode);

/// RD=0 to a server of `zone` (canonical). Never asks a resolver about a name that may not exist.
Seen ask_authoritative(const DnsServer& server, const std::string& zone, const Question& question,
                       bool tcp, std::stop_token stop);

/// RD=1 to a resolver.
Seen ask_resolver(const DnsServer& server, const Question& question, std::stop_token stop);

/// The judgement alone, of a message that answers `question`; zone empty: a resolver's answer.
/// Pure.
Seen judge(const Message& message, const Question& question, const std::string& zone);

}  // namespace mxferry::dns
