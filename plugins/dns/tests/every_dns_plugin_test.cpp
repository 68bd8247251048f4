// SPDX-License-Identifier: Apache-2.0
// The cutover on every plugin: what is read, written, and seen by the world after each request.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "dns_plugin_row.hpp"
#include "plugin/check.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/zone_diff.hpp"
#include "support/http_server.hpp"

namespace mxferry::plugin {
namespace {

constexpr const char* kBase = "http://127.0.0.1:9";
const std::filesystem::path kPlugins =
    std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins";

DnsEdit edit(DnsEdit::Kind kind, std::string name, std::string type,
             std::vector<std::string> before, std::vector<std::string> after,
             std::optional<std::uint32_t> ttl = {}) {
  return {kind, std::move(name), std::move(type), std::move(before), std::move(after), ttl};
}

}  // namespace

Result<std::unique_ptr<DnsApi>> open_row(
    const DnsPluginRow& row, const std::string& base,
    std::function<Result<net::HttpResponse>(const net::HttpRequest&)> http) {
  Config config = row.config;
  config["url"] = base + row.path;
  for (const auto& [name, path] : row.more_urls) config[name] = base + path;
  Secrets secrets;
  for (const auto& [name, value] : row.secrets) secrets[name] = Secret(value);
  HostOptions options;
  options.http = std::move(http);
  return Registry::scan({kPlugins})
      .open_dns(row.plugin, config, std::move(secrets), std::move(options));
}

CutoverEdits cutover_edits(const std::string& zone, std::uint32_t low) {
  using How = DnsEdit::Kind;
  const std::vector<std::string> old_mx = {"10 mx1.old.test.", "20 mx2.old.test."};
  const std::vector<std::string> new_mx = {"5 mx.new.test."};
  const std::string old_spf = "\"v=spf1 include:old.test -all\"";
  const std::string new_spf = "\"v=spf1 include:old.test include:new.test -all\"";
  const std::string dkim = dns::txt_rdata("v=DKIM1; p=" + std::string(300, 'B'));
  const std::string key = "new._domainkey." + zone;
  const std::string alias = "three._domainkey." + zone;
  CutoverEdits out;
  out.lower = {edit(How::ttl, zone, "MX", {}, {}, low), edit(How::ttl, zone, "TXT", {}, {}, low)};
  out.flip = {edit(How::set, zone, "MX", old_mx, new_mx),
              edit(How::string, zone, "TXT", {old_spf}, {new_spf}),
              edit(How::set, key, "TXT", {}, {dkim}, 3600),
              edit(How::set, alias, "CNAME", {}, {"three.dkim.new.test."}, 3600)};
  out.raise = {edit(How::ttl, zone, "MX", {}, {}, 3600), edit(How::ttl, zone, "TXT", {}, {}, 3600)};
  out.back = {edit(How::set, zone, "MX", new_mx, old_mx),
              edit(How::string, zone, "TXT", {new_spf}, {old_spf}),
              edit(How::set, key, "TXT", {dkim}, {}),
              edit(How::set, alias, "CNAME", {"three.dkim.new.test."}, {})};
  return out;
}

void EveryDnsPlugin::SetUp() {
  fake = GetParam().api();
  api = open_again();
  ASSERT_NE(api, nullptr);
}

std::unique_ptr<DnsApi> EveryDnsPlugin::open_again() {
  auto opened = open_row(GetParam(), kBase, [this](const net::HttpRequest& q) { return serve(q); });
  EXPECT_TRUE(opened) << opened.error().message();
  return opened ? *std::move(opened) : nullptr;
}

EveryDnsPlugin::Answer EveryDnsPlugin::serve(const net::HttpRequest& q) {
  const test::ApiRequest request(q);
  const bool is_write = fake->writes(request);
  asked.push_back(request.method + " " + request.path);
  writes_ += is_write ? 1 : 0;
  if (before)
    if (auto instead = before(request, is_write)) return *std::move(instead);
  auto response = fake->answer(request);
  fake->zone.observe();
  if (after) after(response, is_write);
  if (response.code == 0) return fail(ErrorCode::timeout, "", "the answer was lost (test)");
  return response;
}

ZoneSnapshot EveryDnsPlugin::read() {
  auto snapshot = api->list_records(zone, {});
  EXPECT_TRUE(snapshot) << snapshot.error().message();
  return snapshot ? *snapshot : ZoneSnapshot{};
}

Result<std::vector<ZoneChange>> EveryDnsPlugin::apply(std::vector<DnsEdit> edits) {
  return dns::apply_edits(*api, zone, edits, {}, {});
}

void EveryDnsPlugin::expect_no_bad_moment() const {
  EXPECT_EQ(fake->zone.without_mx(), 0) << "moments without MX";
  EXPECT_EQ(fake->zone.two_spf(), 0) << "moments with two SPF records";
  EXPECT_EQ(fake->zone.beside_cname(), 0) << "moments with a CNAME beside other data";
}

std::vector<std::string> EveryDnsPlugin::shape(const ZoneSnapshot& zone) {
  std::vector<std::string> out;
  for (const auto& set : zone.rrsets)
    for (const auto& record : set.records) {
      const auto data = set.type == "TXT" ? dns::txt_text(record.rdata)
                                          : dns::canonical_rdata(set.type, record.rdata);
      out.push_back(set.name + " " + std::to_string(set.ttl) + " " + set.type + " " +
                    (data ? *data : "MALFORMED " + record.rdata));
    }
  std::sort(out.begin(), out.end());
  return out;
}

namespace {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EveryDnsPlugin);

TEST_P(EveryDnsPlugin, ReadsTheWholeZoneAcrossPages) {
  std::vector<std::string> expected;
  for (const auto& record : fake->zone.records()) {
    const auto data = record.type == "TXT" ? dns::txt_text(record.rdata)
                                           : dns::canonical_rdata(record.type, record.rdata);
    ASSERT_TRUE(data);
    expected.push_back(record.name + " " + std::to_string(record.ttl) + " " + record.type + " " +
                       *data);
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(shape(read()), expected);
}

TEST_P(EveryDnsPlugin, FindsTheZoneByItsVeryName) {
  const auto info = api->describe_zone(zone, {});
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->name, zone);
  for (const std::string other : {"test.", "le.test.", "notexample.test.", "www.example.test."}) {
    const auto gone = api->list_records(other, {});
    ASSERT_FALSE(gone) << other;
    EXPECT_EQ(gone.error().code, ErrorCode::not_found) << gone.error().message();
  }
}

TEST_P(EveryDnsPlugin, LowersFlipsRaisesAndGoesBackWithoutABadMoment) {
  const auto original = shape(read());
  const auto steps = cutover_edits(zone, GetParam().low);
  std::vector<std::vector<std::string>> states;
  for (const auto* step : {&steps.lower, &steps.flip, &steps.raise, &steps.back}) {
    const auto made = apply(*step);
    ASSERT_TRUE(made) << made.error().message() << " step " << states.size();
    EXPECT_EQ(made->size(), step->size());
    states.push_back(shape(read()));
    const auto again = writes();
    const auto second = apply(*step);
    ASSERT_TRUE(second) << second.error().message();
    EXPECT_TRUE(second->empty());
    EXPECT_EQ(writes(), again) << "what stands is not written again";
  }
  expect_no_bad_moment();
  EXPECT_EQ(states.back(), original);
  EXPECT_NE(states[1], states[0]);
  const std::string mx = zone + " " + std::to_string(GetParam().low) + " MX 5 mx.new.test.";
  EXPECT_EQ(std::count(states[1].begin(), states[1].end(), mx), 1);
}

TEST_P(EveryDnsPlugin, RefusesWhatSomebodyElseChanged) {
  const auto snapshot = read();
  ASSERT_NE(snapshot.find(zone, "MX"), nullptr);
  auto change = ZoneChange{*snapshot.find(zone, "MX"), *snapshot.find(zone, "MX")};
  change.after->ttl = GetParam().low;
  for (auto& record : fake->zone.records())
    if (record.rdata == "20 mx2.old.test.") record.rdata = "30 mx3.else.test.";
  const auto stale = api->apply(zone, {&change, 1}, {});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict) << stale.error().message();
  EXPECT_NE(stale.error().text.find("nothing was changed"), std::string::npos);
  EXPECT_EQ(writes(), 0U);
}

