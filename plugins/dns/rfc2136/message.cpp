// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>

namespace rfc2136 {
namespace {

constexpr std::uint16_t kIn = 1;
constexpr std::uint16_t kNone = 254;
constexpr std::uint16_t kAny = 255;

struct RrFree {
  void operator()(ldns_rr* p) const { ldns_rr_free(p); }
};
struct RdfFree {
  void operator()(ldns_rdf* p) const { ldns_rdf_deep_free(p); }
};
struct PktFree {
  void operator()(ldns_pkt* p) const { ldns_pkt_free(p); }
};
struct BufferFree {
  void operator()(ldns_buffer* p) const { ldns_buffer_free(p); }
};
struct Free {
  void operator()(char* p) const { std::free(p); }  // NOLINT: ldns allocates with malloc
};

void put16(std::string& out, std::uint32_t v) {
  out.push_back(static_cast<char>(v >> 8U & 255U));
  out.push_back(static_cast<char>(v & 255U));
}
void put32(std::string& out, std::uint32_t v) {
  put16(out, v >> 16U);
  put16(out, v & 0xffffU);
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::uint16_t type_number(const std::string& type) {
  return static_cast<std::uint16_t>(ldns_get_rr_type_by_name(type.c_str()));
}

// RDATA in wire form, names uncompressed (RFC 3597 §4 and RFC 2136 §3.4 ask for nothing else).
sdk::Result<std::string> rdata_to_wire(const sdk::RRset& set, const std::string& rdata) {
  const auto wrong = [&] {
    return sdk::fail(MXF_INVALID,
                     "not a " + set.type + " record in presentation form at " + set.name, rdata);
  };
  ldns_rr* raw = nullptr;
  const std::string line = ". 0 IN " + set.type + " " + rdata;
  if (rdata.find_first_of("\r\n") != std::string::npos) return wrong();
  if (ldns_rr_new_frm_str(&raw, line.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK)
    return wrong();
  const std::unique_ptr<ldns_rr, RrFree> rr(raw);
  const std::unique_ptr<ldns_buffer, BufferFree> buffer(ldns_buffer_new(LDNS_MAX_PACKETLEN));
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i)
    if (ldns_rdf2buffer_wire(buffer.get(), ldns_rr_rdf(rr.get(), i)) != LDNS_STATUS_OK)
      return wrong();
  return std::string(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())),
                     ldns_buffer_position(buffer.get()));
}

/// Writes sections and counts their records.
class Writer {
 public:
  Writer(std::uint16_t id, unsigned opcode) {
    put16(out_, id);
    put16(out_, opcode << 11U);
    out_.append(8, '\0');
  }
  sdk::Result<void> question(const std::string& name, std::uint16_t type) {
    MXF_CHECK(put_name(name));
    put16(out_, type);
    put16(out_, kIn);
    count(4);
    return {};
  }
  sdk::Result<void> record(std::size_t section, const sdk::RRset& set, std::uint16_t cls,
                           std::uint32_t ttl, const std::string& rdata) {
    const auto type = type_number(set.type);
    if (type == 0) return sdk::fail(MXF_INVALID, "unknown record type " + set.type);
    MXF_CHECK(put_name(set.name));
    put16(out_, type);
    put16(out_, cls);
    put32(out_, ttl);
    put16(out_, static_cast<std::uint32_t>(rdata.size()));
    out_ += rdata;
    count(section);
    return {};
  }
  sdk::Result<std::string> finish() && {
    constexpr std::size_t kRoomForTsig = 700;
    if (out_.size() + kRoomForTsig > 65535)
      return sdk::fail(MXF_INVALID, "the change does not fit into one message");
    return std::move(out_);
  }

 private:
  sdk::Result<void> put_name(const std::string& name) {
    const auto wire = name_to_wire(name);
    if (wire.empty()) return sdk::fail(MXF_INVALID, "not an absolute domain name", name);
    out_ += wire;
    return {};
  }
  void count(std::size_t at) {
    const auto low = static_cast<unsigned char>(out_[at + 1]) + 1U;
    out_[at + 1] = static_cast<char>(low & 255U);
    if (low > 255U) out_[at] = static_cast<char>(out_[at] + 1);
  }
  std::string out_;
};

constexpr std::size_t kPrerequisites = 6;  // offsets of the counts in the header
constexpr std::size_t kUpdates = 8;

sdk::Result<void> put_prerequisite(Writer& writer, const sdk::Change& change) {
  // §2.4.3: class NONE, no data: the RRset must not exist.
  if (!change.before) return writer.record(kPrerequisites, *change.after, kNone, 0, "");
  // §2.4.2: class IN, TTL 0, all records: the RRset must be exactly this.
  for (const auto& record : change.before->records) {
    MXF_TRY(rdata, rdata_to_wire(*change.before, record.rdata));
    MXF_CHECK(writer.record(kPrerequisites, *change.before, kIn, 0, rdata));
  }
  return {};
}

sdk::Result<void> put_additions(Writer& writer, const sdk::RRset& after) {
  for (const auto& record : after.records) {
    MXF_TRY(rdata, rdata_to_wire(after, record.rdata));
    MXF_CHECK(writer.record(kUpdates, after, kIn, after.ttl, rdata));
  }
  return {};
}

sdk::Result<void> put_update(Writer& writer, const std::string& zone, const sdk::Change& change) {
  const auto& set = change.any();
  if (set.type == "SOA") return sdk::fail(MXF_INVALID, "the SOA record is the server's own");
  if (set.type == "NS" && set.name == zone) {
    // §3.4.2.3: deleting the apex NS set is ignored. Add first, then take the others out one by
    // one.
    if (!change.after) return sdk::fail(MXF_INVALID, "the zone's own NS records cannot be deleted");
    MXF_CHECK(put_additions(writer, *change.after));
    std::vector<std::string> keep;
    for (const auto& record : change.after->records) keep.push_back(lower(record.rdata));
    if (change.before)
      for (const auto& record : change.before->records) {
        if (std::find(keep.begin(), keep.end(), lower(record.rdata)) != keep.end()) continue;
        MXF_TRY(rdata, rdata_to_wire(*change.before, record.rdata));
        MXF_CHECK(writer.record(kUpdates, *change.before, kNone, 0, rdata));
      }
    return {};
  }
  if (change.before) MXF_CHECK(writer.record(kUpdates, *change.before, kAny, 0, ""));  // §2.5.2
  if (change.after) return put_additions(writer, *change.after);
  return {};
}

std::string text_of(ldns_rdf* rdf) {
  const std::unique_ptr<char, Free> text(ldns_rdf2str(rdf));
  return text ? text.get() : "";
}

}  // namespace

