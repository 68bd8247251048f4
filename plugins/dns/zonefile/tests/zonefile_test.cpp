// SPDX-License-Identifier: Apache-2.0
// The plugin through the host on real files; what it writes is read by another program's reader
// too.
#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../../tests/dns_plugin_row.hpp"
#include "plugin/check.hpp"
#include "protocol/dns/rdata.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::plugin {
namespace {

constexpr const char* kZone = "example.test.";
constexpr const char* kFile =
    "; the zone of example.test, kept by hand\n"
    "$TTL 1h\n"
    "@\tIN SOA ns1 hostmaster (\n"
    "\t\t2026112701 ; serial\n"
    "\t\t2h 15m 2w 5m )\n"
    "\tNS ns1\n"
    "\tNS ns2.elsewhere.test.\n"
    "@\t3600 IN MX 10 mx1.old.test.\n"
    "\tMX 20 mx2.old.test.   ; the spare one\n"
    "\tTXT \"v=spf1 include:old.test -all\"\n"
    "\tTXT ( \"google-site-\"\n\t\t\"verification=abc\" )\n"
    "\tA 192.0.2.1\n"
    "ns1\tA 192.0.2.53\n"
    "$ORIGIN _domainkey.example.test.\n"
    "two\tCNAME two.dkim.old.test.\n"
    "$ORIGIN example.test.\n"
    "_dmarc TXT \"v=DMARC1; p=none\" ; a ; in quotes is none\n"
    "sub 1d NS ns1.elsewhere.test.\n";

class ZoneFileTest : public testing::Test {
 protected:
  void SetUp() override { write(kFile); }
  void write(const std::string& text) { std::ofstream(path(), std::ios::binary) << text; }
  std::string path() const { return (dir.path() / "example.test.zone").string(); }
  std::string text() const {
    std::stringstream out;
    out << std::ifstream(path(), std::ios::binary).rdbuf();
    return out.str();
  }
  std::unique_ptr<DnsApi> open(Config more = {}) {
    more["zone"] = "example.test";
    more["file"] = path();
    auto opened = Registry::scan({std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins"})
                      .open_dns("zonefile", more, {});
    EXPECT_TRUE(opened) << opened.error().message();
    return opened ? *std::move(opened) : nullptr;
  }
  ZoneSnapshot read() {
    const auto zone = open()->list_records(kZone, {});
    EXPECT_TRUE(zone) << zone.error().message();
    return zone ? *zone : ZoneSnapshot{};
  }
  Result<std::vector<ZoneChange>> apply(const std::vector<DnsEdit>& edits) {
    auto api = open();
    return dns::apply_edits(*api, kZone, edits, {}, {});
  }
  // A second reader of master files, ldns, finds as many records as the plugin.
  void expect_readable() {
    std::FILE* in = std::fopen(path().c_str(), "r");
    ASSERT_NE(in, nullptr);
    ldns_rdf* origin = ldns_dname_new_frm_str(kZone);
    ldns_zone* zone = nullptr;
    int line = 0;
    const auto status = ldns_zone_new_frm_fp_l(&zone, in, origin, 3600, LDNS_RR_CLASS_IN, &line);
    std::fclose(in);
    ldns_rdf_deep_free(origin);
    ASSERT_EQ(status, LDNS_STATUS_OK)
        << "line " << line << ": " << ldns_get_errorstr_by_id(status) << "\n"
        << text();
    std::size_t ours = 0;
    for (const auto& set : read().rrsets) ours += set.records.size();
    EXPECT_EQ(ldns_zone_rr_count(zone) + 1, ours) << text();  // the SOA is not counted there
    ldns_zone_deep_free(zone);
  }
  test::TempDir dir;
};

TEST_F(ZoneFileTest, ReadsOwnersOriginsTtlsAndParentheses) {
  const auto zone = read();
  EXPECT_EQ(zone.rrsets.size(), 9U);
  const auto* mx = zone.find(kZone, "MX");
  ASSERT_NE(mx, nullptr);
  EXPECT_EQ(mx->ttl, 3600U);
  EXPECT_EQ(mx->records.size(), 2U);
  ASSERT_NE(zone.find("two._domainkey.example.test.", "CNAME"), nullptr);
  EXPECT_EQ(zone.find("sub.example.test.", "NS")->ttl, 86400U);
  EXPECT_EQ(*dns::txt_text(zone.find(kZone, "TXT")->records.at(1).rdata),
            "google-site-verification=abc");
  EXPECT_EQ(zone.find(kZone, "NS")->records.at(0).rdata, "ns1.example.test.");
  const auto info = open()->describe_zone(kZone, {});
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->name_servers.size(), 2U);
}

TEST_F(ZoneFileTest, LowersFlipsRaisesAndGoesBackAndLeavesTheRestAsItIs) {
  const auto steps = cutover_edits(kZone, 60);
  const auto before = read();
  int serial = 2026112701;
  for (const auto* step : {&steps.lower, &steps.flip, &steps.raise, &steps.back}) {
    const auto made = apply(*step);
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->size(), step->size());
    EXPECT_NE(text().find(std::to_string(++serial) + " ; serial"), std::string::npos) << text();
    const auto written = text();
    const auto again = apply(*step);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->empty());
    EXPECT_EQ(text(), written) << "what stands is not written again";
    expect_readable();
  }
  auto now = read();
  EXPECT_EQ(now.find(kZone, "MX")->records.size(), 2U);
  for (const auto& set : before.rrsets) {
    const auto* found = now.find(set.name, set.type);
    ASSERT_NE(found, nullptr) << set.name;
    EXPECT_EQ(found->ttl, set.ttl) << set.name << set.type;
  }
  EXPECT_EQ(now.rrsets.size(), before.rrsets.size());
  for (const std::string kept : {"; the zone of example.test, kept by hand", "2h 15m 2w 5m )",
                                 "_dmarc TXT \"v=DMARC1; p=none\" ; a ; in quotes is none"})
    EXPECT_NE(text().find(kept), std::string::npos) << kept;
}

