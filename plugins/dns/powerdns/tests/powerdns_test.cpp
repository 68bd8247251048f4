// SPDX-License-Identifier: Apache-2.0
// The plugin through the host: against a real PowerDNS, against a server that answers as PowerDNS
// does when things go wrong, and against recorded answers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plugin/registry.hpp"
#include "support/http_server.hpp"
#include "support/lab_server.hpp"

namespace mxferry::plugin {
namespace {

using test::HttpServer;
using test::ServedRequest;
using test::ServedResponse;

Registry built() {
  return Registry::scan({std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins"});
}

Result<std::unique_ptr<DnsApi>> open_at(const std::string& url, const std::string& key = "k-secret",
                                        HostOptions options = {}) {
  return built().open_dns("powerdns", {{"url", url}}, {{"api_key", Secret(key)}},
                          std::move(options));
}

ZoneChange change(std::optional<ZoneRRset> before, std::optional<ZoneRRset> after) {
  return ZoneChange{std::move(before), std::move(after)};
}
ZoneRRset rrset(const std::string& name, const std::string& type, std::uint32_t ttl,
                const std::vector<std::string>& rdata) {
  ZoneRRset set{name, type, ttl, {}, {}};
  for (const auto& r : rdata) set.records.push_back({r});
  return set;
}
std::multiset<std::string> rdata_of(const ZoneRRset* set) {
  std::multiset<std::string> out;
  if (set != nullptr)
    for (const auto& r : set->records) out.insert(r.rdata);
  return out;
}

class RealPowerDns : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string address = "127.77.61.1";
    const auto api_port = test::free_port(address);
    url = "http://" + address + ":" + api_port;
    server = new test::LabServer(
        "powerdns",
        {"address=" + address, "port=" + test::free_port(address), "api_port=" + api_port});
    if (!server->available()) return;
    const auto zone = server->dir() / "zone";
    std::ofstream(zone)
        << "$TTL 40\n@ SOA ns1 hostmaster 1 3600 600 86400 10\n@ NS ns1\nns1 A 127.77.61.1\n"
           "@ MX 10 mx.old.test.\n@ TXT \"v=spf1 mx -all\" \"\"\n@ TXT \"other=1\"\n"
           "mx A 127.77.61.2\n*.wild TXT \"w\"\n";
    ASSERT_TRUE(server->run("zone", {zone.string(), "one.test"}));
    api = new std::unique_ptr<DnsApi>;
    auto opened = open_at(url, server->file("api.key"));
    ASSERT_TRUE(opened) << opened.error().message();
    *api = *std::move(opened);
  }
  static void TearDownTestSuite() {
    delete api;
    delete server;
  }
  void SetUp() override { MXF_NEED_SERVER(*server); }
  static ZoneSnapshot read() {
    auto zone = (*api)->list_records("one.test.", {});
    EXPECT_TRUE(zone) << zone.error().message();
    return zone ? *zone : ZoneSnapshot{};
  }
  static Result<ApplyOutcome> apply(const std::vector<ZoneChange>& changes) {
    return (*api)->apply("one.test.", changes, {});
  }
  static test::LabServer* server;
  static std::unique_ptr<DnsApi>* api;
  static std::string url;
};
std::string RealPowerDns::url;
test::LabServer* RealPowerDns::server = nullptr;
std::unique_ptr<DnsApi>* RealPowerDns::api = nullptr;

TEST_F(RealPowerDns, ListsZonesAndDescribesOne) {
  const auto zones = (*api)->list_zones({});
  ASSERT_TRUE(zones) << zones.error().message();
  ASSERT_EQ(zones->size(), 1U);
  EXPECT_EQ((*zones)[0].name, "one.test.");
  const auto info = (*api)->describe_zone("one.test.", {});
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->name_servers, std::vector<std::string>{"ns1.one.test."});
  const auto gone = (*api)->describe_zone("gone.test.", {});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
  EXPECT_EQ((*api)->list_records("gone.test.", {}).error().code, ErrorCode::not_found);
}

TEST_F(RealPowerDns, ReadsEveryRRsetOnce) {
  const auto zone = read();
  EXPECT_EQ(zone.rrsets.size(), 7U);
  ASSERT_NE(zone.find("one.test.", "MX"), nullptr);
  EXPECT_EQ(zone.find("one.test.", "MX")->ttl, 40U);
  EXPECT_EQ(rdata_of(zone.find("one.test.", "MX")), std::multiset<std::string>{"10 mx.old.test."});
  EXPECT_EQ(zone.find("one.test.", "TXT")->records.size(), 2U);
  EXPECT_NE(zone.find("*.wild.one.test.", "TXT"), nullptr);
}

TEST_F(RealPowerDns, ReplacesInOneStepAndNoticesAStaleBefore) {
  const auto before = *read().find("one.test.", "MX");
  const auto after = rrset("one.test.", "MX", 10, {"10 mx1.new.test.", "20 mx2.new.test."});
  const auto added = rrset("sel._domainkey.one.test.", "TXT", 30,
                           {"\"v=DKIM1; p=" + std::string(400, 'A') + "\""});
  const auto done = apply({change(before, after), change(std::nullopt, added)});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->applied, Applied::all);
  auto zone = read();
  EXPECT_EQ(rdata_of(zone.find("one.test.", "MX")), rdata_of(&after));
  EXPECT_EQ(zone.find("one.test.", "MX")->ttl, 10U);
  ASSERT_NE(zone.find(added.name, "TXT"), nullptr);

