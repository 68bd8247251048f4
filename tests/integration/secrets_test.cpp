// SPDX-License-Identifier: Apache-2.0
// A marker planted in every secret is found nowhere but where it belongs: not in argv and
// environment of the running program, not in state, WAL, log (at trace level), report, output, nor
// in what a child inherits. Each search has a control that shows that it would find it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/escape.hpp"
#include "protocol/sasl/sasl.hpp"
#include "support/command_run.hpp"
#include "support/http_server.hpp"
#include "support/piped_run.hpp"
#include "support/plugin_builder.hpp"
#include "support/small_lab.hpp"
#include "support/tls_imap_server.hpp"

namespace mxferry::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

// With octets that percent-encoding and JSON spell differently.
const std::string kOld = "Pl4nt&Old+7q/Xz=One";
const std::string kNew = "Pl4nt&New+8r/Yz=Two";
const std::string kDnsKey = "Pl4nt+Dns/9s=Three";
const std::string kDoveadmKey = "Pl4nt+Adm/0t=Four";

std::string percent(const std::string& text, bool upper) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_') {
      out += c;
      continue;
    }
    std::string two = hex(std::string(1, c));
    if (upper)
      std::transform(two.begin(), two.end(), two.begin(),
                     [](unsigned char x) { return static_cast<char>(std::toupper(x)); });
    out += "%" + two;
  }
  return out;
}

// Every spelling that is looked for. Base64 is looked for at each of its three alignments, without
// the characters that what stands before and behind has a share in: that finds SASL PLAIN for any
// user, HTTP Basic, and anything else that holds the secret.
std::vector<std::string> spellings(const std::string& secret) {
  std::vector<std::string> out = {secret, percent(secret, true), percent(secret, false)};
  for (std::size_t before = 0; before < 3; ++before) {
    std::string text = sasl::base64(std::string(before, '\0') + secret);
    text.erase(text.size() - 4);
    if (before > 0) text.erase(0, 4);
    out.push_back(text);
  }
  std::string digits = hex(secret);
  out.push_back(digits);
  std::transform(digits.begin(), digits.end(), digits.begin(),
                 [](unsigned char x) { return static_cast<char>(std::toupper(x)); });
  out.push_back(digits);
  return out;
}

// Empty, or what was found.
std::string leak(const std::string& where, const std::string& text) {
  for (const auto& secret : {kOld, kNew, kDnsKey, kDoveadmKey})
    for (const auto& spelling : spellings(secret))
      if (text.find(spelling) != std::string::npos) return where + " holds " + spelling;
  return "";
}

std::string slurp(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

// All files below, with their names; how many there were in `count`.
std::string leak_below(const fs::path& dir, int* count = nullptr) {
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (count != nullptr) ++*count;
    auto found = leak("the name of " + entry.path().string(), entry.path().string());
    if (found.empty() && entry.is_regular_file())
      found = leak(entry.path().string(), slurp(entry.path()));
    if (!found.empty()) return found;
  }
  return "";
}

// As root may read it although the process is not dumpable; others must not be able to.
std::string leak_in_process(pid_t pid, const std::string& variable) {
  const std::string proc = "/proc/" + std::to_string(pid);
  const auto environment = slurp(proc + "/environ");
  if (::getuid() == 0 && !variable.empty() && environment.find(variable + "=") == std::string::npos)
    return "the environment could not be read: no control";
  auto found = leak("argv", slurp(proc + "/cmdline"));
  return found.empty() ? leak("the environment", environment) : found;
}

TEST(Secrets, TheSearchFindsEverySpelling) {
  EXPECT_NE(leak("", "x" + kOld + "y"), "");
  EXPECT_NE(leak("", sasl::plain("", "anna", kNew)), "");
  EXPECT_NE(leak("", sasl::plain("", "annab", kNew)), "");
  EXPECT_NE(leak("", sasl::plain("", "annabe", kNew)), "");
  EXPECT_NE(leak("", sasl::base64("user:" + kDnsKey)), "");
  EXPECT_NE(leak("", "https://h/?k=Pl4nt%2BDns%2F9s%3DThree"), "");
  EXPECT_NE(leak("", hex(kDoveadmKey)), "");
  EXPECT_EQ(leak("", "nothing"), "");
}

