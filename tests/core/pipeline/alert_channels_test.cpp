// SPDX-License-Identifier: Apache-2.0
// The channels of [alert] as they are: a webhook to a real HTTP server, a real program, a mail.
#include "pipeline/alert_channels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json_reader.hpp"
#include "support/fake_world.hpp"
#include "support/http_server.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::pipeline {
namespace {

using test::FakeWorld;
using test::HttpServer;
using test::ServedRequest;
using test::ServedResponse;
using ::testing::HasSubstr;
using ::testing::Not;

class Channels : public ::testing::Test {
 protected:
  Channels() {
    world_.broken_mailbox["bert@alpha.test"] = ErrorCode::auth;
    world_.make_channels = [this] {
      auto made = alert_channels(world_.file, &post_);
      EXPECT_TRUE(made) << made.error().message();
      return made ? std::move(*made) : std::vector<std::unique_ptr<AlertChannel>>();
    };
  }
  std::string state(const std::string& channel) {
    const auto text =
        world_.state().db().text("SELECT state FROM outbox WHERE key LIKE $1", channel + "|%");
    return text && *text ? **text : "none";
  }

  class Post final : public MailPost {
   public:
    Task<Result<smtp::Submitted>> send(std::vector<std::string> to, std::string message) override {
      smtp::Submitted out;
      out.taken = to;
      last = message;
      co_return out;
    }
    std::string last;
  };
  FakeWorld world_;
  Post post_;
  test::TempDir dir_;
};

TEST_F(Channels, AWebhookGetsSignedJsonAndIsTriedAgainUntilItSaysYes) {
  int answers = 0;
  HttpServer server([&](const ServedRequest&) {
    ServedResponse out;
    out.status = answers++ == 0 ? 500 : 204;
    return out;
  });
  std::ofstream(dir_ / "key") << "Jefe";
  std::filesystem::permissions(dir_ / "key", std::filesystem::perms::owner_read);
  world_.file.alert.webhook = server.url("/hook");
  world_.file.alert.webhook_secret = "file:" + (dir_ / "key").string();
  for (int runs = 0; runs < 5 && state("webhook") != "sent"; ++runs) world_.run();
  EXPECT_EQ(state("webhook"), "sent");
  const auto requests = server.requests();
  ASSERT_GE(requests.size(), 2U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/hook");
  EXPECT_EQ(requests[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(requests[0].headers.at("x-mxferry-signature"),
            webhook_signature(Secret("Jefe"), requests[0].body));
  EXPECT_EQ(requests[0].body, requests[1].body);
  const auto json = parse_json(requests[0].body, "webhook");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["format"], "mxferry-alert/1");
  EXPECT_EQ((*json)["kind"], "auth");
  EXPECT_EQ((*json)["subject"], "bert@alpha.test");
  EXPECT_THAT(requests[0].body, Not(HasSubstr("Jefe")));
}

TEST_F(Channels, ARedirectIsNotFollowed) {
  HttpServer other([](const ServedRequest&) { return ServedResponse{}; });
  HttpServer server([&](const ServedRequest&) {
    ServedResponse out;
    out.status = 307;
    out.headers = {{"Location", other.url("/")}};
    return out;
  });
  world_.file.alert.webhook = server.url("/");
  world_.run();
  EXPECT_EQ(state("webhook"), "pending");
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(Channels, ACommandGetsItsVariablesAndNothingElse) {
  std::ofstream(dir_ / "tell") << "#!/bin/sh\n/usr/bin/env > " << (dir_ / "seen").string() << "\n";
  std::filesystem::permissions(dir_ / "tell", std::filesystem::perms::owner_all);
  world_.file.alert.command = {(dir_ / "tell").string()};
  ::setenv("MXF_TEST_SECRET", "not for you", 1);
  world_.run();
  ::unsetenv("MXF_TEST_SECRET");
  EXPECT_EQ(state("command"), "sent");
  std::stringstream seen;
  seen << std::ifstream(dir_ / "seen").rdbuf();
  EXPECT_THAT(seen.str(), HasSubstr("MXFERRY_ALERT_KIND=auth\n"));
  EXPECT_THAT(seen.str(), HasSubstr("MXFERRY_ALERT_SUBJECT=bert@alpha.test\n"));
  EXPECT_THAT(seen.str(), Not(HasSubstr("MXF_TEST_SECRET")));
  EXPECT_THAT(seen.str(), Not(HasSubstr("HOME=")));
}

TEST_F(Channels, ACommandThatFailsLeavesTheAlertWaiting) {
  world_.file.alert.command = {"/bin/false"};
  world_.run();
  EXPECT_EQ(state("command"), "pending");
  EXPECT_THAT(world_.notes, ::testing::Contains(HasSubstr("exit code 1")));
}

TEST_F(Channels, AMailSaysWhatAndWhatToDo) {
  world_.file.notice.from = "ops@alpha.test";
  world_.file.alert.mail = {"ops@alpha.test"};
  world_.run();
  EXPECT_EQ(state("mail"), "sent");
  EXPECT_THAT(post_.last, HasSubstr("Subject: mxferry alpha: auth: bert@alpha.test\r\n"));
  EXPECT_THAT(post_.last, HasSubstr("Message-ID: <alert."));
  EXPECT_THAT(post_.last, HasSubstr("HENTICATIONFAILED] wrong)"));  // quoted-printable
  EXPECT_THAT(post_.last, HasSubstr("What to do: "));
}

TEST_F(Channels, PlainHttpOffLoopbackIsRefusedBeforeAnyConnection) {
  config::PlanFile file;
  file.alert.webhook = "http://hooks.example/x";
  const auto made = alert_channels(file, nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::config);
}

}  // namespace
}  // namespace mxferry::pipeline
