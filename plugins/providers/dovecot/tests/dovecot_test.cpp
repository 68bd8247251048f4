// SPDX-License-Identifier: Apache-2.0
// The plugin through the host, against a real Dovecot with a doveadm HTTP listener.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "plugin/registry.hpp"
#include "support/http_server.hpp"
#include "support/lab_server.hpp"

namespace mxferry::plugin {
namespace {

Registry built() {
  return Registry::scan({std::filesystem::path(MXF_BINARY_DIR) / "lib/mxferry/plugins"});
}

class RealDovecot : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    address = "127.77.61.21";
    imap_port = test::free_port(address);
    api_port = test::free_port(address);
    server =
        new test::LabServer("dovecot", {"address=" + address, "imap_port=" + imap_port,
                                        "imaps_port=0", "lmtp_port=0", "doveadm_port=" + api_port});
  }
  static void TearDownTestSuite() { delete server; }
  void SetUp() override {
    MXF_NEED_SERVER(*server);
    std::ofstream(users(), std::ios::trunc) << "# kept as it "
                                               "is\nold@d.test:{PLAIN}pw::::::userdb_quota_rule=*:"
                                               "storage=100M\nother@e.test:{PLAIN}pw::::::\n";
    auto opened = built().open_provider(
        "dovecot", {{"url", "http://" + address + ":" + api_port}, {"users_file", users()}},
        {{"api_key", Secret(server->file("doveadm.key"))}});
    ASSERT_TRUE(opened) << opened.error().message();
    provider = *std::move(opened);
  }
  static std::string users() { return (server->dir() / "users").string(); }
  static std::string content() {
    std::stringstream text;
    text << std::ifstream(users()).rdbuf();
    return text.str();
  }
  static bool can_log_in(const std::string& user, const std::string& password) {
    std::string out;
    test::run_shell("curl -s --max-time 20 --user '" + user + ":" + password + "' 'imap://" +
                        address + ":" + imap_port + "/' -X 'LIST \"\" *'",
                    &out);
    return out.find("INBOX") != std::string::npos;
  }
  static std::string folders(const std::string& user, const std::string& password,
                             const std::string& command) {
    std::string out;
    test::run_shell("curl -s --max-time 20 --user '" + user + ":" + password + "' 'imap://" +
                        address + ":" + imap_port + "/' -X '" + command + " \"\" *'",
                    &out);
    return out;
  }
  bool becomes_ready(const std::string& user) {
    for (int i = 0; i < 200; ++i) {
      const auto ready = provider->ready(user, {});
      if (!ready) return false;
      if (*ready) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  static Account account(const std::string& name, std::optional<std::uint64_t> quota = {}) {
    Account a;
    a.address = name;
    a.quota_bytes = quota;
    return a;
  }
  static test::LabServer* server;
  static std::string address, imap_port, api_port;
  std::unique_ptr<MailProvider> provider;
};
test::LabServer* RealDovecot::server = nullptr;
std::string RealDovecot::address, RealDovecot::imap_port, RealDovecot::api_port;

TEST_F(RealDovecot, ListsTheAccountsOfADomainWithQuotaAndUsage) {
  const auto accounts = provider->list_accounts("d.test", {});
  ASSERT_TRUE(accounts) << accounts.error().message();
  ASSERT_EQ(accounts->size(), 1U);
  EXPECT_EQ((*accounts)[0].address, "old@d.test");
  EXPECT_EQ((*accounts)[0].quota_bytes, 100ULL << 20U);
  EXPECT_TRUE((*accounts)[0].used_bytes.has_value());
  EXPECT_TRUE(provider->list_accounts("nobody.test", {})->empty());
}

TEST_F(RealDovecot, CreatesAnAccountThatCanLogInAndTakesOnlyThatAwayAgain) {
  ::setenv("MXF_TEST_NEW_PASSWORD", "correct horse: battery", 1);
  ::chmod(users().c_str(), 0640);
  EXPECT_FALSE(*provider->ready("new@d.test", {}));
  const auto made =
      provider->ensure_account(account("new@d.test", 5ULL << 30U), "env:MXF_TEST_NEW_PASSWORD", {});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(content().find("correct horse"), std::string::npos)
      << "the password is stored as a hash";
  EXPECT_TRUE(content().starts_with("# kept as it is\nold@d.test:{PLAIN}pw"));
  struct stat info {};
  ASSERT_EQ(::stat(users().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U) << "owner and mode stay";
  // Dovecot looks at the file at most once a second: readiness is asked until it has.
  EXPECT_TRUE(becomes_ready("new@d.test"));
  EXPECT_TRUE(can_log_in("new@d.test", "correct horse: battery"));
  EXPECT_FALSE(can_log_in("new@d.test", "wrong"));
  const auto once = content();
  ASSERT_TRUE(provider->ensure_account(account("NEW@d.test"), "env:MXF_TEST_NEW_PASSWORD", {}));
  EXPECT_EQ(content(), once) << "again is no change";
  const auto accounts = provider->list_accounts("d.test", {});
  ASSERT_TRUE(accounts);
  EXPECT_EQ(accounts->at(1).quota_bytes, 5ULL << 30U);

  ASSERT_TRUE(provider->remove_account("new@d.test", {}));
  EXPECT_EQ(content().find("new@d.test"), std::string::npos);
  const auto refused = provider->remove_account("old@d.test", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::denied);
  EXPECT_TRUE(provider->remove_account("never@d.test", {})) << "undo of what is not there is done";
}

TEST_F(RealDovecot, QuotasRiseAndNeverFall) {
  ASSERT_TRUE(provider->ensure_quota(account("old@d.test", 200ULL << 20U), {}));
  EXPECT_EQ(provider->list_accounts("d.test", {})->at(0).quota_bytes, 200ULL << 20U);
  ASSERT_TRUE(provider->ensure_quota(account("old@d.test", 1), {}));
  EXPECT_EQ(provider->list_accounts("d.test", {})->at(0).quota_bytes, 200ULL << 20U);
  const auto gone = provider->ensure_quota(account("gone@d.test", 1), {});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
}

TEST_F(RealDovecot, CreatesAndSubscribesFoldersAgainAndAgain) {
  const std::vector<std::string> paths{"Projects", "Projects/Überblick", "日本"};
  for (int i = 0; i < 2; ++i) {
    const auto done = provider->ensure_folders("old@d.test", paths, true, {});
    ASSERT_TRUE(done) << done.error().message();
  }
  EXPECT_NE(folders("old@d.test", "pw", "LSUB").find("Projects/&ANw-berblick"), std::string::npos);
  EXPECT_NE(folders("old@d.test", "pw", "LIST").find("&ZeVnLA-"), std::string::npos);
  EXPECT_EQ(provider->ensure_folders("gone@d.test", paths, true, {}).error().code,
            ErrorCode::not_found);
  EXPECT_FALSE(provider->ensure_folders("old@d.test", {"bad//name"}, true, {}));
}

TEST_F(RealDovecot, AccessListsAreAddedTo) {
  ASSERT_TRUE(provider->ensure_folders("old@d.test", {"Shared"}, false, {}));
  ASSERT_TRUE(
      provider->ensure_acl("old@d.test", "Shared", {{"other@e.test", "lr"}, {"anyone", "l"}}, {}));
  const auto done = provider->ensure_acl("old@d.test", "Shared", {{"other@e.test", "sw"}}, {});
  ASSERT_TRUE(done) << done.error().message();
  std::string out;
  server->run("run", {"doveadm", "acl", "get", "-u", "old@d.test", "Shared"}, &out);
  EXPECT_NE(out.find("lookup read write write-seen"), std::string::npos) << out;
  EXPECT_EQ(provider->ensure_acl("old@d.test", "Shared", {{"x", "?"}}, {}).error().code,
            ErrorCode::refused);
  EXPECT_FALSE(provider->ensure_acl("old@d.test", "NotThere", {{"x", "l"}}, {}));
}

TEST_F(RealDovecot, AWrongKeyIsAnAuthError) {
  auto wrong = built().open_provider(
      "dovecot", {{"url", "http://" + address + ":" + api_port}, {"users_file", users()}},
      {{"api_key", Secret("marker-of-a-wrong-key")}});
  ASSERT_TRUE(wrong);
  const auto accounts = (*wrong)->list_accounts("d.test", {});
  ASSERT_FALSE(accounts);
  EXPECT_EQ(accounts.error().code, ErrorCode::auth);
  EXPECT_EQ(accounts.error().message().find("marker"), std::string::npos);
}

TEST_F(RealDovecot, EditsOfSeveralSessionsAreAllKept) {
  ::setenv("MXF_TEST_NEW_PASSWORD", "pw", 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      auto mine = built().open_provider(
          "dovecot", {{"url", "http://" + address + ":" + api_port}, {"users_file", users()}},
          {{"api_key", Secret(server->file("doveadm.key"))}});
      ASSERT_TRUE(mine);
      for (int i = 0; i < 10; ++i) {
        const auto name = "u" + std::to_string(t) + "-" + std::to_string(i) + "@d.test";
        ASSERT_TRUE((*mine)->ensure_account(account(name), "env:MXF_TEST_NEW_PASSWORD", {}));
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(provider->list_accounts("d.test", {})->size(), 41U);
}

TEST(Dovecot, AddressesThatWouldBreakTheFileAreRefused) {
  const test::TempDir dir;
  auto provider = built().open_provider(
      "dovecot", {{"url", "http://127.0.0.1:1"}, {"users_file", dir / "users"}},
      {{"api_key", Secret("k")}});
  ASSERT_TRUE(provider) << provider.error().message();
  ::setenv("MXF_TEST_NEW_PASSWORD", "pw", 1);
  for (const std::string bad :
       {"a:b@c.test", "a\n@c.test", "no-at", "@c.test", "a@", "a@b@c", "../x@c.test", "#a@c"}) {
    Account account;
    account.address = bad;
    const auto made = (*provider)->ensure_account(account, "env:MXF_TEST_NEW_PASSWORD", {});
    ASSERT_FALSE(made) << bad;
    EXPECT_EQ(made.error().code, ErrorCode::refused);
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "users"));
}

TEST(Dovecot, WithoutAUsersFileAccountsAreUnsupported) {
  auto provider =
      built().open_provider("dovecot", {{"url", "http://127.0.0.1:1"}}, {{"api_key", Secret("k")}});
  ASSERT_TRUE(provider);
  EXPECT_EQ((*provider)->list_accounts("d.test", {}).error().code, ErrorCode::unsupported);
}

TEST(Dovecot, AnAnswerThatIsNoneIsAnError) {
  for (const std::string body :
       {"", "[]", "{}", "null", "<html>", R"([["doveadmResponse",[],"other"]])",
        R"([["error",{"type":"x"},"t0"]])", R"([["error",{},"t0"]["error",{},"t1"]])"}) {
    test::HttpServer server([&](const test::ServedRequest&) {
      return test::ServedResponse{200, {}, body, false, false};
    });
    auto provider =
        built().open_provider("dovecot", {{"url", server.url("")}}, {{"api_key", Secret("k")}});
    ASSERT_TRUE(provider);
    const auto ready = (*provider)->ready("a@d.test", {});
    ASSERT_FALSE(ready) << body;
    EXPECT_EQ(ready.error().code, ErrorCode::protocol) << body;
  }
}

TEST(GenericImap, IsDataOnly) {
  const auto registry = built();
  const auto* profile = registry.profile("generic-imap");
  ASSERT_NE(profile, nullptr);
  EXPECT_FALSE(profile->errors.empty());
  EXPECT_EQ(registry.open_provider("generic-imap", {}, {}).error().code, ErrorCode::unsupported);
  EXPECT_TRUE(registry.problems().empty());
}

}  // namespace
}  // namespace mxferry::plugin
