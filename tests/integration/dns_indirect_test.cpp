// SPDX-License-Identifier: Apache-2.0
// The indirect proof: where port 53 is shut, three resolvers over HTTPS stand in, with the answers
// of real caching resolvers behind them; none is asked before every secondary must have the zone.
// And what a server says over HTTPS that proves nothing. Addresses 127.77.73.x.
#include <gmock/gmock.h>

#include <deque>

#include "dns/indirect.hpp"
#include "integration/dns_lab.hpp"
#include "net/dns_exchange.hpp"
#include "support/http_server.hpp"

namespace mxferry::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kNobody = "127.77.73.99";  // what a firewall that rejects looks like
constexpr const char* kMediaType = "application/dns-message";

// A DNS query as it came: its question, and when.
struct Asked {
  std::string name, type;
  std::chrono::steady_clock::time_point at;
};

Asked question_in(const std::string& query) {
  Asked out;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<std::size_t>(query[at]);
    out.name += query.substr(at + 1, length) + ".";
    at += length + 1;
  }
  const auto number = static_cast<unsigned>(static_cast<unsigned char>(query[at + 1])) << 8U |
                      static_cast<unsigned char>(query[at + 2]);
  out.type = dns::type_name(static_cast<std::uint16_t>(number));
  out.at = std::chrono::steady_clock::now();
  return out;
}

// A resolver over HTTPS (plain on loopback) whose answers are those of a resolver of the lab.
class DohResolver {
 public:
  DohResolver(const std::string& address, const std::string& behind)
      : server_([this, behind](const ServedRequest& q) { return answer(q, behind); }, {}, {},
                address) {}
  std::string url() const { return server_.url("/dns-query"); }
  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  /// Alters what is answered.
  std::function<void(ServedResponse&)> after;

 private:
  ServedResponse answer(const ServedRequest& q, const std::string& behind) {
    ServedResponse out;
    const auto type = q.headers.find("content-type");
    if (q.method != "POST" || q.target != "/dns-query" || type == q.headers.end() ||
        type->second != kMediaType) {
      out.status = 415;
      return out;
    }
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(question_in(q.body));
    }
    const auto bytes = net::dns_exchange({behind}, q.body, {}, {});
    out.status = bytes ? 200 : 502;
    out.headers = {{"Content-Type", kMediaType}};
    if (bytes) out.body = *bytes;
    if (after) after(out);
    return out;
  }
  std::mutex mutex_;
  std::vector<Asked> asked_;
  HttpServer server_;
};

class DnsIndirect : public testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root for port 53";
    static std::unique_ptr<DnsLab> only;
    if (!only) only = std::make_unique<DnsLab>("powerdns");
    lab = only.get();
    if (lab->broken()) FAIL() << lab->problem();
    if (!lab->problem().empty()) GTEST_SKIP() << lab->problem();
    for (int i = 0; i < 3; ++i)
      resolvers.emplace_back("127.77.73." + std::to_string(31 + i), lab->at(i == 1 ? 5 : 4));
    lab->write("want.json", R"({"rrsets":[
      {"name":"@","type":"MX","ttl":2,"records":["10 mx.new.test."]},
      {"name":"key._domainkey","type":"TXT","ttl":2,"records":["v=DKIM1; p=abc"]}]})");
  }
  std::vector<std::string> with_doh(std::vector<std::string> words) const {
    for (const auto& resolver : resolvers) {
      words.push_back("--doh");
      words.push_back(resolver.url());
    }
    return words;
  }
  // `dns wait` where nobody answers on port 53.
  Ended wait_behind_a_wall(std::vector<std::string> words) const {
    words.insert(words.begin(), {"dns", "wait", "--zone", "cut.test", "--root", kNobody});
    CommandRun run(words, {});
    Ended out;
    out.exit = run.wait();
    out.out = run.out();
    out.err = run.err();
    return out;
  }
  dns::DohServers servers() const {
    dns::DohServers out;
    for (const auto& resolver : resolvers) out.push_back({resolver.url()});
    return out;
  }

  DnsLab* lab = nullptr;
  std::deque<DohResolver> resolvers;
};