  const auto stale = apply({change(before, after)});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict);
  EXPECT_NE(stale.error().text.find("nothing was changed"), std::string::npos);
  const auto exists = apply({change(std::nullopt, after)});
  ASSERT_FALSE(exists);
  EXPECT_EQ(exists.error().code, ErrorCode::conflict);

  // The long string, which the server has split, still counts as the same; case of names too.
  auto upper = after;
  upper.records = {{"20 MX2.NEW.test."}, {"10  mx1.new.test."}};
  ASSERT_TRUE(apply({change(upper, before), change(added, std::nullopt)}));
  zone = read();
  EXPECT_EQ(*zone.find("one.test.", "MX"), before);
  EXPECT_EQ(zone.find(added.name, "TXT"), nullptr);
  const auto gone = apply({change(added, std::nullopt)});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::conflict);
}

TEST_F(RealPowerDns, ARefusedPartLeavesTheWholeUndone) {
  const auto before = *read().find("one.test.", "MX");
  const auto result =
      apply({change(before, rrset("one.test.", "MX", 10, {"10 mx.new.test."})),
             change(std::nullopt, rrset("bad.one.test.", "MX", 10, {"10 without-a-dot"}))});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::refused);
  EXPECT_NE(result.error().text.find("final dot"), std::string::npos) << result.error().message();
  EXPECT_NE(result.error().text.find("nothing was changed"), std::string::npos);
  EXPECT_FALSE(result.error().remote.empty());
  EXPECT_EQ(*read().find("one.test.", "MX"), before);
  const auto cname = apply({change(std::nullopt, rrset("mx.one.test.", "CNAME", 10, {"x.test."}))});
  ASSERT_FALSE(cname);
  EXPECT_NE(cname.error().text.find("CNAME"), std::string::npos) << cname.error().message();
}

TEST_F(RealPowerDns, DisabledRecordsAndCommentsSurviveAReplaceAndARestore) {
  auto set = rrset("kept.one.test.", "A", 60, {"192.0.2.1", "192.0.2.2"});
  set.records[0].extra = R"({"comments":[{"account":"ops","content":"do not touch"}]})";
  set.records[1].extra = R"({"disabled":true})";
  ASSERT_TRUE(apply({change(std::nullopt, set)}));
  const auto first = *read().find("kept.one.test.", "A");
  ASSERT_EQ(first.records.size(), 2U);
  const auto extras = first.records[0].extra + first.records[1].extra;
  EXPECT_NE(extras.find("do not touch"), std::string::npos) << extras;
  EXPECT_NE(extras.find("disabled"), std::string::npos) << extras;
  auto lowered = first;
  lowered.ttl = 10;
  ASSERT_TRUE(apply({change(first, lowered)}));
  auto now = *read().find("kept.one.test.", "A");
  EXPECT_EQ(now.ttl, 10U);
  // A change made of plain records keeps the comments that the server has.
  auto plain = now;
  for (auto& r : plain.records)
    if (r.extra.find("disabled") == std::string::npos) r.extra.clear();
  plain.ttl = 20;
  ASSERT_TRUE(apply({change(now, plain)}));
  now = *read().find("kept.one.test.", "A");
  EXPECT_NE((now.records[0].extra + now.records[1].extra).find("do not touch"), std::string::npos);
  ASSERT_TRUE(apply({change(now, std::nullopt)}));
  ASSERT_TRUE(apply({change(std::nullopt, first)}));
  const auto restored = *read().find("kept.one.test.", "A");
  EXPECT_EQ(
      (restored.records[0].extra + restored.records[1].extra).find("disabled") != std::string::npos,
      true);
  EXPECT_NE((restored.records[0].extra + restored.records[1].extra).find("do not touch"),
            std::string::npos);
  ASSERT_TRUE(apply({change(restored, std::nullopt)}));
}

