// SPDX-License-Identifier: Apache-2.0
#include "plan/compute.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/not_moved.hpp"
#include "plan/plan_json.hpp"
#include "plan/print.hpp"
#include "support/spf_answers.hpp"

namespace mxferry::plan {
namespace {

ZoneRRset rrset(const std::string& name, const std::string& type, std::uint32_t ttl,
                const std::vector<std::string>& data) {
  ZoneRRset set;
  set.name = name;
  set.type = type;
  set.ttl = ttl;
  for (const auto& item : data) set.records.push_back({item});
  return set;
}

config::PlanFile file() {
  config::PlanFile f;
  f.id = "alpha";
  f.sha256 = "c0ffee";
  f.ttl_lowered = 10;
  f.approve_flip = 0;
  config::Domain d;
  d.name = "alpha.test";
  d.mx = {"10 mx.new.test."};
  d.spf = "v=spf1 include:new.test -all";
  d.dkim = {{"new", "TXT", "v=DKIM1; p=AAAA"}};
  d.client = {{"autoconfig", "CNAME", {"new.test."}},
              {"_imaps._tcp", "SRV", {"0 1 993 imap.new.test."}}};
  d.verification = {"new-verification=1"};
  d.dns.plugin = "powerdns";
  d.dns.zone = "alpha.test.";
  f.domains.push_back(d);
  config::Mailbox a;
  a.source = a.dest = "a@alpha.test";
  config::Mailbox b;
  b.source = b.dest = "b@alpha.test";
  f.mailboxes = {a, b};
  f.pilot = {"a@alpha.test"};
  return f;
}

Facts facts() {
  Facts f;
  ZoneFacts z;
  z.snapshot.zone = "alpha.test.";
  z.snapshot.rrsets = {rrset("alpha.test.", "MX", 40, {"10 mx.old.test."}),
                       rrset("alpha.test.", "TXT", 40, {"\"foreign=1\"", "\"v=spf1 mx -all\""}),
                       rrset("autoconfig.alpha.test.", "CNAME", 40, {"old.test."})};
  f.zones["alpha.test."] = z;
  f.answers = test::spf_answers(file(), f.zones, test::kSpfWorld);
  f.dest_has_accounts = true;
  return f;
}

// True if `first` is among everything that must be done before `then`.
bool precedes(const Plan& plan, const std::string& first, const std::string& then) {
  const auto* step = plan.find(then);
  if (step == nullptr) return false;
  return std::any_of(step->after.begin(), step->after.end(), [&](const std::string& id) {
    return id == first || precedes(plan, first, id);
  });
}

const DnsChangeAction& change(const Plan& plan, const std::string& id) {
  return std::get<DnsChangeAction>(plan.find(id)->action);
}

TEST(Plan, TheOrderIsTheSafeOne) {
  const auto computed = compute(file(), facts());
  ASSERT_TRUE(computed) << computed.error().message();
  const Plan& plan = computed->plan;
  const char* orders[][2] = {{"assess", "names:alpha.test"},
                             {"provision:a@alpha.test", "pilot:a@alpha.test"},
                             {"pilot-verify:a@alpha.test", "bulk:b@alpha.test"},
                             {"lower-ttl:alpha.test", "ttl-wait:alpha.test"},
                             {"ttl-wait:alpha.test", "overlap:alpha.test"},
                             {"overlap:alpha.test", "visible:alpha.test"},
                             {"names:alpha.test", "names-visible:alpha.test"},
                             {"names-visible:alpha.test", "visible:alpha.test"},
                             {"visible:alpha.test", "approve:alpha.test"},
                             {"deltas:b@alpha.test", "approve:alpha.test"},
                             {"approve:alpha.test", "last:a@alpha.test"},
                             {"last:b@alpha.test", "verify:b@alpha.test"},
                             {"verify:b@alpha.test", "canary-direct:alpha.test"},
                             {"canary-direct:alpha.test", "gate:alpha.test"},
                             {"gate:alpha.test", "flip:alpha.test"},
                             {"flip:alpha.test", "converge:alpha.test"},
                             {"converge:alpha.test", "canary-public:alpha.test"},
                             {"canary-public:alpha.test", "monitor:alpha.test"},
                             {"monitor:alpha.test", "finalize:alpha.test"},
                             {"spf-wait:alpha.test", "finalize:alpha.test"},
                             {"finalize:alpha.test", "restore-ttl:alpha.test"},
                             {"restore-ttl:alpha.test", "report"}};
  for (const auto& order : orders)
    EXPECT_TRUE(precedes(plan, order[0], order[1])) << order[0] << " before " << order[1];
}

TEST(Plan, EditsKeepForeignStringsAndNeverEmptyMx) {
  const auto computed = compute(file(), facts());
  ASSERT_TRUE(computed);
  const Plan& plan = computed->plan;
  const auto& overlap = change(plan, "overlap:alpha.test").edits.at(0);
  EXPECT_EQ(overlap.kind, DnsEdit::Kind::string);
  EXPECT_EQ(overlap.before, std::vector<std::string>{"\"v=spf1 mx -all\""});
  EXPECT_EQ(overlap.after,
            std::vector<std::string>{"\"v=spf1 ip4:192.0.2.1 include:new.test -all\""});
  for (const auto& step : plan.steps) {
    const auto* dns = std::get_if<DnsChangeAction>(&step.action);
    if (dns == nullptr) continue;
    for (const auto& edit : dns->edits)
      if (edit.type == "MX" && edit.kind == DnsEdit::Kind::set) {
        EXPECT_FALSE(edit.after.empty()) << step.id;
      }
  }
  // The SRV name does not exist yet: it is created by the flip and needs no TTL step.
  const auto& lower = change(plan, "lower-ttl:alpha.test").edits;
  EXPECT_EQ(lower.size(), 3U);
  const auto& restore = change(plan, "restore-ttl:alpha.test").edits;
  EXPECT_TRUE(
      std::all_of(restore.begin(), restore.end(), [](const DnsEdit& e) { return e.ttl == 40U; }));
}

TEST(Plan, JsonRoundTripsAndATamperedPlanIsRefused) {
  const auto computed = compute(file(), facts());
  ASSERT_TRUE(computed);
  const std::string text = to_json(computed->plan).dump();
  const auto back = from_json(text, "t");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(to_json(*back).dump(), text);
  EXPECT_EQ(back->hash, computed->plan.hash);
  std::string bad = text;
  bad.replace(bad.find("mx.new.test."), 12, "mx.bad.test.");
  EXPECT_FALSE(from_json(bad, "t"));
  EXPECT_TRUE(diff(computed->plan, *back).empty());
}

TEST(Plan, HashChangesWithWhatIsDoneAndNothingElse) {
  const auto a = compute(file(), facts());
  const auto b = compute(file(), facts());
  EXPECT_EQ(a->plan.hash, b->plan.hash);
  auto other = file();
  other.domains[0].mx = {"20 mx.new.test."};
  const auto c = compute(other, facts());
  EXPECT_NE(a->plan.hash, c->plan.hash);
  EXPECT_NE(diff(a->plan, c->plan).find("~ flip:alpha.test"), std::string::npos);
}

TEST(Plan, NothingIsWrittenWhereAllStandsAlready) {
  auto world = facts();
  auto& sets = world.zones["alpha.test."].snapshot.rrsets;
  sets = {rrset("alpha.test.", "MX", 10, {"10 MX.new.test."}),
          rrset("alpha.test.", "TXT", 10,
                {"\"v=spf1 include:new.test -all\"", "\"new-verification=1\""}),
          rrset("autoconfig.alpha.test.", "CNAME", 10, {"new.test."}),
          rrset("_imaps._tcp.alpha.test.", "SRV", 10, {"0 1 993 imap.new.test."}),
          rrset("new._domainkey.alpha.test.", "TXT", 10, {"\"v=DKIM1; p=AAAA\""})};
  const auto computed = compute(file(), world);
  ASSERT_TRUE(computed);
  for (const auto& step : computed->plan.steps) {
    const auto* dns = std::get_if<DnsChangeAction>(&step.action);
    if (dns != nullptr) {
      EXPECT_TRUE(dns->edits.empty()) << step.id;
    }
  }
}

bool has(const Computed& computed, const std::string& id, Severity severity) {
  return std::any_of(computed.findings.begin(), computed.findings.end(),
                     [&](const Finding& f) { return f.id == id && f.severity == severity; });
}

TEST(Plan, FindsWhatWouldBreakTheDomain) {
  auto f = file();
  auto world = facts();
  auto& z = world.zones["alpha.test."];
  z.snapshot.rrsets.push_back(rrset("*.alpha.test.", "A", 40, {"192.0.2.80"}));
  z.snapshot.rrsets.push_back(
      rrset("new._domainkey.alpha.test.", "TXT", 40, {"\"v=DKIM1; p=BBBB\""}));
  z.snapshot.rrsets[1].records.push_back({"\"v=spf1 -all\""});
  z.sts["alpha.test"] = {{"\"v=STSv1; id=1;\""}, true, "", "HTTP 404"};
  const auto computed = compute(f, world);
  ASSERT_TRUE(computed);
  EXPECT_TRUE(has(*computed, "WC-01", Severity::block));
  EXPECT_TRUE(has(*computed, "DK-06", Severity::block));
  EXPECT_TRUE(has(*computed, "SPF-01", Severity::block));
  EXPECT_TRUE(has(*computed, "ST-04", Severity::block));
  z.sts["alpha.test"] = {{}, true, "", ""};
  EXPECT_TRUE(has(*compute(f, world), "ST-05", Severity::warning));
}

TEST(Plan, WhatSpfLeadsToAndIsNotKnownHoldsThePlan) {
  auto world = facts();
  world.answers.clear();
  const auto computed = compute(file(), world);
  ASSERT_TRUE(computed);
  EXPECT_TRUE(has(*computed, "SPF-12", Severity::block));
  EXPECT_TRUE(has(*computed, "CM-01", Severity::block)) << "and nobody can accept that";
  EXPECT_EQ(computed->plan.find("overlap:alpha.test"), nullptr) << "nothing is merged by guess";
}

TEST(Compute, WhatIsNotMovedIsNeverEmptyAndHoldsWhatTheProfilesSay) {
  auto f = facts();
  EXPECT_EQ(compute(file(), f)->plan.not_moved, not_moved({}));
  f.not_moved = {"notes"};
  const auto plan = compute(file(), f)->plan;
  EXPECT_EQ(plan.not_moved.back(), "notes");
  EXPECT_NE(print(plan).find("not moved by mxferry:\n    " + plan.not_moved.front()),
            std::string::npos);
}

}  // namespace
}  // namespace mxferry::plan
