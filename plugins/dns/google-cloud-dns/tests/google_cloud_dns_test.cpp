// SPDX-License-Identifier: Apache-2.0
// Cloud DNS's dialect over the fake zone, the assertion, and what is special about it.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "../../tests/dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::json;
using test::FakeRecord;

std::string decoded(const std::string& text) {
  std::string out;
  unsigned bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    static const std::string kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    bits = (bits << 6U) | static_cast<unsigned>(kAlphabet.find(c));
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out.push_back(static_cast<char>(bits >> have & 255U));
  }
  return out;
}

struct Key {
  EVP_PKEY* pkey = EVP_RSA_gen(2048);
  std::string pem;
  Key() {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(out, pkey, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(out, &data));
    pem.assign(data, size);
    BIO_free(out);
  }
  ~Key() { EVP_PKEY_free(pkey); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  bool signed_by_us(const std::string& text, const std::string& signature) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, pkey);
    const bool good =
        EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()),
                         signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                         text.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
  }
};
const Key& key() {
  static const Key one;
  return one;
}

class FakeGoogle : public test::FakeDnsApi {
 public:
  bool writes(const test::ApiRequest& q) const override {
    return q.method == "POST" && q.path != "/oauth2/v4/token";
  }
  bool polls(const test::ApiRequest& q) const override {
    return q.path.find("/changes/") != std::string::npos || q.path == "/oauth2/v4/token";
  }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    if (q.path == "/oauth2/v4/token") return token(q);
    // /dns/v1/projects/P/managedZones[/7/rrsets|changes[/ID]]
    if (q.header("Authorization") != "Bearer at-1") return error(401, "Invalid Credentials");
    if (q.parts.size() == 5) {
      Json zones = Json::array();
      if (q.parameter("dnsName", zone.name()) == zone.name())
        zones.push_back({{"name", "example"},
                         {"id", "7"},
                         {"dnsName", zone.name()},
                         {"visibility", "public"},
                         {"nameServers", {"ns1.fake.test."}}});
      return test::json_answer(200,
                               {{"kind", "dns#managedZonesListResponse"}, {"managedZones", zones}});
    }
    if (q.parts[6] == "rrsets") return listing(q);
    if (q.method == "POST") return change(q.json);
    const auto done = zone.look(q.parts.at(7));
    if (!done) return error(404, "no such change");
    return test::json_answer(
        200, {{"kind", "dns#change"}, {"id", q.parts[7]}, {"status", *done ? "done" : "pending"}});
  }
  std::size_t tokens = 0;

 private:
  static net::HttpResponse error(unsigned code, const std::string& words) {
    return test::json_answer(code, {{"error", {{"code", code}, {"message", words}}}});
  }
  net::HttpResponse token(const test::ApiRequest& q) {
    ++tokens;
    const auto jwt = q.parameter("assertion", "");
    const auto last = jwt.rfind('.');
    const auto first = jwt.find('.');
    if (first == last || !key().signed_by_us(jwt.substr(0, last), decoded(jwt.substr(last + 1))))
      return test::json_answer(400, {{"error", "invalid_grant"}});
    const auto claims = Json::parse(decoded(jwt.substr(first + 1, last - first - 1)));
    EXPECT_EQ(claims["iss"], "mxferry@p.iam.example");
    EXPECT_EQ(claims["exp"].get<std::int64_t>() - claims["iat"].get<std::int64_t>(), 3600);
    return test::json_answer(200, {{"access_token", "at-1"}, {"expires_in", 3600}});
  }
  net::HttpResponse listing(const test::ApiRequest& q) const {
    Json sets = Json::array();
    std::vector<std::pair<std::string, std::string>> seen;
    for (const auto& record : zone.records()) {
      const std::pair set{record.name, record.type};
      if (std::find(seen.begin(), seen.end(), set) != seen.end()) continue;
      seen.push_back(set);
      Json values = Json::array();
      for (const auto& one : zone.of(record.name, record.type)) values.push_back(one.rdata);
      Json item = {{"kind", "dns#resourceRecordSet"},
                   {"name", record.name},
                   {"type", record.type},
                   {"ttl", record.ttl},
                   {"rrdatas", values}};
      item.update(record.extra);
      sets.push_back(std::move(item));
    }
    const auto number = static_cast<std::size_t>(std::stoi(q.parameter("pageToken", "1")));
    const auto [first, last] = test::page_bounds(sets.size(), page_size, number);
    Json out = {{"kind", "dns#resourceRecordSetsListResponse"}, {"rrsets", Json::array()}};
    for (auto i = first; i < last; ++i) out["rrsets"].push_back(sets[i]);
    if (last < sets.size()) out["nextPageToken"] = std::to_string(number + 1);
    return test::json_answer(200, out);
  }
  net::HttpResponse change(const Json& json) {
    const auto saved = zone.records();
    std::string problem;
    for (const auto& set : json.at("deletions")) {
      const auto have = zone.of(set.at("name"), set.at("type"));
      bool same = have.size() == set.at("rrdatas").size();
      for (const auto& one : have)
        same = same && one.ttl == set.at("ttl") &&
               std::find(set["rrdatas"].begin(), set["rrdatas"].end(), Json(one.rdata)) !=
                   set["rrdatas"].end();
      if (!same) problem = "The resource named in deletions does not exist";
      zone.replace_set(set.at("name"), set.at("type"), {});
    }
    for (const auto& set : json.at("additions")) {
      if (!zone.of(set.at("name"), set.at("type")).empty()) problem = "already exists";
      std::vector<FakeRecord> records;
      for (const auto& value : set.at("rrdatas"))
        records.push_back({{}, set.at("name"), set.at("type"), set.at("ttl"), value});
      zone.replace_set(set.at("name"), set.at("type"), records);
    }
    if (!problem.empty()) {
      zone.records() = saved;
      return error(412, problem);
    }
    return test::json_answer(
        200, {{"kind", "dns#change"}, {"id", zone.begin([] {}, 1)}, {"status", "pending"}});
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "google-cloud-dns";
  out.path = "/dns/v1";
  out.more_urls = {{"token_url", "/oauth2/v4/token"}};
  out.config = {{"project", "named-archway-209418"}};
  out.secrets = {{"service_account", Json{{"client_email", "mxferry@p.iam.example"},
                                          {"private_key_id", "k1"},
                                          {"private_key", key().pem}}
                                         .dump()}};
  out.api = [] { return std::make_unique<FakeGoogle>(); };
  out.low = 60;
  out.recorded = "googleclouddns";
  out.recorded_zone = "fullm3tal.tk.";
  out.swaps_cname = true;
  return out;
}

