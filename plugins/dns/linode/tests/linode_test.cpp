// SPDX-License-Identifier: Apache-2.0
// Linode's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../../tests/flat_fake.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;

test::FlatSpelling spelling() {
  test::FlatSpelling s;
  s.data = "target";
  s.ttl = "ttl_sec";
  return s;
}

class FakeLinode : public test::FlatFake {
 public:
  FakeLinode() : FlatFake(spelling()) {}
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v4/domains[/7/records[/ID]]
    if (q.header("Authorization") != "Bearer t-linode") return error(401, "Invalid Token");
    if (q.parts.size() == 2) return paged(q, {{{"id", 7}, {"domain", "example.test"}}});
    if (q.parts[2] != "7") return error(404, "Not found");
    if (q.method == "GET") {
      auto items = all();
      for (auto& item : items)
        if (item["type"] == "SRV")
          item.update({{"name", ""},
                       {"service", "_autodiscover"},
                       {"protocol", "_tcp"},
                       {"priority", 0},
                       {"weight", 5},
                       {"port", 443},
                       {"target", "mail.old.test"}});
      return paged(q, items);
    }
    if (q.method == "POST")
      return test::json_answer(200, shown(*zone.find(zone.add(record_of(q.json)))));
    const auto& id = q.parts.at(4);
    if (q.method == "DELETE")
      return zone.remove(id) ? test::json_answer(200, Json::object()) : error(404, "Not found");
    return change(id, q.json) ? test::json_answer(200, shown(*zone.find(id)))
                              : error(404, "Not found");
  }

 private:
  static net::HttpResponse error(unsigned code, const std::string& words) {
    return test::json_answer(code, {{"errors", Json::array({{{"reason", words}}})}});
  }
  net::HttpResponse paged(const test::ApiRequest& q, const std::vector<Json>& items) const {
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("page", "1")));
    const auto [first, last] = test::page_bounds(items.size(), page_size, number);
    Json data = Json::array();
    for (auto i = first; i < last; ++i) data.push_back(items[i]);
    return test::json_answer(200, {{"data", data},
                                   {"page", number},
                                   {"pages", (items.size() + page_size - 1) / page_size},
                                   {"results", items.size()}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "linode";
  out.path = "/v4";
  out.secrets = {{"token", "t-linode"}};
  out.api = [] { return std::make_unique<FakeLinode>(); };
  out.low = 300;
  out.single_records = true;
  out.recorded = "linode";
  out.recorded_zone = "lexicon-test.com.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Linode, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(Linode, ATtlBetweenTheStepsIsRefusedBeforeAnyRequest) {
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [](const net::HttpRequest&) -> Result<net::HttpResponse> {
                         ADD_FAILURE() << "a request was made";
                         return test::plain_answer(500);
                       });
  const ZoneChange change{std::nullopt,
                          ZoneRRset{"x.example.test.", "A", 400, {}, {{"192.0.2.9"}}}};
  const auto refused = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("rounded"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::plugin
