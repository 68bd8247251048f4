// SPDX-License-Identifier: Apache-2.0
// The plugin through the host against real name servers (Knot and BIND), and against answers that
// were forged, cut or replayed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "plugin/registry.hpp"
#include "support/lab_server.hpp"

namespace mxferry::plugin {
namespace {

Registry built() {
  return Registry::scan({std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins"});
}

const char* const kZone =
    "$TTL 40\n@ SOA ns1 hostmaster 1 3600 600 86400 10\n@ NS ns1\nns1 A 127.77.61.11\n@ MX 10 "
    "mx.old.example.\n"
    "@ TXT \"v=spf1 mx -all\"\n@ TXT \"other=1\"\nmx A 127.77.61.2\n*.wild TXT \"w\"\n";

std::multiset<std::string> rdata_of(const ZoneRRset* set) {
  std::multiset<std::string> out;
  if (set != nullptr)
    for (const auto& r : set->records) out.insert(r.rdata);
  return out;
}
ZoneRRset rrset(const std::string& name, const std::string& type, std::uint32_t ttl,
                const std::vector<std::string>& rdata) {
  ZoneRRset set{name, type, ttl, {}, {}};
  for (const auto& r : rdata) set.records.push_back({r});
  return set;
}

/// One server for all tests of a kind; the parameter is the script's name.
class RealServer : public testing::TestWithParam<std::string> {
 protected:
  struct Running {
    std::string address, port;
    std::unique_ptr<test::LabServer> lab;
  };
  static Running& running(const std::string& name) {
    static std::map<std::string, Running> all;
    auto& entry = all[name];
    if (entry.lab) return entry;
    const test::TempDir zones;
    std::ofstream zone(zones / "u.test.zone");
    zone << kZone;
    for (int i = 0; i < 3000; ++i)
      zone << "host" << i << " A 192.0.2.1\nhost" << i << " TXT \"" << std::string(40, 'x')
           << "\"\n";
    zone.close();
    entry.address = name == "bind" ? "127.0.0.1" : "127.77.61.11";
    entry.port = test::free_port(entry.address);
    entry.lab = std::make_unique<test::LabServer>(
        name, std::vector<std::string>{"address=" + entry.address, "port=" + entry.port,
                                       "zone=u.test:" + (zones / "u.test.zone").string(),
                                       "tsig=lab.", "transfer=tsig"});
    return entry;
  }
  static test::LabServer& server(const std::string& name) { return *running(name).lab; }
  void SetUp() override {
    auto& s = server(GetParam());
    MXF_NEED_SERVER(s);
    auto opened = open({});
    ASSERT_TRUE(opened) << opened.error().message();
    api = *std::move(opened);
  }
  static std::string address() {
    return running(GetParam()).address + ":" + running(GetParam()).port;
  }
  Result<std::unique_ptr<DnsApi>> open(const Config& more, const std::string& secret = {},
                                       HostOptions options = {}) {
    Config config{{"server", address()}, {"key_name", "lab."}};
    for (const auto& [k, v] : more) config[k] = v;
    return built().open_dns(
        "rfc2136", config,
        {{"tsig_secret", Secret(secret.empty() ? server(GetParam()).file("tsig.secret") : secret)}},
        std::move(options));
  }
  ZoneSnapshot read() {
    auto zone = api->list_records("u.test.", {});
    if (!zone) throw std::runtime_error(zone.error().message());  // fails the test with these words
    return *zone;
  }
  Result<ApplyOutcome> apply(std::optional<ZoneRRset> before, std::optional<ZoneRRset> after) {
    const ZoneChange change{std::move(before), std::move(after)};
    return api->apply("u.test.", {&change, 1}, {});
  }
  std::unique_ptr<DnsApi> api;
};

TEST_P(RealServer, TransfersAZoneOfManyMessages) {
  const auto zone = read();
  EXPECT_EQ(zone.rrsets.size(), 6007U);
  ASSERT_NE(zone.find("u.test.", "MX"), nullptr);
  EXPECT_EQ(rdata_of(zone.find("u.test.", "MX")), std::multiset<std::string>{"10 mx.old.example."});
  EXPECT_EQ(zone.find("u.test.", "MX")->ttl, 40U);
  EXPECT_EQ(rdata_of(zone.find("u.test.", "TXT")),
            (std::multiset<std::string>{"\"other=1\"", "\"v=spf1 mx -all\""}));
  EXPECT_NE(zone.find("*.wild.u.test.", "TXT"), nullptr);
  const auto info = api->describe_zone("u.test.", {});
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->name_servers, std::vector<std::string>{"ns1.u.test."});
  EXPECT_FALSE(api->describe_zone("other.example.", {}));
  EXPECT_FALSE(api->list_records("other.example.", {}));
}

TEST_P(RealServer, PrerequisitesMakeEveryChangeACompareAndSwap) {
  const auto before = *read().find("u.test.", "MX");
  const auto after = rrset("u.test.", "MX", 10, {"10 mx1.new.example.", "20 mx2.new.example."});
  auto done = apply(before, after);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->applied, Applied::all);
  auto zone = read();
  EXPECT_EQ(rdata_of(zone.find("u.test.", "MX")), rdata_of(&after));
  EXPECT_EQ(zone.find("u.test.", "MX")->ttl, 10U);

  const auto stale = apply(before, after);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict);
  EXPECT_NE(stale.error().text.find("NXRRSET"), std::string::npos) << stale.error().message();
  const auto exists = apply(std::nullopt, after);
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().code, ErrorCode::conflict);
  EXPECT_NE(exists.error().text.find("nothing was changed"), std::string::npos);

