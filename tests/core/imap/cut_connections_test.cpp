// SPDX-License-Identifier: Apache-2.0
// A TLS connection that ends without close_notify (RFC 8446 §6.1), at any place of a copy, on
// either side, and one that goes silent without ending: failures with host and words, never the end
// of the data. Nothing cut short is stored, and the next run ends equal. Real TLS over real
// sockets.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "copy/copy_job.hpp"
#include "copy/memory_state.hpp"
#include "imap/account.hpp"
#include "support/honest_imap.hpp"
#include "support/run_task.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::imap {
namespace {

using namespace std::chrono_literals;
using test::HonestImap;
using test::ImapTalk;

enum class Ends { by_tcp_alone, with_close_notify, never };

struct Cut {
  const char* name;
  bool at_source;
  const char* when;   // the command at which it happens: a prefix, or BODY
  const char* after;  // what the server says before; TAG stands for the command's tag
  Ends ends;
  const char* words;  // that the error must hold
};

void PrintTo(const Cut& cut, std::ostream* out) { *out << cut.name; }

constexpr const char* kHalfBody =
    "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] {40}\r\n"
    "Subject: half\r\n\r\n";
// A whole answer, and then nothing: a client that takes the end for the end has one message of 20.
constexpr const char* kOneBody =
    "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] {17}\r\n"
    "Subject: 0\r\n\r\n0\r\n)\r\n";
constexpr const char* kOneFolder = "* LIST () \"/\" INBOX\r\n";

const Cut kCuts[] = {
    {"in the greeting", true, "GREETING", "* OK he", Ends::by_tcp_alone, "did not close TLS"},
    {"in a list of folders", true, "LIST", kOneFolder, Ends::by_tcp_alone, "did not close TLS"},
    {"inside a literal", true, "BODY", kHalfBody, Ends::by_tcp_alone, "did not close TLS"},
    {"between answers", true, "BODY", kOneBody, Ends::by_tcp_alone, "did not close TLS"},
    {"before an answer", true, "BODY", "", Ends::by_tcp_alone, "did not close TLS"},
    {"inside a literal, told", true, "BODY", kHalfBody, Ends::with_close_notify, "closed"},
    {"between answers, told", true, "BODY", kOneBody, Ends::with_close_notify, "closed"},
    {"before the answer to APPEND", false, "APPEND", "", Ends::by_tcp_alone, "did not close TLS"},
    {"in the answer to APPEND", false, "APPEND", "TAG OK [APPENDUID 7 1", Ends::by_tcp_alone,
     "did not close TLS"},
    {"silent in the greeting", true, "GREETING", "* OK he", Ends::never, "no answer in time"},
    {"silent inside a literal", true, "BODY", kHalfBody, Ends::never, "nothing moved"},
    {"silent between answers", true, "BODY", kOneBody, Ends::never, "nothing moved"},
    {"silent at APPEND", false, "APPEND", "", Ends::never, "nothing moved"},
    {"silent in the answer to APPEND", false, "APPEND", "TAG OK [APP", Ends::never,
     "nothing moved"},
};

class CutConnection : public ::testing::TestWithParam<Cut> {
 protected:
  static void SetUpTestSuite() {
    ca_ = std::make_unique<test::TempDir>();
    for (const auto* name : {"source", "dest"})
      ASSERT_EQ(std::system((MXF_SOURCE_DIR "/examples/lab/ca.sh '" + ca_->path().string() +
                             "' issue " + name + " " + name + ".test >/dev/null 2>&1")
                                .c_str()),
                0);
  }
  static void TearDownTestSuite() { ca_.reset(); }
  static std::string ca(const std::string& file) { return (*ca_ / file).string(); }

