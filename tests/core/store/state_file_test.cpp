// SPDX-License-Identifier: Apache-2.0
#include "store/state_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "store/schema.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::store {
namespace {

using test::TempDir;
namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 0777U : 0U;
}

TEST(StateFile, IsPrivateUnderAnyUmask) {
  TempDir dir;
  for (const mode_t mask : {0U, 077U}) {
    const auto old = ::umask(mask);
    const auto file = dir.path() / ("m" + std::to_string(mask)) / "deep" / "state.db";
    auto state = StateFile::open(file, Access::act);
    ASSERT_TRUE(state) << state.error().message();
    ASSERT_TRUE(state->set_meta("k", "v"));
    ::umask(old);
    EXPECT_EQ(mode_of(file), 0600U);
    EXPECT_EQ(mode_of(file.string() + "-wal"), 0600U);
    EXPECT_EQ(mode_of(file.string() + ".lock"), 0600U);
    EXPECT_EQ(mode_of(file.parent_path()), 0700U);
    EXPECT_EQ(mode_of(file.parent_path().parent_path()), 0700U);
  }
}

TEST(StateFile, RefusesSymlinkForeignOwnerAndOthersWithTheMendingCommand) {
  TempDir dir;
  { ASSERT_TRUE(StateFile::open(dir / "state.db", Access::act)); }
  fs::create_symlink(dir / "state.db", dir / "link.db");
  auto link = StateFile::open(dir / "link.db", Access::act);
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, ErrorCode::denied);
  EXPECT_NE(link.error().remedy.find("readlink"), std::string::npos);

  ASSERT_EQ(::chmod((dir / "state.db").c_str(), 0620), 0);
  auto open = StateFile::open(dir / "state.db", Access::act);
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().remedy.find("chmod 600"), std::string::npos);
  ASSERT_EQ(::chmod((dir / "state.db").c_str(), 0600), 0);

  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((dir / "state.db").c_str(), 12345, 12345), 0);
    auto foreign = StateFile::open(dir / "state.db", Access::act);
    ASSERT_FALSE(foreign);
    EXPECT_NE(foreign.error().remedy.find("chown"), std::string::npos);
  }
}

TEST(StateFile, OneActorAtATimeOthersReadAndControl) {
  TempDir dir;
  auto first = StateFile::open(dir / "state.db", Access::act);
  ASSERT_TRUE(first);
  auto second = StateFile::open(dir / "state.db", Access::act);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::gate);
  EXPECT_NE(second.error().text.find(std::to_string(::getpid())), std::string::npos);
  auto reader = StateFile::open(dir / "state.db", Access::read);
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->set_meta("k", "v"));
  auto control = StateFile::open(dir / "state.db", Access::control);
  ASSERT_TRUE(control);
  EXPECT_TRUE(
      control->db().run("INSERT INTO control(at, verb, body, who) VALUES(1, 'pause', '', 'x')"));
}

TEST(StateFile, RefusesForeignAndNewerFiles) {
  TempDir dir;
  {
    auto state = StateFile::open(dir / "state.db", Access::act);
    ASSERT_TRUE(state);
    ASSERT_TRUE(state->db().script("PRAGMA user_version=99"));
  }
  auto newer = StateFile::open(dir / "state.db", Access::act);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::config);
  std::ofstream(dir / "text.db") << "this is no database at all, but long enough to be read as one";
  ASSERT_EQ(::chmod((dir / "text.db").c_str(), 0600), 0);
  EXPECT_FALSE(StateFile::open(dir / "text.db", Access::act));
  EXPECT_EQ(StateFile::open(dir / "gone.db", Access::read).error().code, ErrorCode::not_found);
}

TEST(StateFile, AnOlderFileIsBroughtUpAfterACopyByWhoActs) {
  TempDir dir;
  const auto path = dir / "state.db";
  {
    auto state = StateFile::open(path, Access::act);
    ASSERT_TRUE(state);
    ASSERT_TRUE(state->set_meta("k", "v"));
    ASSERT_TRUE(state->db().script(
        "ALTER TABLE pair DROP COLUMN undo; ALTER TABLE pair DROP COLUMN left_out; ALTER TABLE "
        "folder DROP COLUMN created; ALTER TABLE folder DROP COLUMN left_out; ALTER TABLE extent "
        "DROP COLUMN origin; PRAGMA user_version=1;"));
  }
  {
    auto state = StateFile::open(path, Access::read);
    ASSERT_TRUE(state) << state.error().message();
    EXPECT_EQ(state->db().number("PRAGMA user_version").value(), 1) << "a reader changes nothing";
  }
  // What an attempt that was cut off left behind is no copy.
  const fs::path copy = path.string() + ".schema1";
  { std::ofstream(copy) << "half a copy"; }
  {
    auto state = StateFile::open(path, Access::act);
    ASSERT_TRUE(state) << state.error().message();
    EXPECT_EQ(state->db().number("PRAGMA user_version").value(), kSchemaVersion);
    EXPECT_EQ(*state->meta("k"), "v");
    EXPECT_EQ(state->db().number("SELECT count(*) FROM extent WHERE origin IS NULL").value(), 0);
  }
  EXPECT_EQ(mode_of(copy), 0600U);
  auto old = Db::open(copy, OpenMode::read_only);
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_EQ(old->number("PRAGMA user_version").value(), 1);
  EXPECT_EQ(old->text("SELECT value FROM meta WHERE key = 'k'").value(), "v");
}

