// SPDX-License-Identifier: Apache-2.0
#include "plan/assess.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mxferry::plan {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kGB = 1'000'000'000;

MailboxInventory box(std::uint64_t bytes) {
  MailboxInventory out;
  out.address = "anna@alpha.test";
  out.bytes = bytes;
  out.messages = 10;
  return out;
}

std::string ids(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& f : findings) out += f.id + "/" + to_string(f.severity) + " ";
  return out;
}

TEST(JudgeInventory, AMailboxThatCannotFitBlocksAndANearlyFullOneWarns) {
  const config::PlanFile file;
  auto b = box(kGB);
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "") << "no limit is known";
  b.dest_quota.limit = kGB;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "QU-02/warning ");
  b.dest_quota.limit = kGB - 1;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "QU-01/block ");
  b.dest_quota.limit = 2 * kGB;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "");
  b.dest_quota.used = 1'850'000'000;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "QU-02/warning ") << "what is there counts too";
  b.dest_quota = {0, 0};
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "") << "0 is no limit";
}

TEST(JudgeInventory, TheQuotaThatThePlanWillSetCounts) {
  config::PlanFile file;
  config::Mailbox row;
  row.dest = "anna@alpha.test";
  row.quota_bytes = 3 * kGB;
  file.mailboxes.push_back(row);
  auto b = box(2 * kGB);
  b.dest_quota.limit = kGB;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "");
  file.mailboxes[0].quota_bytes = kGB;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "QU-01/block ");
  file.accept = {{"QU-01:anna@alpha.test", "half of it goes"}};
  EXPECT_EQ(judge_inventory(file, b, {}).at(0).accepted, "half of it goes");
}

TEST(JudgeInventory, ALargeMessageIsToldByTheServersWordBeforeTheProfiles) {
  const config::PlanFile file;
  auto b = box(kGB);
  b.largest = 50'000'000;
  EXPECT_EQ(ids(judge_inventory(file, b, 60'000'000)), "");
  EXPECT_EQ(ids(judge_inventory(file, b, 40'000'000)), "SZ-01/warning ");
  b.dest_append_limit = 60'000'000;
  EXPECT_EQ(ids(judge_inventory(file, b, 40'000'000)), "");
  b.dest_append_limit = 49'999'999;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "SZ-01/warning ");
}

TEST(JudgeInventory, ADestinationThatWasAskedAndDoesNotAnswerIsTold) {
  const config::PlanFile file;
  auto b = box(1);
  b.dest_problem = "NO wrong password";
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "");
  b.dest_asked = true;
  EXPECT_EQ(ids(judge_inventory(file, b, {})), "MB-08/warning ");
}

TEST(JudgeInventory, RenamedAndForeignFoldersAreTold) {
  const config::PlanFile file;
  auto b = box(1);
  for (int i = 0; i < 7; ++i) b.renamed.push_back({"a" + std::to_string(i), "b"});
  b.foreign = {"Shared/ (3 folders)"};
  const auto findings = judge_inventory(file, b, {});
  EXPECT_EQ(ids(findings), "FO-01/info FO-02/info ");
  EXPECT_THAT(findings[0].text, HasSubstr("7 folders"));
  EXPECT_THAT(findings[1].text, HasSubstr("Shared/ (3 folders)"));
}

TEST(InventoryJson, ComesBackAsItWasWithAnyBytes) {
  auto b = box(kGB);
  b.folders = 3;
  b.largest = 7;
  b.source_quota = {1, 2};
  b.dest_quota.limit = 5;
  b.dest_append_limit = 9;
  b.renamed = {{"x\x1b\xff", "y\\"}};
  b.foreign = {"\xc3\xbc/ (1 folder)"};
  b.aliases = {"sales@alpha.test"};
  b.dest_asked = true;
  b.dest_problem = "NO login";
  const auto back = inventory_from_json(canonical_json(to_json(b)), "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, b);
  EXPECT_FALSE(inventory_from_json("{}", "test"));
  EXPECT_FALSE(inventory_from_json("[]", "test"));
  auto json = to_json(b);
  json["messages"] = -1;
  EXPECT_FALSE(inventory_from_json(canonical_json(json), "test"));
  json = to_json(b);
  json["dest_quota"] = 5;
  EXPECT_FALSE(inventory_from_json(canonical_json(json), "test"));
}

TEST(InventoryJson, SeenAddressesComeBack) {
  SeenAddresses seen;
  seen.messages = 4;
  seen.cut = true;
  seen.seen["te\"am\xff@alpha.test"] = {3, {{"To", 2}, {"Cc", 1}}};
  const auto back = seen_from_json(canonical_json(to_json(seen)), "test");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, seen);
  EXPECT_FALSE(seen_from_json("{}", "test"));
}

TEST(PrintBytes, InDecimalUnits) {
  EXPECT_EQ(print_bytes(0), "0 B");
  EXPECT_EQ(print_bytes(999), "999 B");
  EXPECT_EQ(print_bytes(1500), "1.5 kB");
  EXPECT_EQ(print_bytes(999'950), "1.0 MB");
  EXPECT_EQ(print_bytes(2 * kGB), "2.0 GB");
  EXPECT_EQ(print_bytes(UINT64_MAX), "18.4 EB");
}

}  // namespace
}  // namespace mxferry::plan
