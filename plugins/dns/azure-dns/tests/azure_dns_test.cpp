// SPDX-License-Identifier: Apache-2.0
// Azure's dialect over the fake zone, and what is special about it.
#include <sstream>

#include "../../tests/dns_plugin_row.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

constexpr const char* kToken = "/TENANT_ID/oauth2/v2.0/token";

class FakeAzure : public test::FakeDnsApi {
 public:
  bool writes(const test::ApiRequest& q) const override {
    return q.method != "GET" && q.path != kToken;
  }
  bool polls(const test::ApiRequest& q) const override { return q.path == kToken; }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    if (q.path == kToken) {
      if (q.parameter("client_secret", "") != "s~ec+ret/")
        return test::json_answer(401, {{"error", "invalid_client"}});
      return test::json_answer(
          200, {{"token_type", "Bearer"}, {"expires_in", 3599}, {"access_token", "at-azure"}});
    }
    if (q.header("Authorization") != "Bearer at-azure") return error(401, "ExpiredToken");
    // /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/dnsZones[/ZONE/TYPE/NAME]
    if (q.parts.size() == 7)
      return test::json_answer(
          200, {{"value", Json::array({{{"name", "example.test"},
                                        {"properties", {{"nameServers", {"ns1.fake.test."}}}}}})}});
    if (q.parts[7] != "example.test") return error(404, "ResourceNotFound");
    if (q.method == "GET") return listing(q);
    const auto& type = q.parts.at(8);
    const auto name = test::in_zone(q.parts.at(9), zone.name());
    const bool there = !zone.of(name, type).empty();
    if (q.header("If-None-Match") == "*" && there) return error(412, "PreconditionFailed");
    const auto match = q.header("If-Match");
    if (!match.empty() && (!there || match != etag(name, type)))
      return error(412, "PreconditionFailed");
    if (q.method == "DELETE") {
      zone.replace_set(name, type, {});
      return test::plain_answer(there ? 200 : 204);
    }
    zone.replace_set(name, type, records_of(name, type, q.json.at("properties")));
    return test::json_answer(there ? 200 : 201, shown(name, type));
  }

 private:
  static net::HttpResponse error(unsigned code, const std::string& word) {
    return test::json_answer(code, {{"error", {{"code", word}, {"message", word + " said"}}}});
  }
  std::string etag(const std::string& name, const std::string& type) const {
    std::string all;
    for (const auto& one : zone.of(name, type)) all += std::to_string(one.ttl) + one.rdata;
    return std::to_string(std::hash<std::string>()(all));
  }
  net::HttpResponse listing(const test::ApiRequest& q) const {
    Json sets = Json::array();
    std::vector<std::pair<std::string, std::string>> seen;
    for (const auto& record : zone.records()) {
      const std::pair set{record.name, record.type};
      if (std::find(seen.begin(), seen.end(), set) != seen.end()) continue;
      seen.push_back(set);
      sets.push_back(shown(record.name, record.type));
    }
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("page", "1")));
    const auto [first, last] = test::page_bounds(sets.size(), page_size, number);
    Json out = {{"value", Json::array()}};
    for (auto i = first; i < last; ++i) out["value"].push_back(sets[i]);
    if (last < sets.size())
      out["nextLink"] = "http://" + q.host + q.path +
                        "?api-version=2018-05-01&page=" + std::to_string(number + 1);
    return test::json_answer(200, out);
  }
  Json shown(const std::string& name, const std::string& type) const {
    const auto set = zone.of(name, type);
    Json properties = {{"fqdn", name}, {"TTL", set[0].ttl}, {"targetResource", Json::object()}};
    for (const auto& record : set) {
      std::vector<std::string> words;
      std::istringstream in(record.rdata);
      for (std::string word; in >> word;) words.push_back(word);
      if (type == "CNAME") properties["CNAMERecord"] = {{"cname", record.rdata}};
      if (type == "A") properties["ARecords"].push_back({{"ipv4Address", record.rdata}});
      if (type == "NS") properties["NSRecords"].push_back({{"nsdname", record.rdata}});
      if (type == "MX")
        properties["MXRecords"].push_back(
            {{"preference", std::stoi(words[0])}, {"exchange", words[1]}});
      if (type == "SRV")
        properties["SRVRecords"].push_back({{"priority", std::stoi(words[0])},
                                            {"weight", std::stoi(words[1])},
                                            {"port", std::stoi(words[2])},
                                            {"target", words[3]}});
      if (type == "TXT") {
        Json chunks = Json::array();
        const auto text = *dns::txt_text(record.rdata);
        for (std::size_t at = 0; at < text.size(); at += 255)
          chunks.push_back(text.substr(at, 255));
        properties["TXTRecords"].push_back({{"value", chunks}});
      }
    }
    properties.update(set[0].extra);
    return {{"name", test::relative_to(name, zone.name(), "@")},
            {"type", "Microsoft.Network/dnszones/" + type},
            {"etag", etag(name, type)},
            {"properties", properties}};
  }
  static std::vector<FakeRecord> records_of(const std::string& name, const std::string& type,
                                            const Json& properties) {
    std::vector<FakeRecord> out;
    const auto put = [&](const std::string& rdata) {
      out.push_back({{}, name, type, properties.at("TTL"), rdata});
    };
    if (type == "CNAME") put(properties.at("CNAMERecord").at("cname"));
    if (type == "MX")
      for (const auto& one : properties.at("MXRecords"))
        put(std::to_string(one.at("preference").get<int>()) + " " +
            one.at("exchange").get<std::string>());
    if (type == "TXT")
      for (const auto& one : properties.at("TXTRecords")) {
        std::string text;
        for (const auto& chunk : one.at("value")) text += chunk.get<std::string>();
        put(dns::txt_rdata(text));
      }
    if (properties.contains("metadata"))
      for (auto& one : out) one.extra = {{"metadata", properties["metadata"]}};
    return out;
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "azure-dns";
  out.more_urls = {{"login_url", ""}};
  out.config = {{"tenant", "TENANT_ID"},
                {"subscription", "SUBSCRIPTION_ID"},
                {"resource_group", "dns-test"},
                {"client_id", "app"}};
  out.secrets = {{"client_secret", "s~ec+ret/"}};
  out.api = [] { return std::make_unique<FakeAzure>(); };
  out.low = 60;
  out.recorded = "azure";
  out.recorded_zone = "full4ir.tk.";
  // They have the token of the older endpoint.
  out.not_recorded = {{kToken, R"({"access_token":"recorded","expires_in":3599})"}};
  return out;
}

