// SPDX-License-Identifier: Apache-2.0
// Strong types for the numbers of IMAP and for byte counts: two of different meaning never mix.
// Plain values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace mxferry {

/// A number with a meaning. `Tag` makes the type; no arithmetic beyond comparison, on purpose.
template <class Tag, class Rep>
struct StrongId {
  using rep = Rep;
  Rep value{};

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  constexpr auto operator<=>(const StrongId&) const = default;
};

/// RFC 9051 §2.3.1.1: 1 .. 2^32-1, ascending in a mailbox; 0 never names a message.
using Uid = StrongId<struct UidTag, std::uint32_t>;
/// RFC 9051 §2.3.1.1: names one life of a mailbox's UIDs.
using UidValidity = StrongId<struct UidValidityTag, std::uint32_t>;
/// RFC 7162 §3.1: 63 bits; 0 means that the server keeps none.
using ModSeq = StrongId<struct ModSeqTag, std::uint64_t>;
/// Octets.
using ByteCount = StrongId<struct ByteCountTag, std::uint64_t>;

}  // namespace mxferry

template <class Tag, class Rep>
struct std::hash<mxferry::StrongId<Tag, Rep>> {
  std::size_t operator()(const mxferry::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
