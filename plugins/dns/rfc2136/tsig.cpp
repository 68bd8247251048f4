// SPDX-License-Identifier: Apache-2.0
#include "tsig.hpp"

#include <ldns/ldns.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "message.hpp"

namespace rfc2136 {
namespace {

constexpr std::uint16_t kTypeTsig = 250;
constexpr std::uint16_t kClassAny = 255;

std::string u16(std::uint32_t v) {
  return {static_cast<char>(v >> 8U & 255U), static_cast<char>(v & 255U)};
}
std::string u48(std::int64_t v) {
  std::string out;
  for (int shift = 40; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift & 255));
  return out;
}
std::uint16_t get16(std::string_view m, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(m[at]) << 8U |
                                    static_cast<unsigned char>(m[at + 1]));
}
std::int64_t get48(std::string_view m, std::size_t at) {
  std::int64_t v = 0;
  for (std::size_t i = 0; i < 6; ++i) v = v << 8 | static_cast<unsigned char>(m[at + i]);
  return v;
}
std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Moves `at` behind a name: labels, then a zero octet or a compression pointer.
bool skip_name(std::string_view m, std::size_t& at) {
  while (at < m.size()) {
    const auto length = static_cast<unsigned char>(m[at]);
    if (length == 0) {
      ++at;
      return true;
    }
    if ((length & 0xC0U) == 0xC0U) {
      at += 2;
      return at <= m.size();
    }
    if ((length & 0xC0U) != 0) return false;
    at += length + 1U;
  }
  return false;
}

/// RDATA of a TSIG record (RFC 8945 §4.2).
struct TsigRecord {
  std::string name, algorithm, mac, other;  // names in wire form, lower case
  std::int64_t time = 0;
  std::uint16_t fudge = 0, original_id = 0, error = 0;
};

bool parse_tsig(std::string_view m, std::size_t at, TsigRecord& out) {
  const auto start = at;
  if (!skip_name(m, at) || at + 10 > m.size()) return false;
  out.name = lower(std::string(m.substr(start, at - start)));
  const std::size_t length = get16(m, at + 8);
  at += 10;
  if (at + length != m.size()) return false;
  const auto algorithm = at;
  if (!skip_name(m, at) || at + 10 > m.size()) return false;
  out.algorithm = lower(std::string(m.substr(algorithm, at - algorithm)));
  out.time = get48(m, at);
  out.fudge = get16(m, at + 6);
  const std::size_t mac_size = get16(m, at + 8);
  at += 10;
  if (at + mac_size + 6 > m.size()) return false;
  out.mac = m.substr(at, mac_size);
  at += mac_size;
  out.original_id = get16(m, at);
  out.error = get16(m, at + 2);
  const std::size_t other = get16(m, at + 4);
  at += 6;
  if (at + other != m.size()) return false;
  out.other = m.substr(at, other);
  return true;
}

}  // namespace

bool walk(std::string_view m, std::size_t& tsig_at) {
  tsig_at = 0;
  if (m.size() < 12) return false;
  std::size_t at = 12;
  for (unsigned i = 0; i < get16(m, 4); ++i) {
    if (!skip_name(m, at) || at + 4 > m.size()) return false;
    at += 4;
  }
  const unsigned records = get16(m, 6) + get16(m, 8) + get16(m, 10);
  for (unsigned i = 0; i < records; ++i) {
    const auto start = at;
    if (!skip_name(m, at) || at + 10 > m.size()) return false;
    if (get16(m, at) == kTypeTsig) {
      // RFC 8945 §5.2: only as the last record of the additional section.
      if (i + 1 != records || get16(m, 10) == 0) return false;
      tsig_at = start;
    }
    at += 10U + get16(m, at + 8);
    if (at > m.size()) return false;
  }
  return at == m.size();
}

sdk::Result<Key> make_key(const std::string& name, const std::string& algorithm,
                          const std::string& base64) {
  Key key;
  static constexpr std::array<std::pair<const char*, const char*>, 4> kAlgorithms{
      {{"hmac-sha224", "SHA224"},
       {"hmac-sha256", "SHA256"},
       {"hmac-sha384", "SHA384"},
       {"hmac-sha512", "SHA512"}}};
  for (const auto& [tsig, digest] : kAlgorithms)
    if (algorithm == tsig) key.digest = digest;
  if (key.digest.empty())
    return sdk::fail(MXF_INVALID,
                     "algorithm: expected hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512");
  key.name = lower(name_to_wire(name));
  key.algorithm = name_to_wire(algorithm);
  if (key.name.empty() || key.algorithm.empty())
    return sdk::fail(MXF_INVALID, "key_name is not a domain name");
  std::string raw(base64.size() + 3, '\0');
  int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(raw.data()),
                          reinterpret_cast<const unsigned char*>(base64.data()),
                          static_cast<int>(base64.size()));
  for (std::size_t i = base64.size(); n > 0 && i > 0 && base64[i - 1] == '='; --i)
    --n;  // it counts the padding
  if (n <= 0) return sdk::fail(MXF_INVALID, "tsig_secret is not base64");
  constexpr int kShortest = 16;  // RFC 8945 §10: a key shorter than 128 bits protects nothing
  if (n < kShortest) return sdk::fail(MXF_INVALID, "tsig_secret is shorter than 128 bits");
  raw.resize(static_cast<std::size_t>(n));
  key.secret = std::move(raw);
  return key;
}

