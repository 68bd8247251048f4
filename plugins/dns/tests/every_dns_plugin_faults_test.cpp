// SPDX-License-Identifier: Apache-2.0
// An API that fails, lies, forgets or is slow: on every plugin it leads to waiting, reading again
// or refusing; never to a second blind write, a "done" that is none, or a deletion.
#include <regex>
#include <set>

#include "dns_plugin_row.hpp"

namespace mxferry::plugin {
namespace {

net::HttpResponse answer(unsigned code, std::string body,
                         std::vector<net::HttpHeader> headers = {}) {
  net::HttpResponse r;
  r.code = code;
  r.body = std::move(body);
  r.headers = std::move(headers);
  return r;
}

TEST_P(EveryDnsPlugin, SaysWhichFailureItWas) {
  struct Case {
    unsigned code;
    ErrorCode expected;
  };
  for (const auto& c : {Case{401, ErrorCode::auth}, Case{429, ErrorCode::rate_limited},
                        Case{500, ErrorCode::protocol}, Case{503, ErrorCode::protocol}}) {
    before = [&](const test::ApiRequest&, bool) -> std::optional<Answer> {
      return answer(c.code, R"({"message":"the vendor's sentence"})", {{"retry-after", "7"}});
    };
    const auto zone_read = api->list_records(zone, {});
    ASSERT_FALSE(zone_read);
    EXPECT_EQ(zone_read.error().code, c.expected) << c.code << zone_read.error().message();
    EXPECT_NE(zone_read.error().remote.find("the vendor's sentence"), std::string::npos);
    if (c.code == 429) {
      EXPECT_EQ(zone_read.error().retry_after, std::chrono::seconds(7));
    }
    for (const auto& [name, value] : GetParam().secrets)
      EXPECT_EQ(zone_read.error().message().find(value), std::string::npos) << name;
  }
}

// Each write request of the flip in turn: not carried out and answered with an error; carried out
// and its answer lost; carried out and answered with rubbish.
TEST_P(EveryDnsPlugin, AWriteThatFailsIsNeverRepeatedBlindlyAndTheNextRunGoesOn) {
  for (const std::string how : {"500", "403", "lost", "rubbish", "empty"}) {
    for (std::size_t at = 1; at < 12; ++at) {
      fake = GetParam().api();
      api = open_again();
      const auto original = read();
      std::size_t seen = 0;
      std::set<std::string> bodies;
      bool repeated = false;
      before = [&](const test::ApiRequest& q, bool is_write) -> std::optional<Answer> {
        if (!is_write) return {};
        if (!bodies.insert(q.method + q.path + q.body).second) repeated = true;
        ++seen;
        if (seen == at && (how == "500" || how == "403"))
          return answer(how == "500" ? 500 : 403, R"({"message":"no"})");
        return {};
      };
      after = [&](net::HttpResponse& r, bool is_write) {
        if (!is_write || seen != at) return;
        if (how == "lost") r.code = 0;
        if (how == "rubbish") r.body = R"({"unexpected":[1,2)";
        if (how == "empty") r.body = "";
      };
      const auto flip = cutover_edits(zone, GetParam().low).flip;
      const auto made = apply(flip);
      if (seen < at) {
        EXPECT_TRUE(made) << made.error().message();
        break;
      }
      EXPECT_FALSE(repeated) << how << " at write " << at;
      if (how == "500" || how == "403") {
        ASSERT_FALSE(made) << how << " at write " << at;
      }
      if (made) {
        EXPECT_EQ(dns::probe_edits(read(), flip), dns::Probe::done)
            << how << " at write " << at << ": done, and it is not";
      }
      before = nullptr;
      after = nullptr;
      fake->by_hand();
      api = open_again();
      auto next = apply(flip);
      if (!next && GetParam().single_records && next.error().code == ErrorCode::conflict) {
        // Half of a set stands: refused, and the snapshot from before brings it back.
        const auto back = dns::restore_changes(read(), original);
        ASSERT_TRUE(back) << back.error().message();
        const auto restored = dns::write_changes(*api, zone, *back, {}, {});
        ASSERT_TRUE(restored) << restored.error().message();
        EXPECT_EQ(shape(read()), shape(original));
        next = apply(flip);
      }
      ASSERT_TRUE(next) << how << " at write " << at << ": " << next.error().message();
      EXPECT_EQ(dns::probe_edits(read(), flip), dns::Probe::done);
      expect_no_bad_moment();
    }
  }
}

TEST_P(EveryDnsPlugin, StaleReadsAreNoReasonToWriteAgain) {
  // Every read shows the zone as it was before the writes; the state of a change is told truly.
  std::map<std::string, net::HttpResponse> first;
  std::string key;
  before = [&](const test::ApiRequest& q, bool is_write) -> std::optional<Answer> {
    key.clear();
    if (is_write || fake->polls(q)) return {};
    key = q.method + q.path + q.body;
    for (const auto& [name, value] : q.query) key += name + value;
    const auto it = first.find(key);
    return it == first.end() ? std::optional<Answer>() : it->second;
  };
  after = [&](net::HttpResponse& r, bool) {
    if (!key.empty()) first.emplace(key, r);
  };
  const auto flip = cutover_edits(zone, GetParam().low).flip;
  const auto made = apply(flip);
  EXPECT_FALSE(made) << "the API shows the old zone: this is not done";
  const auto written = writes();
  expect_no_bad_moment();
  before = nullptr;
  after = nullptr;
  const auto next = apply(flip);
  ASSERT_TRUE(next) << next.error().message();
  EXPECT_EQ(writes(), written) << "everything stood already";
  expect_no_bad_moment();
}

// Each name in the API's answers renamed in turn, everywhere.
TEST_P(EveryDnsPlugin, AChangedShapeIsAnErrorOrChangesNothing) {
  const auto whole = shape(read());
  std::set<std::string> names;
  after = [&](net::HttpResponse& r, bool) {
    static const std::regex kNames(
        R"re("([A-Za-z_0-9]+)" ?:|<([A-Za-z]+)[ >/]|[ ]([A-Za-z]+)=")re");
    for (std::sregex_iterator it(r.body.begin(), r.body.end(), kNames), end; it != end; ++it)
      for (std::size_t group = 1; group <= 3; ++group)
        if ((*it)[group].matched) names.insert((*it)[group].str());
  };
  (void)read();
  ASSERT_GE(names.size(), 3U);
  for (const auto& name : names) {
    after = [&](net::HttpResponse& r, bool) {
      const std::regex json("\"" + name + "\"( ?:)");
      const std::regex element("(</?)" + name + "([ >/])");
      const std::regex attribute("( )" + name + "(=\")");
      r.body = std::regex_replace(r.body, json, "\"renamed\"$1");
      r.body = std::regex_replace(r.body, element, "$1renamed$2");
      r.body = std::regex_replace(r.body, attribute, "$1renamed$2");
    };
    auto opened = open_again();
    const auto snapshot = opened->list_records(zone, {});
    if (snapshot) {
      EXPECT_EQ(shape(*snapshot), whole) << "without " << name;
    }
    if (!snapshot) {
      EXPECT_NE(snapshot.error().code, ErrorCode::plugin) << name;
    }
  }
}

TEST_P(EveryDnsPlugin, AnEmptyOrCutAnswerIsNeverAZone) {
  std::size_t requests = 0;
  after = [&](net::HttpResponse&, bool) { ++requests; };
  (void)read();
  const std::size_t all = requests;
  for (std::size_t at = 1; at <= all; ++at) {
    for (const std::string how : {"empty", "cut", "object", "list", "null", "html"}) {
      std::size_t seen = 0;
      after = [&](net::HttpResponse& r, bool) {
        if (++seen != at) return;
        r.body = how == "empty"    ? ""
                 : how == "cut"    ? r.body.substr(0, r.body.size() / 2)
                 : how == "object" ? "{}"
                 : how == "list"   ? "[]"
                 : how == "null"   ? "null"
                                   : "<html><body>busy</body></html>";
      };
      auto opened = open_again();
      const auto snapshot = opened->list_records(zone, {});
      if (how == "list" && GetParam().bare_list && at > 1) continue;
      EXPECT_FALSE(snapshot) << how << " in place of answer " << at << " of " << all;
    }
  }
}

}  // namespace
}  // namespace mxferry::plugin
