// SPDX-License-Identifier: Apache-2.0
// DNSimple's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../../tests/flat_fake.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;

class FakeDnSimple : public test::FlatFake {
 public:
  FakeDnSimple() : FlatFake({}) {}
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v2/731/zones[/ZONE/records|batch]
    if (q.header("Authorization") != "Bearer t-simple")
      return test::json_answer(401, {{"message", "Authentication failed"}});
    if (q.parts.size() == 3) return paged(q, {{{"id", 1}, {"name", "example.test"}}});
    if (q.parts[3] != "example.test")
      return test::json_answer(404, {{"message", "Zone not found"}});
    return q.method == "GET" ? paged(q, all()) : batch(q.json);
  }

 private:
  net::HttpResponse paged(const test::ApiRequest& q, const std::vector<Json>& items) const {
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("page", "1")));
    const auto [first, last] = test::page_bounds(items.size(), page_size, number);
    Json data = Json::array();
    for (auto i = first; i < last; ++i) data.push_back(items[i]);
    return test::json_answer(200, {{"data", data},
                                   {"pagination",
                                    {{"current_page", number},
                                     {"total_pages", (items.size() + page_size - 1) / page_size},
                                     {"total_entries", items.size()}}}});
  }
  net::HttpResponse batch(const Json& json) {
    const auto saved = zone.records();
    bool good = true;
    for (const auto& one : json.value("creates", Json::array())) zone.add(record_of(one));
    for (const auto& one : json.value("updates", Json::array()))
      good = good && change(std::to_string(one.at("id").get<int>()), one);
    for (const auto& one : json.value("deletes", Json::array()))
      good = good && zone.remove(std::to_string(one.at("id").get<int>()));
    if (good) return test::json_answer(200, {{"data", Json::object()}});
    zone.records() = saved;
    return test::json_answer(400, {{"message", "Validation failed"}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "dnsimple";
  out.path = "/v2";
  out.config = {{"account", "731"}};
  out.secrets = {{"token", "t-simple"}};
  out.api = [] { return std::make_unique<FakeDnSimple>(); };
  out.low = 60;
  out.swaps_cname = true;
  out.recorded = "dnsimple";
  out.recorded_zone = "lexicontest.us.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(DnSimple, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(DnSimple, ARecordOfTheSystemIsLeftAlone) {
  FakeDnSimple fake;
  for (auto& record : fake.zone.records())
    if (record.name == "sub.example.test.") record.extra = {{"system_record", true}};
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [&](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  const ZoneChange change{*zone->find("sub.example.test.", "NS"), std::nullopt};
  const auto refused = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace mxferry::plugin
