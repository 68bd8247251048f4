// SPDX-License-Identifier: Apache-2.0
// The dialect of Hetzner's Cloud API over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeHetzner : public test::FakeDnsApi {
 public:
  bool polls(const test::ApiRequest& q) const override {
    return q.parts.size() > 2 && q.parts[2] == "actions";
  }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /v1/zones[/ID|NAME[/rrsets[/NAME/TYPE[/actions/ACTION]]]], /v1/zones/actions/ID
    if (q.header("Authorization") != "Bearer t-hetzner") return error(401, "unauthorized");
    if (q.parts.size() == 2) return paged(q, "zones", {shown()});
    if (q.parts[2] == "actions") {
      const auto done = zone.look(q.parts.at(3));
      if (!done) return error(404, "not_found");
      return action(q.parts[3], *done ? "success" : "running", 200);
    }
    if (q.parts[2] != "53" && q.parts[2] != "example.test") return error(404, "not_found");
    if (q.parts.size() == 3) return test::json_answer(200, {{"zone", shown()}});
    if (q.method == "GET") return listing(q);
    return write(q);
  }
  int rounds = 1;
  std::string protected_name;

 private:
  static net::HttpResponse error(unsigned code, const std::string& word) {
    return test::json_answer(code, {{"error", {{"code", word}, {"message", word + " said"}}}});
  }
  static net::HttpResponse action(const std::string& id, const std::string& status,
                                  unsigned code = 201) {
    return test::json_answer(
        code, {{"action", {{"id", std::stoi(id)}, {"status", status}, {"error", nullptr}}}});
  }
  Json shown() const {
    return {{"id", 53},
            {"name", "example.test"},
            {"ttl", 3600},
            {"authoritative_nameservers", {{"assigned", {"ns1.fake.test."}}}}};
  }
  net::HttpResponse paged(const test::ApiRequest& q, const char* key,
                          const std::vector<Json>& all) const {
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("page", "1")));
    const auto [first, last] = test::page_bounds(all.size(), page_size, number);
    Json items = Json::array();
    for (auto i = first; i < last; ++i) items.push_back(all[i]);
    const Json next = last < all.size() ? Json(number + 1) : Json(nullptr);
    return test::json_answer(
        200, {{key, items},
              {"meta", {{"pagination", {{"next_page", next}, {"total_entries", all.size()}}}}}});
  }
  net::HttpResponse listing(const test::ApiRequest& q) const {
    std::vector<Json> all;
    std::vector<std::pair<std::string, std::string>> seen;
    for (const auto& record : zone.records()) {
      const std::pair set{record.name, record.type};
      if (std::find(seen.begin(), seen.end(), set) != seen.end()) continue;
      seen.push_back(set);
      Json records = Json::array();
      for (const auto& one : zone.of(record.name, record.type))
        records.push_back({{"value", one.rdata}, {"comment", one.extra.value("comment", "")}});
      const auto name = test::relative_to(record.name, zone.name(), "@");
      all.push_back({{"name", name},
                     {"type", record.type},
                     {"ttl", record.ttl == 3600 ? Json(nullptr) : Json(record.ttl)},
                     {"protection", {{"change", name == protected_name}}},
                     {"records", records}});
    }
    return paged(q, "rrsets", all);
  }
  // Carried out when the action is looked at.
  net::HttpResponse write(const test::ApiRequest& q) {
    const bool create = q.parts.size() == 4;
    const std::string relative = create ? q.json.at("name").get<std::string>() : q.parts.at(4);
    const auto name = test::in_zone(relative, zone.name());
    const std::string type = create ? q.json.at("type").get<std::string>() : q.parts.at(5);
    const auto have = zone.of(name, type);
    if (create != have.empty()) return error(create ? 409 : 404, create ? "uniqueness" : "gone");
    const auto body = q.json;
    const bool remove = q.method == "DELETE";
    return action(zone.begin(
                      [this, name, type, body, remove] {
                        auto now = zone.of(name, type);
                        if (body.is_object() && body.contains("records")) {
                          const auto ttl = now.empty() ? body.value("ttl", 3600U) : now[0].ttl;
                          now.clear();
                          for (const auto& one : body["records"])
                            now.push_back({{},
                                           name,
                                           type,
                                           ttl,
                                           one.at("value"),
                                           {{"comment", one.value("comment", "")}}});
                        } else if (!remove) {
                          for (auto& one : now) one.ttl = body.at("ttl");
                        }
                        zone.replace_set(name, type, remove ? std::vector<FakeRecord>() : now);
                      },
                      rounds),
                  "running");
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "hetzner";
  out.path = "/v1";
  out.secrets = {{"token", "t-hetzner"}};
  out.api = [] { return std::make_unique<FakeHetzner>(); };
  out.low = 60;
  out.recorded = "hetzner";
  out.recorded_zone = "devcoop.de.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Hetzner, EveryDnsPlugin, testing::Values(row()), row_name);

struct HetznerTest : testing::Test {
  FakeHetzner fake;
  std::vector<std::string> writes;
  std::unique_ptr<DnsApi> api =
      *open_row(row(), "http://127.0.0.1:9", [this](const net::HttpRequest& q) {
        const test::ApiRequest request(q);
        if (request.method != "GET") writes.push_back(request.parts.back());
        return fake.answer(request);
      });
  ZoneRRset set(const std::string& name, const std::string& type) {
    const auto zone = api->list_records("example.test.", {});
    EXPECT_TRUE(zone) << zone.error().message();
    return *zone->find(name, type);
  }
};

TEST_F(HetznerTest, TtlGoesBeforeValuesAndEachActionIsWaitedFor) {
  ZoneChange change{set("example.test.", "MX"), set("example.test.", "MX")};
  change.after->ttl = 60;
  change.after->records = {{"5 mx.new.test."}};
  fake.rounds = 2;
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(writes, (std::vector<std::string>{"change_ttl", "set_records"}));
  ASSERT_EQ(done->change_ids.size(), 2U);
  for (const auto& id : done->change_ids) {
    EXPECT_EQ(*api->change_live("example.test.", id, {}), false);
    EXPECT_EQ(*api->change_live("example.test.", id, {}), true);
  }
  EXPECT_EQ(set("example.test.", "MX").ttl, 60U);
}

TEST_F(HetznerTest, AFailedActionIsAnErrorWithTheVendorsWords) {
  auto opened = open_row(
      row(), "http://127.0.0.1:9", [](const net::HttpRequest&) -> Result<net::HttpResponse> {
        return test::json_answer(
            200, {{"action",
                   {{"id", 7},
                    {"status", "error"},
                    {"error", {{"code", "action_failed"}, {"message", "it did not work"}}}}}});
      });
  ASSERT_TRUE(opened);
  const auto live = (*opened)->change_live("example.test.", "7", {});
  ASSERT_FALSE(live);
  EXPECT_EQ(live.error().remote, "it did not work");
}

TEST_F(HetznerTest, AProtectedSetIsLeftAloneAndCommentsStay) {
  for (auto& record : fake.zone.records())
    if (record.rdata == "20 mx2.old.test.") record.extra = {{"comment", "second"}};
  ZoneChange change{set("example.test.", "MX"), set("example.test.", "MX")};
  change.after->records.erase(change.after->records.begin());
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(*api->change_live("example.test.", done->change_ids.at(0), {}), true);
  const auto now = fake.zone.of("example.test.", "MX");
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0].extra["comment"], "second");
  fake.protected_name = "www";
  ZoneChange kept{set("www.example.test.", "A"), set("www.example.test.", "A")};
  kept.after->ttl = 61;
  const auto refused = api->apply("example.test.", {&kept, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace mxferry::plugin
