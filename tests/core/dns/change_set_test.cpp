// SPDX-License-Identifier: Apache-2.0
#include "dns/change_set.hpp"

#include <gtest/gtest.h>

namespace mxferry::dns {
namespace {

ZoneRRset rrset(const std::string& name, const std::string& type, std::uint32_t ttl,
                const std::vector<std::string>& data) {
  ZoneRRset set;
  set.name = name;
  set.type = type;
  set.ttl = ttl;
  for (const auto& item : data) set.records.push_back({item, "id-" + item, "{}"});
  return set;
}

ZoneSnapshot zone() {
  return {"a.test.",
          {rrset("a.test.", "SOA", 10, {"ns.a.test. h.a.test. 1 2 3 4 10"}),
           rrset("a.test.", "MX", 40, {"10 mx.old.test."}),
           rrset("a.test.", "TXT", 40, {"\"foreign\"", "\"v=spf1 mx -all\""})}};
}

DnsEdit edit(DnsEdit::Kind kind, const std::string& name, const std::string& type,
             std::vector<std::string> before, std::vector<std::string> after,
             std::optional<std::uint32_t> ttl = std::nullopt) {
  DnsEdit e;
  e.kind = kind;
  e.name = name;
  e.type = type;
  e.before = std::move(before);
  e.after = std::move(after);
  e.ttl = ttl;
  return e;
}

// A DNS API whose failures are scripted: each step of a write can be made to fail in turn.
class FakeApi final : public DnsApi {
 public:
  ZoneSnapshot now = zone();
  enum class Fault {
    none,
    refuse,
    lost_answer,
    silent_no_op,
    half,
    half_set,
    read_back
  } fault = Fault::none;
  int reads = 0;
  int writes = 0;
  DnsTraits model{};
  const DnsTraits& traits() const override { return model; }
  Result<std::vector<ZoneInfo>> list_zones(std::stop_token) override {
    return std::vector<ZoneInfo>{};
  }
  Result<ZoneInfo> describe_zone(const std::string&, std::stop_token) override {
    return ZoneInfo{};
  }
  Result<ZoneSnapshot> list_records(const std::string&, std::stop_token) override {
    if (++reads == 2 && fault == Fault::read_back) return fail(ErrorCode::network, "read", "down");
    return now;
  }
  Result<ApplyOutcome> apply(const std::string&, std::span<const ZoneChange> changes,
                             std::stop_token) override {
    ++writes;
    if (fault == Fault::refuse) return fail(ErrorCode::refused, "apply", "no");
    std::size_t done = 0;
    for (const auto& change : changes) {
      if (fault == Fault::silent_no_op || (fault == Fault::half && done == 1)) break;
      ++done;
      if (fault == Fault::half_set) {  // record by record: the new ones are there, and then it ends
        auto both = *change.before;
        for (const auto& record : change.after->records)
          both.records.push_back({record.rdata, "new-id", "{}"});
        std::erase_if(now.rrsets, [&](const ZoneRRset& s) {
          return s.name == both.name && s.type == both.type;
        });
        now.rrsets.push_back(both);
        return fail(ErrorCode::network, "apply", "cut off");
      }
      const ZoneRRset& any = change.after ? *change.after : *change.before;
      std::erase_if(now.rrsets,
                    [&](const ZoneRRset& s) { return s.name == any.name && s.type == any.type; });
      if (change.after) now.rrsets.push_back(*change.after);
    }
    if (fault == Fault::lost_answer) return fail(ErrorCode::timeout, "apply", "no answer");
    return ApplyOutcome{Applied::all, {}};
  }
  Result<bool> change_live(const std::string&, const std::string&, std::stop_token) override {
    return true;
  }
};

std::vector<DnsEdit> two_edits() {
  return {edit(DnsEdit::Kind::set, "a.test.", "MX", {"10 mx.old.test."}, {"10 mx.new.test."}),
          edit(DnsEdit::Kind::string, "a.test.", "TXT", {"\"v=spf1 mx -all\""},
               {"\"v=spf1 include:n.test -all\""})};
}

TEST(ChangeSet, ForeignStringsAndRecordIdsSurvive) {
  const auto edits = two_edits();
  const auto changes = resolve_edits(zone(), edits);
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->size(), 2U);
  const auto& txt = *changes->at(1).after;
  EXPECT_EQ(txt.ttl, 40U);
  ASSERT_EQ(txt.records.size(), 2U);
  EXPECT_EQ(txt.records[0].rdata, "\"foreign\"");
  EXPECT_EQ(txt.records[0].id, "id-\"foreign\"");
}

TEST(ChangeSet, RefusesWhatSomebodyElseChanged) {
  auto now = zone();
  now.rrsets[1] = rrset("a.test.", "MX", 40, {"10 mx.third.test."});
  const auto edits = two_edits();
  const auto changes = resolve_edits(now, edits);
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().code, ErrorCode::conflict);
  EXPECT_EQ(probe_edits(now, edits), Probe::foreign);
}