TEST_P(EveryDnsPlugin, KeepsCnamesAloneAndStaysAboveZoneCuts) {
  using How = DnsEdit::Kind;
  const auto key = "two._domainkey." + zone;
  const auto beside = apply({edit(How::set, key, "TXT", {}, {"\"v=DKIM1; p=\""}, 3600)});
  ASSERT_FALSE(beside);
  EXPECT_EQ(writes(), 0U);
  const auto below = apply({edit(How::set, "mx.sub." + zone, "TXT", {}, {"\"x\""}, 3600)});
  ASSERT_FALSE(below);
  EXPECT_EQ(writes(), 0U);
  EXPECT_NE(below.error().text.find("delegated"), std::string::npos) << below.error().message();
  const auto swap = apply({edit(How::set, key, "CNAME", {"two.dkim.old.test."}, {}),
                           edit(How::set, key, "TXT", {}, {"\"v=DKIM1; p=\""}, 3600)});
  EXPECT_EQ(swap.has_value(), GetParam().swaps_cname) << (swap ? "" : swap.error().message());
  if (!swap) {
    EXPECT_EQ(writes(), 0U);
  }
  expect_no_bad_moment();
}

TEST_P(EveryDnsPlugin, AnOddValueComesBackAsItIsOrIsRefused) {
  const std::vector<std::string> values = {"line\nbreak",
                                           "quo\"te",
                                           "semi;colon",
                                           "$INCLUDE /etc/passwd",
                                           std::string("nul\0byte", 8),
                                           "\xff",
                                           "back\\slash",
                                           " outer blanks ",
                                           "${secret:token}",
                                           std::string(700, 'x'),
                                           ""};
  const auto name = "odd." + zone;
  std::size_t stored = 0;
  for (const auto& value : values) {
    const auto written = writes();
    const auto made =
        apply({edit(DnsEdit::Kind::set, name, "TXT", {}, {dns::txt_rdata(value)}, 3600)});
    const auto now = read();
    const auto* set = now.find(name, "TXT");
    if (!made) {
      EXPECT_EQ(set, nullptr) << value;
      EXPECT_EQ(writes(), written) << value << ": " << made.error().message();
      continue;
    }
    ASSERT_NE(set, nullptr) << value;
    const auto text = dns::txt_text(set->records.at(0).rdata);
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, value);
    ++stored;
    ASSERT_TRUE(apply({edit(DnsEdit::Kind::set, name, "TXT", {dns::txt_rdata(value)}, {})}));
  }
  EXPECT_GE(stored, 2U) << "plain text must be storable";
}

