// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a set that is read is written so that it reads the same; members and count agree.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/imap/uid_set.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mxferry::imap::UidSet;
  const auto set = UidSet::parse({reinterpret_cast<const char*>(data), size});
  if (!set) return 0;
  std::uint64_t before = 0;
  std::uint64_t count = 0;
  for (const auto& i : set->intervals()) {
    if (i.first > i.last || (before != 0 && i.first <= before + 1)) std::abort();
    if (!set->contains(mxferry::Uid(i.first)) || !set->contains(mxferry::Uid(i.last))) std::abort();
    count += std::uint64_t{i.last} - i.first + 1;
    before = i.last;
  }
  if (count != set->count()) std::abort();
  const auto again = UidSet::parse(set->text());
  if (!again || !(*again == *set)) std::abort();
  UidSet joined;
  for (const auto& piece : set->split(40))
    for (const auto& i : piece.intervals()) joined.add(mxferry::Uid(i.first), mxferry::Uid(i.last));
  if (!(joined == *set)) std::abort();
  return 0;
}
