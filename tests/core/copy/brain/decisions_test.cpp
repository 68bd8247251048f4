// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/decisions.hpp"

#include <gtest/gtest.h>

#include "protocol/imap/limits.hpp"

namespace mxferry::copy {
namespace {

FolderState state(std::uint32_t validity, std::uint32_t next, std::uint64_t messages,
                  std::uint64_t modseq) {
  FolderState out;
  out.uid_validity = UidValidity(validity);
  out.uid_next = Uid(next);
  out.messages = messages;
  out.highest_modseq = ModSeq(modseq);
  return out;
}

TEST(Decisions, UnchangedMeansAllFourKnownEqualAndNotZero) {
  const auto now = state(1, 5, 4, 9);
  EXPECT_TRUE(is_unchanged(now, now));
  EXPECT_FALSE(is_unchanged(now, state(2, 5, 4, 9)));
  EXPECT_FALSE(is_unchanged(now, state(1, 6, 4, 9)));
  EXPECT_FALSE(is_unchanged(now, state(1, 5, 3, 9)));
  EXPECT_FALSE(is_unchanged(now, state(1, 5, 4, 10)));
  EXPECT_FALSE(is_unchanged(state(1, 5, 4, 0), state(1, 5, 4, 0)));
  auto without = now;
  without.highest_modseq.reset();
  EXPECT_FALSE(is_unchanged(without, without));
  auto loose = now;
  loose.uid_not_sticky = true;
  EXPECT_FALSE(is_unchanged(now, loose));
}

TEST(Decisions, BatchesKeepTheirLimits) {
  std::vector<MessageInfo> messages(450);
  for (auto& m : messages) m.size = 1000;
  messages[10].size = imap::kWholeMessage + 1;
  messages[300].size = imap::kWholeMessage;
  std::size_t members = 0;
  for (const auto& batch : cut_batches(messages)) {
    std::uint64_t octets = 0;
    for (const auto i : batch.members) octets += messages[i].size;
    EXPECT_LE(batch.members.size(), imap::kBatchMessages);
    EXPECT_TRUE(octets <= imap::kBatchOctets);
    EXPECT_EQ(batch.streams, batch.members.front() == 10U);
    members += batch.members.size();
  }
  EXPECT_EQ(members, messages.size());
  EXPECT_TRUE(cut_batches({}).empty());
}

TEST(Decisions, MatchCountsTwins) {
  Fingerprint twin{};
  twin[0] = 1;
  Fingerprint other{};
  other[0] = 2;
  const std::vector<Fingerprint> wanted = {twin, other, twin, twin};
  const std::vector<Candidate> have = {{Uid(9), twin}, {Uid(4), twin}, {Uid(5), Fingerprint{}}};
  const auto found = match(wanted, have);
  EXPECT_EQ(found[0], Uid(4));
  EXPECT_EQ(found[1], std::nullopt);
  EXPECT_EQ(found[2], Uid(9));
  EXPECT_EQ(found[3], std::nullopt);
}

TEST(Decisions, FlagsMergeThreeWays) {
  const auto change = merge_flags({"\\Seen", "a"}, {"\\Flagged", "a", "new"},
                                  imap::PermanentFlags({"\\Seen", "\\Flagged"}));
  EXPECT_EQ(change.add, imap::Flags({"\\Flagged"}));
  EXPECT_EQ(change.remove, imap::Flags({"\\Seen"}));
  EXPECT_TRUE(merge_flags({"a"}, {"A"}, {}).empty());
}

TEST(Decisions, TooMuchGoneStopsTheAccount) {
  const auto count = [](const char* name, std::uint64_t known, std::optional<std::uint64_t> now) {
    return FolderCount{name, std::string_view(name) == "INBOX", known, now};
  };
  std::vector<FolderCount> folders = {count("INBOX", 10, 10), count("a", 10, 0)};
  EXPECT_EQ(too_much_gone(folders, false), "") << "just half";
  folders[0].messages = 9;
  EXPECT_NE(too_much_gone(folders, false), "");
  folders[1].messages = 500;
  EXPECT_EQ(too_much_gone(folders, false), "");
  folders[0].messages.reset();
  EXPECT_NE(too_much_gone(folders, false), "") << "no INBOX";
  EXPECT_NE(too_much_gone({}, true), "");
  EXPECT_EQ(too_much_gone({}, false), "") << "the first run knows nothing";
}

TEST(Decisions, LanesFollowTheLineAndTheWork) {
  using std::chrono::milliseconds;
  EXPECT_EQ(lanes_for(milliseconds(0)), 3U);
  EXPECT_EQ(lanes_for(milliseconds(11)), 3U);
  EXPECT_EQ(lanes_for(milliseconds(50)), 6U);
  EXPECT_EQ(lanes_for(milliseconds(1000)), 6U);
  EXPECT_EQ(lanes_worth(1, 799, true), 1U);
  EXPECT_EQ(lanes_worth(3, 800, true), 2U);
  EXPECT_EQ(lanes_worth(2000, 0, true), 250U);
  // One at a time each message costs a round trip and a sync of the server.
  EXPECT_EQ(lanes_worth(3, 39, false), 1U);
  EXPECT_EQ(lanes_worth(3, 40, false), 2U);
}

TEST(Decisions, ThresholdsHoldOnBothSides) {
  EXPECT_TRUE(rematch_is_good(100, 100, 95));
  EXPECT_FALSE(rematch_is_good(100, 100, 94));
  EXPECT_TRUE(rematch_is_good(0, 5, 0));
  EXPECT_FALSE(destination_rewrites(100, 19));
  EXPECT_TRUE(destination_rewrites(100, 20));
  EXPECT_FALSE(destination_rewrites(1000, 50));
  EXPECT_TRUE(destination_rewrites(1000, 51));
}

}  // namespace
}  // namespace mxferry::copy