  const auto key =
      rrset("sel._domainkey.u.test.", "TXT", 30,
            {"\"v=DKIM1; p=" + std::string(200, 'A') + "\" \"" + std::string(200, 'B') + "\""});
  ASSERT_TRUE(apply(std::nullopt, key));
  const auto stored = *read().find(key.name, "TXT");
  EXPECT_EQ(rdata_of(&stored), rdata_of(&key));
  ASSERT_TRUE(apply(stored, std::nullopt));
  ASSERT_TRUE(apply(after, before));
  zone = read();
  EXPECT_EQ(rdata_of(zone.find("u.test.", "MX")), rdata_of(&before));
  EXPECT_EQ(zone.find(key.name, "TXT"), nullptr);
}

TEST_P(RealServer, AllChangesOfOneUpdateOrNone) {
  const auto before = *read().find("u.test.", "MX");
  const std::vector<ZoneChange> changes{
      {before, rrset("u.test.", "MX", 10, {"10 x.example."})},
      {rrset("gone.u.test.", "A", 1, {"192.0.2.9"}), std::nullopt}};
  const auto result = api->apply("u.test.", changes, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::conflict);
  EXPECT_EQ(rdata_of(read().find("u.test.", "MX")), rdata_of(&before));
}

TEST_P(RealServer, TheApexNameServersAreReplacedWithoutAGap) {
  const auto before = *read().find("u.test.", "NS");
  const auto after = rrset("u.test.", "NS", 40, {"ns.other.example."});
  ASSERT_TRUE(apply(before, after));
  EXPECT_EQ(rdata_of(read().find("u.test.", "NS")), rdata_of(&after));
  ASSERT_TRUE(apply(after, before));
  EXPECT_EQ(rdata_of(read().find("u.test.", "NS")), rdata_of(&before));
  EXPECT_FALSE(apply(before, std::nullopt));
}

