// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/ip_set.hpp"

#include <algorithm>

namespace mxferry::dns {
namespace {

constexpr int kBits = 128;
constexpr int kBits4 = 32;

IpAddress filled(std::uint8_t octet) {
  IpAddress out;
  out.octets.fill(octet);
  return out;
}
const IpAddress kLowest = filled(0);
const IpAddress kHighest = filled(0xff);

// The neighbours in the one order of both families. Of the lowest and the highest address there is
// no lower and no higher one: callers ask first.
IpAddress after(IpAddress address) {
  for (std::size_t at = address.octets.size(); at-- > 0;)
    if (++address.octets.at(at) != 0) break;
  return address;
}
IpAddress before(IpAddress address) {
  for (std::size_t at = address.octets.size(); at-- > 0;)
    if (address.octets.at(at)-- != 0) break;
  return address;
}

// The address with everything behind its first `prefix` bits set to one or zero.
IpAddress with_tail(IpAddress address, int prefix, bool ones) {
  for (int bit = prefix; bit < kBits; ++bit) {
    auto& octet = address.octets.at(static_cast<std::size_t>(bit / 8));
    const auto mask = static_cast<std::uint8_t>(0x80U >> static_cast<unsigned>(bit % 8));
    octet = static_cast<std::uint8_t>(ones ? octet | mask : octet & ~mask);
  }
  return address;
}

const IpAddress kFirst4 = with_tail(parse_ip("0.0.0.0").value(), kBits - kBits4, false);
const IpAddress kLast4 = with_tail(kFirst4, kBits - kBits4, true);

std::string spf_term(const IpAddress& address, int prefix) {
  const bool v4 = address.is_v4() && prefix >= kBits - kBits4;
  const int bits = v4 ? prefix - (kBits - kBits4) : prefix;
  const bool alone = prefix == kBits;
  return (v4 ? "ip4:" : "ip6:") + address.text() + (alone ? "" : "/" + std::to_string(bits));
}

}  // namespace

IpSet IpSet::network(const IpAddress& address, int prefix) {
  const int bits = address.is_v4() ? kBits - kBits4 + prefix : prefix;
  IpSet all;
  all.intervals_.emplace_back(with_tail(address, bits, false), with_tail(address, bits, true));
  if (address.is_v4()) return all;
  IpSet v4;  // an IPv6 network holds no IPv4 client, however it is written (RFC 7208 §5)
  v4.intervals_.emplace_back(kFirst4, kLast4);
  return all - v4;
}

IpSet IpSet::everything() {
  IpSet out;
  out.intervals_.emplace_back(kLowest, kHighest);
  return out;
}

bool IpSet::contains(const IpAddress& address) const {
  return std::any_of(intervals_.begin(), intervals_.end(), [&](const Interval& interval) {
    return interval.first <= address && address <= interval.second;
  });
}

IpSet IpSet::operator|(const IpSet& other) const {
  auto all = intervals_;
  all.insert(all.end(), other.intervals_.begin(), other.intervals_.end());
  std::sort(all.begin(), all.end());
  IpSet out;
  for (const auto& interval : all) {
    const bool meets =
        !out.intervals_.empty() && (out.intervals_.back().second == kHighest ||
                                    interval.first <= after(out.intervals_.back().second));
    if (meets)
      out.intervals_.back().second = std::max(out.intervals_.back().second, interval.second);
    else
      out.intervals_.push_back(interval);
  }
  return out;
}

IpSet IpSet::operator-(const IpSet& other) const {
  IpSet out;
  for (auto [first, last] : intervals_) {
    bool left = true;
    for (const auto& [from, to] : other.intervals_) {
      if (to < first || last < from) continue;
      if (first < from) out.intervals_.emplace_back(first, before(from));
      left = to < last;
      if (!left) break;
      first = after(to);
    }
    if (left) out.intervals_.emplace_back(first, last);
  }
  return out;
}

std::vector<std::string> IpSet::spf_terms() const {
  std::vector<std::string> out;
  for (auto [first, last] : intervals_) {
    while (true) {
      // The largest network that begins here and ends inside.
      int prefix = kBits;
      while (prefix > 0 && with_tail(first, prefix - 1, false) == first &&
             with_tail(first, prefix - 1, true) <= last)
        --prefix;
      out.push_back(spf_term(first, prefix));
      const auto end = with_tail(first, prefix, true);
      if (end == last) break;
      first = after(end);
    }
  }
  return out;
}

}  // namespace mxferry::dns
