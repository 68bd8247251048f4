// SPDX-License-Identifier: Apache-2.0
// A server names a folder so that a terminal, a log or a spreadsheet would act on it. What is shown
// of it is one line of harmless text: on a terminal and in JSON (tests/core/base/log_test.cpp: in
// the log).
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <sstream>
#include <thread>

#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "support/piped_run.hpp"
#include "support/temp_dir.hpp"

#include <nlohmann/json.hpp>

namespace mxferry::test {
namespace {


const std::string kFolder = std::string("\x1b]0;x\x07\r\n{\"level\":\"error\"}\xff", 25);

// An IMAP server without TLS on loopback: INBOX, empty, and one hostile folder that it will not
// open, with the name once more in its words. Each connection has a thread.
class HostileServer {
 public:
  HostileServer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    socklen_t size = sizeof where;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size);
    port_ = ntohs(where.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HostileServer() {
    ends_ = true;
    thread_.join();
    for (auto& talk : talks_) talk.join();
    ::close(listener_);
  }
  HostileServer(const HostileServer&) = delete;
  HostileServer& operator=(const HostileServer&) = delete;
  std::string url() const { return "imap://anna@127.0.0.1:" + std::to_string(port_); }

 private:
  bool readable(int fd) const {
    while (!ends_) {
      pollfd p{fd, POLLIN, 0};
      if (::poll(&p, 1, 50) > 0) return true;
    }
    return false;
  }
  void serve() {
    while (readable(listener_)) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) talks_.emplace_back([this, fd] { talk(fd); });
    }
  }
  static std::string answer(const std::string& tag, const std::string& command) {
    const auto has = [&](const char* word) { return command.find(word) != std::string::npos; };
    const std::string ok = tag + " OK done\r\n";
    if (has("LIST"))
      return "* LIST () \"/\" INBOX\r\n* LIST () \"/\" {" + std::to_string(kFolder.size()) +
             "}\r\n" + kFolder + "\r\n" + ok;
    if (has("CAPABILITY")) return "* CAPABILITY IMAP4rev1\r\n" + ok;
    if ((has("EXAMINE") || has("SELECT") || has("STATUS")) && has("INBOX"))
      return std::string(
                 "* FLAGS (\\Seen)\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] x\r\n* OK "
                 "[UIDNEXT 1] x\r\n") +
             std::string(has("STATUS") ? "* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)\r\n"
                                       : "") +
             ok;
    if (has("EXAMINE") || has("SELECT") || has("STATUS") || has("CREATE") || has("{"))
      return tag + " NO \x1b]0;evil\x07 \xff no\r\n";
    return ok;
  }
  void talk(int fd) {
    const auto say = [&](const std::string& text) {
      (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    };
    say("* OK [CAPABILITY IMAP4rev1] hello\r\n");
    std::string buffer;
    for (char chunk[4096]; readable(fd);) {
      const auto n = ::recv(fd, chunk, sizeof chunk, 0);
      if (n <= 0) break;
      buffer.append(chunk, static_cast<std::size_t>(n));
      for (std::size_t end = 0; (end = buffer.find("\r\n")) != std::string::npos;) {
        const auto line = buffer.substr(0, end);
        buffer.erase(0, end + 2);
        const auto blank = line.find(' ');
        say(answer(line.substr(0, blank), line.substr(std::min(blank, line.size()))));
      }
    }
    ::close(fd);
  }

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
  std::vector<std::thread> talks_;
};


class HostileNames : public ::testing::Test {
 protected:
  std::string run(PipedRun::On on, bool json) {
    std::vector<std::string> args = {"--log-level",
                                     "trace",
                                     "sync",
                                     "--source",
                                     server_.url(),
                                     "--source-secret",
                                     "env:P",
                                     "--dest",
                                     other_.url(),
                                     "--dest-secret",
                                     "env:P",
                                     "--state",
                                     (dir_ / "state/s.db").string()};
    if (json) args.emplace_back("--json");
    PipedRun run(args, {{"P", "secret-word"}, {"TERM", "xterm"}}, on);
    code_ = run.wait(std::chrono::seconds(60)).value_or(-1);
    return run.output();
  }
  HostileServer server_, other_;
  TempDir dir_;
  int code_ = 0;
};

TEST_F(HostileNames, AreHarmlessOnATerminal) {
  const auto output = run(PipedRun::On::terminal, false);
  EXPECT_GT(code_, 0) << output;
  EXPECT_NE(output.find("\\x1b]0;x\\x07"), std::string::npos) << "control: it is shown\n" << output;
  EXPECT_EQ(output.find("\x1b]"), std::string::npos);
  EXPECT_EQ(output.find('\x07'), std::string::npos);
  EXPECT_TRUE(is_utf8(output));
  // What is left of ESC is our own "erase the line".
  for (auto at = output.find('\x1b'); at != std::string::npos; at = output.find('\x1b', at + 1))
    EXPECT_EQ(output.substr(at, 3), "\x1b[K");
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    EXPECT_FALSE(line.starts_with("{\"level\"")) << "a line of its own";
}

TEST_F(HostileNames, AreWholeLinesOfValidJson) {
  const auto output = run(PipedRun::On::pipe, true);
  EXPECT_NE(output.find("\\\\x1b]0;x\\\\x07"), std::string::npos) << "control: it is shown\n"
                                                                  << output;
  for (const char c : output)
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n') << static_cast<int>(c);
  int documents = 0;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("{")) continue;
    ++documents;
    EXPECT_TRUE(parse_json(line, "stdout")) << line;
    EXPECT_FALSE(line.starts_with("{\"level\"")) << "a line of its own";
  }
  EXPECT_GT(documents, 0) << "control: there is JSON\n" << output;
}

}  // namespace
}  // namespace mxferry::test
