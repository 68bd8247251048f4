// SPDX-License-Identifier: Apache-2.0
// UidSet: a set of UIDs kept as ascending, disjoint, non-adjacent closed intervals, however many
// messages it names (RFC 9051 §9 sequence-set, UIDs only). `*` is not a member: it is written by
// the commands that mean it. A plain value, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"

namespace mxferry::imap {

class UidSet {
 public:
  struct Interval {
    std::uint32_t first;
    std::uint32_t last;
    bool operator==(const Interval&) const = default;
  };

  UidSet() = default;
  explicit UidSet(Uid one) { add(one); }

  void add(Uid uid) { add(uid, uid); }
  /// Adds first..last, in either order as the RFC allows.
  void add(Uid first, Uid last);
  bool contains(Uid uid) const;
  std::uint64_t count() const;
  bool empty() const { return intervals_.empty(); }
  const std::vector<Interval>& intervals() const { return intervals_; }
  /// The UIDs in ascending order; the caller has checked count().
  std::vector<Uid> uids() const;
  /// "1:4,7"; empty for the empty set.
  std::string text() const;
  /// The set cut into texts of at most `line` characters, for servers that limit a command's
  /// length.
  std::vector<UidSet> split(std::size_t line) const;

  /// Reads "1:4,7,9:8". An empty text, 0, `*`, or a number beyond 2^32-1 is ErrorCode::protocol
  /// with its offset.
  static Result<UidSet> parse(std::string_view text);

  bool operator==(const UidSet&) const = default;

 private:
  std::vector<Interval> intervals_;
};

}  // namespace mxferry::imap
