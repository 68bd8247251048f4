// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/rrsig.hpp"

#include <openssl/evp.h>

#include <array>
#include <sstream>

#include "base/escape.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/octets.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::dns {
namespace {

std::uint16_t u16(std::string_view m, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(m[at]) << 8U) |
                                    static_cast<unsigned char>(m[at + 1]));
}
std::uint32_t u32(std::string_view m, std::size_t at) {
  return (static_cast<std::uint32_t>(u16(m, at)) << 16U) | u16(m, at + 2);
}

// IANA's "DS RR Type Digest Algorithms"; null: another one.
const EVP_MD* digest_of(unsigned type) {
  return type == 1 ? EVP_sha1() : type == 2 ? EVP_sha256() : type == 4 ? EVP_sha384() : nullptr;
}

}  // namespace

std::optional<Rrsig> parse_rrsig(std::string_view rdata) {
  const auto bytes = octets_of(rdata);
  if (!bytes || bytes->size() < 19) return std::nullopt;
  Rrsig out;
  out.covers = type_name(u16(*bytes, 0));
  out.algorithm = static_cast<unsigned char>((*bytes)[2]);
  out.labels = static_cast<unsigned char>((*bytes)[3]);
  out.original_ttl = u32(*bytes, 4);
  out.expiration = u32(*bytes, 8);
  out.inception = u32(*bytes, 12);
  out.key_tag = u16(*bytes, 16);
  std::size_t at = 18;
  const auto signer = name_from_wire(*bytes, at);
  if (!signer || at >= bytes->size()) return std::nullopt;  // no signature behind the name
  out.signer = *signer;
  return out;
}

bool is_current(const Rrsig& signature, Instant now) {
  const auto seconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<Seconds>(now.time_since_epoch()).count());
  // RFC 1982: a comes not after b if b - a, modulo 2^32, is less than 2^31.
  const auto not_after = [](std::uint32_t a, std::uint32_t b) { return b - a < 0x80000000U; };
  return not_after(signature.inception, seconds) && not_after(seconds, signature.expiration);
}

std::optional<std::uint16_t> dnskey_tag(std::string_view rdata) {
  const auto bytes = octets_of(rdata);
  if (!bytes || bytes->size() < 5) return std::nullopt;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    const auto byte = static_cast<unsigned char>((*bytes)[i]);
    sum += i % 2 == 0 ? static_cast<std::uint32_t>(byte) << 8U : byte;
  }
  return static_cast<std::uint16_t>((sum + (sum >> 16U)) & 0xffffU);
}

std::optional<bool> ds_names(std::string_view zone, std::string_view ds, std::string_view dnskey) {
  std::istringstream words{std::string(ds)};
  unsigned tag = 0;
  unsigned algorithm = 0;
  unsigned type = 0;
  std::string wanted;
  if (!(words >> tag >> algorithm >> type >> wanted)) return std::nullopt;
  // The hexadecimal digits may stand in several words (RFC 4034 §5.3).
  for (std::string more; words >> more;) wanted += more;
  for (char& c : wanted)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  const auto* digest = digest_of(type);
  if (digest == nullptr) return std::nullopt;
  const auto bytes = octets_of(dnskey);
  if (!bytes || bytes->size() < 5) return false;
  // §5.2: only a zone key, with protocol 3.
  if ((u16(*bytes, 0) & 0x0100U) == 0 || (*bytes)[2] != 3) return false;
  if (dnskey_tag(dnskey) != tag || static_cast<unsigned char>((*bytes)[3]) != algorithm)
    return false;
  const auto covered = name_to_wire(zone) + *bytes;
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(covered.data(), covered.size(), out.data(), &size, digest, nullptr) != 1)
    return std::nullopt;
  return hex(std::string(out.begin(), out.begin() + size)) == wanted;
}

}  // namespace mxferry::dns