TEST_P(EveryDnsPlugin, WritesOverTheNetwork) {
  test::HttpServer server([&](const test::ServedRequest& q) {
    net::HttpRequest request;
    request.method = q.method;
    request.url = kBase + q.target;
    request.body = q.body;
    for (const auto& [name, value] : q.headers) request.headers.push_back({name, value});
    const auto answer = fake->answer(test::ApiRequest(request));
    fake->zone.observe();
    test::ServedResponse out;
    out.status = static_cast<int>(answer.code);
    out.body = answer.body;
    for (const auto& h : answer.headers) out.headers.emplace_back(h.name, h.value);
    return out;
  });
  auto base = server.url("");
  while (base.ends_with('/')) base.pop_back();
  auto opened = open_row(GetParam(), base, {});
  ASSERT_TRUE(opened) << opened.error().message();
  api = *std::move(opened);
  const auto flip = cutover_edits(zone, GetParam().low).flip;
  const auto made = apply(flip);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->size(), flip.size());
  expect_no_bad_moment();
}

TEST_P(EveryDnsPlugin, PassesTheConformanceKit) {
  const bool good = run_checks(
      kPlugins / GetParam().plugin, 7, [](const std::string&) {},
      [](const CheckResult& r) {
        EXPECT_EQ(r.outcome, CheckResult::Outcome::passed) << r.name << ": " << r.detail;
      });
  EXPECT_TRUE(good);
}

