// SPDX-License-Identifier: Apache-2.0
// Cloudflare's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

class FakeCloudflare : public test::FakeDnsApi {
 public:
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /client/v4/zones[/ID/dns_records[/batch]]
    if (q.header("Authorization") != "Bearer " + token) return error(403, 10000, "Authentication");
    if (q.parts.size() == 3) return zones(q);
    if (q.parts.size() < 5 || q.parts[3] != "zid") return error(404, 7003, "no such zone");
    if (q.method == "GET") return listing(q);
    if (q.parts.size() == 6 && q.parts[5] == "batch" && q.method == "POST") return batch(q.json);
    return error(405, 10405, "Method not allowed");
  }
  std::string token = "t-cloudflare";
  std::string status = "active";
  std::size_t twins = 1;  // zones of the name

 private:
  static net::HttpResponse error(unsigned code, int number, const std::string& words) {
    return test::json_answer(code,
                             {{"result", nullptr},
                              {"success", false},
                              {"errors", Json::array({{{"code", number}, {"message", words}}})}});
  }
  net::HttpResponse paged(const test::ApiRequest& q, const std::vector<Json>& all) const {
    const auto [first, last] = test::page_bounds(
        all.size(), page_size, static_cast<std::size_t>(std::stoi(q.parameter("page", "1"))));
    Json items = Json::array();
    for (auto i = first; i < last; ++i) items.push_back(all[i]);
    return test::json_answer(200, {{"result", items},
                                   {"success", true},
                                   {"errors", Json::array()},
                                   {"result_info", {{"total_count", all.size()}}}});
  }
  net::HttpResponse zones(const test::ApiRequest& q) const {
    std::vector<Json> out;
    const auto name = test::undotted(zone.name());
    for (std::size_t i = 0; i < twins; ++i)
      if (q.parameter("name", name) == name)
        out.push_back({{"id", "zid"},
                       {"name", name},
                       {"status", status},
                       {"name_servers", {"ns1.fake.test", "ns2.fake.test"}}});
    return paged(q, out);
  }
  net::HttpResponse listing(const test::ApiRequest& q) {
    std::vector<Json> all;
    for (const auto& record : zone.records()) {
      Json out = {{"id", record.id},       {"name", test::undotted(record.name)},
                  {"type", record.type},   {"ttl", record.ttl},
                  {"proxied", false},      {"comment", nullptr},
                  {"tags", Json::array()}, {"meta", Json::object()}};
      const auto [preference, rest] = test::preference_of(record);
      out["content"] =
          record.type == "TXT" || record.type == "A" ? record.rdata : test::undotted(rest);
      if (record.type == "MX") out["priority"] = preference;
      if (record.type == "SRV")
        out["data"] = {{"priority", 0}, {"weight", 5}, {"port", 443}, {"target", "mail.old.test"}};
      out.update(record.extra);
      all.push_back(std::move(out));
    }
    return paged(q, all);
  }
  static FakeRecord record_of(const Json& json) {
    FakeRecord out;
    out.name = json.at("name").get<std::string>() + ".";
    out.type = json.at("type");
    out.ttl = json.at("ttl");
    const std::string content = json.value("content", "");
    out.rdata = out.type == "MX"
                    ? std::to_string(json.at("priority").get<int>()) + " " + content + "."
                : out.type == "CNAME" ? content + "."
                                      : content;
    for (const char* key : {"comment", "tags"})
      if (json.contains(key)) out.extra[key] = json[key];
    return out;
  }
  // One transaction: nothing of it where a part does not fit.
  net::HttpResponse batch(const Json& json) {
    const auto saved = zone.records();
    const auto each = [&](const char* key, const auto& body) {
      bool good = true;
      if (json.contains(key))
        for (const auto& item : json[key]) good = good && body(item);
      return good;
    };
    const bool good =
        each("deletes",
             [&](const Json& item) { return zone.remove(item.at("id").get<std::string>()); }) &&
        each("patches",
             [&](const Json& item) {
               auto* found = zone.find(item.at("id").get<std::string>());
               if (found == nullptr) return false;
               const auto id = found->id;
               *found = record_of(item);
               found->id = id;
               return true;
             }) &&
        each("posts", [&](const Json& item) {
          const auto now = record_of(item);
          for (const auto& have : zone.of(now.name, now.type))
            if (have.rdata == now.rdata) return false;
          zone.add(now);
          return true;
        });
    if (!good) {
      zone.records() = saved;
      return error(400, 81058, "An identical record already exists.");
    }
    return test::json_answer(
        200, {{"success", true}, {"errors", Json::array()}, {"result", Json::object()}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "cloudflare";
  out.path = "/client/v4";
  out.secrets = {{"token", "t-cloudflare"}};
  out.api = [] { return std::make_unique<FakeCloudflare>(); };
  out.low = 60;
  out.recorded = "cloudflare";
  out.recorded_zone = "byemike.org.";
  out.swaps_cname = true;
  return out;
}

INSTANTIATE_TEST_SUITE_P(Cloudflare, EveryDnsPlugin, testing::Values(row()), row_name);

struct CloudflareTest : testing::Test {
  FakeCloudflare fake;
  std::unique_ptr<DnsApi> api =
      *open_row(row(), "http://127.0.0.1:9",
                [this](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
};

TEST_F(CloudflareTest, AProxiedOrOwnedRecordIsShownAndLeftAlone) {
  for (auto& record : fake.zone.records()) {
    if (record.name == "www.example.test.") record.extra = {{"proxied", true}, {"ttl", 1}};
    if (record.type == "MX") record.extra = {{"meta", {{"email_routing", true}}}};
  }
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  for (const auto& [name, type, why] : {std::tuple("www.example.test.", "A", "proxied"),
                                        std::tuple("example.test.", "MX", "Email Routing")}) {
    const auto* set = zone->find(name, type);
    ASSERT_NE(set, nullptr);
    ZoneChange change{*set, *set};
    change.after->ttl = 3599;
    const auto refused = api->apply("example.test.", {&change, 1}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::denied);
    EXPECT_NE(refused.error().text.find(why), std::string::npos) << refused.error().text;
  }
}

TEST_F(CloudflareTest, CommentsAndTagsStayWithTheirRecord) {
  for (auto& record : fake.zone.records())
    if (record.rdata == "10 mx1.old.test.")
      record.extra = {{"comment", "do not touch"}, {"tags", {"a:b"}}};
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone);
  ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
  change.after->ttl = 120;
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  for (const auto& record : fake.zone.records())
    if (record.rdata == "10 mx1.old.test.") {
      EXPECT_EQ(record.extra["comment"], "do not touch");
      EXPECT_EQ(record.ttl, 120U);
    }
}

TEST_F(CloudflareTest, AZoneThatIsNotDelegatedOrStandsTwiceIsRefused) {
  fake.status = "pending";
  const auto pending = api->list_records("example.test.", {});
  ASSERT_FALSE(pending);
  EXPECT_NE(pending.error().text.find("not delegated"), std::string::npos);
  fake.status = "active";
  fake.twins = 2;
  const auto twice = api->list_records("example.test.", {});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::conflict) << twice.error().message();
}

TEST_F(CloudflareTest, AnAnswerThatIsNotUnderstoodLeavesTheWriteInDoubt) {
  auto opened = open_row(row(), "http://127.0.0.1:9", [this](const net::HttpRequest& q) {
    auto answer = fake.answer(test::ApiRequest(q));
    if (q.method == "POST") answer.body = "{}";
    return answer;
  });
  ASSERT_TRUE(opened);
  const auto zone = (*opened)->list_records("example.test.", {});
  ASSERT_TRUE(zone);
  ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
  change.after->ttl = 120;
  const auto done = (*opened)->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text.find("unknown"), std::string::npos) << done.error().text;
}

TEST_F(CloudflareTest, AWrongTokenIsAnAuthenticationError) {
  fake.token = "another";
  const auto zone = api->list_records("example.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::auth) << zone.error().message();
}

}  // namespace
}  // namespace mxferry::plugin
