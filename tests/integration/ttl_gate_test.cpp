// SPDX-License-Identifier: Apache-2.0
// The TTL gate with real servers and real time: a 40 s TTL that Unbound really counts down, a
// primary (PowerDNS) and a secondary (Knot), and `mxferry run --no-wait` as an operator's timer
// would call it. Time is the thing under test: between the calls the tests wait for an instant that
// the program named, and for nothing else that they could observe. And what is refused before any
// of that: a wrong plan, a time scale outside of a lab.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/clock.hpp"
#include "base/json_reader.hpp"
#include "support/command_run.hpp"
#include "support/lab_server.hpp"
#include "support/mail_account.hpp"

namespace mxferry::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kUser = "anna@alpha.test";
constexpr std::uint32_t kOldTtl = 40;
constexpr std::uint32_t kLowered = 10;

Instant now() { return SystemClock().now(); }

struct Ran {
  int exit = -1;
  Instant began, ended;
  std::string out, err;
  Json end;  // the last line of --json

  std::optional<Instant> retry_at() const {
    Instant t;
    if (!end.contains("retry_at") || !parse_instant(end["retry_at"].get<std::string>(), t))
      return std::nullopt;
    return t;
  }
  /// The last that was said of a step in this run.
  Json step(const std::string& id) const {
    Json out_line;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      auto json = parse_json(line, "run");
      if (json && json->value("event", "") == "step" && json->value("step", "") == id)
        out_line = *json;
    }
    return out_line;
  }
  std::string state_of(const std::string& id) const { return step(id).value("state", ""); }
  std::string why_of(const std::string& id) const { return step(id).value("why", ""); }
};

class TtlGate : public ::testing::Test {
 protected:
  // Addresses 127.77.63.10*number+1 …: tests of this file may run side by side.
  void start(int number, const std::vector<std::string>& secondary_options) {
    if (::getuid() != 0) GTEST_SKIP() << "needs root for ports 53 and 143";
    number_ = number;
    write("root.zone",
          "$TTL 3600\n. IN SOA ns.test. hostmaster.test. 1 3600 600 604800 10\n. IN NS ns.test.\n"
          "test. IN NS ns.test.\nns.test. IN A " +
              address(1) + "\n");
    write("test.zone",
          "$TTL 300\n$ORIGIN test.\n@ 10 IN SOA ns hostmaster 1 3600 600 604800 10\n@ IN NS ns\n"
          "ns IN A " +
              address(1) + "\nalpha IN NS ns1.dns\nalpha IN NS ns2.dns\nns1.dns IN A " +
              address(2) + "\nns2.dns IN A " + address(3) + "\nmx.old IN A " + address(6) +
              "\nmx.new IN A " + address(7) + "\n");
    write("alpha.zone",
          "$TTL " + std::to_string(kOldTtl) +
              "\n$ORIGIN alpha.test.\n"
              "@ 10 IN SOA ns1.dns.test. hostmaster 1 60 10 604800 10\n@ IN NS ns1.dns.test.\n"
              "@ IN NS ns2.dns.test.\n@ IN MX 10 mx.old.test.\n@ IN TXT \"v=spf1 mx -all\"\n");
    write("old-users", std::string(kUser) + ":{PLAIN}old-pass-word::::::\n");
    write("new-users", std::string(kUser) + ":{PLAIN}new-pass-word::::::\n");
    write("boxes.csv", "source,dest,source_secret,dest_secret\n" + std::string(kUser) + "," +
                           kUser + ",env:OLD_PASSWORD,env:NEW_PASSWORD\n");
    root_ = server("knot", {"address=" + address(1),
                            "zone=.:" + file("root.zone") + ",test:" + file("test.zone")});
    MXF_NEED_SERVER(*root_);
    primary_ = server("powerdns", {"address=" + address(2), "also-notify=" + address(3)});
    MXF_NEED_SERVER(*primary_);
    std::string output;
    ASSERT_TRUE(primary_->run("zone", {file("alpha.zone"), "alpha.test"}, &output)) << output;
    auto options = secondary_options;
    options.push_back("address=" + address(3));
    options.push_back("master=" + address(2));
    options.push_back("zone=alpha.test");
    secondary_ = server("knot", options);
    MXF_NEED_SERVER(*secondary_);
    // One resolver finds the zone by delegation; the other asks the secondary alone.
    resolvers_.push_back(server("unbound", {"address=" + address(4), "root=" + address(1)}));
    MXF_NEED_SERVER(*resolvers_.back());
    resolvers_.push_back(server("unbound", {"address=" + address(5), "root=" + address(1),
                                            "stub=alpha.test=" + address(3)}));
    MXF_NEED_SERVER(*resolvers_.back());
    for (const auto& [n, users] : {std::pair{6, "old-users"}, std::pair{7, "new-users"}}) {
      hosts_.push_back(server("dovecot", {"address=" + address(n), "lmtp_port=0", "doveadm_port=0",
                                          "imaps_port=0", "users=" + file(users)}));
      MXF_NEED_SERVER(*hosts_.back());
    }
    MailAccount account(address(6), 143, kUser, "old-pass-word");
    account.append("INBOX", "Subject: one\r\n\r\nhello\r\n");
    write("api.key", primary_->file("api.key"));
    write_plan("");
    ready_ = true;
  }

