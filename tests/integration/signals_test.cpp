// SPDX-License-Identifier: Apache-2.0
// What signals, closed pipes, a vanished terminal and other processes do to a run and to a copy:
// stopped within 5 s with exit 5, and the same command goes on; or not stopped at all.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.hpp"
#include "support/command_run.hpp"
#include "support/mail_account.hpp"
#include "support/piped_run.hpp"
#include "support/small_lab.hpp"
#include "support/tls_imap_server.hpp"

namespace mxferry::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An hour of the old TTL. (Before it there may be a moment in which a server is asked again.)
const std::string kWaits = "caches may hold the old TTL for another";

class SignalsOfRun : public ::testing::Test {
 protected:
  static SmallLabOptions options(int number) {
    SmallLabOptions out;
    out.number = number;
    return out;
  }
  std::map<std::string, std::string> environment(const SmallLabOptions& o = {}) const {
    return {{"OLD_PASSWORD", o.old_password},
            {"DNS_KEY", o.dns_key},
            {"HOME", home.path().string()},
            {"XDG_STATE_HOME", (home / "state").string()}};
  }
  nlohmann::json status(const SmallLab& lab) {
    CommandRun told({"status", lab.plan().string(), "--json"}, environment());
    EXPECT_EQ(told.wait(), 0) << told.err();
    return nlohmann::json::parse(told.out());
  }
  TempDir home;
};

TEST_F(SignalsOfRun, TermEndsAWaitingRunWithFiveAndTheSameCommandGoesOn) {
  SmallLab lab(options(2));
  MXF_NEED_LAB(lab);
  std::optional<Instant> first;
  for (const int signal : {SIGTERM, SIGINT}) {
    PipedRun run({"run", lab.plan().string(), "--json"}, environment());
    ASSERT_TRUE(run.read_until(kWaits)) << run.output();
    run.kill(signal);
    EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
    EXPECT_NE(run.output().find("\"exit\":5"), std::string::npos) << run.output();
    // The wait is the one that the first run began, not a new one.
    CommandRun again({"run", lab.plan().string(), "--json", "--no-wait"}, environment());
    EXPECT_EQ(again.wait(), 7) << again.err();
    const auto lines = again.out();
    const auto at = lines.rfind('{', lines.rfind("\"event\":\"end\""));
    ASSERT_NE(at, std::string::npos) << lines;
    const auto end = nlohmann::json::parse(lines.substr(at));
    Instant until;
    ASSERT_TRUE(parse_instant(end["retry_at"].get<std::string>(), until)) << lines;
    if (!first) first = until;
    EXPECT_LT(std::chrono::abs(until - *first), seconds(1)) << lines;
  }
}

TEST_F(SignalsOfRun, HangUpClosedPipeAndVanishedTerminalDoNotStopIt) {
  SmallLab lab(options(3));
  MXF_NEED_LAB(lab);
  const auto goes_on = [&](PipedRun& run) {
    // `pause` is taken and told in the state by a run that lives: its output is gone.
    const auto take = [&](const char* verb, const char* state) {
      CommandRun asked({verb, lab.plan().string()}, environment());
      EXPECT_EQ(asked.wait(), 0) << asked.err();
      const auto until = std::chrono::steady_clock::now() + seconds(3);
      while (std::chrono::steady_clock::now() < until)
        if (status(lab).dump().find(std::string("\"") + state + "\"") != std::string::npos)
          return true;
      return false;
    };
    EXPECT_TRUE(take("pause", "paused"));
    EXPECT_TRUE(take("resume", "running"));
    EXPECT_TRUE(run.running());
    run.kill(SIGTERM);
    EXPECT_EQ(run.wait(seconds(5)), 5);
  };
  {
    PipedRun run({"run", lab.plan().string(), "--json"}, environment());
    ASSERT_TRUE(run.read_until(kWaits)) << run.output();
    run.kill(SIGHUP);
    run.kill(SIGPIPE);
    run.close_output();
    goes_on(run);
  }
  {
    PipedRun run({"run", lab.plan().string()}, environment(), PipedRun::On::terminal);
    ASSERT_TRUE(run.read_until(kWaits)) << run.output();
    run.close_output();
    goes_on(run);
  }
}

TEST_F(SignalsOfRun, ASecondProcessIsRefusedWithTheHoldersPidAndOthersAreHeard) {
  auto lab_options = options(4);
  lab_options.ttl = 5;
  SmallLab lab(lab_options);
  MXF_NEED_LAB(lab);
  const std::vector<std::string> words = {"run", lab.plan().string(), "--json", "--time-scale",
                                          "100000"};
  PipedRun run(words, environment());
  ASSERT_TRUE(run.read_until("\"step\":\"assess\"")) << run.output();
  CommandRun second(words, environment());
  EXPECT_EQ(second.wait(), 6) << second.err();
  EXPECT_NE(second.err().find(std::to_string(run.pid())), std::string::npos) << second.err();
  EXPECT_FALSE(status(lab).empty());

  const auto told_within = [&](const std::vector<std::string>& command, const std::string& text) {
    CommandRun asked(command, environment());
    EXPECT_EQ(asked.wait(), 0) << asked.err();
    return run.read_until(text, milliseconds(2000));
  };
  ASSERT_TRUE(run.read_until("waits for a person")) << run.output();
  EXPECT_TRUE(told_within({"pause", lab.plan().string()}, "paused by")) << run.output();
  EXPECT_TRUE(told_within({"resume", lab.plan().string()}, "resumed by")) << run.output();
  const auto at = run.output().find("--plan ");
  std::string hash;
  if (at != std::string::npos) hash = run.output().substr(at + 7, 16);
  EXPECT_TRUE(told_within({"approve", lab.plan().string(), "--plan", hash}, "\"why\":\"approved\""))
      << run.output();
  run.kill(SIGTERM);
  EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
}

