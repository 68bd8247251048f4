// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/nsec.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <functional>

#include "protocol/dns/name.hpp"
#include "protocol/dns/octets.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::dns {
namespace {

constexpr std::size_t kSha1Octets = 20;
constexpr unsigned kMostIterations = 500;

// RFC 4034 §4.1.2: windows of 256 types, each with its number, its length and its bits.
std::optional<std::set<std::string>> types_in(std::string_view bytes) {
  std::set<std::string> out;
  while (!bytes.empty()) {
    if (bytes.size() < 2) return std::nullopt;
    const auto window = static_cast<unsigned char>(bytes[0]);
    const std::size_t length = static_cast<unsigned char>(bytes[1]);
    if (length == 0 || length > 32 || bytes.size() < 2 + length) return std::nullopt;
    for (std::size_t i = 0; i < length; ++i)
      for (unsigned bit = 0; bit < 8; ++bit)
        if ((static_cast<unsigned char>(bytes[2 + i]) & (0x80U >> bit)) != 0)
          out.insert(type_name(static_cast<std::uint16_t>(window * 256U + i * 8U + bit)));
    bytes.remove_prefix(2 + length);
  }
  return out;
}

// The labels of a canonical name as octets, the last one first.
std::vector<std::string> labels_of(std::string_view name) {
  const auto wire = name_to_wire(name);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < wire.size() && wire[at] != 0;) {
    const std::size_t length = static_cast<unsigned char>(wire[at]);
    out.push_back(wire.substr(at + 1, length));
    at += 1 + length;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// RFC 4648 §7, without padding. Nothing where a character is none of the alphabet.
std::optional<std::string> from_base32hex(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c >= '0' && c <= '9')
      value = static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'v')
      value = static_cast<std::uint32_t>(c - 'a') + 10;
    else
      return std::nullopt;
    bits = (bits << 5U) | value;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 0xffU);
  }
  return out;
}

// Does the place `at` lie between two links of a ring?
template <class Compare>
bool lies_between(const std::string& owner, const std::string& at, const std::string& next,
                  Compare compare) {
  if (compare(owner, next) < 0) return compare(owner, at) < 0 && compare(at, next) < 0;
  return compare(owner, at) < 0 || compare(at, next) < 0;  // the last link of the chain
}

// The chain that the records are links of, seen through plain or hashed names.
class Chain {
 public:
  explicit Chain(const std::vector<DenialRecord>& records) : records_(records) {}
  const DenialRecord* at(const std::string& name) const {
    for (const auto& record : records_)
      if (record.hashed ? record.owner_hash == hash_of(record, name) : record.owner == name)
        return &record;
    return nullptr;
  }
  const DenialRecord* around(const std::string& name) const {
    for (const auto& record : records_) {
      const bool covers =
          record.hashed
              ? lies_between(
                    record.owner_hash, hash_of(record, name), record.next,
                    [](const std::string& a, const std::string& b) { return a.compare(b); })
              : lies_between(record.owner, name, record.next,
                             [](const auto& a, const auto& b) { return compare_canonical(a, b); });
      if (covers) return &record;
    }
    return nullptr;
  }

 private:
  static std::string hash_of(const DenialRecord& record, const std::string& name) {
    return nsec3_hash(name, record.salt, record.iterations);
  }
  const std::vector<DenialRecord>& records_;
};

bool lacks(const DenialRecord& record, const std::string& type) {
  return !record.types.contains(type) && !record.types.contains("CNAME");
}

// The nearest name above `name` that both names share: where a wildcard would hang.
std::string shared_parent(std::string name, const std::string& other) {
  while (!is_within(other, name)) name = parent_of(name);
  return name;
}