TEST(Secrets, OfARunThatWaitsAreNowhere) {
  SmallLabOptions options;
  options.number = 1;
  options.old_password = kOld;
  options.new_password = kNew;
  options.dns_key = kDnsKey;
  options.doveadm_key = kDoveadmKey;
  SmallLab lab(options);
  MXF_NEED_LAB(lab);
  const TempDir home;
  const std::map<std::string, std::string> environment = {
      {"OLD_PASSWORD", kOld},
      {"DNS_KEY", kDnsKey},
      {"HOME", home.path().string()},
      {"TMPDIR", home.path().string()},
      {"XDG_STATE_HOME", (home / "state").string()}};
  PipedRun run({"--log-level", "trace", "run", lab.plan().string(), "--json"}, environment);
  // It waits an hour for the old TTL; until then it has used every secret.
  ASSERT_TRUE(run.read_until("\"state\":\"done\",\"step\":\"bulk:anna@alpha.test\""))
      << run.output();
  if (run.output().find("\"waiting\",\"step\":\"ttl-wait") == std::string::npos) {
    ASSERT_TRUE(run.read_until("\"state\":\"waiting\",\"step\":\"ttl-wait")) << run.output();
  }
  EXPECT_EQ(leak_in_process(run.pid(), "OLD_PASSWORD"), "");
  int files = 0;
  EXPECT_EQ(leak_below(home.path(), &files), "") << "while it runs";
  EXPECT_TRUE(fs::exists(home / "state/mxferry/small/state.db-wal"));
  EXPECT_TRUE(fs::exists(home / "state/mxferry/small/state.db-shm"));
  EXPECT_GE(files, 5);
  run.kill(SIGTERM);
  EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
  EXPECT_EQ(leak("the output", run.output()), "");
  EXPECT_EQ(leak_below(home.path()), "") << "after it";
  EXPECT_TRUE(fs::exists(home / "state/mxferry/small/report/report.html"));
  for (const auto* command : {"status", "report"}) {
    CommandRun told({command, lab.plan().string(), "--json"}, environment);
    EXPECT_EQ(told.wait(), 0) << told.err();
    EXPECT_EQ(leak(command, told.out() + told.err()), "");
  }
  EXPECT_EQ(leak_below(home.path()), "");
}

class SecretsOfSync : public ::testing::Test {
 protected:
  std::vector<std::string> args(const TlsImapServer& server) {
    std::ofstream(dir / "new.password") << kNew << '\n';
    return {"--log-level",
            "trace",
            "sync",
            "--source",
            "imap://anna@" + server.address() + ":" + std::to_string(server.port()),
            "--source-secret",
            "env:SECRET_OF_SOURCE",
            "--dest",
            "imaps://anna@127.77.64.2:9",
            "--dest-secret",
            "file:" + (dir / "new.password").string(),
            "--state",
            (dir / "state/s.db").string(),
            "--json"};
  }
  static TlsImapOptions options() {
    TlsImapOptions out;
    out.address = "127.77.64.1";
    return out;
  }
  TempDir dir;
};

TEST_F(SecretsOfSync, ThatHangsInItsLoginAreNowhere) {
  auto hanging = options();
  hanging.hang_at = "LOGIN";
  TlsImapServer server(hanging);
  PipedRun run(args(server), {{"SECRET_OF_SOURCE", kOld}});
  ASSERT_TRUE(server.wait_for_hang()) << run.output();
  EXPECT_NE(leak("the server's transcript", server.transcript()), "") << "control: it was used";
  EXPECT_EQ(leak_in_process(run.pid(), "SECRET_OF_SOURCE"), "");
  EXPECT_EQ(leak_below(dir / "state"), "");
  run.kill(SIGTERM);
  EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
  EXPECT_EQ(leak("the output", run.output()), "");
  EXPECT_EQ(leak_below(dir / "state"), "");
}

// Servers quote the command that they did not like; RFC 9051 leaves the words to them.
TEST_F(SecretsOfSync, ThatTheServerEchoesAreNotRepeated) {
  for (const auto& answer : {"NO [AUTHENTICATIONFAILED] not \"" + kOld + "\"",
                             "BAD cannot parse " + sasl::plain("", "anna", kOld),
                             "NO " + percent(kOld, true) + " " + hex(kOld)}) {
    auto echoing = options();
    echoing.login_answer = answer;
    TlsImapServer server(echoing);
    fs::remove_all(dir / "state");
    PipedRun run(args(server), {{"SECRET_OF_SOURCE", kOld}});
    const auto code = run.wait(seconds(30));
    EXPECT_TRUE(code == 3 || code == 4) << code.value_or(-1) << run.output();
    EXPECT_EQ(leak("the output", run.output()), "");
    EXPECT_EQ(leak_below(dir / "state"), "");
  }
}

TEST_F(SecretsOfSync, ThatStandWhereAReferenceBelongsAreNotRepeated) {
  auto server_options = options();
  TlsImapServer server(server_options);
  auto words = args(server);
  *std::find(words.begin(), words.end(), "env:SECRET_OF_SOURCE") = kOld;
  PipedRun run(words, {});
  EXPECT_EQ(run.wait(seconds(10)), 2);
  EXPECT_EQ(leak("the output", run.output()), "");
  EXPECT_EQ(server.connections(), 0);
}