class SignalsOfSync : public ::testing::Test {
 protected:
  std::vector<std::string> args(const std::string& source, const std::string& dest) {
    return {"sync",       "--source", "imap://anna%40alpha.test@" + source, "--source-secret",
            "env:SECRET", "--dest",   "imap://anna%40alpha.test@" + dest,   "--dest-secret",
            "env:SECRET", "--state",  (dir / "state/s.db").string()};
  }
  std::unique_ptr<LabServer> dovecot(const std::string& address) {
    std::ofstream(dir / "users") << "anna@alpha.test:{PLAIN}pass-word::::::\n";
    return std::make_unique<LabServer>(
        "dovecot", std::vector<std::string>{"address=" + address, "lmtp_port=0", "doveadm_port=0",
                                            "imaps_port=0", "users=" + (dir / "users").string()});
  }
  TempDir dir;
  const std::map<std::string, std::string> environment = {{"SECRET", "pass-word"}};
};

TEST_F(SignalsOfSync, TermEndsACopyWithFiveAndTheSameCommandFinishesIt) {
  const auto from = dovecot("127.77.64.241");
  MXF_NEED_SERVER(*from);
  const auto to = dovecot("127.77.64.242");
  MXF_NEED_SERVER(*to);
  constexpr std::size_t kMessages = 3000;
  {
    MailAccount account("127.77.64.241", 143, "anna@alpha.test", "pass-word");
    for (std::size_t i = 0; i < kMessages; ++i)
      account.append("INBOX", "Message-ID: <" + std::to_string(i) + "@x>\r\n\r\n" +
                                  std::string(4000, 'x') + "\r\n");
  }
  const auto words = args("127.77.64.241:143", "127.77.64.242:143");
  {
    // On a terminal there is a progress line: the copy is seen to run.
    PipedRun run(words, environment, PipedRun::On::terminal);
    ASSERT_TRUE(run.read_until("messages/s")) << run.output();
    run.kill(SIGHUP);
    run.kill(SIGTERM);
    EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
  }
  const auto count = [] {
    MailAccount account("127.77.64.242", 143, "anna@alpha.test", "pass-word");
    return account.messages("INBOX").size();
  };
  EXPECT_LT(count(), kMessages);
  {
    // The terminal goes: the copy does not.
    PipedRun run(words, environment, PipedRun::On::terminal);
    ASSERT_TRUE(run.read_until("messages/s")) << run.output();
    run.close_output();
    EXPECT_EQ(run.wait(seconds(60)), 0);
  }
  EXPECT_EQ(count(), kMessages);
}

TEST_F(SignalsOfSync, TermEndsOneWhoseServerHangsAndASecondIsRefusedMeanwhile) {
  TlsImapOptions hanging;
  hanging.address = "127.77.64.243";
  hanging.hang_at = "LOGIN";
  TlsImapServer server(hanging);
  const auto words = args("127.77.64.243:" + std::to_string(server.port()), "127.77.64.244:9");
  PipedRun run(words, environment);
  ASSERT_TRUE(server.wait_for_hang()) << run.output();
  run.kill(SIGHUP);
  CommandRun second(words, environment);
  EXPECT_EQ(second.wait(), 6) << second.err();
  EXPECT_NE(second.err().find(std::to_string(run.pid())), std::string::npos) << second.err();
  EXPECT_TRUE(run.running());
  run.kill(SIGTERM);
  EXPECT_EQ(run.wait(seconds(5)), 5) << run.output();
}

TEST(Process, DescriptorsThatAreClosedDoNotBecomeSomethingElse) {
  std::string output;
  EXPECT_TRUE(run_shell(MXF_BINARY_DIR "/bin/mxferry --version <&- >&- 2>&-", &output));
  EXPECT_TRUE(run_shell(MXF_BINARY_DIR "/bin/mxferry --help | true", &output)) << output;
}

TEST(Process, AStdoutThatIsFullIsAFailure) {
  std::string output;
  run_shell(MXF_BINARY_DIR "/bin/mxferry --help >/dev/full; echo \"exit=$?\"", &output);
  EXPECT_NE(output.find("exit=5"), std::string::npos) << output;
  EXPECT_NE(output.find("not complete"), std::string::npos) << output;
}

TEST(Process, TheKeyLogFileIsNotWritten) {
  const TempDir dir;
  std::string output;
  const auto log = (dir / "keys").string();
  // Nobody listens there; libcurl opens its key log before it connects.
  run_shell("SSLKEYLOGFILE='" + log +
                "' https_proxy=http://127.77.64.245:9 " MXF_BINARY_DIR
                "/bin/mxferry dns records --plugin powerdns --zone x.test --set "
                "url=https://127.77.64.246:9 --secret api_key=env:KEY",
            &output);
  EXPECT_FALSE(std::filesystem::exists(log));
  EXPECT_EQ(output.find("127.77.64.245"), std::string::npos) << output;
}

}  // namespace
}  // namespace mxferry::test