  void write_plan(const std::string& more) {
    std::ostringstream text;
    text << "[migration]\nid = \"ttl\"\n[source]\nendpoint = \"imap://" << address(6)
         << "\"\n[dest]\nendpoint = \"imap://" << address(7)
         << "\"\n[mailboxes]\ncsv = \"boxes.csv\"\n[[domain]]\nname = \"alpha.test\"\n"
         << "mx = [\"10 mx.new.test.\"]\nspf = \"v=spf1 ip4:" << address(7)
         << " -all\"\ndns = { plugin = \"powerdns\", zone = \"alpha.test.\", set = { url = "
         << "\"http://" << address(2)
         << ":8081\" }, secret = { api_key = \"file:" << file("api.key")
         << "\" } }\n[ttl]\nlowered = " << kLowered
         << "\n[delta]\nevery = \"1h\"\nfor = \"1h\"\n[approve]\nflip = 1\n[resolve]\nroot = [\""
         << address(1) << "\"]\nresolvers = [\"" << address(4) << "\", \"" << address(5)
         << "\"]\nallow_loopback = true\n"
         << more;
    write("plan.toml", text.str());
  }

  Ran run() {
    Ran out;
    out.began = now();
    CommandRun command({"run", file("plan.toml"), "--state", file("state.db"), "--no-wait",
                        "--time-scale", "3600", "--json"},
                       {{"OLD_PASSWORD", "old-pass-word"}, {"NEW_PASSWORD", "new-pass-word"}});
    out.exit = command.wait();
    out.ended = now();
    out.out = command.out();
    out.err = command.err();
    const auto last = out.out.rfind("{\"", out.out.rfind("\"event\":\"end\""));
    if (last != std::string::npos) {
      auto json = parse_json(out.out.substr(last), "end");
      if (json) out.end = *json;
    }
    return out;
  }

  // The TTL that a server shows now for the MX set.
  std::uint32_t shown_ttl(int n) const {
    std::string output;
    root_->run("run", {"kdig", "@" + address(n), "alpha.test", "MX", "+noall", "+answer"}, &output);
    std::istringstream words(output);
    std::string name;
    std::uint32_t ttl = 0;
    words >> name >> ttl;
    EXPECT_THAT(output, HasSubstr("mx.old.test."));
    return ttl;
  }
  bool overlap_is_written() const {
    std::string output;
    root_->run("run", {"kdig", "@" + address(2), "alpha.test", "TXT", "+short"}, &output);
    return output.find("ip4:" + address(7)) != std::string::npos;
  }
  // Until a name server serves the lowered TTL: what a poll of it shows.
  Instant when_lowered(int n) const {
    const auto limit = now() + seconds(60);
    while (shown_ttl(n) > kLowered && now() < limit) std::this_thread::sleep_for(milliseconds(100));
    return now();
  }
  // Puts the set into both caches afresh, as they would have it from a question of right now.
  Instant prime() {
    for (const int n : {4, 5}) {
      std::string output;
      resolvers_.at(static_cast<std::size_t>(n - 4))
          ->run("control", {"flush", "alpha.test"}, &output);
      (void)shown_ttl(n);
    }
    return now();
  }

