// SPDX-License-Identifier: Apache-2.0
// `mxferry plugins` and `mxferry dns records` as a user runs them: exit codes, what stdout holds,
// and what happens to plugins that crash, hang or lie.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/lab_server.hpp"
#include "support/plugin_builder.hpp"

namespace mxferry {
namespace {

using test::run_shell;
const std::string kProgram = MXF_BINARY_DIR "/bin/mxferry ";

int exit_of(const std::string& arguments, std::string* output = nullptr) {
  std::string out;
  run_shell(kProgram + arguments + "; echo \"exit=$?\"", &out);
  const auto at = out.rfind("exit=");
  if (output != nullptr) *output = out.substr(0, at);
  return std::stoi(out.substr(at + 5));
}

std::string plugin_with(const std::string& body) {
  return "#include <mxferry/plugin.hpp>\n#include <cstdlib>\nusing namespace mxferry::sdk;\nclass "
         "P : public DnsPlugin {\n"
         " public:\n  using DnsPlugin::DnsPlugin;\n  Result<std::vector<RRset>> list_records(const "
         "std::string&) override {\n" +
         body + "\n  }\n};\nMXF_DNS_PLUGIN(ID, P)\n";
}
bool build(const test::TempDir& dir, const std::string& id, const std::string& body) {
  return test::build_plugin(dir.path(), id, "#define ID \"" + id + "\"\n" + plugin_with(body),
                            test::sample_manifest(id));
}

TEST(PluginsCommand, ListsAndExplainsWhatIsInstalled) {
  std::string out;
  ASSERT_EQ(exit_of("plugins list --json 2>/dev/null", &out), 0);
  const auto list = nlohmann::json::parse(out);
  std::set<std::string> ids;
  for (const auto& item : list) ids.insert(item["id"]);
  for (const std::string id : {"powerdns", "rfc2136", "dovecot", "generic-imap"})
    EXPECT_TRUE(ids.contains(id)) << id;
  ASSERT_EQ(exit_of("plugins info powerdns --json", &out), 0);
  EXPECT_EQ(nlohmann::json::parse(out)["secrets"][0]["name"], "api_key");
  EXPECT_EQ(exit_of("plugins info powerdns", &out), 0);
  EXPECT_NE(out.find("MXFERRY_POWERDNS_API_KEY"), std::string::npos);
  EXPECT_EQ(exit_of("plugins info nobody", &out), 2);
  EXPECT_EQ(exit_of("plugins frobnicate"), 2);
  EXPECT_EQ(exit_of("plugins"), 2);
  EXPECT_EQ(exit_of("plugins --help"), 0);
  EXPECT_EQ(exit_of("plugins list --wrong"), 2);
}

TEST(PluginsCommand, ABrokenManifestIsNamedByPlaceWithExit2) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "bad");
  std::ofstream(dir / "bad/plugin.json") << "{\"schema\": 1,\n \"id\": 7}";
  std::string out;
  EXPECT_EQ(exit_of("plugins list --plugins " + dir.path().string(), &out), 2);
  EXPECT_NE(out.find("bad/plugin.json:2:8"), std::string::npos) << out;
  EXPECT_NE(out.find("powerdns"), std::string::npos) << "the others are still listed";
}

TEST(PluginsCommand, EveryPluginOfThisRepositoryPassesTheCheck) {
  std::string out;
  ASSERT_EQ(exit_of("plugins list --json 2>/dev/null", &out), 0);
  for (const auto& item : nlohmann::json::parse(out)) {
    std::string report;
    EXPECT_EQ(exit_of("plugins check --json --seed 3 " + item["file"].get<std::string>(), &report),
              0)
        << report;
    EXPECT_EQ(report.find("\"failed\""), std::string::npos) << report;
    EXPECT_EQ(report.find("\"warning\""), std::string::npos) << report;
  }
}

TEST(PluginsCommand, ACrashAHangAnExitAndALieAreFoundAndNamed) {
  const test::TempDir dir;
  ASSERT_TRUE(build(dir, "crashes", "std::abort();"));
  ASSERT_TRUE(build(dir, "hangs", "for (;;) { volatile int x = 0; (void)x; }"));
  ASSERT_TRUE(build(dir, "exits", "std::_Exit(3);"));
  ASSERT_TRUE(build(
      dir, "lies",
      "HttpRequest q; q.url = \"https://x.invalid/\"; auto r = host().http(q); (void)r; return "
      "std::vector<RRset>{};"));
  std::string out;
  EXPECT_EQ(exit_of("plugins check " + (dir / "crashes").string(), &out), 1);
  EXPECT_NE(out.find("it crashed"), std::string::npos) << out;
  EXPECT_EQ(exit_of("plugins check --time-limit 2 " + (dir / "hangs").string(), &out), 1);
  EXPECT_NE(out.find("did not come back"), std::string::npos) << out;
  EXPECT_EQ(exit_of("plugins check " + (dir / "exits").string(), &out), 1);
  EXPECT_NE(out.find("exit code 3"), std::string::npos) << out;
  EXPECT_EQ(exit_of("plugins check " + (dir / "lies").string(), &out), 1);
  EXPECT_NE(out.find("passed for a complete list"), std::string::npos) << out;
  EXPECT_EQ(exit_of("plugins check " + (dir / "nothing-there").string(), &out), 1);
}