INSTANTIATE_TEST_SUITE_P(AzureDns, EveryDnsPlugin, testing::Values(row()), row_name);

struct AzureDnsTest : testing::Test {
  FakeAzure fake;
  std::function<void(const test::ApiRequest&)> look;
  std::unique_ptr<DnsApi> api =
      *open_row(row(), "http://127.0.0.1:9", [this](const net::HttpRequest& q) {
        const test::ApiRequest request(q);
        if (look) look(request);
        return fake.answer(request);
      });
  ZoneChange mx_change() {
    const auto zone = api->list_records("example.test.", {});
    EXPECT_TRUE(zone);
    ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
    change.after->ttl = 60;
    return change;
  }
};

TEST_F(AzureDnsTest, AChangeBetweenReadAndWriteIsRefusedByTheServer) {
  const auto change = mx_change();
  look = [&](const test::ApiRequest& q) {
    if (q.method == "PUT")
      for (auto& record : fake.zone.records())
        if (record.type == "MX") record.ttl = 111;
  };
  const auto stale = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict) << stale.error().message();
  EXPECT_NE(stale.error().text.find("nothing was changed"), std::string::npos);
}

TEST_F(AzureDnsTest, AnAliasSetIsLeftAloneAndMetadataStays) {
  for (auto& record : fake.zone.records()) {
    if (record.type == "A") record.extra = {{"targetResource", {{"id", "/x"}}}};
    if (record.type == "MX") record.extra = {{"metadata", {{"owner", "ops"}}}};
  }
  const auto change = mx_change();
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(fake.zone.of("example.test.", "MX")[0].extra["metadata"]["owner"], "ops");
  const auto zone = api->list_records("example.test.", {});
  const auto* set = zone->find("www.example.test.", "A");
  ASSERT_NE(set, nullptr);
  ZoneChange alias{*set, *set};
  alias.after->ttl = 61;
  const auto refused = api->apply("example.test.", {&alias, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
}

TEST_F(AzureDnsTest, ANextPageElsewhereIsNotFollowed) {
  std::vector<std::string> asked;
  auto opened = open_row(row(), "http://127.0.0.1:9", [&](const net::HttpRequest& q) {
    asked.push_back(q.url);
    auto answer = fake.answer(test::ApiRequest(q));
    if (const auto at = answer.body.find("http://127.0.0.1:9"); at != std::string::npos)
      answer.body.replace(at, 18, "http://127.0.0.2:9");
    return answer;
  });
  ASSERT_TRUE(opened);
  EXPECT_FALSE((*opened)->list_records("example.test.", {}));
  for (const auto& url : asked) EXPECT_EQ(url.find("127.0.0.2"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::plugin