  // Two seconds early the gate is shut and says when it opens; at that time it is open, and no
  // resolver can hold the old TTL any more.
  void expect_gate_at(Instant opens, Instant last_primed) {
    EXPECT_GE(opens, last_primed + seconds(kOldTtl));
    std::this_thread::sleep_until(opens - seconds(2));
    const auto early = run();
    EXPECT_EQ(early.exit, 7) << early.err << early.out;
    ASSERT_TRUE(early.retry_at()) << early.out;
    EXPECT_LT(std::chrono::abs(*early.retry_at() - opens), milliseconds(500))
        << format_instant(*early.retry_at()) << " and not " << format_instant(opens);
    EXPECT_EQ(early.state_of("ttl-wait:alpha.test"), "waiting");
    EXPECT_FALSE(overlap_is_written());

    std::this_thread::sleep_until(std::max(*early.retry_at(), opens));
    const auto open = run();
    for (const int n : {4, 5}) EXPECT_LE(shown_ttl(n), kLowered) << "Unbound " << address(n);
    EXPECT_EQ(open.state_of("ttl-wait:alpha.test"), "done") << open.out;
    EXPECT_THAT(open.why_of("ttl-wait:alpha.test"), HasSubstr("waited 42 s"));
    EXPECT_TRUE(overlap_is_written());
    EXPECT_EQ(open.exit, 7) << "the overlap's own wait is next: " << open.out;
    EXPECT_EQ(open.state_of("visible:alpha.test"), "waiting");
  }

  std::string address(int n) const { return "127.77.63." + std::to_string(10 * number_ + n); }
  std::string file(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name, std::ios::binary) << text;
    ::chmod(file(name).c_str(), 0600);
  }
  static std::unique_ptr<LabServer> server(const std::string& name,
                                           const std::vector<std::string>& options) {
    return std::make_unique<LabServer>(name, options);
  }

  TempDir dir_;
  int number_ = 0;
  bool ready_ = false;
  std::unique_ptr<LabServer> root_, primary_, secondary_;
  std::vector<std::unique_ptr<LabServer>> resolvers_, hosts_;
};

TEST_F(TtlGate, IsShutTwoSecondsEarlyAndOpenOnTime) {
  start(1, {});
  if (!ready_) return;
  const auto primed = prime();
  EXPECT_GT(shown_ttl(4), kLowered);
  EXPECT_GT(shown_ttl(5), kLowered);
  const auto first = run();
  ASSERT_EQ(first.exit, 7) << first.err << first.out;
  EXPECT_EQ(first.state_of("lower-ttl:alpha.test"), "done") << first.out;
  const auto everywhere = when_lowered(3);
  // The round that starts the wait, and the deltas, which the time scale makes one second long.
  auto started = run();
  ASSERT_EQ(started.exit, 7) << started.err << started.out;
  EXPECT_THAT(started.why_of("ttl-wait:alpha.test"), HasSubstr("caches may hold the old TTL"));
  EXPECT_GT(shown_ttl(4), kLowered) << "Unbound still holds the old answer";
  if (const auto due = started.retry_at(); due && *due < started.ended + seconds(30)) {
    std::this_thread::sleep_until(*due);
    started = run();
  }
  const auto opens = started.retry_at();
  ASSERT_TRUE(opens) << started.out;
  EXPECT_GE(*opens, first.began + seconds(kOldTtl + 2));
  EXPECT_LE(*opens, everywhere + seconds(kOldTtl + 2 + 5));
  expect_gate_at(*opens, primed);
}