// The recorded answers of the real API to whole listings: each is read, record by record.
TEST_P(EveryDnsPlugin, ReadsEveryRecordedListing) {
  const auto folder = std::filesystem::path(MXF_FIXTURES_DIR) / "dns" / GetParam().recorded;
  if (GetParam().recorded.empty()) GTEST_SKIP() << "no exchanges of this API are recorded";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no recorded exchanges at " << folder;
  std::size_t listings = 0;
  std::size_t records = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const auto exchanges = nlohmann::json::parse(text.str());
    bool missing = false;
    auto opened =
        open_row(GetParam(), kBase, [&](const net::HttpRequest& q) -> Result<net::HttpResponse> {
          // Each exchange in its order; filters that the other client set make it another request.
          static const std::set<std::string> kPaging = {
              "page",     "per_page", "page_size", "limit",       "offset", "cursor",  "maxitems",
              "pagesize", "$top",     "dnsname",   "api-version", "name_",  "ClientIP"};
          const test::ApiRequest ours(q);
          if (const auto it = GetParam().not_recorded.find(ours.path);
              it != GetParam().not_recorded.end())
            return test::plain_answer(200, it->second);
          for (const auto& exchange : exchanges) {
            net::HttpRequest other;
            other.method = exchange["request"]["method"];
            other.url = exchange["request"]["url"];
            const test::ApiRequest theirs(other);
            const bool filtered =
                std::any_of(theirs.query.begin(), theirs.query.end(), [&](const auto& pair) {
                  const auto same = ours.query.find(pair.first);
                  return !kPaging.contains(pair.first) &&
                         (same == ours.query.end() || same->second != pair.second);
                });
            auto path = theirs.path;
            std::string lower_path = path;
            std::string ours_path = ours.path;
            for (auto* one : {&lower_path, &ours_path}) {
              std::transform(one->begin(), one->end(), one->begin(),
                             [](unsigned char c) { return std::tolower(c); });
              while (one->ends_with('/')) one->pop_back();
            }
            if (theirs.method != ours.method || lower_path != ours_path || filtered ||
                theirs.parameter("page", "1") != ours.parameter("page", "1"))
              continue;
            net::HttpResponse r;
            r.code = exchange["response"]["status"];
            r.body = exchange["response"]["body"];
            for (const auto& [name, value] : exchange["response"]["headers"].items()) {
              std::string low = name;
              std::transform(low.begin(), low.end(), low.begin(),
                             [](unsigned char c) { return std::tolower(c); });
              r.headers.push_back({low, value.is_string() ? value.get<std::string>() : ""});
            }
            return r;
          }
          missing = true;
          return fail(ErrorCode::network, "", "not recorded: " + ours.path);
        });
    ASSERT_TRUE(opened);
    const auto snapshot = (*opened)->list_records(GetParam().recorded_zone, {});
    // Some recordings ask for another zone with a header that is not compared here.
    if (missing || (!snapshot && snapshot.error().code == ErrorCode::not_found)) continue;
    ASSERT_TRUE(snapshot) << entry.path() << snapshot.error().message();
    records += snapshot->rrsets.size();
    for (const auto& line : shape(*snapshot))
      EXPECT_EQ(line.find("MALFORMED"), std::string::npos) << line;
    ++listings;
  }
  EXPECT_GT(listings, 0U);
  EXPECT_GT(records, 0U);
  RecordProperty("listings", static_cast<int>(listings));
}

}  // namespace
}  // namespace mxferry::plugin