TEST(PluginsCommand, TrustIsWhatMakesAPluginLoad) {
  const test::TempDir dir;
  ASSERT_TRUE(
      build(dir, "mine",
            "return std::vector<RRset>{{\"z.test.\", \"A\", 60, \"\", {{\"192.0.2.1\"}}}};"));
  const std::string records =
      "dns records --plugin mine --zone Z.test --plugins " + dir.path().string();
  std::string out;
  EXPECT_EQ(exit_of(records, &out), 6);
  EXPECT_NE(out.find("mxferry plugins trust"), std::string::npos) << out;
  EXPECT_EQ(exit_of("plugins trust " + (dir / "mine/mine.so").string(), &out), 0);
  EXPECT_EQ(exit_of(records, &out), 0) << out;
  EXPECT_EQ(out, "z.test. 60 IN A 192.0.2.1\n");
  EXPECT_EQ(exit_of(records + " --json", &out), 0);
  EXPECT_EQ(nlohmann::json::parse(out)["rrsets"][0]["records"][0]["rdata"], "192.0.2.1");
  ::chmod(dir.path().c_str(), 0777);
  EXPECT_EQ(exit_of(records, &out), 6);
  EXPECT_NE(out.find("chmod go-w"), std::string::npos) << out;
}

// A constructor of the library writes a file as soon as the library is mapped.
TEST(PluginsCommand, ListAndInfoOpenOnlyPluginJson) {
  const test::TempDir dir;
  const auto seen = dir / "mapped";
  ASSERT_TRUE(test::build_plugin(
      dir.path(), "eager",
      "#include <fstream>\n__attribute__((constructor)) static void mapped() { std::ofstream(\"" +
          seen.string() + "\") << 1; }\n#define ID \"eager\"\n" +
          plugin_with("    return std::vector<RRset>{};"),
      test::sample_manifest("eager")));
  const std::string where = " --plugins " + dir.path().string() + " ";
  ASSERT_EQ(exit_of("plugins trust " + (dir / "eager").string()), 0);
  std::string out;
  for (const std::string command :
       {"plugins list", "plugins list --json", "plugins info eager", "plugins info eager --json"}) {
    EXPECT_EQ(exit_of(command + where, &out), 0) << command;
    EXPECT_NE(out.find("eager"), std::string::npos) << command << " looked at it\n" << out;
    EXPECT_FALSE(std::filesystem::exists(seen)) << command << " mapped the library";
  }
  exit_of("plugins check " + (dir / "eager").string(), &out);
  EXPECT_TRUE(std::filesystem::exists(seen)) << "control: mapped, it writes\n" << out;
}

TEST(DnsCommand, MistakesEndWithExit2AndSecretsAreNeverRepeated) {
  const std::string base = "dns records --plugin powerdns --zone z.test ";
  std::string out;
  EXPECT_EQ(exit_of("dns records --zone z.test", &out), 2);
  EXPECT_EQ(exit_of("dns frobnicate", &out), 2);
  EXPECT_EQ(exit_of(base, &out), 2) << out;
  EXPECT_EQ(exit_of(base + "--set url=ftp://x --secret api_key=file:/dev/null", &out), 2) << out;
  EXPECT_EQ(exit_of(base + "--set url=http://127.0.0.1:1 --secret api_key=hunter2", &out), 2);
  EXPECT_EQ(out.find("hunter2"), std::string::npos) << out;
  EXPECT_NE(out.find("env:NAME"), std::string::npos) << out;
  EXPECT_EQ(exit_of(base + "--set url=http://127.0.0.1:1 --secret api_key=env:MXF_NOT_SET", &out),
            2);
  EXPECT_EQ(exit_of("dns records --plugin nobody --zone z.test", &out), 2);
  run_shell("K=abcdef " + kProgram + base +
                "--set url=http://127.0.0.1:1 --secret api_key=env:K; echo exit=$?",
            &out);
  EXPECT_NE(out.find("exit=4"), std::string::npos) << out;
  EXPECT_EQ(out.find("abcdef"), std::string::npos) << out;
}

TEST(DnsCommand, RecordsOfARealZone) {
  const std::string address = "127.77.61.41";
  const auto api_port = test::free_port(address);
  const test::LabServer server(
      "powerdns",
      {"address=" + address, "port=" + test::free_port(address), "api_port=" + api_port});
  MXF_NEED_SERVER(server);
  const auto zone = server.dir() / "zone";
  std::ofstream(zone) << "$TTL 40\n@ SOA ns1 hostmaster 1 3600 600 86400 10\n@ NS ns1\nns1 A "
                         "127.77.61.41\n@ MX 10 mx.old.test.\n";
  ASSERT_TRUE(server.run("zone", {zone.string(), "real.test"}));
  std::string out;
  ASSERT_EQ(
      exit_of("dns records --plugin powerdns --zone real.test --json --set url=http://" + address +
                  ":" + api_port + " --secret api_key=file:" + (server.dir() / "api.key").string(),
              &out),
      0)
      << out;
  const auto json = nlohmann::json::parse(out);
  EXPECT_EQ(json["zone"], "real.test.");
  bool seen = false;
  for (const auto& set : json["rrsets"])
    seen = seen || (set["type"] == "MX" && set["ttl"] == 40 &&
                    set["records"][0]["rdata"] == "10 mx.old.test.");
  EXPECT_TRUE(seen) << out;
}

}  // namespace
}  // namespace mxferry
