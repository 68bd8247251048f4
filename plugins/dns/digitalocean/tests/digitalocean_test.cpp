// SPDX-License-Identifier: Apache-2.0
// DigitalOcean's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeDigitalOcean : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v2/domains[/ZONE/records[/ID]]
    if (q.header("Authorization") != "Bearer t-ocean")
      return test::json_answer(401,
                               {{"id", "unauthorized"}, {"message", "Unable to authenticate"}});
    if (q.parts.size() == 2)
      return paged(q, "domains", {{{"name", "example.test"}, {"ttl", 1800}}});
    if (q.parts[2] != "example.test") return gone();
    const auto id = q.parts.size() > 4 ? q.parts[4] : std::string();
    if (q.method == "GET") {
      std::vector<Json> all;
      for (const auto& record : zone.records()) all.push_back(shown(record));
      return paged(q, "domain_records", all);
    }
    if (q.method == "DELETE") return zone.remove(id) ? test::plain_answer(204) : gone();
    const auto now = record_of(q.json);
    if (q.method == "POST") {
      const auto added = zone.add(now);
      return test::json_answer(201, {{"domain_record", shown(*zone.find(added))}});
    }
    auto* found = zone.find(id);
    if (found == nullptr) return gone();
    *found = now;
    found->id = id;
    return test::json_answer(200, {{"domain_record", shown(*found)}});
  }

 private:
  static net::HttpResponse gone() {
    return test::json_answer(
        404, {{"id", "not_found"}, {"message", "The resource you requested could not be found."}});
  }
  net::HttpResponse paged(const test::ApiRequest& q, const char* key,
                          const std::vector<Json>& all) const {
    const auto [first, last] = test::page_bounds(
        all.size(), page_size, static_cast<std::size_t>(std::stoi(q.parameter("page", "1"))));
    Json items = Json::array();
    for (auto i = first; i < last; ++i) items.push_back(all[i]);
    return test::json_answer(
        200, {{key, items}, {"links", Json::object()}, {"meta", {{"total", all.size()}}}});
  }
  Json shown(const FakeRecord& record) const {
    Json out = {{"id", std::stoi(record.id)},
                {"type", record.type},
                {"name", test::relative_to(record.name, zone.name(), "@")},
                {"ttl", record.ttl},
                {"priority", nullptr},
                {"weight", nullptr},
                {"port", nullptr}};
    const auto [preference, rest] = test::preference_of(record);
    out["data"] = record.type == "TXT" ? *dns::txt_text(record.rdata)
                                       : test::undotted(rest.substr(rest.rfind(' ') + 1));
    if (record.type == "MX" || record.type == "SRV") out["priority"] = preference;
    if (record.type == "SRV") {
      out["weight"] = 5;
      out["port"] = 443;
    }
    return out;
  }
  FakeRecord record_of(const Json& json) const {
    FakeRecord out;
    out.name = test::in_zone(json.at("name"), zone.name());
    out.type = json.at("type");
    out.ttl = json.at("ttl");
    const std::string data = json.at("data");
    out.rdata = out.type == "TXT"  ? dns::txt_rdata(data)
                : out.type == "MX" ? std::to_string(json.at("priority").get<int>()) + " " + data
                                   : data;
    return out;
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "digitalocean";
  out.path = "/v2";
  out.secrets = {{"token", "t-ocean"}};
  out.api = [] { return std::make_unique<FakeDigitalOcean>(); };
  out.low = 60;
  out.single_records = true;
  out.recorded = "digitalocean";
  out.recorded_zone = "foxwoodswebsites.com.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(DigitalOcean, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(DigitalOcean, WhatItCannotStoreIsRefusedBeforeAnyRequest) {
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [](const net::HttpRequest&) -> Result<net::HttpResponse> {
                         ADD_FAILURE() << "a request was made";
                         return test::plain_answer(500);
                       });
  for (const auto& [type, rdata] : {std::pair<std::string, std::string>{"MX", "0 ."},
                                    {"TXT", dns::txt_rdata(std::string(600, 'k'))},
                                    {"TXT", "\"back\\\\slash\""}}) {
    const ZoneChange change{std::nullopt, ZoneRRset{"x.example.test.", type, 300, {}, {{rdata}}}};
    const auto refused = api->apply("example.test.", {&change, 1}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::refused);
    EXPECT_NE(refused.error().text.find("nothing was changed"), std::string::npos);
  }
  const ZoneChange low{std::nullopt, ZoneRRset{"x.example.test.", "A", 5, {}, {{"192.0.2.9"}}}};
  const auto refused = api->apply("example.test.", {&low, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("smallest"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::plugin
