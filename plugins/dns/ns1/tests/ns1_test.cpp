// SPDX-License-Identifier: Apache-2.0
// NS1's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeNs1 : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v1/zones[/ZONE[/NAME/TYPE]]
    if (q.header("X-NSONE-Key") != "k-ns1")
      return test::json_answer(401, {{"message", "Unauthorized"}});
    if (q.parts.size() == 2)
      return test::json_answer(200, Json::array({{{"zone", "example.test"}}}));
    if (q.parts[2] != "example.test")
      return test::json_answer(404, {{"message", "zone not found"}});
    if (q.parts.size() == 3) return whole();
    const auto name = q.parts.at(3) + ".";
    const auto& type = q.parts.at(4);
    const auto have = zone.of(name, type);
    if ((q.method == "PUT") != have.empty())
      return test::json_answer(have.empty() ? 404 : 400, {{"message", "record not found"}});
    if (q.method == "DELETE") {
      zone.replace_set(name, type, {});
      return test::json_answer(200, Json::object());
    }
    if (q.method != "GET") {
      std::vector<FakeRecord> records;
      for (const auto& one : q.json.at("answers"))
        records.push_back({{}, name, type, q.json.at("ttl"), rdata_of(type, one.at("answer"))});
      zone.replace_set(name, type, records);
    }
    Json answers = Json::array();
    for (const auto& one : zone.of(name, type)) answers.push_back({{"answer", {one.rdata}}});
    return test::json_answer(
        200, {{"answers", answers},
              {"filters", name == filtered ? Json{{{"filter", "up"}}} : Json::array()}});
  }
  std::string filtered;

 private:
  static std::string rdata_of(const std::string& type, const Json& answer) {
    if (type == "TXT") return dns::txt_rdata(answer.at(0).get<std::string>());
    std::string out;
    for (const auto& word : answer)
      out += (out.empty() ? "" : " ") + (word.is_string() ? word.get<std::string>() : word.dump());
    return out;
  }
  net::HttpResponse whole() const {
    Json records = Json::array();
    for (const auto& record : zone.records()) {
      const auto domain = test::undotted(record.name);
      auto found = std::find_if(records.begin(), records.end(), [&](const Json& r) {
        return r["domain"] == domain && r["type"] == record.type;
      });
      if (found == records.end()) {
        records.push_back({{"domain", domain},
                           {"type", record.type},
                           {"ttl", record.ttl},
                           {"link", nullptr},
                           {"short_answers", Json::array()}});
        found = records.end() - 1;
      }
      (*found)["short_answers"].push_back(record.type == "TXT" ? *dns::txt_text(record.rdata)
                                                               : test::undotted(record.rdata));
    }
    return test::json_answer(
        200, {{"zone", "example.test"}, {"dns_servers", {"ns1.fake.test"}}, {"records", records}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "ns1";
  out.path = "/v1";
  out.secrets = {{"api_key", "k-ns1"}};
  out.api = [] { return std::make_unique<FakeNs1>(); };
  out.low = 60;
  out.recorded = "nsone";
  out.recorded_zone = "lexicon-example.com.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Ns1, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(Ns1, ARecordWithFiltersIsLeftAlone) {
  FakeNs1 fake;
  fake.filtered = "example.test.";
  auto api = *open_row(row(), "http://127.0.0.1:9", [&](const net::HttpRequest& q) {
    const test::ApiRequest request(q);
    EXPECT_EQ(request.method, "GET");
    return fake.answer(request);
  });
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
  change.after->ttl = 60;
  const auto refused = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace mxferry::plugin
