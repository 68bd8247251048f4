// SPDX-License-Identifier: Apache-2.0
// DNS messages on the wire (RFC 1035 §4, EDNS RFC 6891): a query out, an answer in with every
// record's own TTL. Trusts nothing: a malformed message is nothing at all. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::dns {

struct Question {
  std::string name;  // canonical
  std::string type;  // mnemonic
  bool operator==(const Question&) const = default;
};

struct Query {
  std::uint16_t id = 0;
  Question question;
  bool recursion_desired = false;
  bool checking_disabled = false;
  bool dnssec_ok = false;
  bool authentic_data = false;    // "tell me whether you validated it" (RFC 6840 §5.7)
  std::uint16_t udp_size = 1232;  // 0: no EDNS
};
std::string encode_query(const Query& query);

struct Record {
  std::string name;
  std::string type;
  std::uint32_t ttl = 0;  // a value above 2^31-1 is read as 0 (RFC 2181 §8)
  std::string rdata;      // canonical
  bool operator==(const Record&) const = default;
};

enum class Rcode : std::uint8_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5
};

struct Message {
  std::uint16_t id = 0;
  bool response = false, authoritative = false, truncated = false, recursion_desired = false,
       recursion_available = false;
  bool authentic_data = false;
  std::uint8_t opcode = 0;
  std::uint8_t rcode = 0;
  std::vector<Question> questions;
  std::vector<Record> answers, authority, additional;  // OPT is left out
};

/// Nothing where the message is malformed in any section, or a class is not IN.
std::optional<Message> decode_message(std::string_view bytes);

}  // namespace mxferry::dns
