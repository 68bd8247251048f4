// SPDX-License-Identifier: Apache-2.0
// PowerDNS's dialect over the fake zone: the cutover and the faults of every DNS plugin.
#include "../../tests/dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;

class FakePowerDns : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /api/v1/servers/localhost/zones[/ZONE]
    if (q.header("X-API-Key") != "k-fake") return test::plain_answer(401, "Unauthorized");
    if (q.parts.size() == 5)
      return test::json_answer(200, Json::array({{{"name", zone.name()}, {"id", zone.name()}}}));
    if (q.parts[5] != zone.name()) return test::plain_answer(404, "Not Found");
    return q.method == "GET" ? whole() : patch(q.json);
  }

 private:
  net::HttpResponse whole() const {
    Json sets = Json::array();
    for (const auto& record : zone.records()) {
      auto set = std::find_if(sets.begin(), sets.end(), [&](const Json& s) {
        return s["name"] == record.name && s["type"] == record.type;
      });
      if (set == sets.end()) {
        sets.push_back({{"name", record.name},
                        {"type", record.type},
                        {"ttl", record.ttl},
                        {"comments", Json::array()},
                        {"records", Json::array()}});
        set = sets.end() - 1;
      }
      (*set)["records"].push_back({{"content", record.rdata}, {"disabled", false}});
    }
    return test::json_answer(200, {{"name", zone.name()},
                                   {"id", zone.name()},
                                   {"kind", "Native"},
                                   {"serial", 1},
                                   {"rrsets", sets}});
  }
  net::HttpResponse patch(const Json& json) {
    for (const auto& set : json.at("rrsets")) {
      std::vector<test::FakeRecord> records;
      if (set.at("changetype") == "REPLACE")
        for (const auto& record : set.at("records"))
          records.push_back({{},
                             set.at("name"),
                             set.at("type"),
                             set.at("ttl"),
                             record.at("content").get<std::string>()});
      zone.replace_set(set.at("name"), set.at("type"), records);
    }
    return test::plain_answer(204);
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "powerdns";
  out.secrets = {{"api_key", "k-fake"}};
  out.api = [] { return std::make_unique<FakePowerDns>(); };
  out.low = 60;
  out.swaps_cname = true;
  return out;
}

INSTANTIATE_TEST_SUITE_P(PowerDns, EveryDnsPlugin, testing::Values(row()), row_name);

}  // namespace
}  // namespace mxferry::plugin
