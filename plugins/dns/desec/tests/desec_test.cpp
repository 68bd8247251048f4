// SPDX-License-Identifier: Apache-2.0
// deSEC's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeDesec : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /api/v1/domains[/ZONE/rrsets]
    if (q.header("Authorization") != "Token t-desec")
      return test::json_answer(401, {{"detail", "Invalid token."}});
    if (q.parts.at(3).empty())
      return test::json_answer(200,
                               Json::array({{{"name", "example.test"}, {"minimum_ttl", floor}}}));
    if (q.parts[3] != "example.test") return test::json_answer(404, {{"detail", "Not found."}});
    return q.method == "GET" ? listing(q) : patch(q.json);
  }
  std::uint32_t floor = 60;

 private:
  net::HttpResponse listing(const test::ApiRequest& q) const {
    Json sets = Json::array();
    for (const auto& record : zone.records()) {
      auto set = std::find_if(sets.begin(), sets.end(), [&](const Json& s) {
        return s["name"] == record.name && s["type"] == record.type;
      });
      if (set == sets.end()) {
        sets.push_back({{"subname", test::relative_to(record.name, zone.name(), "")},
                        {"name", record.name},
                        {"type", record.type},
                        {"ttl", record.ttl},
                        {"records", Json::array()}});
        set = sets.end() - 1;
      }
      (*set)["records"].push_back(record.rdata);
    }
    const auto cursor = q.parameter("cursor", "");
    const auto number = cursor.empty() ? 1U : static_cast<std::size_t>(std::stoi(cursor));
    const auto [first, last] = test::page_bounds(sets.size(), page_size, number);
    Json out = Json::array();
    for (auto i = first; i < last; ++i) out.push_back(sets[i]);
    auto answer = test::json_answer(200, out);
    const auto base = "<http://" + q.host + q.path + "?cursor=";
    if (last < sets.size())
      answer.headers.push_back({"link", base + ">; rel=\"first\", " + base +
                                            std::to_string(number + 1) + ">; rel=\"next\""});
    return answer;
  }
  net::HttpResponse patch(const Json& json) {
    for (const auto& set : json)
      if (set.at("ttl") < floor)
        return test::json_answer(400,
                                 Json::array({{{"ttl",
                                                {"Ensure this value is greater than or equal to " +
                                                 std::to_string(floor) + "."}}}}));
    for (const auto& set : json) {
      const auto name = test::in_zone(set.at("subname"), zone.name());
      std::vector<FakeRecord> records;
      for (const auto& rdata : set.at("records"))
        records.push_back({{}, name, set.at("type"), set.at("ttl"), rdata});
      zone.replace_set(name, set.at("type"), records);
    }
    return test::json_answer(200, json);
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "desec";
  out.path = "/api/v1";
  out.secrets = {{"token", "t-desec"}};
  out.api = [] { return std::make_unique<FakeDesec>(); };
  out.low = 60;
  out.swaps_cname = true;
  out.bare_list = true;
  out.recorded = "desec";
  out.recorded_zone = "desec.lexicon.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Desec, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(Desec, ATtlBelowTheFloorOfTheAccountIsRefusedInTheVendorsWords) {
  FakeDesec fake;
  fake.floor = 3600;
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [&](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
  const auto info = api->describe_zone("example.test.", {});
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->min_ttl, 3600U);
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone);
  ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
  change.after->ttl = 300;
  const auto refused = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused);
  EXPECT_NE(refused.error().remote.find("greater than or equal to 3600"), std::string::npos);
  EXPECT_NE(refused.error().text.find("nothing was changed"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::plugin