#ifndef MXFERRY_SANITIZED  // a sanitized build leaves its limits as they are
std::string core_limit(pid_t pid) {
  std::istringstream lines(slurp("/proc/" + std::to_string(pid) + "/limits"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("Max core file size")) return line;
  return "";
}
#endif

// A fault of ours at the worst moment: the password is in memory. Nothing of it may be left behind.
TEST_F(SecretsOfSync, ThatCrashesLeavesNoCoreAndNoSecret) {
  for (const int signal : {SIGSEGV, SIGABRT}) {
    auto hanging = options();
    hanging.address = "127.0.0.1";
    hanging.hang_at = "LOGIN";
    TlsImapServer server(hanging);
    const TempDir home;
    fs::remove_all(dir / "state");
    const auto cwd = fs::current_path();
    fs::current_path(home.path());  // where a core would be written
    PipedRun run(args(server), {{"SECRET_OF_SOURCE", kOld},
                                {"HOME", home.path().string()},
                                {"TMPDIR", home.path().string()},
                                {"ASAN_OPTIONS", "handle_segv=0:handle_abort=0"}});
    ASSERT_TRUE(server.wait_for_hang()) << run.output();
    fs::current_path(cwd);
    EXPECT_NE(leak("the server's transcript", server.transcript()), "") << "control: it was used";
#ifndef MXFERRY_SANITIZED
    std::istringstream words(core_limit(run.pid()).substr(18));
    std::string soft, hard;
    words >> soft >> hard;
    EXPECT_EQ(soft, "0");
    EXPECT_EQ(hard, "0");
#endif
    run.kill(signal);
    EXPECT_EQ(run.wait(seconds(10)), 128 + signal) << run.output();
    EXPECT_EQ(leak("the output", run.output()), "");
    EXPECT_EQ(leak_below(dir / "state"), "");
    EXPECT_EQ(leak_below(home.path()), "");
    for (const auto& where :
         {home.path(), fs::current_path(), dir.path(), fs::path("/var/crash")}) {
      std::error_code ec;
      for (const auto& entry : fs::directory_iterator(where, ec)) {
        const auto name = entry.path().filename().string();
        if (!entry.is_regular_file()) continue;
        EXPECT_FALSE(name == "core" || name == "core." + std::to_string(run.pid())) << entry.path();
      }
    }
  }
}

std::vector<std::string> dns_args(const HttpServer& server, const std::string& reference) {
  return {"--log-level", "trace",
          "dns",         "records",
          "--plugin",    "powerdns",
          "--zone",      "alpha.test",
          "--set",       "url=" + server.url(""),
          "--secret",    "api_key=" + reference};
}

TEST(SecretsOfDns, ThatHangsAreNowhereAndASignalEndsItWithFive) {
  HttpServer server(
      [](const ServedRequest&) {
        return ServedResponse{200, {}, "", true, false};
      },
      {}, {}, "127.77.64.3");
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto before = server.requests().size();
    PipedRun run(dns_args(server, "env:DNS_KEY"), {{"DNS_KEY", kDnsKey}});
    server.wait_for_requests(before + 1);
    EXPECT_NE(leak("", server.transcript()), "") << "control: it was used";
    EXPECT_EQ(leak_in_process(run.pid(), "DNS_KEY"), "");
    run.kill(signal);
    EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
    EXPECT_EQ(leak("the output", run.output()), "");
  }
}

TEST(SecretsOfDns, ThatTheServerEchoesAreNotRepeated) {
  HttpServer server(
      [](const ServedRequest& request) {
        const auto key = request.headers.at("x-api-key");
        return ServedResponse{401,
                              {},
                              "{\"error\": \"" + key + " " + sasl::base64(key) + " " +
                                  percent(key, true) + " " + percent(key, false) + " " + hex(key) +
                                  "\"}",
                              false,
                              false};
      },
      {}, {}, "127.77.64.3");
  const TempDir dir;
  std::ofstream(dir / "key") << kDnsKey;
  PipedRun run(dns_args(server, "file:" + (dir / "key").string()), {});
  EXPECT_EQ(run.wait(seconds(30)), 3) << run.output();
  EXPECT_EQ(leak("the output", run.output()), "");
}

TEST(SecretsOfPlugins, AreNotInTheEnvironmentOfACheckedPlugin) {
  const TempDir dir;
  const std::string id = "peeker";
  ASSERT_TRUE(build_plugin(
      dir.path(), id,
      "#include <mxferry/plugin.hpp>\n#include <fstream>\nusing namespace mxferry::sdk;\n"
      "class P : public DnsPlugin {\n public:\n  using DnsPlugin::DnsPlugin;\n"
      "  Result<std::vector<RRset>> list_records(const std::string&) override {\n"
      "    std::ofstream(\"" +
          (dir / "seen").string() +
          "\", std::ios::binary) << std::ifstream(\"/proc/self/environ\").rdbuf();\n"
          "    return std::vector<RRset>{};\n  }\n};\nMXF_DNS_PLUGIN(\"peeker\", P)\n",
      sample_manifest(id)));
  CommandRun trusted({"plugins", "trust", (dir / id).string()}, {});
  ASSERT_EQ(trusted.wait(), 0) << trusted.err();
  CommandRun checked({"plugins", "check", (dir / id).string()},
                     {{"MXFERRY_POWERDNS_API_KEY", kDnsKey}, {"HOME", "/nowhere"}});
  checked.wait();
  const auto seen = slurp(dir / "seen");
  EXPECT_NE(seen.find("PATH="), std::string::npos) << "control: it ran\n" << checked.out();
  EXPECT_EQ(leak("the plugin's environment", seen), "");
  EXPECT_EQ(leak("the output", checked.out() + checked.err()), "");
}

}  // namespace
}  // namespace mxferry::test
