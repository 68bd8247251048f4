// SPDX-License-Identifier: Apache-2.0
// Gandi's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeGandi : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v5/livedns/domains[/ZONE/records[/NAME/TYPE]]
    if (q.header("Authorization") != "Bearer t-gandi")
      return error(401, "The server could not verify that you authorized");
    if (q.parts.size() == 3) return paged(q, {{{"fqdn", "example.test"}}});
    if (q.parts[3] != "example.test") return error(404, "Unknown domain");
    if (q.method == "GET") return listing(q);
    const auto name = test::in_zone(q.parts.at(5), zone.name());
    const auto& type = q.parts.at(6);
    const bool there = !zone.of(name, type).empty();
    if (q.method == "DELETE") {
      zone.replace_set(name, type, {});
      return there ? test::plain_answer(204) : error(404, "Can't find the DNS record");
    }
    if (q.method == "POST" && there) return error(409, "A DNS Record already exists");
    std::vector<FakeRecord> records;
    const auto ttl = q.json.value("rrset_ttl", 10800U);
    for (const auto& value : q.json.at("rrset_values"))
      records.push_back({{}, name, type, ttl, value.get<std::string>()});
    zone.replace_set(name, type, records);
    return test::json_answer(201, {{"message", "DNS Record Created"}});
  }
  bool relative_hosts = false;

 private:
  static net::HttpResponse error(unsigned code, const std::string& words) {
    return test::json_answer(code, {{"code", code}, {"message", words}, {"object", "dns-record"}});
  }
  net::HttpResponse paged(const test::ApiRequest& q, const std::vector<Json>& all) const {
    const auto [first, last] = test::page_bounds(
        all.size(), page_size, static_cast<std::size_t>(std::stoi(q.parameter("page", "1"))));
    Json items = Json::array();
    for (auto i = first; i < last; ++i) items.push_back(all[i]);
    auto out = test::json_answer(200, items);
    out.headers.push_back({"total-count", std::to_string(all.size())});
    return out;
  }
  net::HttpResponse listing(const test::ApiRequest& q) const {
    std::vector<Json> all;
    std::vector<std::pair<std::string, std::string>> seen;
    for (const auto& record : zone.records()) {
      const std::pair key{record.name, record.type};
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
      seen.push_back(key);
      Json values = Json::array();
      for (const auto& one : zone.of(record.name, record.type))
        values.push_back(relative_hosts && one.type == "CNAME" ? "dkim" : one.rdata);
      all.push_back({{"rrset_name", test::relative_to(record.name, zone.name(), "@")},
                     {"rrset_type", record.type},
                     {"rrset_ttl", record.ttl},
                     {"rrset_values", values}});
    }
    return paged(q, all);
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "gandi";
  out.path = "/v5/livedns";
  out.secrets = {{"token", "t-gandi"}};
  out.api = [] { return std::make_unique<FakeGandi>(); };
  out.recorded = "gandi";
  out.recorded_zone = "t18s.fr.";
  out.bare_list = true;
  return out;
}

INSTANTIATE_TEST_SUITE_P(Gandi, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(Gandi, AHostWithoutADotLiesInTheZone) {
  FakeGandi fake;
  fake.relative_hosts = true;
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [&](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  EXPECT_EQ(zone->find("two._domainkey.example.test.", "CNAME")->records[0].rdata,
            "dkim.example.test.");
}

}  // namespace
}  // namespace mxferry::plugin
