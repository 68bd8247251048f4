// SPDX-License-Identifier: Apache-2.0
// GoDaddy's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeGoDaddy : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v1/domains[/ZONE/records[/TYPE/NAME]]
    if (q.header("Authorization") != "sso-key k-daddy:s-daddy")
      return error(401, "UNABLE_TO_AUTHENTICATE");
    if (q.parts.size() == 2)
      return test::json_answer(200, Json::array({{{"domain", "example.test"}}}));
    if (q.parts[2] != "example.test") return error(404, "UNKNOWN_DOMAIN");
    if (q.method == "GET") return listing(q);
    const auto& type = q.parts.at(4);
    const auto name = test::in_zone(q.parts.at(5), zone.name());  // without it: all of the type
    std::vector<FakeRecord> records;
    if (q.method == "PUT")
      for (const auto& item : q.json) {
        const std::string data = item.at("data");
        std::string rdata = type == "TXT" ? dns::txt_rdata(data) : data;
        if (type == "MX") rdata.insert(0, std::to_string(item.at("priority").get<int>()) + " ");
        if (type != "TXT" && type != "A") rdata.push_back('.');
        records.push_back({{}, name, type, item.at("ttl"), rdata});
      }
    zone.replace_set(name, type, records);
    return test::plain_answer(q.method == "PUT" ? 200 : 204);
  }

 private:
  static net::HttpResponse error(unsigned code, const std::string& word) {
    return test::json_answer(code, {{"code", word}, {"message", word + " said"}});
  }
  net::HttpResponse listing(const test::ApiRequest& q) const {
    const auto offset = static_cast<std::size_t>(std::stoi(q.parameter("offset", "0")));
    const auto limit = static_cast<std::size_t>(std::stoi(q.parameter("limit", "100")));
    Json out = Json::array();
    for (auto i = offset; i < std::min(zone.records().size(), offset + limit); ++i) {
      const auto& record = zone.records()[i];
      const auto [preference, rest] = test::preference_of(record);
      Json item = {
          {"name", test::relative_to(record.name, zone.name(), "@")},
          {"type", record.type},
          {"ttl", record.ttl},
          {"data", record.type == "TXT" ? *dns::txt_text(record.rdata) : test::undotted(rest)}};
      if (record.type == "MX") item["priority"] = preference;
      if (record.type == "SRV")
        item.update({{"name", "@"},
                     {"service", "_autodiscover"},
                     {"protocol", "_tcp"},
                     {"priority", 0},
                     {"weight", 5},
                     {"port", 443},
                     {"data", "mail.old.test"}});
      out.push_back(std::move(item));
    }
    return test::json_answer(200, out);
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "godaddy";
  out.path = "/v1";
  out.secrets = {{"key", "k-daddy"}, {"secret", "s-daddy"}};
  out.api = [] { return std::make_unique<FakeGoDaddy>(); };
  out.low = 600;
  out.bare_list = true;
  out.recorded = "godaddy";
  out.recorded_zone = "fullm3tal.online.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(GoDaddy, EveryDnsPlugin, testing::Values(row()), row_name);

struct GoDaddyTest : testing::Test {
  FakeGoDaddy fake;
  std::unique_ptr<DnsApi> api =
      *open_row(row(), "http://127.0.0.1:9",
                [this](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
};

TEST_F(GoDaddyTest, ALargeZoneIsReadInPages) {
  for (int i = 0; i < 1100; ++i) {
    std::string name = std::to_string(i);
    name += ".hosts.example.test.";
    fake.zone.add({{}, name, "A", 3600, "192.0.2.8"});
  }
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  EXPECT_NE(zone->find("1099.hosts.example.test.", "A"), nullptr);
}

TEST_F(GoDaddyTest, AnAccountThatMayNotUseTheApiIsToldWhy) {
  auto opened = open_row(
      row(), "http://127.0.0.1:9", [](const net::HttpRequest&) -> Result<net::HttpResponse> {
        return test::json_answer(403, {{"code", "ACCESS_DENIED"},
                                       {"message", "Authenticated user is not allowed access"}});
      });
  ASSERT_TRUE(opened);
  const auto zone = (*opened)->list_records("example.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::denied);
  EXPECT_NE(zone.error().text.find("ten domains"), std::string::npos) << zone.error().text;
}

TEST_F(GoDaddyTest, AnSrvIsShownAndLeftAlone) {
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone);
  const auto* set = zone->find("_autodiscover._tcp.example.test.", "SRV");
  ASSERT_NE(set, nullptr);
  ZoneChange change{*set, std::nullopt};
  const auto refused = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace mxferry::plugin