TEST_F(RealPowerDns, AWrongKeyIsAnAuthErrorThatDoesNotShowIt) {
  auto wrong = open_at(url, "marker-of-the-wrong-key");
  ASSERT_TRUE(wrong);
  const auto zone = (*wrong)->list_records("one.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::auth);
  EXPECT_EQ(zone.error().message().find("marker"), std::string::npos);
}

const char* const kZone =
    R"({"name":"z.test.","id":"z.test.","kind":"Master","serial":1,"rrsets":[{"name":"z.test.","type":"MX","ttl":60,)"
    R"("comments":[],"records":[{"content":"10 a.","disabled":false}]}]})";

TEST(PowerDns, AnAnswerThatIsNoZoneIsNeverAnEmptyOne) {
  for (const std::string body :
       {"", "{}", "[]", "null", "<html>busy</html>", R"({"name":"z.test."})",
        R"({"name":"z.test.","rrsets":null})", R"({"name":"other.test.","rrsets":[]})",
        R"({"name":"z.test.","rrsets":[{"name":"z.test.","type":"MX","ttl":-1,"records":[]}]})"}) {
    HttpServer server([&](const ServedRequest&) {
      return ServedResponse{200, {}, body, false, false};
    });
    auto api = open_at(server.url(""));
    ASSERT_TRUE(api);
    const auto zone = (*api)->list_records("z.test.", {});
    ASSERT_FALSE(zone) << body;
    EXPECT_EQ(zone.error().code, ErrorCode::protocol) << body;
  }
}

TEST(PowerDns, EachStepOfAWriteFailsInTurnAndSaysWhatIsKnown) {
  const auto before = rrset("z.test.", "MX", 60, {"10 a."});
  const auto after = rrset("z.test.", "MX", 60, {"10 b."});
  struct Case {
    std::string method;
    int status;
    bool close;
    std::string expected;
  };
  for (const auto& c : std::vector<Case>{{"GET", 500, false, "nothing was changed"},
                                         {"GET", 401, false, "nothing was changed"},
                                         {"PATCH", 422, false, "nothing was changed"},
                                         {"PATCH", 500, false, "unknown"},
                                         {"PATCH", 200, true, "unknown"},
                                         {"PUT", 500, false, ""},
                                         {"PUT", 200, true, ""}}) {
    HttpServer server([&](const ServedRequest& q) {
      if (q.method == c.method && (c.close || c.status != 200))
        return ServedResponse{c.status, {}, "x", false, c.close};
      if (q.method == "GET") return ServedResponse{200, {}, kZone, false, false};
      return ServedResponse{q.method == "PUT" ? 200 : 204, {}, "", false, false};
    });
    auto api = open_at(server.url(""));
    ASSERT_TRUE(api);
    const ZoneChange list = change(before, after);
    const auto done = (*api)->apply("z.test.", {&list, 1}, {});
    if (c.expected.empty()) {
      ASSERT_TRUE(done) << c.method << " " << done.error().message();
      EXPECT_EQ(done->applied, Applied::all);
      continue;
    }
    ASSERT_FALSE(done) << c.method;
    EXPECT_NE(done.error().text.find(c.expected), std::string::npos)
        << c.method << c.status << done.error().message();
    std::size_t patches = 0;
    for (const auto& q : server.requests()) patches += q.method == "PATCH" ? 1 : 0;
    EXPECT_LE(patches, 1U) << "a write is never repeated blindly";
  }
}

// Recorded answers of a real server (reads only: the writes of a recording are another client's).
TEST(PowerDns, ReadsEveryRecordedZone) {
  const std::filesystem::path folder = std::filesystem::path(MXF_FIXTURES_DIR) / "dns/powerdns";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no recorded exchanges at " << folder;
  std::size_t zones = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    for (const auto& exchange : nlohmann::json::parse(text.str())) {
      const std::string url = exchange["request"]["url"];
      if (exchange["request"]["method"] != "GET") continue;
      const unsigned status = exchange["response"]["status"];
      const std::string body = exchange["response"]["body"];
      HostOptions options;
      options.http = [&](const net::HttpRequest&) -> Result<net::HttpResponse> {
        net::HttpResponse r;
        r.code = status;
        r.body = body;
        return r;
      };
      auto api = open_at("http://127.0.0.1:8081", "k-secret", options);
      ASSERT_TRUE(api);
      const auto zone = url.substr(url.rfind('/') + 1);
      const auto snapshot = (*api)->list_records(zone, {});
      if (status != 200) {
        ASSERT_FALSE(snapshot);
        EXPECT_EQ(snapshot.error().code, ErrorCode::not_found) << snapshot.error().message();
        continue;
      }
      ASSERT_TRUE(snapshot) << entry.path() << snapshot.error().message();
      EXPECT_EQ(snapshot->rrsets.size(), nlohmann::json::parse(body)["rrsets"].size());
      ++zones;
    }
  }
  EXPECT_GT(zones, 20U);
}

}  // namespace
}  // namespace mxferry::plugin
