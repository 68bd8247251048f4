// SPDX-License-Identifier: Apache-2.0
#include "maildir/maildir_source.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/run_task.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::maildir {
namespace {

namespace fs = std::filesystem;
using test::run_task;

class MaildirOfAServer : public ::testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) {
    const fs::path path = dir / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::unique_ptr<MaildirSource> open() {
    auto out = MaildirSource::open(dir.path().string());
    EXPECT_TRUE(out) << out.error().message();
    return out ? std::move(*out) : nullptr;
  }
  test::TempDir dir;
};

TEST_F(MaildirOfAServer, GivesFoldersFlagsAndLineEndsAsItsImapServerWould) {
  put("cur/100.M1P2.host,S=11,W=13:2,RSab", "Subject: a\n\nb\r\nc\n");
  put("new/200.M1P2.host", "Subject: new\n\n");
  put("dovecot-keywords", "0 $Label1\n1 custom\n");
  put("subscriptions", "V\t2\n\nArchive\t2024\n");
  put(".Archive.2024/cur/1.x:2,", "x");
  put(".Entw&APw-rfe/cur/1.x:2,D", "x");
  put(".Sent/cur/.keep", "");
  put("plain/deep/cur/1.y:2,", "y");
  fs::create_directory_symlink("/", dir / ".Link");
  auto source = open();
  const auto folders = run_task(source->list_folders());
  ASSERT_TRUE(folders);
  std::map<std::string, const FolderInfo*> by_wire;
  for (const auto& folder : *folders) by_wire[folder.wire] = &folder;
  ASSERT_EQ(by_wire.size(), 5U);
  EXPECT_EQ(by_wire[".Archive.2024"]->path, (std::vector<std::string>{"Archive", "2024"}));
  EXPECT_TRUE(by_wire[".Archive.2024"]->subscribed);
  EXPECT_FALSE(by_wire[".Sent"]->subscribed);
  EXPECT_EQ(by_wire[".Sent"]->use, SpecialUse::sent);
  EXPECT_EQ(by_wire[".Entw&APw-rfe"]->path, std::vector<std::string>{"Entwürfe"});
  EXPECT_EQ(by_wire["plain/deep"]->path, (std::vector<std::string>{"plain", "deep"}));

  ASSERT_TRUE(run_task(source->open_folder("INBOX")));
  const auto listed = run_task(source->list_messages(Uid(1), Uid(9)));
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ((*listed)[0].flags, (imap::Flags{"\\Answered", "\\Seen", "$Label1", "custom"}));
  EXPECT_EQ((*listed)[1].flags, imap::Flags{});
  const auto read = run_task(source->fetch_messages(imap::UidSet(Uid(1))));
  EXPECT_EQ(read->front().body, "Subject: a\r\n\r\nb\r\nc\r\n");
  EXPECT_EQ(read->front().info.size, read->front().body.size());
  const auto header = run_task(source->fetch_headers(imap::UidSet(Uid(2))));
  EXPECT_EQ(header->front().second, "Subject: new\r\n\r\n");
}

TEST_F(MaildirOfAServer, HasANewUidValidityOnlyWhereNamesChange) {
  put("cur/100.a:2,", "a");
  put("cur/200.b:2,", "b");
  const auto state = [&] { return run_task(open()->open_folder("INBOX")); };
  const auto first = state();
  EXPECT_EQ(state()->uid_validity, first->uid_validity);
  fs::rename(dir / "cur/100.a:2,", dir / "cur/100.a:2,S");
  EXPECT_EQ(state()->uid_validity, first->uid_validity) << "flags are no identity";
  put("cur/150.c:2,", "c");
  EXPECT_NE(state()->uid_validity, first->uid_validity);
}

// A folder that cannot be opened is not a folder that is absent.
TEST_F(MaildirOfAServer, ThatCannotBeReadIsAnErrorAndNotAnEmptyOne) {
  put("cur/100.a:2,", "a");
  put(".Sent/cur/100.b:2,", "b");
  fs::permissions(dir.path(), static_cast<fs::perms>(0755));
  constexpr uid_t kNobody = 65534;  // root may read everything
  for (const char* shut : {".Sent/cur", ".Sent"}) {
    fs::permissions(dir / shut, fs::perms::none);
    const bool is_root = ::geteuid() == 0;
    ASSERT_EQ(is_root ? ::seteuid(kNobody) : 0, 0);
    const auto opened = MaildirSource::open(dir.path().string());
    ASSERT_EQ(is_root ? ::seteuid(0) : 0, 0);
    fs::permissions(dir / shut, static_cast<fs::perms>(0755));
    ASSERT_FALSE(opened) << shut << " was taken for absent";
    EXPECT_EQ(opened.error().code, ErrorCode::io);
    EXPECT_NE(opened.error().message().find(".Sent"), std::string::npos);
  }
}

TEST_F(MaildirOfAServer, ThatIsNoneIsSaidSo) {
  put("letters/one.txt", "x");
  const auto opened = MaildirSource::open(dir.path().string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::not_found);
  EXPECT_FALSE(MaildirSource::open((dir / "absent").string()));
}

}  // namespace
}  // namespace mxferry::maildir