// The address behind the removed TXT lines had no owner of its own.
TEST_F(ZoneFileTest, ARecordKeepsTheOwnerThatItTookFromALineThatIsGone) {
  const auto zone = read();
  const ZoneChange gone{*zone.find(kZone, "TXT"), std::nullopt};
  ASSERT_TRUE(open()->apply(kZone, {&gone, 1}, {}));
  EXPECT_NE(read().find(kZone, "A"), nullptr);
  expect_readable();
}

TEST_F(ZoneFileTest, RefusesWhatSomebodyElseChangedAndLeavesTheFile) {
  const auto zone = read();
  ZoneChange change{*zone.find(kZone, "MX"), *zone.find(kZone, "MX")};
  change.after->ttl = 60;
  auto other = std::string(kFile);
  other.replace(other.find("mx2.old"), 7, "mx3.old");
  write(other);
  const auto stale = open()->apply(kZone, {&change, 1}, {});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict) << stale.error().message();
  EXPECT_EQ(text(), other);
}

TEST_F(ZoneFileTest, AnOddValueComesBackAsItIsOrIsRefused) {
  for (const std::string& value :
       {std::string("line\nbreak"), std::string("quo\"te"), std::string("semi;colon"),
        std::string("$INCLUDE /etc/passwd"), std::string("nul\0byte", 8), std::string("\xff"),
        std::string("back\\slash"), std::string("(open"), std::string(700, 'x')}) {
    write(kFile);
    const auto rdata = dns::txt_rdata(value);
    const auto made = apply({{DnsEdit::Kind::set, "odd.example.test.", "TXT", {}, {rdata}, 60}});
    ASSERT_TRUE(made) << value << made.error().message();
    const auto zone = read();
    const auto* set = zone.find("odd.example.test.", "TXT");
    ASSERT_NE(set, nullptr) << value;
    EXPECT_EQ(*dns::txt_text(set->records.at(0).rdata), value);
    expect_readable();
  }
  write(kFile);
  const ZoneChange raw{
      std::nullopt, ZoneRRset{"odd.example.test.", "TXT", 60, {}, {{"\"x\"\n@ MX 10 evil.test."}}}};
  EXPECT_FALSE(open()->apply(kZone, {&raw, 1}, {}));
  const ZoneChange more{std::nullopt, ZoneRRset{"odd.example.test.", "TXT", 60, {}, {{"( \"x\""}}}};
  EXPECT_FALSE(open()->apply(kZone, {&more, 1}, {}));
  EXPECT_EQ(text(), kFile);
}

TEST_F(ZoneFileTest, AFileThatIsNotUnderstoodIsNeitherReadNorChanged) {
  const std::string good = kFile;
  for (const auto& broken :
       {std::string(), std::string("\n"), good + "$INCLUDE other.zone\n",
        good + "$GENERATE 1-9 h$ A 192.0.2.$\n", good + "x TXT \"open\n", good + "x TXT ( \"a\"\n",
        good.substr(good.find("\tNS")), good + "x CH TXT \"a\"\n",
        good + "other.test. A 192.0.2.1\n", good + "x\n", std::string("@ SOA a. b. 1 2 3 4 5\n")}) {
    write(broken);
    const auto zone = open()->list_records(kZone, {});
    EXPECT_FALSE(zone) << broken;
    const ZoneChange change{std::nullopt,
                            ZoneRRset{"n.example.test.", "A", 60, {}, {{"192.0.2.2"}}}};
    EXPECT_FALSE(open()->apply(kZone, {&change, 1}, {}));
    EXPECT_EQ(text(), broken);
  }
  std::filesystem::remove(path());
  EXPECT_FALSE(open()->list_records(kZone, {}));
}

TEST_F(ZoneFileTest, CnamesStandAloneAndCutsAreRespected) {
  using How = DnsEdit::Kind;
  const std::string key = "two._domainkey.example.test.";
  EXPECT_FALSE(apply({{How::set, key, "TXT", {}, {"\"v=DKIM1; p=\""}, 60}}));
  EXPECT_FALSE(apply({{How::set, "mx.sub.example.test.", "A", {}, {"192.0.2.9"}, 60}}));
  EXPECT_EQ(text(), kFile);
  const auto swap = apply({{How::set, key, "CNAME", {"two.dkim.old.test."}, {}, {}},
                           {How::set, key, "TXT", {}, {"\"v=DKIM1; p=\""}, 60}});
  ASSERT_TRUE(swap) << swap.error().message();
  expect_readable();
}

TEST_F(ZoneFileTest, TheProgramOfReloadRunsAfterAWrite) {
  const auto mark = (dir.path() / "reloaded").string();
  const auto program = (dir.path() / "reload").string();
  std::ofstream(program) << "#!/bin/sh\necho yes > " << mark << "\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto zone = read();
  ZoneChange change{*zone.find(kZone, "MX"), *zone.find(kZone, "MX")};
  change.after->ttl = 60;
  ASSERT_TRUE(open({{"reload", program}})->apply(kZone, {&change, 1}, {}));
  EXPECT_TRUE(std::filesystem::exists(mark));
}

TEST(ZoneFile, PassesTheConformanceKit) {
  EXPECT_TRUE(run_checks(
      std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins/zonefile", 7,
      [](const std::string&) {},
      [](const CheckResult& r) {
        EXPECT_EQ(r.outcome, CheckResult::Outcome::passed) << r.name << ": " << r.detail;
      }));
}

}  // namespace
}  // namespace mxferry::plugin
