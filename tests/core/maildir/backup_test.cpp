// SPDX-License-Identifier: Apache-2.0
// The backup as target and source, without the copy: what is durable when, what a crash leaves,
// what somebody else planted.
#include "maildir/backup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "support/run_task.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::maildir {
namespace {

namespace fs = std::filesystem;
using test::run_task;

OutgoingMessage message(const std::string& body, imap::Flags flags = {}) {
  OutgoingMessage out;
  out.body = body;
  out.flags = std::move(flags);
  out.date = imap::parse_internal_date(" 1-Feb-1969 10:00:00 +0130");
  return out;
}

std::vector<OutgoingMessage> batch(std::initializer_list<std::string> bodies) {
  std::vector<OutgoingMessage> out;
  for (const auto& body : bodies) out.push_back(message(body, {"\\Seen", "$Label1"}));
  return out;
}

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> bodies(MailSource& mailbox) {
  std::vector<std::string> out;
  imap::UidSet all;
  all.add(Uid(1), Uid(1000));
  const auto read = run_task(mailbox.fetch_messages(all));
  if (read)
    for (const auto& m : *read) out.push_back(m.body);
  return out;
}

class Backup : public ::testing::Test {
 protected:
  std::unique_ptr<BackupMailbox> writer() {
    auto root = BackupRoot::open(path, Access::write);
    EXPECT_TRUE(root) << root.error().message();
    return root ? std::make_unique<BackupMailbox>(*root) : nullptr;
  }
  std::unique_ptr<BackupMailbox> reader() {
    auto root = BackupRoot::open(path, Access::read);
    EXPECT_TRUE(root) << root.error().message();
    return root ? std::make_unique<BackupMailbox>(*root) : nullptr;
  }
  test::TempDir dir;
  std::string path = (dir / "b").string();
};

TEST_F(Backup, GivesBackOctetsDatesAndFlags) {
  const std::string odd("Subject: x\n\r\0\xff bare\n", 19);
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->create_folder("Sent", SpecialUse::sent)));
    ASSERT_TRUE(run_task(out->subscribe("Sent")));
    ASSERT_TRUE(run_task(out->open_folder("Sent")));
    const auto done = run_task(out->append(batch({odd, "", "two"})));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->each[2].uid, Uid(3));
  }
  auto in = reader();
  const auto folders = run_task(in->list_folders());
  ASSERT_TRUE(folders);
  ASSERT_EQ(folders->size(), 2U);
  EXPECT_EQ((*folders)[1].use, SpecialUse::sent);
  EXPECT_TRUE((*folders)[1].subscribed);
  ASSERT_TRUE(run_task(in->open_folder("Sent")));
  EXPECT_EQ(bodies(*in), (std::vector<std::string>{odd, "", "two"}));
  const auto listed = run_task(in->list_messages(Uid(1), Uid(9)));
  EXPECT_EQ(listed->front().flags, (imap::Flags{"\\Seen", "$Label1"}));
  EXPECT_EQ(imap::format_internal_date(*listed->front().date), " 1-Feb-1969 10:00:00 +0130");
  EXPECT_EQ(listed->front().size, odd.size());
  const auto checked = check_backup(path);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->equal, 3U);
  EXPECT_TRUE(checked->findings.empty());
  struct stat st {};
  ::stat(path.c_str(), &st);
  EXPECT_EQ(st.st_mode & 0777U, 0700U);
}