// RFC 5155 §7.2.1: the nearest name above that is proved to exist, while the one below it is
// proved not to.
std::optional<std::string> hashed_encloser(const Chain& chain, const std::string& zone,
                                           std::string name) {
  while (name != zone && is_within(name, zone)) {
    const auto above = parent_of(name);
    if (chain.at(above) != nullptr)
      return chain.around(name) != nullptr ? std::optional(above) : std::nullopt;
    name = above;
  }
  return std::nullopt;
}

}  // namespace

std::optional<DenialRecord> parse_nsec(std::string_view owner, std::string_view rdata) {
  const auto bytes = octets_of(rdata);
  if (!bytes) return std::nullopt;
  std::size_t at = 0;
  const auto next = name_from_wire(*bytes, at);
  if (!next) return std::nullopt;
  auto types = types_in(std::string_view(*bytes).substr(at));
  if (!types) return std::nullopt;
  DenialRecord out;
  out.owner = owner;
  out.next = *next;
  out.types = *std::move(types);
  return out;
}

std::optional<DenialRecord> parse_nsec3(std::string_view owner, std::string_view rdata) {
  const auto bytes = octets_of(rdata);
  if (!bytes || bytes->size() < 6 || (*bytes)[0] != 1) return std::nullopt;
  DenialRecord out;
  out.owner = owner;
  out.hashed = true;
  out.iterations = static_cast<std::uint16_t>(static_cast<unsigned char>((*bytes)[2]) << 8U |
                                              static_cast<unsigned char>((*bytes)[3]));
  if (out.iterations > kMostIterations) return std::nullopt;
  const std::size_t salt = static_cast<unsigned char>((*bytes)[4]);
  if (bytes->size() < 6 + salt) return std::nullopt;
  out.salt = bytes->substr(5, salt);
  const std::size_t hash = static_cast<unsigned char>((*bytes)[5 + salt]);
  if (hash != kSha1Octets || bytes->size() < 6 + salt + hash) return std::nullopt;
  out.next = bytes->substr(6 + salt, hash);
  auto types = types_in(std::string_view(*bytes).substr(6 + salt + hash));
  const auto own = from_base32hex(owner.substr(0, owner.find('.')));
  if (!types || !own || own->size() != kSha1Octets) return std::nullopt;
  out.types = *std::move(types);
  out.owner_hash = *own;
  return out;
}

int compare_canonical(std::string_view a, std::string_view b) {
  const auto left = labels_of(a);
  const auto right = labels_of(b);
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i)
    if (const int order = left[i].compare(right[i]); order != 0) return order;
  return left.size() == right.size() ? 0 : left.size() < right.size() ? -1 : 1;
}

std::string nsec3_hash(std::string_view name, std::string_view salt, unsigned iterations) {
  auto value = name_to_wire(name);
  for (unsigned i = 0; i <= iterations; ++i) {
    value += salt;
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (EVP_Digest(value.data(), value.size(), out.data(), &size, EVP_sha1(), nullptr) != 1)
      return {};
    value.assign(out.begin(), out.begin() + size);
  }
  return value;
}

bool denies(const std::vector<DenialRecord>& records, const std::string& zone,
            const std::string& name, const std::string& type) {
  const Chain chain(records);
  if (const auto* own = chain.at(name); own != nullptr) return lacks(*own, type);
  const auto* around = chain.around(name);
  if (around == nullptr) return false;
  std::string encloser;
  if (around->hashed) {
    const auto found = hashed_encloser(chain, zone, name);
    if (!found) return false;
    encloser = *found;
  } else {
    // A name with others below it exists, though it holds nothing (RFC 4592 §2.2.2).
    if (is_within(around->next, name)) return true;
    const auto one = shared_parent(name, around->owner);
    const auto other = shared_parent(name, around->next);
    encloser = is_within(one, other) ? one : other;
  }
  const auto wildcard = encloser == "." ? std::string("*.") : "*." + encloser;
  if (const auto* star = chain.at(wildcard); star != nullptr) return lacks(*star, type);
  return chain.around(wildcard) != nullptr;
}

}  // namespace mxferry::dns
