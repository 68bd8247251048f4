// SPDX-License-Identifier: Apache-2.0
// Route 53's dialect over the fake zone, its signature, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "../signature.cpp"  // the signature alone, against the published values
#include "mxferry/xml_answer.hpp"

namespace mxferry::plugin {
namespace {

using sdk::xml_escaped;
using sdk::XmlElement;
using test::FakeRecord;

class FakeRoute53 : public test::FakeDnsApi {
 public:
  bool polls(const test::ApiRequest& q) const override {
    return q.parts.size() > 1 && q.parts[1] == "change";
  }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    // /2013-04-01/hostedzonesbyname, /2013-04-01/hostedzone/Z/rrset, /2013-04-01/change/C
    if (!q.header("Authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKID/"))
      return error(403, "InvalidClientTokenId", "The security token is invalid");
    const auto& what = q.parts.at(1);
    if (what == "hostedzonesbyname") return xml("ListHostedZonesByNameResponse", zones());
    if (what == "change") {
      const auto done = zone.look(q.parts.at(2));
      if (!done) return error(404, "NoSuchChange", "none");
      return xml("GetChangeResponse", "<ChangeInfo><Id>/change/" + q.parts.at(2) + "</Id><Status>" +
                                          (*done ? "INSYNC" : "PENDING") +
                                          "</Status></ChangeInfo>");
    }
    if (q.parts.size() == 3)
      return xml("GetHostedZoneResponse",
                 "<DelegationSet><NameServers><NameServer>ns1.fake.test</NameServer>"
                 "</NameServers></DelegationSet>");
    if (q.method == "GET") return listing(q);
    return batch(q.body);
  }
  std::string twin;  // more hosted zones
  int rounds = 1;