std::string name_to_wire(const std::string& name) {
  const std::unique_ptr<ldns_rdf, RdfFree> rdf(ldns_dname_new_frm_str(name.c_str()));
  if (!rdf) return {};
  std::string wire(reinterpret_cast<const char*>(ldns_rdf_data(rdf.get())),
                   ldns_rdf_size(rdf.get()));
  if (wire.empty() || wire.back() != '\0') wire.push_back('\0');
  return wire;
}

sdk::Result<std::string> query(std::uint16_t id, const std::string& name, std::uint16_t type) {
  Writer writer(id, 0);
  MXF_CHECK(writer.question(name, type));
  return std::move(writer).finish();
}

sdk::Result<std::string> update(std::uint16_t id, const std::string& zone,
                                const std::vector<sdk::Change>& changes) {
  constexpr unsigned kOpcodeUpdate = 5;
  Writer writer(id, kOpcodeUpdate);
  MXF_CHECK(writer.question(zone, kTypeSoa));
  for (const auto& change : changes) MXF_CHECK(put_prerequisite(writer, change));
  for (const auto& change : changes) MXF_CHECK(put_update(writer, zone, change));
  return std::move(writer).finish();
}

sdk::Result<Answer> parse_answer(std::string_view message) {
  ldns_pkt* raw = nullptr;
  if (ldns_wire2pkt(&raw, reinterpret_cast<const std::uint8_t*>(message.data()), message.size()) !=
      LDNS_STATUS_OK)
    return sdk::fail(MXF_REMOTE, "the answer is not a DNS message that can be read");
  const std::unique_ptr<ldns_pkt, PktFree> packet(raw);
  Answer out;
  out.rcode = static_cast<unsigned>(ldns_pkt_get_rcode(packet.get()));
  out.authoritative = ldns_pkt_aa(packet.get());
  const ldns_rr_list* list = ldns_pkt_answer(packet.get());
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    const ldns_rr* rr = ldns_rr_list_rr(list, i);
    const std::unique_ptr<char, Free> type(ldns_rr_type2str(ldns_rr_get_type(rr)));
    sdk::RRset set{
        lower(text_of(ldns_rr_owner(rr))), type ? type.get() : "", ldns_rr_ttl(rr), {}, {}};
    std::string rdata;
    for (std::size_t k = 0; k < ldns_rr_rd_count(rr); ++k) {
      if (k > 0) rdata.push_back(' ');
      rdata += text_of(ldns_rr_rdf(rr, k));
    }
    if (set.name.empty() || set.type.empty() || rdata.empty())
      return sdk::fail(MXF_REMOTE, "a record of the answer cannot be written down");
    set.records.push_back({rdata, {}, {}});
    out.records.push_back(std::move(set));
  }
  return out;
}

std::vector<sdk::RRset> grouped(const std::vector<sdk::RRset>& records) {
  static constexpr std::array<const char*, 8> kMaintained = {
      "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "TYPE65534"};
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  std::vector<sdk::RRset> out;
  for (const auto& record : records) {
    if (std::any_of(kMaintained.begin(), kMaintained.end(),
                    [&](const char* t) { return record.type == t; }))
      continue;
    const auto [place, fresh] = places.emplace(std::pair(record.name, record.type), out.size());
    if (fresh) {
      out.push_back(record);
      continue;
    }
    auto& set = out[place->second];
    set.ttl = std::min(set.ttl, record.ttl);
    set.records.push_back(record.records[0]);
  }
  return out;
}

std::string rcode_name(unsigned rcode) {
  static constexpr std::array<const char*, 11> kNames = {
      "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
      "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
  return rcode < kNames.size() ? kNames[rcode] : "RCODE" + std::to_string(rcode);
}

}  // namespace rfc2136
