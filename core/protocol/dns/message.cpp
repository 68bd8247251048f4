// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/message.hpp"

#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::dns {
namespace {

constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kTypeOpt = 41;

void put16(std::string& out, std::uint32_t value) {
  out += static_cast<char>((value >> 8U) & 0xffU);
  out += static_cast<char>(value & 0xffU);
}

class Reader {
 public:
  explicit Reader(std::string_view message) : m_(message) {}
  bool u16(std::uint16_t& out) {
    if (at_ + 2 > m_.size()) return false;
    out = static_cast<std::uint16_t>((static_cast<unsigned char>(m_[at_]) << 8U) |
                                     static_cast<unsigned char>(m_[at_ + 1]));
    at_ += 2;
    return true;
  }
  bool u32(std::uint32_t& out) {
    std::uint16_t high = 0;
    std::uint16_t low = 0;
    if (!u16(high) || !u16(low)) return false;
    out = (static_cast<std::uint32_t>(high) << 16U) | low;
    return true;
  }
  bool name(std::string& out) {
    auto decoded = name_from_wire(m_, at_);
    if (!decoded) return false;
    out = std::move(*decoded);
    return true;
  }
  bool question(Question& out) {
    std::uint16_t type = 0;
    std::uint16_t klass = 0;
    if (!name(out.name) || !u16(type) || !u16(klass) || klass != kClassIn) return false;
    out.type = type_name(type);
    return true;
  }
  bool records(std::uint16_t count, std::vector<Record>& out) {
    for (unsigned i = 0; i < count; ++i) {
      Record record;
      std::uint16_t type = 0;
      std::uint16_t klass = 0;
      std::uint16_t length = 0;
      if (!name(record.name) || !u16(type) || !u16(klass) || !u32(record.ttl) || !u16(length) ||
          at_ + length > m_.size())
        return false;
      const std::size_t data = at_;
      at_ += length;
      if (type == kTypeOpt) continue;
      if (klass != kClassIn) return false;
      if (record.ttl > 0x7fffffffU) record.ttl = 0;
      auto rdata = rdata_from_wire(type, m_, data, length);
      if (!rdata) return false;
      record.type = type_name(type);
      record.rdata = std::move(*rdata);
      out.push_back(std::move(record));
    }
    return true;
  }

 private:
  std::string_view m_;
  std::size_t at_ = 0;
};

}  // namespace

std::string encode_query(const Query& query) {
  std::string out;
  put16(out, query.id);
  put16(out, (query.recursion_desired ? 0x0100U : 0U) | (query.authentic_data ? 0x0020U : 0U) |
                 (query.checking_disabled ? 0x0010U : 0U));
  put16(out, 1);
  put16(out, 0);
  put16(out, 0);
  put16(out, query.udp_size != 0 ? 1 : 0);
  out += name_to_wire(query.question.name);
  put16(out, type_number(query.question.type).value_or(0));
  put16(out, kClassIn);
  if (query.udp_size != 0) {
    out += '\0';  // OPT's owner is the root
    put16(out, kTypeOpt);
    put16(out, query.udp_size);
    put16(out, 0);
    put16(out, query.dnssec_ok ? 0x8000U : 0U);
    put16(out, 0);
  }
  return out;
}

std::optional<Message> decode_message(std::string_view bytes) {
  Reader reader(bytes);
  Message m;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authority = 0;
  std::uint16_t additional = 0;
  if (!reader.u16(m.id) || !reader.u16(flags) || !reader.u16(questions) || !reader.u16(answers) ||
      !reader.u16(authority) || !reader.u16(additional))
    return std::nullopt;
  m.response = (flags & 0x8000U) != 0;
  m.opcode = static_cast<std::uint8_t>((flags >> 11U) & 15U);
  m.authoritative = (flags & 0x0400U) != 0;
  m.truncated = (flags & 0x0200U) != 0;
  m.recursion_desired = (flags & 0x0100U) != 0;
  m.recursion_available = (flags & 0x0080U) != 0;
  m.authentic_data = (flags & 0x0020U) != 0;
  m.rcode = static_cast<std::uint8_t>(flags & 15U);
  for (unsigned i = 0; i < questions; ++i) {
    if (!reader.question(m.questions.emplace_back())) return std::nullopt;
  }
  // A truncated answer may end anywhere; its header is all that counts, TCP brings the rest.
  if (m.truncated) return m;
  if (!reader.records(answers, m.answers) || !reader.records(authority, m.authority) ||
      !reader.records(additional, m.additional))
    return std::nullopt;
  return m;
}

}  // namespace mxferry::dns