INSTANTIATE_TEST_SUITE_P(GoogleCloudDns, EveryDnsPlugin, testing::Values(row()), row_name);

TEST(GoogleCloudDns, OneTokenServesASession) {
  FakeGoogle fake;
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [&](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
  ASSERT_TRUE(api->list_records("example.test.", {}));
  ASSERT_TRUE(api->list_records("example.test.", {}));
  EXPECT_EQ(fake.tokens, 1U);
}

TEST(GoogleCloudDns, AKeyFileThatIsNoneSaysSo) {
  auto broken = row();
  for (const std::string file : {"no json", "{}", R"({"client_email":"a","private_key":"b"})"}) {
    broken.secrets["service_account"] = file;
    auto api = *open_row(broken, "http://127.0.0.1:9",
                         [](const net::HttpRequest&) -> Result<net::HttpResponse> {
                           ADD_FAILURE() << "a request was made";
                           return test::plain_answer(500);
                         });
    const auto zone = api->list_records("example.test.", {});
    ASSERT_FALSE(zone);
    EXPECT_NE(zone.error().text.find("key"), std::string::npos) << zone.error().text;
  }
}

TEST(GoogleCloudDns, ASetWithARoutingPolicyIsLeftAlone) {
  FakeGoogle fake;
  for (auto& record : fake.zone.records())
    if (record.type == "A") record.extra = {{"routingPolicy", Json::object()}};
  auto api = *open_row(row(), "http://127.0.0.1:9",
                       [&](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone) << zone.error().message();
  const auto* set = zone->find("www.example.test.", "A");
  ASSERT_NE(set, nullptr);
  ZoneChange change{*set, *set};
  change.after->records = {{"192.0.2.7"}};
  const auto refused = api->apply("example.test.", {&change, 1}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
}

}  // namespace
}  // namespace mxferry::plugin
