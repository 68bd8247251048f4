// SPDX-License-Identifier: Apache-2.0
// Vultr's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../../tests/flat_fake.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;

test::FlatSpelling spelling() {
  test::FlatSpelling s;
  s.data = "data";
  s.id_number = false;
  s.quoted = true;
  return s;
}

class FakeVultr : public test::FlatFake {
 public:
  FakeVultr() : FlatFake(spelling()) {}
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v2/domains[/ZONE/records[/ID]]
    if (q.header("Authorization") != "Bearer t-vultr")
      return test::json_answer(401, {{"error", "Invalid API token."}, {"status", 401}});
    if (q.parts.size() == 2) return paged(q, "domains", {{{"domain", "example.test"}}});
    if (q.parts[2] != "example.test") return gone();
    if (q.method == "GET") return paged(q, "records", all());
    if (q.method == "POST")
      return test::json_answer(201, {{"record", shown(*zone.find(zone.add(record_of(q.json))))}});
    const bool done =
        q.method == "DELETE" ? zone.remove(q.parts.at(4)) : change(q.parts.at(4), q.json);
    return done ? test::plain_answer(204) : gone();
  }

 private:
  static net::HttpResponse gone() {
    return test::json_answer(404, {{"error", "Invalid domain."}, {"status", 404}});
  }
  net::HttpResponse paged(const test::ApiRequest& q, const char* key,
                          const std::vector<Json>& items) const {
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("cursor", "1")));
    const auto [first, last] = test::page_bounds(items.size(), page_size, number);
    Json out = Json::array();
    for (auto i = first; i < last; ++i) out.push_back(items[i]);
    const auto next = last < items.size() ? std::to_string(number + 1) : std::string();
    return test::json_answer(
        200, {{key, out}, {"meta", {{"total", items.size()}, {"links", {{"next", next}}}}}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "vultr";
  out.path = "/v2";
  out.secrets = {{"token", "t-vultr"}};
  out.api = [] { return std::make_unique<FakeVultr>(); };
  out.low = 120;
  out.single_records = true;
  out.recorded = "vultr";
  out.recorded_zone = "lexicon-test.eu.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Vultr, EveryDnsPlugin, testing::Values(row()), row_name);

}  // namespace
}  // namespace mxferry::plugin