TEST(StateFile, ExtremesRoundTrip) {
  TempDir dir;
  auto state = StateFile::open(dir / "state.db", Access::act);
  ASSERT_TRUE(state);
  auto& db = state->db();
  std::string name;
  for (int i = 1; i < 256; ++i) name += static_cast<char>(i);
  ASSERT_TRUE(db.run("INSERT INTO pair(id, key, src, dst) VALUES(1, 'k', 's', 'd')"));
  ASSERT_TRUE(
      db.run("INSERT INTO folder(pair, src_name, dst_name, src_uidvalidity, src_uidnext, "
             "src_modseq) VALUES(1, $1, $1, $2, $3, $4)",
             Blob{name}, UidValidity(4294967295U), Uid(4294967295U), ModSeq(0x7fffffffffffffffU)));
  int rows = 0;
  ASSERT_TRUE(
      db.each("SELECT src_name, src_uidvalidity, src_uidnext, src_modseq, dst_uidnext FROM folder",
              [&](const Row& row) {
                ++rows;
                EXPECT_EQ(row.text(0), name);
                EXPECT_EQ(row.id<UidValidity>(1), UidValidity(4294967295U));
                EXPECT_EQ(row.id<Uid>(2), Uid(4294967295U));
                EXPECT_EQ(row.id<ModSeq>(3), ModSeq(0x7fffffffffffffffU));
                EXPECT_TRUE(row.is_null(4));
              }));
  EXPECT_EQ(rows, 1);
}

TEST(StateFile, DamageIsToldWithTheFileAndWhatHelps) {
  TempDir dir;
  const auto file = dir / "state.db";
  { ASSERT_TRUE(StateFile::open(file, Access::act)); }
  // The page of the schema, behind the file's header.
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(100)
      << std::string(3000, '\x55');
  auto state = StateFile::open(file, Access::act);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::store);
  EXPECT_NE(state.error().operation.find(file.string()), std::string::npos);
  EXPECT_NE(state.error().remedy.find("-wal away"), std::string::npos) << state.error().message();
}

TEST(Db, ATransactionThatIsNotCommittedLeavesNothing) {
  TempDir dir;
  auto state = StateFile::open(dir / "state.db", Access::act);
  ASSERT_TRUE(state);
  {
    auto transaction = state->db().begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(state->set_meta("a", "1"));
  }
  EXPECT_EQ(state->meta("a", "none").value(), "none");
  {
    auto transaction = state->db().begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(state->set_meta("a", "1"));
    ASSERT_TRUE(transaction->commit());
  }
  EXPECT_EQ(state->meta("a", "none").value(), "1");
}

TEST(Db, ParametersGoByTheirDigitWhereverTheyStand) {
  TempDir dir;
  auto state = StateFile::open(dir / "state.db", Access::act);
  ASSERT_TRUE(state);
  auto& db = state->db();
  ASSERT_TRUE(db.run("INSERT INTO meta(value, key) VALUES($2, $1)", "key", "value"));
  EXPECT_EQ(state->meta("key").value(), "value");
  EXPECT_EQ(db.text("SELECT key FROM meta WHERE value = $2 AND key = $1", "key", "value").value(),
            "key");
  EXPECT_FALSE(db.run("DELETE FROM meta WHERE key = $1", "key", "one too many"));
}

TEST(Db, ErrorsNameTheStatementNeverAValue) {
  TempDir dir;
  auto state = StateFile::open(dir / "state.db", Access::act);
  ASSERT_TRUE(state);
  ASSERT_TRUE(state->db().run("INSERT INTO pair(id, key, src, dst) VALUES(1, 'k', 's', 'd')"));
  const auto twice =
      state->db().run("INSERT INTO pair(id, key, src, dst) VALUES(1, $1, 's', 'd')", "marker-7f3a");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message().find("marker-7f3a"), std::string::npos);
  EXPECT_NE(twice.error().message().find("INSERT INTO pair"), std::string::npos);
  EXPECT_NE(twice.error().message().find((dir / "state.db").string()), std::string::npos);
}

TEST(Db, WhatCannotBeMadeSaysWhatToDo) {
  TempDir dir;
  const auto made = Db::open(dir / "absent" / "state.db", OpenMode::create);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().remedy.find("folder"), std::string::npos) << made.error().message();
}

}  // namespace
}  // namespace mxferry::store