TEST_F(Backup, StreamsLargeMessagesAndDropsHalfOnes) {
  auto out = writer();
  ASSERT_TRUE(run_task(out->open_folder("INBOX")));
  const std::string big(300'000, 'x');
  ASSERT_TRUE(run_task(out->append_begin({"\\Seen"}, std::nullopt, big.size())));
  ASSERT_TRUE(run_task(out->append_put(big)));
  const auto done = run_task(out->append_end());
  ASSERT_TRUE(done);
  EXPECT_EQ(done->uid, Uid(1));
  ASSERT_TRUE(run_task(out->append_begin({}, std::nullopt, 10)));
  ASSERT_TRUE(run_task(out->append_put("half")));
  out->close();
  EXPECT_TRUE(fs::is_empty(fs::path(path) / "tmp"));
  auto again = reader();
  ASSERT_TRUE(run_task(again->open_folder("INBOX")));
  EXPECT_EQ(bodies(*again), std::vector<std::string>{big});
}

TEST_F(Backup, FollowsFlagsAndRemovesOnlyWhatIsNamed) {
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->open_folder("INBOX")));
    ASSERT_TRUE(run_task(out->append(batch({"1", "2", "3"}))));
    const auto before = run_task(out->open_folder("INBOX"));
    imap::UidSet two(Uid(2));
    ASSERT_TRUE(run_task(out->store_flags(two, {"\\Flagged"}, {"$Label1"})));
    const auto changed = run_task(out->list_flags(Uid(1), Uid(9), before->highest_modseq));
    ASSERT_EQ(changed->size(), 1U);
    EXPECT_EQ(changed->front().flags, (imap::Flags{"\\Seen", "\\Flagged"}));
    ASSERT_TRUE(run_task(out->expunge(imap::UidSet(Uid(3)))));
  }
  auto in = reader();
  const auto state = run_task(in->open_folder("INBOX"));
  EXPECT_EQ(state->messages, 2U);
  EXPECT_EQ(state->uid_next, Uid(4));
  EXPECT_EQ(bodies(*in), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(run_task(in->list_messages(Uid(2), Uid(2)))->front().flags,
            (imap::Flags{"\\Seen", "\\Flagged"}));
  EXPECT_TRUE(check_backup(path)->findings.empty());
}

// Killed between the names and the manifest's lines: nobody was told, so nothing is there; the
// octets are kept aside and the UIDs given anew.
TEST_F(Backup, SetsAsideWhatItsManifestDoesNotName) {
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->open_folder("INBOX")));
    ASSERT_TRUE(run_task(out->append(batch({"kept"}))));
    ASSERT_TRUE(run_task(out->append(batch({"unconfirmed"}))));
  }
  const fs::path manifest = fs::path(path) / kManifestFile;
  std::string text = slurp(manifest);
  text.resize(text.size() - 5);  // torn off by a power cut
  std::ofstream(manifest, std::ios::binary | std::ios::trunc) << text;
  auto out = writer();
  ASSERT_TRUE(run_task(out->open_folder("INBOX")));
  EXPECT_EQ(bodies(*out), std::vector<std::string>{"kept"});
  EXPECT_FALSE(fs::is_empty(fs::path(path) / "tmp")) << "set aside, not removed";
  const auto done = run_task(out->append(batch({"again"})));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->each.front().uid, Uid(2));
  EXPECT_TRUE(check_backup(path)->findings.empty());
}

TEST_F(Backup, IsNotBegunAnewOverMailWithoutItsManifest) {
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->open_folder("INBOX")));
    ASSERT_TRUE(run_task(out->append(batch({"1"}))));
  }
  fs::remove(fs::path(path) / kManifestFile);
  for (const auto& mailbox : {writer(), reader()}) {
    const auto opened = run_task(mailbox->open_folder("INBOX"));
    ASSERT_FALSE(opened) << "neither written over nor taken for an empty folder";
    EXPECT_EQ(opened.error().code, ErrorCode::store);
  }
  EXPECT_EQ(check_backup(path)->findings.size(), 1U);
}

TEST_F(Backup, ALostFileIsListedToARestoreAndNotGiven) {
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->open_folder("INBOX")));
    ASSERT_TRUE(run_task(out->append(batch({"one", "two"}))));
  }
  for (const auto& file : fs::directory_iterator(fs::path(path) / "cur"))
    if (slurp(file.path()) == "one") fs::remove(file.path());
  auto in = reader();
  const auto state = run_task(in->open_folder("INBOX"));
  EXPECT_EQ(state->messages, 2U);
  EXPECT_EQ(run_task(in->list_messages(Uid(1), Uid(9)))->size(), 2U);
  EXPECT_EQ(bodies(*in), std::vector<std::string>{"two"});
}

TEST_F(Backup, CheckFindsWhatIsLostAlteredAndPlanted) {
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->open_folder("INBOX")));
    ASSERT_TRUE(run_task(out->append(batch({"one", "two", "three", "four"}))));
  }
  std::map<std::string, fs::path> files;
  for (const auto& file : fs::directory_iterator(fs::path(path) / "cur"))
    files[slurp(file.path())] = file.path();
  fs::remove(files["one"]);
  const auto overwrite = [&](const char* old, const char* now) {
    fs::permissions(files[old], fs::perms::owner_all);
    std::ofstream(files[old], std::ios::trunc) << now;
  };
  overwrite("two", "TWO");
  overwrite("three", "longer than three");
  std::ofstream(fs::path(path) / "cur" / "1.other:2,S") << "x";
  const auto checked = check_backup(path);
  ASSERT_TRUE(checked);
  std::map<std::string, int> kinds;
  for (const auto& finding : checked->findings) ++kinds[finding.kind];
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"missing", 1}, {"altered", 2}, {"unknown", 1}}));
  EXPECT_EQ(checked->equal, 1U);
}

