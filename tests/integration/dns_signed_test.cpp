// SPDX-License-Identifier: Apache-2.0
// What signed zones must show, on a real PowerDNS that signs and a real Knot that transfers from
// it, with NSEC and then with NSEC3: each set signed for long enough, each absence proved, and what
// was created or removed known to the chain. Addresses 127.77.73.x.
#include <gmock/gmock.h>

#include "dns/signatures.hpp"
#include "integration/dns_lab.hpp"

namespace mxferry::test {
namespace {

using ::testing::HasSubstr;

constexpr auto kHour = Millis(3'600'000);
const std::string kKey = "key._domainkey.cut.test.";

class DnsSigned : public testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root for port 53";
    lab = std::make_unique<DnsLab>("powerdns");
    if (lab->broken()) FAIL() << lab->problem();
    if (!lab->problem().empty()) GTEST_SKIP() << lab->problem();
    lab->write("want.json", R"({"rrsets":[{"name":"key._domainkey","type":"TXT","ttl":2,
      "records":["v=DKIM1; p=abc"]}]})");
  }
  Assertion look(const std::vector<dns::Question>& questions, Millis overlap = kHour) const {
    dns::Delegation delegation;
    delegation.zone = "cut.test.";
    for (const int n : {2, 3}) {
      dns::NameServer server;
      server.name = "ns" + std::to_string(n - 1) + ".dns.test.";
      server.addresses.push_back({lab->at(n)});
      delegation.servers.push_back(std::move(server));
    }
    return dns::check_signatures(delegation, questions, {SystemClock().now(), overlap}, {});
  }
  // The secondary has the zone a moment later.
  Assertion look_until_it_passes(const std::vector<dns::Question>& questions) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto seen = look(questions);
    while (!seen.passed() && std::chrono::steady_clock::now() < until) seen = look(questions);
    return seen;
  }
  void run_pdnsutil(const std::vector<std::string>& words) const {
    std::vector<std::string> all = {"pdnsutil"};
    all.insert(all.end(), words.begin(), words.end());
    std::string said;
    ASSERT_TRUE(lab->server("primary").run("run", all, &said)) << said;
  }

  const std::vector<dns::Question> present = {
      {"cut.test.", "MX"}, {"cut.test.", "TXT"}, {"www.cut.test.", "A"}};
  const std::vector<dns::Question> absent = {{"cut.test.", "SRV"},
                                             {kKey, "TXT"},
                                             {"deep.below.nothing.cut.test.", "MX"},
                                             {"www.cut.test.", "MX"}};
  std::unique_ptr<DnsLab> lab;
};

TEST_F(DnsSigned, EachSetIsSignedEachAbsenceProvedWithEitherChain) {
  EXPECT_THAT(look(present).why, HasSubstr("has no RRSIG"));
  EXPECT_THAT(look(absent).why, HasSubstr("without a proof"));
  std::string ds;
  ASSERT_TRUE(lab->server("primary").run("sign", {"cut.test"}, &ds)) << ds;
  for (const std::string chain : {"NSEC", "NSEC3"}) {
    SCOPED_TRACE(chain);
    if (chain == "NSEC3") {
      run_pdnsutil({"set-nsec3", "cut.test", "1 0 3 abcd"});
      run_pdnsutil({"rectify-zone", "cut.test"});
      run_pdnsutil({"increase-serial", "cut.test"});
      std::string said;
      lab->server("primary").run("run", {"pdns_control", "purge", "cut.test$"}, &said);
      lab->server("primary").run("run", {"pdns_control", "notify", "cut.test"}, &said);
    }
    const auto there = look_until_it_passes(present);
    EXPECT_TRUE(there.passed()) << there.why;
    const auto gone = look_until_it_passes(absent);
    EXPECT_TRUE(gone.passed()) << gone.why;
    EXPECT_THAT(look(present, kHour * 24 * 60).why, HasSubstr("before older answers"));
    EXPECT_FALSE(look(absent, kHour * 24 * 60).passed()) << "the proof does not last as long";

    // Created, and removed again: the chain follows at both servers.
    const auto snap = lab->file("snap-" + chain);
    const auto applied =
        lab->run("apply", {"--desired", lab->file("want.json"), "--snapshot", snap, "--yes"});
    ASSERT_EQ(applied.exit, 0) << applied.err;
    const auto created = look_until_it_passes({{kKey, "TXT"}});
    EXPECT_TRUE(created.passed()) << created.why;
    EXPECT_EQ(lab->run("restore", {"--snapshot", snap, "--yes"}).exit, 0);
    const auto removed = look_until_it_passes({{kKey, "TXT"}});
    EXPECT_TRUE(removed.passed()) << removed.why;
  }
}

}  // namespace
}  // namespace mxferry::test
