// SPDX-License-Identifier: Apache-2.0
// Namecheap's dialect over the fake zone, and what is special about it.
#include "../../tests/dns_plugin_row.hpp"
#include "mxferry/xml_answer.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::plugin {
namespace {

using test::FakeRecord;

class FakeNamecheap : public test::FakeDnsApi {
 public:
  bool writes(const test::ApiRequest& q) const override {
    return q.parameter("Command", "") == "namecheap.domains.dns.setHosts";
  }
  net::HttpResponse answer(const test::ApiRequest& q) override {
    const auto command = q.parameter("Command", "");
    if (q.parameter("ApiKey", "") != "k0ffee") return error("1011102", "API Key is invalid");
    if (command == "namecheap.domains.getList")
      return ok(
          "<DomainGetListResult><Domain Name=\"example.test\"/></DomainGetListResult>"
          "<Paging><TotalItems>1</TotalItems></Paging>");
    if (q.parameter("SLD", "") + "." + q.parameter("TLD", "") != "example.test")
      return error("2019166", "Domain not found");
    return writes(q) ? set_hosts(q) : hosts();
  }
  std::string email = "MX";
  std::string ours = "true";
  std::string active = "true";

 private:
  static net::HttpResponse ok(const std::string& inside) {
    return test::plain_answer(200,
                              "<?xml version=\"1.0\"?>\r\n<ApiResponse Status=\"OK\"><Errors/>"
                              "<CommandResponse>" +
                                  inside + "</CommandResponse></ApiResponse>");
  }
  static net::HttpResponse error(const std::string& number, const std::string& words) {
    return test::plain_answer(200, "<ApiResponse Status=\"ERROR\"><Errors><Error Number=\"" +
                                       number + "\">" + words + "</Error></Errors></ApiResponse>");
  }
  net::HttpResponse hosts() const {
    std::string out = "<DomainDNSGetHostsResult Domain=\"example.test\" EmailType=\"" + email +
                      "\" IsUsingOurDNS=\"" + ours + "\">";
    for (const auto& record : zone.records()) {
      const auto [preference, rest] = test::preference_of(record);
      const auto address = record.type == "TXT"  ? *dns::txt_text(record.rdata)
                           : record.type == "MX" ? rest
                                                 : record.rdata;
      out += "<host HostId=\"" + record.id + "\" Name=\"" +
             test::relative_to(record.name, zone.name(), "@") + "\" Type=\"" + record.type +
             "\" Address=\"" + sdk::xml_escaped(address) + "\" MXPref=\"" +
             std::to_string(record.type == "MX" ? preference : 10U) + "\" TTL=\"" +
             std::to_string(record.ttl) + "\" IsActive=\"" + active + "\"/>";
    }
    return ok(out + "</DomainDNSGetHostsResult>");
  }
  // What is not sent is gone.
  net::HttpResponse set_hosts(const test::ApiRequest& q) {
    zone.records().clear();
    for (int i = 1; q.query.contains("HostName" + std::to_string(i)); ++i) {
      const auto n = std::to_string(i);
      FakeRecord record;
      record.name = test::in_zone(q.query.at("HostName" + n), zone.name());
      record.type = q.query.at("RecordType" + n);
      record.ttl = static_cast<std::uint32_t>(std::stoul(q.query.at("TTL" + n)));
      const auto& address = q.query.at("Address" + n);
      record.rdata = record.type == "TXT"  ? dns::txt_rdata(address)
                     : record.type == "MX" ? q.query.at("MXPref" + n) + " " + address
                                           : address;
      zone.add(record);
    }
    email = q.parameter("EmailType", "");
    return ok("<DomainDNSSetHostsResult Domain=\"example.test\" IsSuccess=\"true\"/>");
  }
};

DnsPluginRow row() {
  DnsPluginRow out;
  out.plugin = "namecheap";
  out.path = "/xml.response";
  out.config = {{"api_user", "me"}, {"client_ip", "192.0.2.50"}};
  out.secrets = {{"api_key", "k0ffee"}};
  out.api = [] { return std::make_unique<FakeNamecheap>(); };
  out.low = 60;
  out.recorded = "namecheap";
  out.recorded_zone = "unittest2.dev.";
  out.swaps_cname = true;
  return out;
}

INSTANTIATE_TEST_SUITE_P(Namecheap, EveryDnsPlugin, testing::Values(row()), row_name);

struct NamecheapTest : testing::Test {
  FakeNamecheap fake;
  std::unique_ptr<DnsApi> open(const DnsPluginRow& as = row()) {
    return *open_row(as, "http://127.0.0.1:9", [this](const net::HttpRequest& q) {
      EXPECT_EQ(q.url.find("k0ffee"), std::string::npos) << "a URL with the key";
      return fake.answer(test::ApiRequest(q));
    });
  }
  Result<ApplyOutcome> lower(DnsApi& api, const std::string& name, const std::string& type) {
    const auto zone = api.list_records("example.test.", {});
    EXPECT_TRUE(zone) << zone.error().message();
    ZoneChange change{*zone->find(name, type), *zone->find(name, type)};
    change.after->ttl = 60;
    return api.apply("example.test.", {&change, 1}, {});
  }
};

TEST_F(NamecheapTest, RedirectsAreSentBackAsTheyWere) {
  fake.zone.add({{}, "go.example.test.", "URL301", 1800, "http://x.test/?a=1&b=<2>"});
  auto api = open();
  const auto done = lower(*api, "example.test.", "TXT");
  ASSERT_TRUE(done) << done.error().message();
  const auto kept = fake.zone.of("go.example.test.", "URL301");
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].rdata, "http://x.test/?a=1&b=<2>");
  EXPECT_EQ(kept[0].ttl, 1800U);
}

TEST_F(NamecheapTest, ForwardingIsNotEndedUnasked) {
  fake.email = "FWD";
  auto api = open();
  ASSERT_TRUE(lower(*api, "example.test.", "TXT"));
  EXPECT_EQ(fake.email, "FWD") << "a change of TXT leaves the e-mail type";
  const auto refused = lower(*api, "example.test.", "MX");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
  EXPECT_EQ(fake.email, "FWD");
  auto allowed = row();
  allowed.config["switch_email"] = "true";
  auto other = open(allowed);
  ASSERT_TRUE(lower(*other, "example.test.", "MX"));
  EXPECT_EQ(fake.email, "MX");
}

TEST_F(NamecheapTest, AZoneServedElsewhereOrWithInactiveRecordsIsRefused) {
  fake.ours = "false";
  auto api = open();
  EXPECT_FALSE(api->list_records("example.test.", {}));
  fake.ours = "true";
  fake.active = "false";
  EXPECT_TRUE(api->list_records("example.test.", {}));
  const auto refused = lower(*api, "example.test.", "MX");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
}

TEST_F(NamecheapTest, AKeyThatIsRefusedIsAnAuthenticationError) {
  auto wrong = row();
  wrong.secrets["api_key"] = "another";
  auto api = open(wrong);
  const auto zone = api->list_records("example.test.", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, ErrorCode::auth);
}

}  // namespace
}  // namespace mxferry::plugin
