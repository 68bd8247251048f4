// SPDX-License-Identifier: Apache-2.0
// An administrator's commands, blocking, on a real Dovecot.
#include "imap/admin.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "support/lab_server.hpp"
#include "support/mail_account.hpp"

namespace mxferry::test {
namespace {

constexpr const char* kHost = "127.77.65.11";

class ImapAdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string output;
    ASSERT_TRUE(run_shell(
        MXF_SOURCE_DIR "/examples/lab/ca.sh '" + (dir / "ca").string() + "' issue imap " + kHost,
        &output))
        << output;
    std::ofstream(dir / "users") << "anna@alpha.test:{PLAIN}pass-word::::::\n";
    const std::vector<std::string> options = {std::string("address=") + kHost,
                                              "lmtp_port=0",
                                              "doveadm_port=0",
                                              "cert=" + (dir / "ca").string() + "/imap.pem",
                                              "key=" + (dir / "ca").string() + "/imap.key",
                                              "users=" + (dir / "users").string()};
    server = std::make_unique<LabServer>("dovecot", options);
    MXF_NEED_SERVER(*server);
    ready = true;
  }
  Result<std::unique_ptr<ImapAdmin>> open(const char* password = "pass-word") {
    ImapAdminTarget target;
    target.url = std::string("imaps://anna%40alpha.test@") + kHost + ":993";
    target.password = Secret(password);
    target.ca_file = (dir / "ca").string() + "/ca.pem";
    return imap::open_admin(target);
  }
  TempDir dir;
  std::unique_ptr<LabServer> server;
  bool ready = false;
};

TEST_F(ImapAdminTest, CreatesListsAndTellsTheServersWords) {
  if (!ready) return;
  const auto admin = open();
  ASSERT_TRUE(admin) << admin.error().message();
  const std::string name = "odd \"name\" \xC3\xA4";  // 8-bit: goes as a literal
  const auto made = (*admin)->command({"CREATE ", "Plain"}, {});
  ASSERT_TRUE(made) << made.error().message();
  const auto listed = (*admin)->command({"LIST \"\" ", "Plain"}, {});
  ASSERT_FALSE(listed) << "a quote in a text part was let through";
  const auto names = (*admin)->command({"LIST ", "", " ", "Pl*"}, {});
  ASSERT_TRUE(names) << names.error().message();
  ASSERT_EQ(names->size(), 1U);
  EXPECT_TRUE(names->front().starts_with("* LIST (")) << names->front();
  EXPECT_TRUE(names->front().ends_with("Plain")) << names->front();
  const auto again = (*admin)->command({"CREATE ", "Plain"}, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::exists);
  EXPECT_FALSE(again.error().remote.empty());
  const auto odd = (*admin)->command({"CREATE ", name}, {});
  EXPECT_FALSE(odd);  // not modified UTF-7: the server's word, and the session goes on
  EXPECT_TRUE((*admin)->command({"NOOP"}, {}));
}

TEST_F(ImapAdminTest, RefusesWhatWouldChangeTheConnection) {
  if (!ready) return;
  const auto admin = open("not asked for");
  ASSERT_TRUE(admin);
  for (const auto* text : {"LOGIN a b", "starttls", "LOGOUT", "APPEND x {3}", "", "NOOP\r\nNOOP"}) {
    const auto refused = (*admin)->command({text}, {});
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::usage) << text;
  }
}

TEST_F(ImapAdminTest, AWrongPasswordIsAnAuthError) {
  if (!ready) return;
  const auto admin = open("wrong");
  ASSERT_TRUE(admin);
  const auto refused = (*admin)->command({"NOOP"}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::auth);
}

TEST_F(ImapAdminTest, AStopEndsItAndTheNextCommandConnectsAnew) {
  if (!ready) return;
  const auto admin = open();
  ASSERT_TRUE(admin);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = (*admin)->command({"NOOP"}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_TRUE((*admin)->command({"NOOP"}, {}));
}

}  // namespace
}  // namespace mxferry::test
