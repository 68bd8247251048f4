// SPDX-License-Identifier: Apache-2.0
#include "app/spot_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mxferry::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SpotCheck, DrawsDistinctNumbersTheSameForTheSameSeed) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto picks = draw(100, 10, seed);
    ASSERT_EQ(picks.size(), 10U);
    EXPECT_TRUE(std::is_sorted(picks.begin(), picks.end()));
    EXPECT_EQ(std::adjacent_find(picks.begin(), picks.end()), picks.end());
    EXPECT_LT(picks.back(), 100U);
    EXPECT_EQ(picks, draw(100, 10, seed));
  }
  EXPECT_NE(draw(100, 10, 1), draw(100, 10, 2));
  EXPECT_EQ(draw(3, 10, 1).size(), 3U);
  EXPECT_THAT(draw(0, 10, 1), IsEmpty());
}

imap::Glance glance(const std::string& date, const imap::Flags& flags, const std::string& name,
                    std::uint64_t octets) {
  imap::Glance out;
  out.date = imap::parse_internal_date(date);
  out.flags = flags;
  imap::BodyPart part;
  part.type = "application/pdf";
  part.name = name;
  part.octets = octets;
  part.disposition = "attachment";
  imap::BodyPart whole;
  whole.type = "multipart/mixed";
  whole.parts = {part};
  out.structure = whole;
  out.header = "Subject: a \x1b]0;x\x07 subject\r\nFrom: Anna <anna@x>\r\n";
  return out;
}

TEST(SpotCheck, SaysWhatAPersonWouldCallDifferent) {
  const std::string day = "17-Jul-2020 02:44:25 +0200";
  SpotMessage m;
  m.source = glance(day, {"\\Seen"}, "a.pdf", 10);
  m.destination = glance("17-Jul-2020 00:44:25 +0000", {"\\Seen", "other"}, "a.pdf", 10);
  EXPECT_THAT(differences(m), IsEmpty()) << "the same instant in another zone";
  m.destination = glance("18-Jul-2020 02:44:25 +0200", {}, "b.pdf", 10);
  EXPECT_THAT(differences(m), ElementsAre("date", "read", "attachments"));
  m.destination = glance(day, {"\\Seen"}, "a.pdf", 11);
  EXPECT_THAT(differences(m), ElementsAre("attachments"));
  m.destination.reset();
  EXPECT_THAT(differences(m), ElementsAre("destination"));
  m.source.reset();
  EXPECT_THAT(differences(m), IsEmpty()) << "it left the source since";
}

TEST(SpotCheck, HostileNamesAreNeutralisedAndSubjectsAreShownOnlyIfAskedFor) {
  SpotReport report;
  report.folders.push_back({"A\x1b[2J", "A", 3, std::nullopt, 2});
  SpotMessage m;
  m.folder = "A\x1b[2J";
  m.src = Uid(1);
  m.dst = Uid(2);
  m.source = m.destination =
      glance("17-Jul-2020 02:44:25 +0200", {}, "x\x1b]0;y\x07\xff\r\n.pdf", 10);
  report.messages.push_back(m);
  const auto plain = print(report, false);
  EXPECT_THAT(plain, HasSubstr("A\\x1b[2J"));
  EXPECT_THAT(plain, HasSubstr("x\\x1b]0;y\\x07\\xff\\x0d\\x0a.pdf"));
  EXPECT_THAT(plain, HasSubstr("unread"));
  EXPECT_THAT(plain, HasSubstr(": 3, ?, 2"));
  EXPECT_THAT(plain, Not(HasSubstr("subject")));
  const auto asked = print(report, true);
  EXPECT_THAT(asked, HasSubstr("a \\x1b]0;x\\x07 subject"));
  for (const char c : asked) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_THAT(to_json(report, false).dump(), Not(HasSubstr("subject")));
  EXPECT_THAT(to_json(report, true).dump(), HasSubstr("Anna"));
}

}  // namespace
}  // namespace mxferry::app