TEST_F(TtlGate, ASecondaryThatMissesTheNotifyMovesRetryAt) {
  start(2, {"notify=drop", "refresh=20"});  // longer than the first run takes
  if (!ready_) return;
  const auto first = run();
  ASSERT_EQ(first.exit, 7) << first.err << first.out;
  ASSERT_EQ(first.state_of("lower-ttl:alpha.test"), "done") << first.out;
  EXPECT_LE(shown_ttl(2), kLowered);
  ASSERT_GT(shown_ttl(3), kLowered) << "the secondary has not heard of it";
  EXPECT_THAT(first.why_of("ttl-wait:alpha.test"), HasSubstr("with TTL 40"));
  // As long as it serves the old TTL, caches are filled with it.
  auto primed = first.ended;
  Ran again = first;
  while (shown_ttl(3) > kLowered) {
    primed = prime();
    again = run();
    ASSERT_EQ(again.exit, 7) << again.err << again.out;
    ASSERT_LT(now(), first.began + seconds(60));
  }
  // That run may have met it in the middle of its transfer; this one cannot.
  auto started = run();
  ASSERT_EQ(started.exit, 7) << started.err << started.out;
  EXPECT_THAT(started.why_of("ttl-wait:alpha.test"), HasSubstr("caches may hold the old TTL"));
  if (const auto due = started.retry_at(); due && *due < started.ended + seconds(30)) {
    std::this_thread::sleep_until(*due);
    started = run();
  }
  const auto opens = started.retry_at();
  ASSERT_TRUE(opens) << started.out;
  EXPECT_GT(*opens, first.ended + seconds(kOldTtl + 2)) << "not counted from the primary's change";
  EXPECT_GE(*opens, primed + seconds(kOldTtl));
  expect_gate_at(*opens, primed);
}

// A loopback port that notices every connection.
class Doorbell {
 public:
  explicit Doorbell(const std::string& address) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &where.sin_addr);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&where), size), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&where), &size);
    at_ = address + ":" + std::to_string(ntohs(where.sin_port));
  }
  ~Doorbell() { ::close(fd_); }
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  const std::string& at() const { return at_; }
  bool rang() const {
    pollfd waiting{fd_, POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
  }

 private:
  int fd_ = -1;
  std::string at_;
};

class RunRefuses : public ::testing::Test {
 protected:
  // `source` and so on as they stand in the plan.
  std::string plan(const std::string& source, const std::string& root, const std::string& resolver,
                   const std::string& api, const std::string& more = "") const {
    return "[migration]\nid = \"r\"\n[source]\nendpoint = \"imap://" + source +
           "\"\n[dest]\nendpoint = \"imap://127.77.63.41:9\"\n[mailboxes]\ncsv = \"boxes.csv\"\n"
           "[[domain]]\nname = \"alpha.test\"\nmx = [\"10 mx.new.test.\"]\n"
           "dns = { plugin = \"powerdns\", zone = \"alpha.test.\", set = { url = \"http://" +
           api + "\" }, secret = { api_key = \"env:KEY\" } }\n[resolve]\nroot = [\"" + root +
           "\"]\nresolvers = [\"" + resolver + "\"]\nallow_loopback = true\n" + more;
  }
  int run(const std::string& text, const std::vector<std::string>& more = {}) {
    std::ofstream(dir_ / "plan.toml") << text;
    std::ofstream(dir_ / "boxes.csv") << csv_;
    std::vector<std::string> args = {"run", (dir_ / "plan.toml").string(), "--state",
                                     (dir_ / "state.db").string(), "--no-wait"};
    args.insert(args.end(), more.begin(), more.end());
    CommandRun command(args, {{"KEY", "k"}, {"A", "a"}, {"B", "b"}});
    const int exit = command.wait();
    err_ = command.err();
    return exit;
  }
  TempDir dir_;
  std::string csv_ =
      "source,dest,source_secret,dest_secret\nanna@alpha.test,anna@alpha.test,env:A,env:B\n";
  std::string err_;
};

