// SPDX-License-Identifier: Apache-2.0
// Porkbun's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../../tests/flat_fake.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;

test::FlatSpelling spelling() {
  test::FlatSpelling s;
  s.priority = "prio";
  s.as_text = true;
  s.id_number = false;
  return s;
}

class FakePorkbun : public test::FlatFake {
 public:
  FakePorkbun() : FlatFake(spelling()) {}
  bool writes(const test::ApiRequest& q) const override {
    return q.path.find("/create/") != std::string::npos ||
           q.path.find("/edit/") != std::string::npos ||
           q.path.find("/delete/") != std::string::npos;
  }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /api/json/v3/dns/ACTION/ZONE[/ID]
    if (!q.json.is_object() || q.json.value("apikey", "") != "pk\"1" ||
        q.json.value("secretapikey", "") != "sk1")
      return error("Invalid API key. (002)");
    const auto& action = q.parts.at(4);
    if (action == "listAll")
      return test::json_answer(
          200, {{"status", "SUCCESS"}, {"domains", Json::array({{{"domain", "example.test"}}})}});
    if (q.parts.at(5) != "example.test") return error("Invalid domain.");
    if (action == "retrieve") {
      Json records = Json::array();
      for (auto record : all()) {
        const std::string name = record["name"];
        record["name"] = (name.empty() ? "" : name + ".") + "example.test";
        records.push_back(std::move(record));
      }
      return test::json_answer(200, {{"status", "SUCCESS"}, {"records", records}});
    }
    if (action == "create") {
      zone.add(record_of(q.json));
      return test::json_answer(200, {{"status", "SUCCESS"}, {"id", 1}});
    }
    const bool done =
        action == "delete" ? zone.remove(q.parts.at(6)) : change(q.parts.at(6), q.json);
    return done ? test::json_answer(200, {{"status", "SUCCESS"}}) : error("Invalid record ID.");
  }

 private:
  static net::HttpResponse error(const std::string& words) {
    return test::json_answer(400, {{"status", "ERROR"}, {"message", words}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "porkbun";
  out.path = "/api/json/v3";
  out.secrets = {{"api_key", "pk\"1"}, {"secret_api_key", "sk1"}};
  out.api = [] { return std::make_unique<FakePorkbun>(); };
  out.low = 600;
  out.single_records = true;
  out.recorded = "porkbun";
  out.recorded_zone = "example.xyz.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Porkbun, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(Porkbun, TwoHundredWithAnErrorIsAnError) {
  auto api = *open_row(
      row(), "http://127.0.0.1:9", [](const net::HttpRequest&) -> Result<net::HttpResponse> {
        return test::json_answer(200, {{"status", "ERROR"}, {"message", "Invalid API key. (001)"}});
      });
  const auto zone = api->list_records("example.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::auth);
}

}  // namespace
}  // namespace mxferry::plugin
