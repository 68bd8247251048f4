// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/flags.hpp"

#include <gtest/gtest.h>

namespace mxferry::imap {
namespace {

TEST(Flags, CompareWithoutCaseAndDropRecent) {
  const Flags a = {"\\SEEN", "$Forwarded", "\\Recent"};
  const Flags b = {"$FORWARDED", "\\Seen"};
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.text(), "$Forwarded \\Seen");
  EXPECT_EQ(Flags::parse(a.text()), a);
}

TEST(Flags, SubtractAndUnite) {
  const Flags a = {"\\Seen", "x"};
  const Flags b = {"X", "y"};
  EXPECT_EQ(a.minus(b), Flags({"\\Seen"}));
  EXPECT_EQ(a.plus(b), Flags({"\\Seen", "x", "y"}));
}

TEST(PermanentFlags, KeepWhatTheMailboxSaysItKeeps) {
  const Flags all = {"\\Seen", "\\Draft", "$Label1", "custom"};
  EXPECT_EQ(PermanentFlags().kept(all), all);
  EXPECT_EQ(PermanentFlags({"\\Seen", "$label1"}).kept(all), Flags({"\\Seen", "$Label1"}));
  EXPECT_EQ(PermanentFlags({"\\Seen", "\\*"}).kept(all), Flags({"\\Seen", "$Label1", "custom"}));
  EXPECT_EQ(PermanentFlags(std::vector<std::string>{}).kept(all), Flags());
}

}  // namespace
}  // namespace mxferry::imap