TEST(ChangeSet, NeverLeavesMxEmptyNorTwoSpfRecordsNorTouchesTheApex) {
  const DnsEdit empty[] = {edit(DnsEdit::Kind::set, "a.test.", "MX", {"10 mx.old.test."}, {})};
  EXPECT_EQ(resolve_edits(zone(), empty).error().code, ErrorCode::gate);
  const DnsEdit second[] = {
      edit(DnsEdit::Kind::string, "a.test.", "TXT", {}, {"\"v=spf1 include:n.test -all\""})};
  EXPECT_EQ(resolve_edits(zone(), second).error().code, ErrorCode::gate);
  const DnsEdit soa[] = {edit(DnsEdit::Kind::ttl, "a.test.", "SOA", {}, {}, 5)};
  EXPECT_EQ(resolve_edits(zone(), soa).error().code, ErrorCode::gate);
}

TEST(ChangeSet, ProbeTellsNotDonePartialDone) {
  const auto edits = two_edits();
  FakeApi api;
  EXPECT_EQ(probe_edits(api.now, edits), Probe::not_done);
  api.fault = FakeApi::Fault::half;
  EXPECT_FALSE(apply_edits(api, "a.test.", edits, {}, {}));
  EXPECT_EQ(probe_edits(api.now, edits), Probe::partial);
  api.fault = FakeApi::Fault::none;
  ASSERT_TRUE(apply_edits(api, "a.test.", edits, {}, {}));
  EXPECT_EQ(probe_edits(api.now, edits), Probe::done);
}

TEST(ChangeSet, ALostAnswerIsReadBackNotRepeated) {
  FakeApi api;
  api.fault = FakeApi::Fault::lost_answer;
  const auto edits = two_edits();
  const auto changes = apply_edits(api, "a.test.", edits, {}, {});
  ASSERT_TRUE(changes) << changes.error().message();
  EXPECT_EQ(api.writes, 1);
}

TEST(ChangeSet, ADraftThatMayNotBePublishedIsNotDone) {
  FakeApi api;
  api.model.write_model = "staged";
  api.fault = FakeApi::Fault::lost_answer;  // of the publishing: what it lists is the draft
  const auto edits = two_edits();
  bool result = false;
  ChangeHooks hooks;
  hooks.result = [&](const auto&, const auto&) -> Result<void> {
    result = true;
    return {};
  };
  const auto changes = apply_edits(api, "a.test.", edits, hooks, {});
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().code, ErrorCode::timeout);
  EXPECT_NE(changes.error().text.find("not known"), std::string::npos);
  EXPECT_FALSE(result);
  EXPECT_EQ(api.writes, 1);
}

TEST(ChangeSet, ADraftIsDoneWhenItsApiSaysThatAllIsPublished) {
  FakeApi api;
  api.model.write_model = "staged";
  const auto edits = two_edits();
  EXPECT_TRUE(apply_edits(api, "a.test.", edits, {}, {}));
}

TEST(ChangeSet, EachFaultIsAnErrorAndTheSecondRunEndsTheSame) {
  using Fault = FakeApi::Fault;
  for (const auto fault : {Fault::refuse, Fault::silent_no_op, Fault::half, Fault::read_back}) {
    FakeApi api;
    api.fault = fault;
    const auto edits = two_edits();
    EXPECT_FALSE(apply_edits(api, "a.test.", edits, {}, {})) << static_cast<int>(fault);
    api.fault = Fault::none;
    ASSERT_TRUE(apply_edits(api, "a.test.", edits, {}, {})) << static_cast<int>(fault);
    EXPECT_EQ(api.now.find("a.test.", "MX")->records.at(0).rdata, "10 mx.new.test.");
    const int writes = api.writes;
    const auto again = apply_edits(api, "a.test.", edits, {}, {});
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->empty());
    EXPECT_EQ(api.writes, writes);
  }
}