TEST_P(RealServer, WrongKeysAndClocksAreAuthErrorsThatShowNoSecret) {
  const std::string wrong_secret = "bWFya2VyLW9mLWEtd3Jvbmctc2VjcmV0LW1hcmtlcg==";
  auto wrong = open({}, wrong_secret);
  ASSERT_TRUE(wrong) << wrong.error().message();
  auto zone = (*wrong)->list_records("u.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::auth) << zone.error().message();
  EXPECT_EQ(zone.error().message().find("bWFya2Vy"), std::string::npos);
  const auto before = *read().find("u.test.", "MX");
  const ZoneChange change{before, rrset("u.test.", "MX", 10, {"10 x.example."})};
  const auto done = (*wrong)->apply("u.test.", {&change, 1}, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::auth);
  EXPECT_NE(done.error().text.find("nothing was changed"), std::string::npos);

  auto unknown = open({{"key_name", "nobody."}});
  ASSERT_TRUE(unknown);
  EXPECT_EQ((*unknown)->list_records("u.test.", {}).error().code, ErrorCode::auth);

  ManualClock past(SystemClock().now() - std::chrono::hours(2));
  HostOptions options;
  options.clock = &past;
  auto late = open({}, {}, options);
  ASSERT_TRUE(late);
  zone = (*late)->list_records("u.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::auth);
  EXPECT_NE(zone.error().text.find("clock"), std::string::npos) << zone.error().message();
}

TEST_P(RealServer, WithoutAKeyTheTransferIsRefused) {
  auto plain = built().open_dns("rfc2136", {{"server", address()}}, {});
  ASSERT_TRUE(plain) << plain.error().message();
  const auto zone = (*plain)->list_records("u.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_TRUE(zone.error().code == ErrorCode::denied || zone.error().code == ErrorCode::not_found)
      << zone.error().message();
}

TEST_P(RealServer, RdataThatIsNoneIsRefusedBeforeAnythingIsSent) {
  for (const auto& bad :
       {rrset("x.u.test.", "MX", 10, {"ten mx."}), rrset("x.u.test.", "A", 10, {"192.0.2.300"}),
        rrset("x.u.test.", "SOA", 10, {"a. b. 1 2 3 4 5"}),
        rrset("x.u.test.", "A", 10, {"192.0.2.1\n@ A 192.0.2.2"})}) {
    const auto result = apply(std::nullopt, bad);
    ASSERT_FALSE(result) << bad.type;
    EXPECT_EQ(result.error().code, ErrorCode::refused) << result.error().message();
    EXPECT_NE(result.error().text.find("nothing was changed"), std::string::npos);
  }
}

// Catches what was sent and answers with it, changed: what an attacker on the path could do.
TEST_P(RealServer, AnAnswerThatWasForgedOrReplayedIsNotBelieved) {
  std::string recorded;
  {
    // A true answer: the request itself with QR set is the nearest thing that has a valid form.
    HostOptions options;
    options.seed = 7;
    options.exchange = [&](const std::string&, std::string_view q) -> Result<std::string> {
      std::string reply(q);
      reply[2] = static_cast<char>(reply[2] | static_cast<char>(0x80));
      return reply;
    };
    auto echo = open({}, {}, options);
    ASSERT_TRUE(echo);
    const auto zone = (*echo)->list_records("u.test.", {});
    ASSERT_FALSE(zone);
    EXPECT_EQ(zone.error().code, ErrorCode::auth) << zone.error().message();
    const auto change = ZoneChange{std::nullopt, rrset("x.u.test.", "A", 10, {"192.0.2.1"})};
    const auto done = (*echo)->apply("u.test.", {&change, 1}, {});
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().text.find("unknown"), std::string::npos);
  }
  for (const std::size_t cut : {0U, 5U, 11U, 12U, 20U, 30U, 60U}) {
    HostOptions options;
    options.exchange = [&](const std::string&, std::string_view q) -> Result<std::string> {
      std::string reply(q.substr(0, std::min(cut, q.size())));
      if (reply.size() > 2) reply[2] = static_cast<char>(reply[2] | static_cast<char>(0x80));
      return reply;
    };
    auto cutting = open({}, {}, options);
    ASSERT_TRUE(cutting);
    EXPECT_FALSE((*cutting)->list_records("u.test.", {})) << cut;
  }
  // NOERROR without a signature must not pass for done.
  HostOptions options;
  options.exchange = [&](const std::string&, std::string_view q) -> Result<std::string> {
    std::string reply(q.substr(0, 2));
    reply += std::string("\xa8\x00", 2) + std::string(8, '\0');
    return reply;
  };
  auto unsigned_ok = open({}, {}, options);
  ASSERT_TRUE(unsigned_ok);
  const auto change = ZoneChange{std::nullopt, rrset("x.u.test.", "A", 10, {"192.0.2.1"})};
  const auto done = (*unsigned_ok)->apply("u.test.", {&change, 1}, {});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text.find("not signed"), std::string::npos) << done.error().message();
}

INSTANTIATE_TEST_SUITE_P(Servers, RealServer, testing::Values("knot", "bind"),
                         [](const auto& param) { return param.param; });

TEST(Rfc2136, SettingsAreCheckedAtOpen) {
  const auto open = [](const Config& more, const std::string& secret) {
    Config config{{"server", "127.0.0.1:5399"}, {"key_name", "k."}};
    for (const auto& [k, v] : more) config[k] = v;
    return built().open_dns("rfc2136", config, {{"tsig_secret", Secret(secret)}});
  };
  EXPECT_TRUE(open({}, "AAAAAAAAAAAAAAAAAAAAAA=="));
  for (const auto& [config, secret] : std::vector<std::pair<Config, std::string>>{
           {{}, "not base64!"},
           {{}, "c2hvcnQ="},
           {{{"algorithm", "hmac-md5"}}, "AAAAAAAAAAAAAAAAAAAAAA=="},
           {{{"fudge", "0"}}, "AAAAAAAAAAAAAAAAAAAAAA=="},
           {{{"fudge", "many"}}, "AAAAAAAAAAAAAAAAAAAAAA=="}}) {
    const auto api = open(config, secret);
    ASSERT_FALSE(api);
    EXPECT_EQ(api.error().code, ErrorCode::config) << api.error().message();
    EXPECT_EQ(api.error().message().find(secret), std::string::npos);
  }
}

TEST(Rfc2136, ANameServerThatIsNotThereIsANetworkError) {
  auto api = built().open_dns("rfc2136", {{"server", "127.77.61.99:5398"}}, {});
  ASSERT_TRUE(api);
  const auto zone = (*api)->list_records("u.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::network) << zone.error().message();
}

}  // namespace
}  // namespace mxferry::plugin
