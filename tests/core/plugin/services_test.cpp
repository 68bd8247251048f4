// SPDX-License-Identifier: Apache-2.0
// The host services imap and exec, through a plugin that is compiled here.
#include <gtest/gtest.h>

#include "plugin/plugins_lock.hpp"
#include "plugin/registry.hpp"
#include "support/plugin_builder.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::plugin {
namespace {

// The zone's name says what list_records does; its failure text tells what came of it.
const char* const kSource = R"(
#include <mxferry/plugin.hpp>
using namespace mxferry::sdk;
class Sample final : public DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;
  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    if (zone == "imap.") {
      auto r = host().imap({"LIST ", "", " ", "*"});
      if (!r) return fail(r.error());
      std::string all;
      for (const auto& line : *r) all += line + "|";
      return fail(MXF_REMOTE, all);
    }
    std::vector<std::string> argv = {host().config_or("tool", ""), "-c", "cat; echo err >&2; env; exit 3"};
    if (zone == "other.") argv[0] = "/bin/ls";
    if (zone == "secret.") argv.push_back("--key=" + host().secret("admin").value());
    if (zone == "slow.") argv[2] = "sleep 1000";
    auto r = host().exec(argv, "from input;", std::chrono::milliseconds(zone == "slow." ? 100 : 20000));
    if (!r) return fail(r.error());
    return fail(MXF_REMOTE, std::to_string(r->exit_code) + "/" + r->output + "/" + r->errors);
  }
};
MXF_DNS_PLUGIN("services", Sample)
)";

struct FakeAdmin final : ImapAdmin {
  std::vector<std::string>* seen;
  explicit FakeAdmin(std::vector<std::string>* s) : seen(s) {}
  Result<std::vector<std::string>> command(const std::vector<std::string>& parts,
                                           std::stop_token) override {
    *seen = parts;
    std::vector<std::string> lines = {"* LIST () \"/\" a", "* LIST () \"/\" b"};
    return lines;
  }
};

class Services : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir = new test::TempDir;
    ASSERT_TRUE(test::build_plugin(
        dir->path(), "services", kSource,
        test::sample_manifest("services",
                              R"(,"config":[{"name":"admin","type":"imap","description":"d"},
                                {"name":"tool","type":"program","default":"/bin/sh","description":"d"}],
                                "secrets":[{"name":"admin","description":"d"}])")));
    ASSERT_TRUE(trust_library(*dir / "services/services.so"));
  }
  static void TearDownTestSuite() { delete dir; }

  Error ask(const std::string& zone, HostOptions options = {}, std::stop_token stop = {}) {
    const auto registry = Registry::scan({dir->path()});
    auto api = registry.open_dns("services", {{"admin", "imaps://cyrus@imap.example:993"}},
                                 {{"admin", Secret("hush-word")}}, std::move(options));
    EXPECT_TRUE(api) << api.error().message();
    return (*api)->list_records(zone, std::move(stop)).error();
  }
  static test::TempDir* dir;
};
test::TempDir* Services::dir = nullptr;

TEST_F(Services, ImapSendsThePartsAsTheSettingSaysWho) {
  std::vector<std::string> seen;
  std::string url;
  std::string password;
  HostOptions options;
  options.imap = [&](const ImapAdminTarget& target) -> Result<std::unique_ptr<ImapAdmin>> {
    url = target.url;
    password = target.password.reveal();
    std::unique_ptr<ImapAdmin> admin = std::make_unique<FakeAdmin>(&seen);
    return admin;
  };
  const auto error = ask("imap.", options);
  EXPECT_NE(error.text.find("* LIST () \"/\" a|* LIST () \"/\" b|"), std::string::npos)
      << error.message();
  EXPECT_EQ(seen, (std::vector<std::string>{"LIST ", "", " ", "*"}));
  EXPECT_EQ(url, "imaps://cyrus@imap.example:993");
  EXPECT_EQ(password, "hush-word");
}

TEST_F(Services, ImapIsUnsupportedWhereTheHostHasNone) {
  EXPECT_EQ(ask("imap.").code, ErrorCode::unsupported);
}

TEST_F(Services, ExecRunsTheProgramOfTheSettingWithAnEmptyEnvironment) {
  const auto error = ask("run.");
  // dash itself sets PWD; nothing of ours is there.
  EXPECT_NE(error.text.find("3/from input;"), std::string::npos) << error.message();
  EXPECT_EQ(error.text.find("HOME"), std::string::npos) << error.message();
  EXPECT_NE(error.text.find("/err"), std::string::npos) << error.message();
}

TEST_F(Services, ExecRefusesAnotherProgramAndASecretInItsArguments) {
  const auto other = ask("other.");
  EXPECT_EQ(other.code, ErrorCode::plugin);
  EXPECT_NE(other.text.find("no setting names"), std::string::npos) << other.message();
  const auto secret = ask("secret.");
  EXPECT_EQ(secret.code, ErrorCode::plugin);
  EXPECT_NE(secret.text.find("standard input"), std::string::npos) << secret.message();
  EXPECT_EQ(secret.message().find("hush-word"), std::string::npos);
}

TEST_F(Services, ExecEndsAtItsTimeLimitAndAtAStop) {
  EXPECT_EQ(ask("slow.").code, ErrorCode::timeout);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(ask("slow.", {}, stop.get_token()).code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace mxferry::plugin
