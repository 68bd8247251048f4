// SPDX-License-Identifier: Apache-2.0
// Name.com's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../../tests/flat_fake.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;

test::FlatSpelling spelling() {
  test::FlatSpelling s;
  s.name = "host";
  s.data = "answer";
  return s;
}

class FakeNameCom : public test::FlatFake {
 public:
  FakeNameCom() : FlatFake(spelling()) {}
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v4/domains[/ZONE/records[/ID]]
    if (q.header("Authorization") != "Basic dXNlcjp0LW5hbWU=") return error(401, "Unauthenticated");
    if (q.parts.size() == 2) return paged(q, "domains", {{{"domainName", "example.test"}}});
    if (q.parts[2] != "example.test") return error(404, "Not Found");
    if (q.method == "GET") {
      std::vector<Json> items;
      for (const auto& record : zone.records()) items.push_back(item(record));
      return paged(q, "records", items);
    }
    if (q.method == "POST")
      return test::json_answer(200, item(*zone.find(zone.add(record_of(q.json)))));
    const auto& id = q.parts.at(4);
    if (q.method == "DELETE")
      return zone.remove(id) ? test::json_answer(200, Json::object()) : error(404, "Not Found");
    return change(id, q.json) ? test::json_answer(200, item(*zone.find(id)))
                              : error(404, "Not Found");
  }

 private:
  static net::HttpResponse error(unsigned code, const std::string& words) {
    return test::json_answer(code, {{"message", words}});
  }
  // Empty and zero members are left out.
  Json item(const test::FakeRecord& record) const {
    Json out = shown(record);
    out["fqdn"] = record.name;
    if (out["host"] == "") out.erase("host");
    if (out["priority"].is_null() || out["priority"] == 0) out.erase("priority");
    return out;
  }
  net::HttpResponse paged(const test::ApiRequest& q, const char* key,
                          const std::vector<Json>& items) const {
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("page", "1")));
    const auto [first, last] = test::page_bounds(items.size(), page_size, number);
    Json out = {{key, Json::array()}};
    for (auto i = first; i < last; ++i) out[key].push_back(items[i]);
    if (last < items.size()) out["nextPage"] = number + 1;
    return test::json_answer(200, out);
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "name-com";
  out.path = "/v4";
  out.secrets = {{"login", "user:t-name"}};
  out.api = [] { return std::make_unique<FakeNameCom>(); };
  out.low = 300;
  out.single_records = true;
  out.recorded = "namecom";
  out.recorded_zone = "mim.pw.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(NameCom, EveryDnsPlugin, testing::Values(row()), row_name);

}  // namespace
}  // namespace mxferry::plugin
