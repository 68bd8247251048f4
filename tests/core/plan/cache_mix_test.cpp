// SPDX-License-Identifier: Apache-2.0
// The plan that compute() makes holds for every mix; plans in a wrong order are refused, each with
// the mix that does the harm.
#include "plan/cache_mix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "plan/compute.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "support/spf_answers.hpp"

namespace mxferry::plan {
namespace {

using ::testing::HasSubstr;

ZoneRRset rrset(const std::string& name, const std::string& type,
                const std::vector<std::string>& data) {
  ZoneRRset set;
  set.name = name;
  set.type = type;
  set.ttl = 3600;
  for (const auto& item : data) set.records.push_back({item});
  return set;
}

const std::string kPolicy =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.old.test\r\nmax_age: 604800\r\n";

// A domain that has everything: SPF by `mx`, DKIM, DMARC, an enforced MTA-STS policy.
struct World {
  config::PlanFile file;
  Facts facts;
  Plan plan;
  MixFacts mix;

  World() {
    file.id = "alpha";
    file.sha256 = "c0ffee";
    config::Domain d;
    d.name = "alpha.test";
    d.mx = {"10 mx.new.test."};
    d.spf = "v=spf1 mx include:new.test -all";
    d.dkim = {{"new", "TXT", "v=DKIM1; p=AAAA"}};
    d.dns.zone = "alpha.test.";
    file.domains.push_back(d);
    config::Mailbox a;
    a.source = a.dest = "a@alpha.test";
    file.mailboxes = {a};
    ZoneFacts z;
    z.snapshot.zone = "alpha.test.";
    z.snapshot.rrsets = {rrset("alpha.test.", "MX", {"10 mx.old.test."}),
                         rrset("alpha.test.", "TXT", {"\"v=spf1 mx -all\""}),
                         rrset("_dmarc.alpha.test.", "TXT", {"\"v=DMARC1; p=reject\""}),
                         rrset("_mta-sts.alpha.test.", "TXT", {"\"v=STSv1; id=1;\""}),
                         rrset("old._domainkey.alpha.test.", "TXT", {"\"v=DKIM1; p=OLD\""})};
    z.sts["alpha.test"] = {{"\"v=STSv1; id=1;\""}, true, kPolicy, ""};
    facts.zones["alpha.test."] = z;
    facts.answers = mix.answers = test::spf_answers(file, facts.zones, test::kSpfWorld);
    mix.zone = z.snapshot;
    mix.dkim["new._domainkey.alpha.test./TXT"] = "\"v=DKIM1; p=AAAA\"";
    plan = compute(file, facts)->plan;
  }