  CutConnection() {
    for (int i = 0; i < 20; ++i) {
      const auto number = std::to_string(i);
      source.add("INBOX", "Subject: " + number + "\r\n\r\n" + number + "\r\n");
    }
    source.add("Work", "Subject: work\r\n\r\nwork\r\n");
  }
  static ImapAccount account(const HonestImap& server, const char* name,
                             std::chrono::milliseconds idle) {
    ImapAccount out;
    out.endpoint.host = std::string(name) + ".test";
    out.endpoint.address = server.address();
    out.endpoint.port = static_cast<std::uint16_t>(server.port());
    out.endpoint.security = net::Security::tls;
    out.endpoint.ca_file = ca("ca.pem");
    out.credentials.user = "anna";
    out.credentials.secret = Secret("pass");
    out.options.idle = idle;
    out.options.greeting = idle * 4;
    return out;
  }
  Result<copy::CopyReport> run(std::chrono::milliseconds idle, unsigned attempts) {
    copy::CopyJob job;
    job.name = "anna@source.test";
    job.open_source = source_opener(account(source, "source", idle));
    job.open_target = target_opener(account(dest, "dest", idle));
    job.state = &state;
    job.clock = &clock;
    job.options.append_settle = 30ms;
    job.options.backoff = 1ms;
    job.options.attempts = attempts;
    return test::run_task(copy::run_copy(job));
  }

  static std::unique_ptr<test::TempDir> ca_;
  HonestImap source{"127.77.74.1", ca("source.pem"), ca("source.key")};
  HonestImap dest{"127.77.74.2", ca("dest.pem"), ca("dest.key")};
  copy::MemoryState state;
  SystemClock clock;
};
std::unique_ptr<test::TempDir> CutConnection::ca_;

TEST_P(CutConnection, IsAFailureAndTheNextRunEndsEqual) {
  const auto& cut = GetParam();
  auto& server = cut.at_source ? source : dest;
  const std::string when = cut.when;
  std::atomic<int> cuts = 0;
  server.set_attack([&](ImapTalk& talk, const std::string& tag, const std::string& line) {
    const bool meant =
        when == "BODY" ? line.find("BODY.PEEK[]") != std::string::npos : line.starts_with(when);
    if (!meant) return false;
    ++cuts;
    std::string text = cut.after;
    if (const auto at = text.find("TAG"); at != std::string::npos) text.replace(at, 3, tag);
    talk.send(text);
    if (cut.ends == Ends::with_close_notify) return talk.end_tls(), true;
    if (cut.ends == Ends::never) talk.hang();
    talk.end();
    return true;
  });
  const auto started = std::chrono::steady_clock::now();
  const auto attacked = run(cut.ends == Ends::never ? 250ms : 10s, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 30s);
  EXPECT_GE(cuts, 1);
  ASSERT_FALSE(attacked) << "a cut connection passed for a copy";
  const auto words = attacked.error().message();
  const std::string host = cut.at_source ? "source.test:" : "dest.test:";
  EXPECT_NE(words.find(host + std::to_string(server.port())), std::string::npos) << words;
  EXPECT_NE(words.find(cut.words), std::string::npos) << words;
  for (const auto* folder : {"INBOX", "Work"}) {
    const auto whole = source.bodies(folder);
    for (const auto& body : dest.bodies(folder))
      EXPECT_TRUE(std::binary_search(whole.begin(), whole.end(), body)) << body;
  }
  server.set_attack(nullptr);
  const auto next = run(20s, 5);
  ASSERT_TRUE(next) << next.error().message();
  for (const auto* folder : {"INBOX", "Work"})
    EXPECT_EQ(dest.bodies(folder), source.bodies(folder)) << folder;
}

std::string cut_name(const ::testing::TestParamInfo<Cut>& info) {
  std::string out = info.param.at_source ? "Source" : "Dest";
  out += std::to_string(info.index) + "_";
  for (const char c : std::string(info.param.name))
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) out += c;
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, CutConnection, ::testing::ValuesIn(kCuts), cut_name);

}  // namespace
}  // namespace mxferry::imap
