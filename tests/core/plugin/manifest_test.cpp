// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include <gtest/gtest.h>

namespace mxferry::plugin {
namespace {

const std::string kDns = R"({
  "schema": 1,
  "id": "sample",
  "kind": "dns",
  "abi": "0.1",
  "name": "Sample",
  "description": "A sample.",
  "config": [
    {"name": "url", "type": "url", "required": true, "description": "Where."},
    {"name": "server_id", "type": "string", "default": "localhost", "description": "Which."},
    {"name": "count", "type": "integer", "description": "How many."}
  ],
  "secrets": [{"name": "api_key", "env": "SAMPLE_KEY", "description": "The key."}],
  "limits": {"concurrency": 2, "http_timeout_s": 30},
  "traits": {"write_model": "rrset", "atomic": "batch", "min_ttl": 60},
  "links": [{"title": "API", "url": "https://example.com/"}],
  "verified": "2026-11-24"
})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}
std::string problem(const std::string& text) {
  const auto manifest = parse_manifest(text, "dir/plugin.json");
  if (manifest) return "accepted";
  EXPECT_EQ(manifest.error().code, ErrorCode::config);
  return manifest.error().text;
}

TEST(Manifest, ReadsADnsPlugin) {
  const auto m = parse_manifest(kDns, "dir/plugin.json");
  ASSERT_TRUE(m) << m.error().message();
  EXPECT_EQ(m->id, "sample");
  EXPECT_EQ(m->traits.plugin, "sample");
  EXPECT_EQ(m->traits.atomic, "batch");
  EXPECT_EQ(m->traits.min_ttl, 60U);
  EXPECT_EQ(m->config.at(1).fallback, "localhost");
  EXPECT_TRUE(m->secrets.at(0).required);
  EXPECT_EQ(m->limits.http_timeout, std::chrono::seconds(30));
  EXPECT_EQ(m->library(), "dir/sample.so");
}

TEST(Manifest, ReadsAProviderOfDataOnly) {
  const auto m =
      parse_manifest(R"({"schema":1,"id":"p","kind":"provider","name":"P","description":"d",
    "profile":{"endpoints":[{"protocol":"imap","host":"imap.p.example","port":993,"security":"tls"}],
      "auth":["PLAIN"],"delimiter":"/","prefix":"","not_moved":["notes"],"special":{"sent":["Sent","Gesendet"]},
      "limits":{"connections":10,"message_bytes":26214400},
      "errors":[{"contains":"[THROTTLED]","means":"throttled","wait_s":60}],
      "dns":[{"purpose":"mx","name":"@","type":"MX","rdata":"10 mx.p.example."}]},
    "verified":"2026-11-24"})",
                     "plugin.json");
  ASSERT_TRUE(m) << m.error().message();
  EXPECT_FALSE(m->has_library());
  EXPECT_EQ(m->profile->special.at("sent").at(1), "Gesendet");
  EXPECT_EQ(m->profile->limits.connections, 10U);
  EXPECT_EQ(m->profile->errors.at(0).wait, std::chrono::minutes(1));
  EXPECT_EQ(m->profile->prefix, "");
  EXPECT_EQ(m->profile->not_moved, std::vector<std::string>{"notes"});
}

TEST(Manifest, AMistakeIsNamedByFileLineAndColumn) {
  EXPECT_EQ(problem(replaced(kDns, "\"Sample\"", "7")),
            "dir/plugin.json:6:11: \"name\": expected a string, found number");
  EXPECT_EQ(problem(replaced(kDns, "\"type\": \"integer\"", "\"type\": \"float\"")),
            "dir/plugin.json:11:31: \"config/2/type\": expected one of string, integer, boolean, "
            "url, server, file, "
            "program, imap, found \"float\"");
  EXPECT_EQ(problem(replaced(kDns, "\"min_ttl\": 60", "\"min_ttl\": -1")),
            "dir/plugin.json:15:68: \"traits/min_ttl\": expected an integer from 0 to 4294967295");
  EXPECT_EQ(problem(replaced(kDns, "\"limits\"", "\"limit\"")).substr(0, 41),
            "dir/plugin.json:14:12: \"limit\": unknown k");
  EXPECT_EQ(problem(replaced(kDns, "\"abi\": \"0.1\",", "")),
            "dir/plugin.json:1:1: \"abi\" is missing: a DNS plugin has a library");
  EXPECT_EQ(problem(replaced(kDns, "\"kind\": \"dns\",", "\"kind\": \"dns\" ")).substr(0, 20),
            "dir/plugin.json:5:7:");
}

TEST(Manifest, RefusesEverythingElseThatIsWrong) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"schema\": 1", "\"schema\": 2"},
           {"\"id\": \"sample\"", "\"id\": \"../x\""},
           {"\"id\": \"sample\"", "\"id\": \"Sample\""},
           {"\"kind\": \"dns\"", "\"kind\": \"web\""},
           {"\"verified\": \"2026-11-24\"", "\"verified\": \"soon\""},
           {"\"name\": \"count\"", "\"name\": \"url\""},
           {"\"name\": \"count\"", "\"name\": \"ca_file\""},
           {"\"required\": true, ", "\"required\": true, \"default\": \"https://x/\", "},
           {"\"write_model\": \"rrset\"", "\"write_model\": \"magic\""},
           {"\"traits\"", "\"name\": \"twice\", \"traits\""},
           {"\"traits\"", "\"profile\": {}, \"traits\""}})
    EXPECT_NE(problem(replaced(kDns, from, to)), "accepted") << to;
  EXPECT_NE(problem(""), "accepted");
  EXPECT_NE(problem("[]"), "accepted");
}

TEST(Manifest, SettingsAreCheckedAndDefaultsFilledIn) {
  const auto m = parse_manifest(kDns, "dir/plugin.json");
  ASSERT_TRUE(m);
  const auto good = check_config(*m, {{"url", "https://h.example/"}, {"ca_file", "/x"}});
  ASSERT_TRUE(good) << good.error().message();
  EXPECT_EQ(good->at("server_id"), "localhost");
  EXPECT_FALSE(good->contains("count"));
  for (const Config& bad : std::vector<Config>{{},
                                               {{"url", "ftp://x/"}},
                                               {{"url", "https://u:p@x/"}},
                                               {{"url", "https://x/"}, {"count", "many"}},
                                               {{"url", "https://x/"}, {"typo", "1"}},
                                               {{"url", "https://x/"}, {"server_id", "a\nb"}}}) {
    const auto result = check_config(*m, bad);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::config);
  }
  EXPECT_FALSE(check_secrets(*m, {}));
  EXPECT_TRUE(check_secrets(*m, {{"api_key", Secret("k")}}));
  EXPECT_FALSE(check_secrets(*m, {{"api_key", Secret("k")}, {"other", Secret("k")}}));
}

}  // namespace
}  // namespace mxferry::plugin
