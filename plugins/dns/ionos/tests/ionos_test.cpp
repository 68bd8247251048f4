// SPDX-License-Identifier: Apache-2.0
// IONOS's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../../tests/flat_fake.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

test::FlatSpelling spelling() {
  test::FlatSpelling s;
  s.priority = "prio";
  s.relative = false;
  s.id_number = false;
  s.quoted = true;
  return s;
}

class FakeIonos : public test::FlatFake {
 public:
  FakeIonos() : FlatFake(spelling()) {}
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /dns/v1/zones[/z7[/records/ID]]
    if (q.header("X-API-Key") != "p.k-ionos")
      return test::json_answer(401, Json::array({{{"code", "UNAUTHORIZED"}}}));
    if (q.parts.size() == 3)
      return test::json_answer(
          200, Json::array({{{"name", "example.test"}, {"id", "z7"}, {"type", "NATIVE"}}}));
    if (q.parts[3] != "z7") return test::json_answer(404, Json::array());
    if (q.method == "DELETE") return test::plain_answer(zone.remove(q.parts.at(5)) ? 200 : 404);
    if (q.method == "GET") {
      Json records = Json::array();
      for (const auto& record : zone.records()) {
        Json one = {{"disabled", false}};
        one.update(shown(record));
        if (one["prio"].is_null()) one.erase("prio");
        records.push_back(std::move(one));
      }
      return test::json_answer(200, {{"name", "example.test"}, {"id", "z7"}, {"records", records}});
    }
    std::vector<FakeRecord> sent;
    for (const auto& one : q.json) {
      auto record = record_of(one);
      if (one.value("disabled", false)) record.extra = {{"disabled", true}};
      sent.push_back(record);
    }
    for (const auto& record : sent) zone.replace_set(record.name, record.type, {});
    for (auto& record : sent) zone.add(record);
    return test::plain_answer(200);
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "ionos";
  out.path = "/dns/v1";
  out.secrets = {{"api_key", "p.k-ionos"}};
  out.api = [] { return std::make_unique<FakeIonos>(); };
  out.low = 60;
  out.recorded = "ionos";
  out.recorded_zone = "example.com.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Ionos, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(Ionos, ADisabledRecordStaysDisabled) {
  FakeIonos fake;
  for (auto& record : fake.zone.records())
    if (record.rdata == "20 mx2.old.test.") record.extra = {{"disabled", true}};
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [&](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
  change.after->ttl = 60;
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  for (const auto& record : fake.zone.of("example.test.", "MX"))
    EXPECT_EQ(record.extra.contains("disabled"), record.rdata == "20 mx2.old.test.");
}

}  // namespace
}  // namespace mxferry::plugin