TEST_F(Backup, FollowsNoLink) {
  const fs::path outside = dir / "outside";
  fs::create_directories(outside / "cur");
  fs::create_directories(outside / "new");
  fs::create_directories(outside / "tmp");
  {
    auto out = writer();
    ASSERT_TRUE(run_task(out->create_folder("Work", SpecialUse::none)));
    // Planted while we run: the folder, then cur, then a file.
    fs::rename(fs::path(path) / ".Work", dir / "moved");
    fs::create_directory_symlink(outside, fs::path(path) / ".Work");
    const auto opened = run_task(out->open_folder("Work"));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::refused) << opened.error().message();
    fs::remove(fs::path(path) / ".Work");
    fs::rename(dir / "moved", fs::path(path) / ".Work");
    fs::remove(fs::path(path) / ".Work/cur");
    fs::create_directory_symlink(outside / "cur", fs::path(path) / ".Work/cur");
    EXPECT_FALSE(run_task(out->open_folder("Work")));
    fs::remove(fs::path(path) / ".Work/cur");
    fs::create_directory(fs::path(path) / ".Work/cur");
    fs::create_symlink(outside / "secret", fs::path(path) / ".Work" / kManifestFile);
    EXPECT_FALSE(run_task(out->open_folder("Work")));
    // Opened before, planted after: what is open stays where it was.
    ASSERT_TRUE(run_task(out->open_folder("INBOX")));
    fs::rename(fs::path(path) / "cur", dir / "old-cur");
    fs::create_directory_symlink(outside / "cur", fs::path(path) / "cur");
    (void)run_task(out->append(batch({"x"})));
  }
  EXPECT_TRUE(fs::is_empty(outside / "cur"));
  EXPECT_TRUE(fs::is_empty(outside / "tmp"));
  EXPECT_FALSE(fs::exists(outside / "secret"));
}

TEST_F(Backup, OfHostileNamesStaysBelowItsFolderAndLosesNone) {
  const std::vector<std::string> names = {"..",
                                          "/x",
                                          "a/../../b",
                                          "cur",
                                          "new",
                                          "tmp",
                                          "work",
                                          "Work",
                                          "WORK",
                                          std::string(300, 'n'),
                                          "\x1b",
                                          "a b ",
                                          "&bad",
                                          "\xff",
                                          "mxferry.state",
                                          std::string("A\x1f..\x1f..", 7)};
  {
    auto out = writer();
    for (const auto& name : names) {
      ASSERT_TRUE(run_task(out->create_folder(name, SpecialUse::none))) << name;
      ASSERT_TRUE(run_task(out->open_folder(name)));
      ASSERT_TRUE(run_task(out->append(batch({"in " + name}))));
    }
  }
  auto in = reader();
  for (const auto& name : names) {
    ASSERT_TRUE(run_task(in->open_folder(name)));
    EXPECT_EQ(bodies(*in), std::vector<std::string>{"in " + name});
  }
  std::vector<std::string> beside;
  for (const auto& entry : fs::directory_iterator(dir.path()))
    beside.push_back(entry.path().filename());
  EXPECT_EQ(beside, std::vector<std::string>{"b"});
}

TEST_F(Backup, IsRefusedWhereItDoesNotBelong) {
  const auto code = [&](Access access = Access::write) {
    const auto root = BackupRoot::open(path, access);
    return root ? ErrorCode::internal : root.error().code;
  };
  EXPECT_EQ(code(Access::read), ErrorCode::not_found);
  fs::create_directory(path);
  std::ofstream(fs::path(path) / "thesis.tex") << "x";
  EXPECT_EQ(code(), ErrorCode::usage);
  fs::remove(fs::path(path) / "thesis.tex");
  fs::permissions(path, fs::perms::all);
  EXPECT_EQ(code(), ErrorCode::denied) << "others can write to it";
  fs::permissions(path, fs::perms::owner_all);
  const auto first = writer();
  EXPECT_EQ(code(), ErrorCode::gate) << "one writer at a time";
}

}  // namespace
}  // namespace mxferry::maildir