TEST_F(DnsIndirect, NoNameIsAskedForBeforeEverySecondaryMustHaveIt) {
  ASSERT_EQ(lab->resolve(4, "MX").rdata.size(), 2U) << "the old set is in a cache";
  const auto snap = lab->file("snap");
  ASSERT_EQ(
      lab->run("apply", {"--desired", lab->file("want.json"), "--snapshot", snap, "--yes"}).exit,
      0);
  const auto applied = std::chrono::steady_clock::now();
  const auto early = wait_behind_a_wall(with_doh({"--snapshot", snap, "--timeout", "0", "--json"}));
  EXPECT_EQ(early.exit, 7) << early.err;
  EXPECT_THAT(early.err, HasSubstr("REFRESH"));
  const auto seen =
      wait_behind_a_wall(with_doh({"--snapshot", snap, "--timeout", "60s", "--json"}));
  ASSERT_EQ(seen.exit, 0) << seen.err;
  const auto json = parse_json(seen.out, "wait");
  ASSERT_TRUE(json) << seen.out;
  EXPECT_EQ((*json)["proof"], "indirect");
  EXPECT_THAT(seen.err, HasSubstr("the proof is indirect"));
  bool asked_key = false;
  for (auto& resolver : resolvers)
    for (const auto& one : resolver.asked()) {
      if (one.type == "SOA" || one.type == "NS") {
        EXPECT_EQ(one.name, "cut.test.");
        continue;
      }
      asked_key = asked_key || one.name == "key._domainkey.cut.test.";
      EXPECT_GE(one.at - applied, std::chrono::milliseconds(7'500))
          << one.name << " " << one.type << ": REFRESH 6 + RETRY 2 had not passed";
    }
  EXPECT_TRUE(asked_key);
  const auto back = lab->run("restore", {"--snapshot", snap, "--yes"});
  EXPECT_EQ(back.exit, 0) << back.err;
}

TEST_F(DnsIndirect, WhereServersCanBeAskedTheyAre) {
  lab->write("now.json", R"({"rrsets":[{"name":"www","type":"A","records":["192.0.2.80"]}]})");
  const auto seen = lab->run(
      "wait", with_doh({"--desired", lab->file("now.json"), "--timeout", "20s", "--json"}));
  ASSERT_EQ(seen.exit, 0) << seen.err;
  const auto json = parse_json(seen.out, "wait");
  ASSERT_TRUE(json) << seen.out;
  EXPECT_EQ((*json)["proof"], "direct");
}

TEST_F(DnsIndirect, TwoWordsAreNoProof) {
  const auto look = [&](const std::vector<std::string>& doh) {
    std::vector<std::string> words = {"--desired", lab->file("want.json")};
    for (const auto& url : doh) words.insert(words.end(), {"--doh", url});
    return wait_behind_a_wall(words);
  };
  const auto two = look({resolvers[0].url(), resolvers[1].url()});
  EXPECT_EQ(two.exit, 2);
  EXPECT_THAT(two.err, HasSubstr("3 resolvers or more"));
  const auto same = look({resolvers[0].url(), resolvers[1].url(), resolvers[0].url() + "2"});
  EXPECT_EQ(same.exit, 2);
  EXPECT_THAT(same.err, HasSubstr("named twice"));
  const auto plain = look({resolvers[0].url(), resolvers[1].url(), "http://192.0.2.1/dns-query"});
  EXPECT_EQ(plain.exit, 2);
  EXPECT_THAT(plain.err, HasSubstr("https"));
}

TEST_F(DnsIndirect, AnAnswerThatIsNoneIsUnknown) {
  auto& resolver = resolvers[0];
  const dns::Question question{"www.cut.test.", "A"};
  const auto ask = [&] { return dns::ask_resolver(net::DohServer{resolver.url()}, question, {}); };
  const auto good = ask();
  ASSERT_EQ(good.kind, dns::Seen::Kind::present) << good.why;
  EXPECT_EQ(good.rdata, std::vector<std::string>{"192.0.2.80"});
  const std::vector<std::function<void(ServedResponse&)>> wrong = {
      [](ServedResponse& r) { r.status = 500; },
      [](ServedResponse& r) { r.status = 302; },
      [](ServedResponse& r) {
        r.headers = {{"Content-Type", "text/html"}};
      },
      [](ServedResponse& r) { r.body.clear(); },
      [](ServedResponse& r) { r.body.resize(r.body.size() / 2); },
      [](ServedResponse& r) { r.body[13] = 'x'; },  // another name
      [](ServedResponse& r) { r.body[0] = 'x'; },   // another id
      [](ServedResponse& r) { r.headers.emplace_back("Age", "soon"); },
      [](ServedResponse& r) { r.body = std::string(70'000, 'x'); },
      [](ServedResponse& r) { r.close = true; }};
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    resolver.after = wrong[i];
    const auto seen = ask();
    EXPECT_EQ(seen.kind, dns::Seen::Kind::unknown) << i;
    EXPECT_FALSE(seen.why.empty()) << i;
  }
  resolver.after = [](ServedResponse& r) { r.headers.emplace_back("Age", "1"); };
  const auto aged = ask();
  ASSERT_EQ(aged.kind, dns::Seen::Kind::present);
  EXPECT_LE(aged.ttl, 2U) << "3 seconds, one of them in a cache of HTTP";
}

TEST_F(DnsIndirect, OneThatIsSilentHoldsWhatAllMustSay) {
  ASSERT_TRUE(dns::indirect_soa("cut.test.", servers(), {}));
  EXPECT_EQ(dns::indirect_soa("cut.test.", servers(), {})->refresh, 6U);
  const auto delegation = dns::indirect_delegation("cut.test.", servers(), {});
  ASSERT_TRUE(delegation) << delegation.error().message();
  EXPECT_EQ(delegation->servers.size(), 3U);
  EXPECT_EQ(dns::indirect_delegation("www.cut.test.", servers(), {}).error().code,
            ErrorCode::not_found);
  resolvers[2].after = [](ServedResponse& r) { r.status = 503; };
  EXPECT_FALSE(dns::indirect_soa("cut.test.", servers(), {}));
  const auto silent = dns::indirect_delegation("cut.test.", servers(), {});
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::network);
}

}  // namespace
}  // namespace mxferry::test