TEST_F(RunRefuses, ATimeScaleWhereAnythingIsOffLoopback) {
  const Doorbell door("127.77.63.41");
  const std::string here = door.at();
  const std::vector<std::string> scale = {"--time-scale", "2"};
  // 192.0.2.0/24 is nobody's (RFC 5737).
  EXPECT_EQ(run(plan("192.0.2.1:143", here, here, here), scale), 6) << err_;
  EXPECT_THAT(err_, HasSubstr("192.0.2.1:143 is not loopback"));
  EXPECT_EQ(run(plan(here, "192.0.2.2", here, here), scale), 6) << err_;
  EXPECT_THAT(err_, HasSubstr("192.0.2.2 is not loopback"));
  EXPECT_EQ(run(plan(here, here, "192.0.2.3:53", here), scale), 6) << err_;
  EXPECT_THAT(err_, HasSubstr("192.0.2.3:53 is not loopback"));
  EXPECT_EQ(run(plan(here, here, here, "192.0.2.4:8081"), scale), 6) << err_;
  EXPECT_THAT(err_, HasSubstr("is not loopback"));
  EXPECT_FALSE(door.rang()) << "it is refused before any connection";
}

TEST_F(RunRefuses, ATimeScaleWhereANameServerIsOffLoopback) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root for port 53";
  const std::string here = "127.77.63.51";
  const auto zone = [&](const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << "$TTL 60\n" << text;
    return (dir_ / name).string();
  };
  const std::string soa = " SOA ns.test. hostmaster.test. 1 60 60 600 10\n";
  const std::string customers = " NS ns1.dns.test.\nalpha.test. NS ns2.dns.test.\n";
  const LabServer names(
      "knot",
      {"address=" + here,
       "zone=.:" +
           zone("root", "." + soa + ". NS ns.test.\ntest. NS ns.test.\nns.test. A " + here + "\n") +
           ",test:" +
           zone("test", "test." + soa + "test. NS ns.test.\nns.test. A " + here + "\nalpha.test." +
                            customers + "ns1.dns.test. A " + here +
                            "\nns2.dns.test. A 192.0.2.9\n") +
           ",alpha.test:" + zone("alpha", "alpha.test." + soa + "alpha.test." + customers)});
  MXF_NEED_SERVER(names);
  const Doorbell door("127.77.63.41");
  EXPECT_EQ(run(plan(door.at(), here, here, door.at()), {"--time-scale", "2"}), 6) << err_;
  EXPECT_THAT(err_, HasSubstr("name server ns2.dns.test. is not loopback"));
  EXPECT_FALSE(door.rang());
}

TEST_F(RunRefuses, ATimeScaleThatIsNoScale) {
  EXPECT_EQ(run(plan("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1:1"), {"--time-scale", "0"}),
            2);
  EXPECT_EQ(run(plan("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1:1"), {"--time-scale", "x"}),
            2);
}

TEST_F(RunRefuses, AWrongPlanBeforeAnyConnection) {
  const Doorbell door("127.77.63.41");
  const std::string good = plan(door.at(), door.at(), door.at(), door.at());
  EXPECT_EQ(run(good + "[monitor]\nfro = \"1h\"\n"), 2) << err_;
  EXPECT_THAT(err_, HasSubstr("plan.toml:18:1"));
  EXPECT_THAT(err_, HasSubstr("fro"));
  EXPECT_EQ(run(good + "[ttl]\nlowered = \"ten\"\n"), 2) << err_;
  EXPECT_THAT(err_, HasSubstr("plan.toml:18:"));
  EXPECT_EQ(run(good + "[ttl\n"), 2) << err_;
  EXPECT_EQ(run("[migration]\nid = \"r\"\n"), 2) << err_;
  csv_ = "source,dest,source_secret,dest_secret\nanna@alpha.test,anna@alpha.test,hunter2,env:B\n";
  EXPECT_EQ(run(good), 2) << err_;
  EXPECT_THAT(err_, HasSubstr("boxes.csv:2"));
  EXPECT_THAT(err_, Not(HasSubstr("hunter2"))) << "it may be a password";
  EXPECT_FALSE(door.rang());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "state.db")) << "nothing was begun";
}

}  // namespace
}  // namespace mxferry::test