std::string Exchange::mac(const std::string& data) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(EVP_get_digestbyname(key_.digest.c_str()), key_.secret.data(),
       static_cast<int>(key_.secret.size()), reinterpret_cast<const unsigned char*>(data.data()),
       data.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string Exchange::sign(std::string message, std::int64_t now) {
  if (key_.empty()) return message;
  const std::string fixed = u16(kClassAny) + std::string(4, '\0');
  // RFC 8945 §4.3.3: name, class, TTL, algorithm, time, fudge, error, other length.
  const std::string variables =
      key_.name + fixed + key_.algorithm + u48(now) + u16(key_.fudge) + u16(0) + u16(0);
  last_mac_ = mac(message + variables);
  const std::string rdata = key_.algorithm + u48(now) + u16(key_.fudge) +
                            u16(static_cast<std::uint32_t>(last_mac_.size())) + last_mac_ +
                            message.substr(0, 2) + u16(0) + u16(0);
  const std::uint32_t additional = get16(message, 10) + 1U;
  message.replace(10, 2, u16(additional));
  message +=
      key_.name + u16(kTypeTsig) + fixed + u16(static_cast<std::uint32_t>(rdata.size())) + rdata;
  return message;
}

sdk::Result<void> Exchange::check(std::string_view message, std::int64_t now) {
  std::size_t at = 0;
  if (!walk(message, at)) return sdk::fail(MXF_REMOTE, "the answer is malformed");
  if (key_.empty()) return {};
  const unsigned rcode = static_cast<unsigned char>(message[3]) & 15U;
  if (at == 0) {
    if (first_ && rcode != 0) return {};
    constexpr unsigned kMostUnsigned = 99;  // RFC 8945 §5.3.1
    if (first_ || ++unsigned_count_ > kMostUnsigned)
      return sdk::fail(MXF_REMOTE, "the answer is not signed, though the question was");
    unsigned_since_ += message;
    return {};
  }
  TsigRecord tsig;
  if (!parse_tsig(message, at, tsig))
    return sdk::fail(MXF_REMOTE, "the answer's TSIG record is malformed");
  constexpr std::uint16_t kBadSig = 16;
  constexpr std::uint16_t kBadKey = 17;
  constexpr std::uint16_t kBadTime = 18;
  if (tsig.error == kBadKey)
    return sdk::fail(MXF_AUTH, "the server does not know this TSIG key", {}, "BADKEY");
  if (tsig.error == kBadSig)
    return sdk::fail(MXF_AUTH, "the TSIG secret does not match the server's", {}, "BADSIG");
  if (tsig.name != key_.name || tsig.algorithm != key_.algorithm)
    return sdk::fail(MXF_REMOTE, "the answer is signed with another key");

  std::string plain(message.substr(0, at));
  plain.replace(0, 2, u16(tsig.original_id));
  plain.replace(10, 2, u16(get16(message, 10) - 1U));
  std::string data =
      u16(static_cast<std::uint32_t>(last_mac_.size())) + last_mac_ + unsigned_since_ + plain;
  if (first_)
    data += key_.name + u16(kClassAny) + std::string(4, '\0') + key_.algorithm + u48(tsig.time) +
            u16(tsig.fudge) + u16(tsig.error) + u16(static_cast<std::uint32_t>(tsig.other.size())) +
            tsig.other;
  else
    data += u48(tsig.time) + u16(tsig.fudge);
  const std::string expected = mac(data);
  // A truncated MAC would be allowed by RFC 8945 §5.2.2.1; none of the servers sends one.
  if (tsig.mac.size() != expected.size() ||
      CRYPTO_memcmp(tsig.mac.data(), expected.data(), expected.size()) != 0)
    return sdk::fail(
        MXF_AUTH, "the answer's signature is wrong: it does not come from the holder of the key");
  // Time is looked at only behind a good MAC (§5.2.3), with our fudge, not the one in the answer.
  if (tsig.error == kBadTime) {
    const auto theirs = tsig.other.size() == 6 ? get48(tsig.other, 0) : 0;
    return sdk::fail(
        MXF_AUTH,
        "the server's clock and ours differ by " + std::to_string(std::abs(theirs - now)) + " s",
        {}, "BADTIME");
  }
  if (std::abs(tsig.time - now) > key_.fudge)
    return sdk::fail(MXF_AUTH, "the answer was signed more than " + std::to_string(key_.fudge) +
                                   " s away from now");
  first_ = false;
  last_mac_ = tsig.mac;
  unsigned_since_.clear();
  unsigned_count_ = 0;
  return {};
}

}  // namespace rfc2136
