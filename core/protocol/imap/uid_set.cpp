// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/uid_set.hpp"

#include <algorithm>

namespace mxferry::imap {

void UidSet::add(Uid a, Uid b) {
  std::uint64_t first = std::min(a.value, b.value);
  std::uint64_t last = std::max(a.value, b.value);
  // The usual case: ascending input is appended or grows the last interval.
  if (intervals_.empty() || first > std::uint64_t{intervals_.back().last} + 1) {
    intervals_.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)});
    return;
  }
  const auto from =
      std::partition_point(intervals_.begin(), intervals_.end(),
                           [&](const Interval& i) { return std::uint64_t{i.last} + 1 < first; });
  auto to = from;
  while (to != intervals_.end() && to->first <= last + 1) {
    first = std::min<std::uint64_t>(first, to->first);
    last = std::max<std::uint64_t>(last, to->last);
    ++to;
  }
  const Interval merged{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)};
  if (from == to) {
    intervals_.insert(from, merged);
  } else {
    *from = merged;
    intervals_.erase(from + 1, to);
  }
}

bool UidSet::contains(Uid uid) const {
  const auto it =
      std::lower_bound(intervals_.begin(), intervals_.end(), uid.value,
                       [](const Interval& i, std::uint32_t value) { return i.last < value; });
  return it != intervals_.end() && it->first <= uid.value;
}

std::uint64_t UidSet::count() const {
  std::uint64_t n = 0;
  for (const auto& i : intervals_) n += std::uint64_t{i.last} - i.first + 1;
  return n;
}

std::vector<Uid> UidSet::uids() const {
  std::vector<Uid> out;
  out.reserve(static_cast<std::size_t>(count()));
  for (const auto& i : intervals_)
    for (std::uint64_t u = i.first; u <= i.last; ++u)
      out.emplace_back(static_cast<std::uint32_t>(u));
  return out;
}

namespace {
void append_interval(std::string& out, const UidSet::Interval& i) {
  if (!out.empty()) out += ',';
  out += std::to_string(i.first);
  if (i.last != i.first) out += ':' + std::to_string(i.last);
}
}  // namespace

std::string UidSet::text() const {
  std::string out;
  for (const auto& i : intervals_) append_interval(out, i);
  return out;
}

std::vector<UidSet> UidSet::split(std::size_t line) const {
  std::vector<UidSet> out;
  std::size_t used = 0;
  for (const auto& i : intervals_) {
    std::string piece;
    append_interval(piece, i);
    if (out.empty() || used + 1 + piece.size() > line) {
      out.emplace_back();
      used = 0;
    }
    used += piece.size() + 1;
    out.back().intervals_.push_back(i);
  }
  return out;
}

Result<UidSet> UidSet::parse(std::string_view text) {
  std::vector<Interval> read;
  std::size_t at = 0;
  const auto bad = [&](const char* why) {
    return fail(ErrorCode::protocol, "imap uid set",
                std::string(why) + " at offset " + std::to_string(at));
  };
  const auto number = [&]() -> std::optional<std::uint32_t> {
    std::uint64_t n = 0;
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      n = n * 10 + static_cast<unsigned>(text[at] - '0');
      if (n > 0xFFFFFFFFULL) {
        at = begin;
        return std::nullopt;
      }
      ++at;
    }
    if (at == begin || n == 0) return std::nullopt;
    return static_cast<std::uint32_t>(n);
  };
  while (true) {
    const auto first = number();
    if (!first) return bad("not a UID");
    std::uint32_t last = *first;
    if (at < text.size() && text[at] == ':') {
      ++at;
      const auto second = number();
      if (!second) return bad("not a UID");
      last = *second;
    }
    read.push_back({std::min(*first, last), std::max(*first, last)});
    if (at == text.size()) break;
    if (text[at] != ',') return bad("unexpected character");
    ++at;
  }
  // Sorted first: a set of any order is read in the time of its length.
  std::sort(read.begin(), read.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  UidSet set;
  for (const auto& i : read) set.add(Uid(i.first), Uid(i.last));
  return set;
}

}  // namespace mxferry::imap