 private:
  static net::HttpResponse xml(const std::string& name, const std::string& inside) {
    return test::plain_answer(
        200, "<?xml version=\"1.0\"?>\n<" + name + ">" + inside + "</" + name + ">");
  }
  static net::HttpResponse error(unsigned code, const std::string& word, const std::string& words) {
    return test::plain_answer(code, "<ErrorResponse><Error><Type>Sender</Type><Code>" + word +
                                        "</Code><Message>" + xml_escaped(words) +
                                        "</Message></Error></ErrorResponse>");
  }
  std::string zones() const {
    return "<HostedZones><HostedZone><Id>/hostedzone/Z1</Id><Name>" + zone.name() +
           "</Name><Config><PrivateZone>false</PrivateZone></Config></HostedZone>"
           "<HostedZone><Id>/hostedzone/Z2</Id><Name>" +
           zone.name() + "</Name><Config><PrivateZone>true</PrivateZone></Config></HostedZone>" +
           twin + "</HostedZones><IsTruncated>false</IsTruncated>";
  }
  net::HttpResponse listing(const test::ApiRequest& q) {
    std::vector<std::pair<std::string, std::string>> keys;
    for (const auto& record : zone.records()) {
      const std::pair key{record.name, record.type};
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
    std::size_t first = 0;
    if (q.query.contains("name"))
      first = static_cast<std::size_t>(
          std::find(keys.begin(), keys.end(), std::pair{q.query.at("name"), q.query.at("type")}) -
          keys.begin());
    const auto last = std::min(keys.size(), first + page_size);
    std::string out = "<ResourceRecordSets>";
    for (auto i = first; i < last; ++i) {
      const auto set = zone.of(keys[i].first, keys[i].second);
      out += "<ResourceRecordSet><Name>" + keys[i].first + "</Name><Type>" + keys[i].second +
             "</Type>" + set[0].extra.value("xml", "") + "<TTL>" + std::to_string(set[0].ttl) +
             "</TTL><ResourceRecords>";
      for (const auto& record : set)
        out += "<ResourceRecord><Value>" + xml_escaped(record.extra.value("raw", record.rdata)) +
               "</Value></ResourceRecord>";
      out += "</ResourceRecords></ResourceRecordSet>";
    }
    out += "</ResourceRecordSets>";
    const bool more = last < keys.size();
    out += std::string("<IsTruncated>") + (more ? "true" : "false") + "</IsTruncated>";
    if (more)
      out += "<NextRecordName>" + keys[last].first + "</NextRecordName><NextRecordType>" +
             keys[last].second + "</NextRecordType>";
    return xml("ListResourceRecordSetsResponse", out);
  }
  net::HttpResponse batch(const std::string& body) {
    const auto root = sdk::xml_of(body);
    if (!root) return error(400, "InvalidInput", "no XML");
    const auto saved = zone.records();
    std::string problem;
    for (const auto& change : root->child("ChangeBatch")->child("Changes")->children) {
      const auto* set = change.child("ResourceRecordSet");
      const auto name = *set->text_of("Name");
      const auto type = *set->text_of("Type");
      const auto ttl = static_cast<std::uint32_t>(std::stoul(*set->text_of("TTL")));
      std::vector<FakeRecord> records;
      for (const auto& one : set->child("ResourceRecords")->children) {
        const auto raw = *one.text_of("Value");
        records.push_back({{}, name, type, ttl, decimal(raw), {{"raw", raw}}});
      }
      const auto have = zone.of(name, type);
      if (change.text_of("Action") == "DELETE") {
        bool same = have.size() == records.size();
        for (const auto& one : records)
          same = same && std::any_of(have.begin(), have.end(), [&](const FakeRecord& h) {
                   return h.rdata == one.rdata && h.ttl == one.ttl;
                 });
        if (!same) problem = "but the values provided do not match the current values";
        zone.replace_set(name, type, {});
      } else if (!have.empty()) {
        problem = "but it already exists";
      } else {
        zone.replace_set(name, type, records);
      }
    }
    if (!problem.empty()) {
      zone.records() = saved;
      return error(400, "InvalidChangeBatch", "[Tried to change, " + problem + "]");
    }
    const auto id = zone.begin([] {}, rounds);
    return xml("ChangeResourceRecordSetsResponse",
               "<ChangeInfo><Id>/change/" + id + "</Id><Status>PENDING</Status></ChangeInfo>");
  }
  // \ooo as \DDD
  static std::string decimal(const std::string& raw) {
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\\' && i + 3 < raw.size() && std::isdigit(raw[i + 1]) != 0) {
        char text[8];
        std::snprintf(text, sizeof text, "\\%03d", std::stoi(raw.substr(i + 1, 3), nullptr, 8));
        out += text;
        i += 3;
      } else {
        out.push_back(raw[i]);
        if (raw[i] == '\\' && i + 1 < raw.size()) out.push_back(raw[++i]);
      }
    }
    return out;
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "route53";
  out.path = "/2013-04-01";
  out.secrets = {{"access_key_id", "AKID"}, {"secret_access_key", "s-route53"}};
  out.api = [] { return std::make_unique<FakeRoute53>(); };
  out.low = 60;
  out.recorded = "route53";
  out.recorded_zone = "fullcr1stal.tk.";
  out.swaps_cname = true;
  return out;
}

INSTANTIATE_TEST_SUITE_P(Route53, EveryDnsPlugin, testing::Values(row()), row_name);

struct Route53Test : testing::Test {
  FakeRoute53 fake;
  std::unique_ptr<DnsApi> api =
      *open_row(row(), "http://127.0.0.1:9",
                [this](const net::HttpRequest& q) { return fake.answer(test::ApiRequest(q)); });
};

// The case get-vanilla of the published test suite, and its variant with a session token.
TEST(Route53Signature, IsThatOfThePublishedExample) {
  route53::SignedRequest request;
  request.method = "GET";
  request.host = "example.amazonaws.com";
  request.path = "/";
  const route53::SigningKey key{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                "us-east-1", "service"};
  EXPECT_EQ(route53::amz_date(1440938160000), "20150830T123600Z");
  EXPECT_EQ(route53::authorization(request, key, "20150830T123600Z"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_F(Route53Test, AliasAndWeightedSetsAreShownAndLeftAlone) {
  for (const std::string kind : {"<AliasTarget><DNSName>lb.test.</DNSName></AliasTarget>",
                                 "<SetIdentifier>a</SetIdentifier><Weight>1</Weight>"}) {
    for (auto& record : fake.zone.records())
      if (record.name == "www.example.test.") record.extra = {{"xml", kind}};
    const auto zone = api->list_records("example.test.", {});
    ASSERT_TRUE(zone) << zone.error().message();
    const auto* set = zone->find("www.example.test.", "A");
    ASSERT_NE(set, nullptr);
    ZoneChange change{*set, *set};
    change.after->ttl = 77;
    const auto refused = api->apply("example.test.", {&change, 1}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::denied) << refused.error().message();
  }
}

TEST_F(Route53Test, AChangeIsLiveOnlyWhenItIsInSync) {
  fake.rounds = 2;
  const auto zone = api->list_records("example.test.", {});
  ASSERT_TRUE(zone);
  ZoneChange change{*zone->find("example.test.", "MX"), *zone->find("example.test.", "MX")};
  change.after->ttl = 60;
  const auto done = api->apply("example.test.", {&change, 1}, {});
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_EQ(done->change_ids.size(), 1U);
  EXPECT_EQ(*api->change_live("example.test.", done->change_ids[0], {}), false);
  EXPECT_EQ(*api->change_live("example.test.", done->change_ids[0], {}), true);
}

TEST_F(Route53Test, TwoPublicZonesOfOneNameNeedAnId) {
  fake.twin =
      "<HostedZone><Id>/hostedzone/Z3</Id><Name>example.test.</Name><Config>"
      "<PrivateZone>false</PrivateZone></Config></HostedZone>";
  const auto twice = api->list_records("example.test.", {});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::conflict);
  auto named = row();
  named.config["zone_id"] = "Z1";
  auto opened = open_row(named, "http://127.0.0.1:9", [this](const net::HttpRequest& q) {
    return fake.answer(test::ApiRequest(q));
  });
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->list_records("example.test.", {}));
}

TEST_F(Route53Test, ThrottlingAsksToComeLater) {
  auto opened = open_row(
      row(), "http://127.0.0.1:9", [](const net::HttpRequest&) -> Result<net::HttpResponse> {
        return test::plain_answer(400,
                                  "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling"
                                  "</Code><Message>Rate exceeded</Message></Error>"
                                  "</ErrorResponse>");
      });
  ASSERT_TRUE(opened);
  const auto zone = (*opened)->list_records("example.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::rate_limited);
  EXPECT_EQ(zone.error().remote, "Rate exceeded");
}

}  // namespace
}  // namespace mxferry::plugin