TEST(ChangeSet, ASetThatAWriteLeftHalfChangedIsGoneOnWith) {
  FakeApi api;
  std::vector<ZoneChange> begun;
  ChangeHooks hooks;
  hooks.intent = [&](const std::vector<ZoneChange>& changes) -> Result<void> {
    begun = changes;
    return {};
  };
  api.fault = FakeApi::Fault::half_set;
  const DnsEdit edits[] = {
      edit(DnsEdit::Kind::set, "a.test.", "MX", {"10 mx.old.test."}, {"10 mx.new.test."})};
  EXPECT_FALSE(apply_edits(api, "a.test.", edits, hooks, {}));
  ASSERT_EQ(api.now.find("a.test.", "MX")->records.size(), 2U);
  api.fault = FakeApi::Fault::none;
  const auto alone = apply_edits(api, "a.test.", edits, {}, {});
  ASSERT_FALSE(alone) << "whose half this is, only the images tell";
  EXPECT_EQ(alone.error().code, ErrorCode::conflict);
  const auto on = apply_edits(api, "a.test.", edits, {}, {}, begun);
  ASSERT_TRUE(on) << on.error().message();
  const auto& mx = *api.now.find("a.test.", "MX");
  ASSERT_EQ(mx.records.size(), 1U);
  EXPECT_EQ(mx.records[0].rdata, "10 mx.new.test.");
  EXPECT_EQ(mx.records[0].id, "new-id") << "the record that was made already is not made again";

  auto foreign = zone();
  foreign.rrsets[1] = rrset("a.test.", "MX", 40, {"10 mx.old.test.", "10 mx.third.test."});
  EXPECT_FALSE(resolve_edits(foreign, edits, begun)) << "a record of neither image";
  foreign.rrsets[1] = rrset("a.test.", "MX", 7, {"10 mx.old.test.", "10 mx.new.test."});
  EXPECT_FALSE(resolve_edits(foreign, edits, begun)) << "a TTL of neither image";
}

TEST(ChangeSet, WhatTheApiAcceptedIsToldBeforeItIsLive) {
  FakeApi api;
  std::vector<std::string> order;
  ChangeHooks hooks;
  hooks.intent = [&](const auto&) -> Result<void> {
    order.emplace_back("intent");
    return {};
  };
  hooks.accepted = [&](const auto&) -> Result<void> {
    order.push_back("accepted after " + std::to_string(api.writes));
    return {};
  };
  hooks.result = [&](const auto&, const auto&) -> Result<void> {
    order.emplace_back("result");
    return {};
  };
  const auto edits = two_edits();
  ASSERT_TRUE(apply_edits(api, "a.test.", edits, hooks, {}));
  EXPECT_EQ(order, (std::vector<std::string>{"intent", "accepted after 1", "result"}));
}

TEST(ChangeSet, NothingIsWrittenWithoutADurableIntent) {
  FakeApi api;
  ChangeHooks hooks;
  hooks.intent = [](const std::vector<ZoneChange>&) -> Result<void> {
    return fail(ErrorCode::store, "journal", "disk full");
  };
  const auto edits = two_edits();
  EXPECT_FALSE(apply_edits(api, "a.test.", edits, hooks, {}));
  EXPECT_EQ(api.writes, 0);
}

TEST(ChangeSet, TtlEditKeepsTheData) {
  const DnsEdit edits[] = {edit(DnsEdit::Kind::ttl, "a.test.", "MX", {}, {}, 10)};
  const auto changes = resolve_edits(zone(), edits);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->at(0).after->ttl, 10U);
  EXPECT_EQ(changes->at(0).after->records.at(0).rdata, "10 mx.old.test.");
}

TEST(ChangeSet, RestoreBringsASnapshotBack) {
  auto now = zone();
  now.rrsets[1] = rrset("a.test.", "MX", 10, {"10 mx.new.test."});
  now.rrsets.push_back(rrset("new._domainkey.a.test.", "TXT", 10, {"\"k\""}));
  const auto changes = restore_changes(now, zone());
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->size(), 2U);
  EXPECT_TRUE(restore_changes(zone(), zone())->empty());
}

TEST(ChangeSet, AnMxSetGoesOnlyWhereWhatIsTakenBackCreatedIt) {
  const auto made = rrset("sub.a.test.", "MX", 40, {"10 mx.new.test."});
  const ZoneChange gone{made, std::nullopt};
  const auto refused = audit_change("a.test.", gone);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("DC-01"), std::string::npos);
  const ZoneChange created[] = {{std::nullopt, made}};
  EXPECT_TRUE(audit_change("a.test.", gone, created));
  const ZoneChange replaced[] = {{rrset("sub.a.test.", "MX", 40, {"10 mx.old.test."}), made}};
  EXPECT_FALSE(audit_change("a.test.", gone, replaced)) << "it stood before, with other data";
  const ZoneChange elsewhere[] = {{std::nullopt, rrset("a.test.", "MX", 40, {"10 m."})}};
  EXPECT_FALSE(audit_change("a.test.", gone, elsewhere));
  // What somebody else has put there since stays.
  auto others = made;
  others.records.front().rdata = "10 mx.others.test.";
  EXPECT_FALSE(audit_change("a.test.", {others, std::nullopt}, created));
  // An API that was cut off between two records has left a part of it.
  const ZoneChange two[] = {
      {std::nullopt, rrset("sub.a.test.", "MX", 40, {"5 mx.b.test.", "10 mx.new.test."})}};
  EXPECT_TRUE(audit_change("a.test.", gone, two));
}

}  // namespace
}  // namespace mxferry::dns
