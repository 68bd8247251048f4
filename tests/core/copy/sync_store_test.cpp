// SPDX-License-Identifier: Apache-2.0
#include "copy/sync_store.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "store/state_file.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::copy {
namespace {

class SyncStoreTest : public ::testing::Test {
 protected:
  void open() {
    store.reset();
    file.reset();
    auto opened = store::StateFile::open(dir / "s.db", store::Access::act);
    ASSERT_TRUE(opened) << opened.error().message();
    file = std::make_unique<store::StateFile>(std::move(*opened));
    auto made = SyncStore::open(file->db(), "key", "a", "b");
    ASSERT_TRUE(made) << made.error().message();
    store = std::make_unique<SyncStore>(std::move(*made));
  }
  void SetUp() override { open(); }
  test::TempDir dir;
  std::unique_ptr<store::StateFile> file;
  std::unique_ptr<SyncStore> store;
};

MessageRecord record(std::uint32_t src, std::uint32_t dst) {
  MessageRecord out;
  out.src = Uid(src);
  out.dst = Uid(dst);
  out.src_flags = src % 7;
  out.dst_flags = dst % 5;
  out.fingerprint[0] = static_cast<unsigned char>(src);
  out.fingerprint[15] = static_cast<unsigned char>(dst);
  out.origin = src % 11 < 8 ? Origin::appended : Origin::adopted;
  return out;
}

TEST_F(SyncStoreTest, FoldersKeepEveryByteAndTheLargestNumbers) {
  FolderRecord folder;
  for (int c = 1; c < 256; ++c) folder.src_name += static_cast<char>(c);
  folder.dst_name = folder.src_name + "x";
  folder.use = SpecialUse::sent;
  folder.src.uid_validity = UidValidity(4294967295U);
  folder.src.uid_next = Uid(4294967295U);
  folder.src.messages = 4294967295U;
  folder.src.highest_modseq = ModSeq(0x7FFFFFFFFFFFFFFFULL);
  folder.adopt_below = Uid(4294967295U);
  folder.created = true;
  folder.left_out = "since=2020-01-01";
  ASSERT_TRUE(store->put_folder(folder));
  open();
  auto folders = store->folders();
  ASSERT_TRUE(folders);
  ASSERT_EQ(folders->size(), 1U);
  EXPECT_EQ(folders->front().src_name, folder.src_name);
  EXPECT_EQ(folders->front().dst_name, folder.dst_name);
  EXPECT_EQ(folders->front().use, SpecialUse::sent);
  EXPECT_EQ(folders->front().src, folder.src);
  EXPECT_EQ(folders->front().dst, FolderState());
  EXPECT_EQ(folders->front().adopt_below, folder.adopt_below);
  EXPECT_TRUE(folders->front().created);
  EXPECT_EQ(folders->front().left_out, folder.left_out);
}

TEST_F(SyncStoreTest, RecordsComeBackWhateverTheOrderTheyWereWrittenIn) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    FolderRecord folder;
    folder.src_name = folder.dst_name = "f" + std::to_string(seed);
    ASSERT_TRUE(store->put_folder(folder));
    std::map<std::uint32_t, MessageRecord> expected;
    for (int round = 0; round < 60; ++round) {
      std::vector<MessageRecord> batch;
      const auto base = random() % 3 == 0 ? random() % 60'000 : static_cast<unsigned>(round) * 1000;
      for (unsigned i = 0; i < 200; ++i) {
        const auto src = static_cast<std::uint32_t>(1 + base + random() % 1000);
        batch.push_back(record(src, static_cast<std::uint32_t>(1 + random() % 4'000'000'000U)));
        expected[src] = batch.back();
      }
      if (round == 30) {
        batch.push_back(record(4294967295U, 4294967295U));
        expected[4294967295U] = batch.back();
      }
      ASSERT_TRUE(store->put_messages(folder, batch));
    }
    auto got = store->messages(folder);
    ASSERT_TRUE(got) << got.error().message();
    ASSERT_EQ(got->size(), expected.size()) << "seed " << seed;
    auto it = expected.begin();
    for (const auto& entry : *got) {
      ASSERT_EQ(entry.src.value, it->first) << "seed " << seed;
      EXPECT_EQ(entry.dst, it->second.dst);
      EXPECT_EQ(entry.src_flags, it->second.src_flags);
      EXPECT_EQ(entry.fingerprint, it->second.fingerprint);
      EXPECT_EQ(entry.origin, it->second.origin);
      ++it;
    }
    EXPECT_EQ(*store->count_messages(folder), expected.size());
    EXPECT_EQ((*store->summaries())[folder.id].messages, expected.size());
    EXPECT_LE(file->db().number("SELECT max(n) FROM extent").value().value(), 4096);
    std::vector<Uid> removed;
    for (const auto& [src, entry] : expected)
      if (random() % 3 == 0 && (src > 20'000 || seed % 2 == 0)) removed.push_back(Uid(src));
    ASSERT_TRUE(store->remove_messages(folder, removed));
    for (const auto uid : removed) expected.erase(uid.value);
    got = store->messages(folder);
    ASSERT_TRUE(got) << got.error().message();
    ASSERT_EQ(got->size(), expected.size()) << "seed " << seed;
    for (const auto& entry : *got) EXPECT_TRUE(expected.contains(entry.src.value));
  }
}

TEST_F(SyncStoreTest, IntentsStayOpenUntilTheirResult) {
  FolderRecord folder;
  folder.src_name = folder.dst_name = "f";
  ASSERT_TRUE(store->put_folder(folder));
  Intent intent;
  intent.at = Instant(Millis(1234567890123));
  intent.dst_uid_validity = UidValidity(4294967295U);
  intent.dst_uid_next = Uid(77);
  IntentMessage message;
  message.src = Uid(4294967295U);
  message.fingerprint[3] = 9;
  message.content[5] = 8;
  message.flags = {"\\Seen", "x"};
  message.src_flags = {"\\Seen", "x", "y"};
  intent.messages.push_back(message);
  ASSERT_TRUE(store->put_intent(folder, std::nullopt, intent));
  open();
  auto open_now = store->open_intents(folder);
  ASSERT_TRUE(open_now) << open_now.error().message();
  ASSERT_EQ(open_now->size(), 1U);
  const auto& got = open_now->front();
  EXPECT_EQ(got.at, intent.at);
  EXPECT_EQ(got.dst_uid_validity, intent.dst_uid_validity);
  EXPECT_EQ(got.dst_uid_next, Uid(77));
  ASSERT_EQ(got.messages.size(), 1U);
  EXPECT_EQ(got.messages[0].src, message.src);
  EXPECT_EQ(got.messages[0].fingerprint, message.fingerprint);
  EXPECT_EQ(got.messages[0].content, message.content);
  EXPECT_EQ(got.messages[0].flags, message.flags);
  EXPECT_EQ(got.messages[0].src_flags, message.src_flags);
  ASSERT_TRUE(store->renew_intent(got.id, Instant(Millis(5))));
  EXPECT_EQ(store->open_intents(folder)->front().at, Instant(Millis(5)));
  EXPECT_TRUE((*store->summaries())[folder.id].open_intents);
  EXPECT_FALSE((*store->summaries())[folder.id].refused);

  BatchResult result;
  result.intent = got.id;
  result.stored.push_back(record(1, 2));
  ExceptionRecord refused;
  refused.src = Uid(3);
  refused.kind = "refused";
  refused.words = "no";
  result.exceptions.push_back(refused);
  Intent next;
  ASSERT_TRUE(store->put_intent(folder, result, next));
  open_now = store->open_intents(folder);
  ASSERT_EQ(open_now->size(), 1U);
  EXPECT_EQ(open_now->front().id, next.id);
  EXPECT_EQ(store->messages(folder)->size(), 1U);
  ASSERT_EQ(store->exceptions(folder)->size(), 1U);
  EXPECT_TRUE((*store->summaries())[folder.id].refused);
  EXPECT_EQ((*store->summaries())[folder.id].messages, 1U);
  BatchResult taken;
  taken.intent = next.id;
  taken.stored.push_back(record(3, 9));
  ASSERT_TRUE(store->put_result(folder, taken));
  EXPECT_TRUE(store->exceptions(folder)->empty());
  EXPECT_TRUE(store->open_intents(folder)->empty());
  const auto summary = (*store->summaries())[folder.id];
  EXPECT_EQ(summary.messages, 2U);
  EXPECT_FALSE(summary.open_intents);
  EXPECT_FALSE(summary.refused);
  // What was of an earlier life of the source's UIDs does not count.
  ++folder.epoch;
  ASSERT_TRUE(store->put_folder(folder));
  EXPECT_EQ((*store->summaries())[folder.id].messages, 0U);
}

// What a file of schema 1 does not tell is unknown, not ours.
TEST_F(SyncStoreTest, ADamagedExtentIsToldWithItsFileAndWhatHelps) {
  FolderRecord folder;
  folder.src_name = folder.dst_name = "f";
  ASSERT_TRUE(store->put_folder(folder));
  ASSERT_TRUE(store->put_messages(folder, {record(1, 10), record(2, 11)}));
  ASSERT_TRUE(file->db().run("UPDATE extent SET map = x'8080'"));
  const auto read = store->messages(folder);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::store);
  EXPECT_NE(read.error().operation.find((dir / "s.db").string()), std::string::npos);
  EXPECT_NE(read.error().remedy.find("-wal away"), std::string::npos);
}

TEST_F(SyncStoreTest, RecordsOfSchema1AreOfUnknownOrigin) {
  FolderRecord folder;
  folder.src_name = folder.dst_name = "f";
  ASSERT_TRUE(store->put_folder(folder));
  ASSERT_TRUE(store->put_messages(folder, {record(1, 10), record(2, 11)}));
  ASSERT_TRUE(
      file->db().script("ALTER TABLE pair DROP COLUMN undo; ALTER TABLE pair DROP COLUMN left_out; "
                        "ALTER TABLE folder "
                        "DROP COLUMN created; ALTER TABLE folder DROP COLUMN left_out; ALTER TABLE "
                        "extent DROP COLUMN "
                        "origin; PRAGMA user_version=1;"));
  open();
  auto got = store->messages(folder);
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->size(), 2U);
  for (const auto& entry : *got) EXPECT_EQ(entry.origin, Origin::unknown);
  // What is written now is known, beside what is not.
  ASSERT_TRUE(store->put_messages(folder, {record(3, 12)}));
  got = store->messages(folder);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 3U);
  EXPECT_EQ((*got)[1].origin, Origin::unknown);
  EXPECT_EQ((*got)[2].origin, Origin::appended);
  auto undoing = store->undo_is_open();
  ASSERT_TRUE(undoing);
  EXPECT_FALSE(*undoing);
}

TEST_F(SyncStoreTest, ANewEpochReplacesTheOldOne) {
  FolderRecord folder;
  folder.src_name = folder.dst_name = "f";
  ASSERT_TRUE(store->put_folder(folder));
  ASSERT_TRUE(store->put_messages(folder, {record(1, 1), record(2, 2)}));
  ++folder.epoch;
  ASSERT_TRUE(store->begin_epoch(folder, {record(10, 1)}));
  auto got = store->messages(folder);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 1U);
  EXPECT_EQ(got->front().src, Uid(10));
}

}  // namespace
}  // namespace mxferry::copy