  Step& step(const std::string& id) {
    return *std::find_if(plan.steps.begin(), plan.steps.end(),
                         [&](const Step& s) { return s.id == id + ":alpha.test"; });
  }
  void no_longer_after(const std::string& id, const std::string& before) {
    std::erase(step(id).after, before + ":alpha.test");
  }
  void after(const std::string& id, const std::string& before) {
    step(id).after.push_back(before + ":alpha.test");
  }
  DnsEdit& edit(const std::string& id) {
    return std::get<DnsChangeAction>(step(id).action).edits.front();
  }
  // Everything that came after `id` comes after what it came after.
  void remove(const std::string& id) {
    const auto gone = step(id);
    std::erase_if(plan.steps, [&](const Step& s) { return s.id == gone.id; });
    for (auto& s : plan.steps)
      if (std::erase(s.after, gone.id) != 0)
        s.after.insert(s.after.end(), gone.after.begin(), gone.after.end());
  }
  std::string verdict() const {
    std::string out;
    for (const auto& finding : check_cache_mix(plan, plan.domains.front(), mix)) {
      EXPECT_EQ(finding.id, "CM-01");
      out += finding.text + "\n";
    }
    return out;
  }
};

TEST(CacheMix, ThePlansOwnOrderHoldsForEveryMix) {
  EXPECT_EQ(World().verdict(), "");
  World without;
  without.facts.zones["alpha.test."].sts.clear();
  without.plan = compute(without.file, without.facts)->plan;
  EXPECT_EQ(without.verdict(), "");
}

TEST(CacheMix, ADomainWithoutSpfGetsTheNewRecordOnlyWhenTheOldSideIsOut) {
  World w;
  auto& sets = w.facts.zones["alpha.test."].snapshot.rrsets;
  std::erase_if(sets,
                [](const ZoneRRset& s) { return s.name == "alpha.test." && s.type == "TXT"; });
  w.mix.zone = w.facts.zones["alpha.test."].snapshot;
  const auto computed = compute(w.file, w.facts);
  ASSERT_TRUE(computed) << computed.error().message();
  w.plan = computed->plan;
  EXPECT_EQ(w.verdict(), "");
  EXPECT_EQ(w.plan.find("overlap:alpha.test"), nullptr);
  ASSERT_NE(w.plan.find("finalize:alpha.test"), nullptr);
  w.no_longer_after("finalize", "spf-wait");
  EXPECT_THAT(w.verdict(), HasSubstr("fails mail of the old provider"));
}

TEST(CacheMix, AddressesCountAndNotWords) {
  World w;
  w.edit("overlap").after = {"\"v=spf1 ip4:192.0.2.0/30 ip4:203.0.113.0/24 ip4:203.0.113.7 ~all\""};
  EXPECT_EQ(w.verdict(), "");
}

TEST(CacheMix, TermsThatOnlyAReceiverCanJudgeMustStandAsTheyAre) {
  World w;
  auto& zone = w.facts.zones["alpha.test."];
  zone.snapshot.rrsets[1] =
      rrset("alpha.test.", "TXT", {"\"v=spf1 exists:%{i}.ok.test redirect=older.test\""});
  w.facts.answers = w.mix.answers = test::spf_answers(w.file, w.facts.zones, test::kSpfWorld);
  w.mix.zone = zone.snapshot;
  const auto computed = compute(w.file, w.facts);
  ASSERT_TRUE(computed) << computed.error().message();
  w.plan = computed->plan;
  EXPECT_EQ(w.plan.domains.front().spf_overlap,
            "v=spf1 exists:%{i}.ok.test include:older.test a:mx.new.test include:new.test ~all");
  EXPECT_EQ(w.verdict(), "");
  w.edit("overlap").after = {"\"v=spf1 include:older.test a:mx.new.test include:new.test ~all\""};
  EXPECT_THAT(w.verdict(),
              HasSubstr("mail of the old provider fails, since exists:%{i}.ok.test is not in it"));
  w.edit("overlap").after = {
      "\"v=spf1 exists:%{i}.ok.test ip4:198.51.100.1 a:mx.new.test include:new.test ~all\""};
  EXPECT_THAT(w.verdict(), HasSubstr("since ptr (in include:older.test) is not in it"));
}

struct WrongOrder {
  const char* name;
  std::function<void(World&)> make;
  const char* sentence;  // what the finding must say
};

class CacheMixOf : public ::testing::TestWithParam<WrongOrder> {};

TEST_P(CacheMixOf, AWrongOrderIsRefusedWithTheMixThatHarms) {
  World w;
  GetParam().make(w);
  EXPECT_THAT(w.verdict(), HasSubstr(GetParam().sentence));
}

const WrongOrder kOrders[] = {
    {"FlipBeforeSpfIsVisible",
     [](World& w) {
       for (auto& s : w.plan.steps) std::erase(s.after, "visible:alpha.test");
     },
     "the old SPF record (v=spf1 mx -all) with the old MX: mail of the new provider fails"},
    {"OldOutOfSpfBeforeItsQueueIsEmpty",
     [](World& w) { w.no_longer_after("finalize", "spf-wait"); },
     "after finalize:alpha.test a receiver may hold the new SPF record"},
    {"NewSpfInsteadOfTheUnion",
     [](World& w) { w.edit("overlap").after = {"\"v=spf1 mx include:new.test -all\""}; },
     "mail of the old provider fails, since ip4:192.0.2.1 is not in it"},
    {"SpfByMxThroughTheFlip",
     [](World& w) {
       w.edit("overlap").after = {"\"v=spf1 mx include:new.test a:mx.new.test -all\""};
     },
     "after flip:alpha.test a receiver may hold the new SPF record (v=spf1 mx include:new.test "
     "a:mx.new.test -all) with the new MX: mail of the old provider fails"},
    {"ANegativeTermTakesFromTheNewSide",
     [](World& w) {
       w.edit("overlap").after = {
           "\"v=spf1 -ip4:203.0.113.7 ip4:192.0.2.1 include:new.test a:mx.new.test -all\""};
     },
     "mail of the new provider fails, since ip4:203.0.113.7 is not in it"},
    {"APrefixThatIsTooLong",
     [](World& w) {
       w.edit("overlap").after = {
           "\"v=spf1 ip4:192.0.2.1 a:mx.new.test ip4:203.0.113.128/25 -all\""};
     },
     "mail of the new provider fails, since ip4:203.0.113.0/30 is not in it"},
    {"AnIncludeThatNobodyLookedUp",
     [](World& w) { w.edit("overlap").after = {"\"v=spf1 include:else.test -all\""}; },
     "passes SPF after overlap:alpha.test is not known"},
    {"SecondSpfRecordBesideTheFirst", [](World& w) { w.edit("overlap").before.clear(); },
     "two SPF records"},
    {"DkimNotVisibleBeforeTheFlip", [](World& w) { w.no_longer_after("visible", "names-visible"); },
     "the old data of new._domainkey.alpha.test./TXT: DKIM signatures of the new provider"},
    {"DkimAfterTheFlip",
     [](World& w) {
       w.no_longer_after("visible", "names-visible");
       w.no_longer_after("overlap", "names");
       w.after("names", "flip");
     },
     "DKIM signatures of the new provider do not verify"},
    {"OldKeyReplacedWhileItSigns",
     [](World& w) {
       DnsEdit edit = w.edit("names");
       edit.name = "old._domainkey.alpha.test.";
       std::get<DnsChangeAction>(w.step("names").action).edits.push_back(edit);
     },
     "DKIM signatures of the old provider do not verify"},
    {"IdBeforeThePolicyFile",
     [](World& w) {
       w.no_longer_after("sts-id", "sts-policy");
       w.after("sts-policy", "sts-id");
       w.after("visible", "sts-policy");
     },
     "the new MX (mx.new.test.) while a sender holds the old MTA-STS policy"},
    {"FlipBeforeTheHold", [](World& w) { w.remove("sts-hold"); },
     "after flip:alpha.test a cache may hold the new MX (mx.new.test.) while a sender holds the "
     "old "
     "MTA-STS policy, which does not list mx.new.test."},
    {"PolicyOfTheNewHostsAloneBeforeTheFlip",
     [](World& w) {
       std::get<ManualAction>(w.step("sts-policy").action).text = w.plan.domains.front().sts_after;
     },
     "after sts-policy:alpha.test a cache may hold the old MX (mx.old.test.) while a sender holds "
     "the new MTA-STS policy, which does not list mx.old.test."},
    {"LastPolicyBeforeTheOldMxHasRunOut",
     [](World& w) { w.step("sts-policy-new").after = {"flip:alpha.test"}; },
     "after sts-policy-new:alpha.test a cache may hold the old MX"},
    {"LastPolicyThoughTheOldTtlWasNotWaitedOut",
     [](World& w) { std::get<TtlWaitAction>(w.step("ttl-wait").action).sets.clear(); },
     "after sts-policy-new:alpha.test a cache may hold the old MX"},
    {"MxTakenOutBeforeTheNewOneIsIn",
     [](World& w) {
       Step first = w.step("flip");
       first.id = "empty:alpha.test";
       std::get<DnsChangeAction>(first.action).edits.front().after.clear();
       w.plan.steps.push_back(first);
       w.after("flip", "empty");
     },
     "after empty:alpha.test a cache may hold no MX at all"},
    {"FlipWithoutACanary",
     [](World& w) {
       for (const auto* gate : {"gate", "gate-tls"}) w.no_longer_after(gate, "canary-direct");
     },
     "no canary has proved that mx.new.test. takes the domain's mail"},
    {"TwoDmarcRecords",
     [](World& w) {
       DnsEdit edit = w.edit("overlap");
       edit.name = "_dmarc.alpha.test.";
       edit.before.clear();
       edit.after = {"\"v=DMARC1; p=none\""};
       std::get<DnsChangeAction>(w.step("overlap").action).edits.push_back(edit);
     },
     "a cache may hold 2 DMARC records at once"},
    {"ACircle",
     [](World& w) {
       w.after("names", "report");
       w.step("names").after = {"flip:alpha.test"};
       w.after("flip", "names");
     },
     "wait for each other"},
};

INSTANTIATE_TEST_SUITE_P(Seeded, CacheMixOf, ::testing::ValuesIn(kOrders),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(CacheMix, AFindingCannotBeAccepted) {
  World w;
  w.file.domains[0].spf.clear();  // `mx` of the old record would mean the new host
  w.file.accept.push_back({"CM-01", "we like it"});
  const auto computed = compute(w.file, w.facts);
  ASSERT_TRUE(computed) << computed.error().message();
  const auto found = std::find_if(computed->findings.begin(), computed->findings.end(),
                                  [](const Finding& f) { return f.id == "CM-01"; });
  ASSERT_NE(found, computed->findings.end());
  EXPECT_EQ(found->severity, Severity::block);
  EXPECT_EQ(found->accepted, "");
  EXPECT_THAT(found->remedy, HasSubstr("cannot be accepted"));
}

}  // namespace
}  // namespace mxferry::plan
