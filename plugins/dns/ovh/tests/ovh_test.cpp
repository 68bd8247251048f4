// SPDX-License-Identifier: Apache-2.0
// OVH's dialect over the fake zone, and what is special about it.
#include <openssl/evp.h>

#include "../../tests/dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

std::string sha1_of(const std::string& text) {
  unsigned char digest[20];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  std::string out;
  for (const auto byte : digest) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", byte);
    out += hex;
  }
  return out;
}

class FakeOvh : public test::FakeDnsApi {
 public:
  bool polls(const test::ApiRequest& q) const override {
    return q.path.ends_with("/status") || q.path.ends_with("/auth/time");
  }
  void by_hand() override { zone.publish(); }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /1.0/auth/time, /1.0/domain/zone[/ZONE[/status|refresh|record[/ID]]]
    if (q.path == "/1.0/auth/time") return test::plain_answer(200, "1700000000");
    if (!well_signed(q))
      return test::json_answer(
          403, {{"errorCode", "INVALID_CREDENTIAL"}, {"message", "This credential is not valid"}});
    if (q.parts.size() == 3) return test::json_answer(200, Json::array({"example.test"}));
    if (q.parts[3] != "example.test") return gone();
    if (q.parts.size() == 4)
      return test::json_answer(200, {{"name", "example.test"}, {"nameServers", {"ns1.fake.test"}}});
    if (q.parts[4] == "status")
      return test::json_answer(
          200, {{"isDeployed", !zone.is_staged()}, {"errors", nullptr}, {"warnings", nullptr}});
    if (q.parts[4] == "refresh") {
      zone.publish();
      return test::plain_answer(200, "null");
    }
    const auto id = q.parts.size() > 5 ? q.parts[5] : std::string();
    if (q.method == "GET") return id.empty() ? ids() : one(id);
    if (!zone.is_staged()) zone.stage();
    if (q.method == "DELETE") return zone.remove(id) ? test::plain_answer(200, "null") : gone();
    FakeRecord now;
    now.name = test::in_zone(q.json.at("subDomain"), zone.name());
    now.rdata = q.json.at("target");
    now.ttl = q.json.at("ttl");
    if (q.method == "POST") {
      now.type = q.json.at("fieldType");
      return one(zone.add(now));
    }
    auto* found = zone.find(id);
    if (found == nullptr) return gone();
    now.type = found->type;
    now.extra = found->extra;
    now.id = id;
    if (now.extra.contains("native") && now.extra["native"] != "SPF") {
      EXPECT_EQ(now.rdata.find('"'), std::string::npos) << "native types have no quotes";
      now.rdata = "\"" + now.rdata + "\"";
    }
    *found = now;
    return test::plain_answer(200, "null");
  }

 private:
  static bool well_signed(const test::ApiRequest& q) {
    std::string url = "http://" + q.host + q.path;
    const auto text = std::string("as-secret+ck-key+") + q.method + "+" + url + "+" + q.body + "+" +
                      q.header("X-Ovh-Timestamp");
    return q.header("X-Ovh-Application") == "ak-key" && q.header("X-Ovh-Consumer") == "ck-key" &&
           q.header("X-Ovh-Signature") == "$1$" + sha1_of(text);
  }
  static net::HttpResponse gone() {
    return test::json_answer(404, {{"class", "Client::NotFound"}, {"message", "does not exist"}});
  }
  net::HttpResponse ids() const {
    Json out = Json::array();
    for (const auto& record : zone.records()) out.push_back(std::stoi(record.id));
    return test::json_answer(200, out);
  }
  net::HttpResponse one(const std::string& id) {
    const auto* record = zone.find(id);
    if (record == nullptr) return gone();
    auto target = record->rdata;
    std::string type = record->extra.value("native", record->type);
    if (type == "DKIM" || type == "DMARC") target = target.substr(1, target.size() - 2);
    return test::json_answer(200, {{"id", std::stoi(id)},
                                   {"zone", "example.test"},
                                   {"fieldType", type},
                                   {"subDomain", test::relative_to(record->name, zone.name(), "")},
                                   {"target", target},
                                   {"ttl", record->ttl == 3600 ? 0 : record->ttl}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "ovh";
  out.path = "/1.0";
  out.secrets = {{"application_key", "ak-key"},
                 {"application_secret", "as-secret"},
                 {"consumer_key", "ck-key"}};
  out.api = [] { return std::make_unique<FakeOvh>(); };
  out.low = 60;
  out.single_records = true;
  out.recorded = "ovh";
  out.recorded_zone = "pacalis.net.";
  return out;
}

INSTANTIATE_TEST_SUITE_P(Ovh, EveryDnsPlugin, testing::Values(row()), row_name);

struct OvhTest : testing::Test {
  FakeOvh fake;
  bool refuse_refresh = false;
  std::unique_ptr<DnsApi> open() {
    return *open_row(row(), "http://127.0.0.1:9", [this](const net::HttpRequest& q) {
      const test::ApiRequest request(q);
      return refuse_refresh && request.path.ends_with("/refresh") ? test::plain_answer(500)
                                                                  : fake.answer(request);
    });
  }
};

TEST_F(OvhTest, WhatIsNotPublishedIsNeverDone) {
  auto api = open();
  refuse_refresh = true;
  const auto lower = cutover_edits("example.test.", 60).lower;
  const auto made = dns::apply_edits(*api, "example.test.", lower, {}, {});
  ASSERT_FALSE(made) << "the records stand in the API, and nobody sees them";
  const auto again = api->list_records("example.test.", {});
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text.find("not published"), std::string::npos);
  const auto later = open()->list_records("example.test.", {});
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, ErrorCode::conflict);
  fake.zone.publish();
  EXPECT_TRUE(open()->list_records("example.test.", {}));
}

TEST_F(OvhTest, NativeTypesAreTxtAndKeepTheirType) {
  for (auto& record : fake.zone.records()) {
    if (record.rdata.find("v=DMARC1") != std::string::npos) record.extra = {{"native", "DMARC"}};
    if (record.rdata.find("v=spf1") != std::string::npos) record.extra = {{"native", "SPF"}};
  }
  auto api = open();
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  const auto* dmarc = zone->find("_dmarc.example.test.", "TXT");
  ASSERT_NE(dmarc, nullptr);
  EXPECT_EQ(dmarc->records[0].rdata, "\"v=DMARC1; p=none\"");
  ZoneChange change{*dmarc, *dmarc};
  change.after->records = {{"\"v=DMARC1; p=reject\""}};
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  const auto now = fake.zone.of("_dmarc.example.test.", "TXT");
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0].rdata, "\"v=DMARC1; p=reject\"");
  EXPECT_EQ(now[0].extra["native"], "DMARC");
}

}  // namespace
}  // namespace mxferry::plugin
