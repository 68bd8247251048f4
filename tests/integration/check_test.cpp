// SPDX-License-Identifier: Apache-2.0
// mxferry check against real servers: what is in the mailboxes, what does not fit, and the address
// that nobody had thought of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/command_run.hpp"
#include "support/mail_account.hpp"
#include "support/small_lab.hpp"

namespace mxferry::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kTeam = "team@alpha.test";

SmallLabOptions numbered(int number) {
  SmallLabOptions out;
  out.number = number;
  return out;
}

std::string read_file(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

void replace(const std::filesystem::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  std::ofstream(file, std::ios::binary) << text.replace(at, from.size(), to);
}

class Check : public ::testing::Test {
 protected:
  std::map<std::string, std::string> environment() const {
    return {{"DNS_KEY", options_.dns_key}, {"OLD_PASSWORD", options_.old_password}};
  }
  json check(SmallLab& lab, int expected, const std::vector<std::string>& more = {}) {
    std::vector<std::string> args = {"check", lab.plan().string(), "--json"};
    args.insert(args.end(), more.begin(), more.end());
    CommandRun process(args, environment());
    EXPECT_EQ(process.wait(), expected) << process.out() << process.err();
    EXPECT_THAT(process.err(), Not(HasSubstr("\x1b"))) << "no progress line without a terminal";
    return json::parse(process.out(), nullptr, false);
  }
  static std::vector<json> found(const json& out, const std::string& id) {
    std::vector<json> list;
    for (const auto& f : out["findings"])
      if (f["id"] == id) list.push_back(f);
    return list;
  }
  SmallLabOptions options_;
};

TEST_F(Check, ListsWhatIsThereAndTheAddressThatThePlanDoesNotServe) {
  SmallLab lab(numbered(6));
  MXF_NEED_LAB(lab);
  MailAccount account(lab.address(3), 143, SmallLab::kUser, options_.old_password);
  account.command("CREATE Work");
  const std::string big = "Subject: big\r\n\r\n" + std::string(200'000, 'x') + "\r\n";
  account.append("Work", big);
  account.append("INBOX",
                 "Delivered-To: team@alpha.test\r\nTo: \"All of us\" <Team@Alpha.Test>,\r\n"
                 " someone@else.test\r\nSubject: secret-subject\r\n\r\nsecret-body\r\n");
  account.append("Sent", "To: team@alpha.test, anna+lists@alpha.test\r\n\r\nx\r\n");
  account.append("Drafts", "To: wish@alpha.test\r\n\r\nx\r\n");
  account.append("Junk", "To: forged@alpha.test\r\nX-Original-To: info@alpha.test\r\n\r\nx\r\n");
  account.append("INBOX", "To: former@alpha.test\r\n\r\nx\r\n", "", "01-Jan-2020 00:00:00 +0000");

  const auto csv = lab.dir() / "inventory.csv";
  auto out = check(lab, 6, {"--csv", csv.string()});
  ASSERT_EQ(out["mailboxes"].size(), 1U);
  const auto& box = out["mailboxes"][0];
  EXPECT_EQ(box["address"], SmallLab::kUser);
  EXPECT_EQ(box["messages"], 11);
  EXPECT_EQ(box["largest"], big.size());
  EXPECT_GT(box["bytes"], big.size());
  EXPECT_EQ(box["folders"], 7);
  EXPECT_EQ(box["dest_asked"], false) << "the account is made by provision: no login is tried";
  EXPECT_GT(out["estimate"]["most_ms"], out["estimate"]["least_ms"]);
  EXPECT_GT(out["not_moved"].size(), 3U);

  const auto open = found(out, "AD-01");
  ASSERT_EQ(open.size(), 2U) << out["findings"].dump(1);
  EXPECT_EQ(open[0]["subject"], kTeam);
  EXPECT_EQ(open[0]["severity"], "block");
  EXPECT_THAT(open[0]["text"], HasSubstr("2 messages (Delivered-To 1, To 2)"));
  EXPECT_EQ(open[1]["subject"], "info@alpha.test");
  const std::string all = out.dump();
  for (const auto* never : {"else.test", "secret", "wish@", "forged@", "former@"})
    EXPECT_THAT(all, Not(HasSubstr(never)));
  // Nobody listens on the old MX's port: unknown is told, never a pass.
  ASSERT_EQ(found(out, "AD-02").size(), 1U);
  EXPECT_THAT(found(out, "AD-02")[0]["text"], HasSubstr("could not be found out"));
  EXPECT_THAT(read_file(csv), HasSubstr("\r\nanna@alpha.test,7,11,"));

  // The same in words, and a run that is started all the same holds before it writes.
  CommandRun words({"check", lab.plan().string()}, environment());
  EXPECT_EQ(words.wait(), 6);
  EXPECT_THAT(words.out(), HasSubstr("anna@alpha.test"));
  EXPECT_THAT(words.out(), HasSubstr("no account yet"));
  EXPECT_THAT(words.out(), HasSubstr("not moved by mxferry:\n  calendars"));
  CommandRun run({"run", lab.plan().string(), "--no-wait", "--state",
                  (lab.dir() / "state" / "state.db").string()},
                 environment());
  EXPECT_EQ(run.wait(), 6) << run.out() << run.err();
  EXPECT_THAT(run.err(), HasSubstr("AD-01: mail arrives at team@alpha.test"));

  // Mapped as an alias, and given up with a reason.
  replace(lab.dir() / "boxes.csv", "dest_secret\n", "dest_secret,aliases\n");
  replace(lab.dir() / "boxes.csv", "new.password\n", "new.password,team@alpha.test\n");
  std::ofstream(lab.plan(), std::ios::app)
      << "[addresses]\nignore = [{ address = \"info@alpha.test\", reason = \"spam alone\" }]\n"
      << "[[accept]]\nid = \"AD-02\"\nreason = \"a lab\"\n";
  out = check(lab, 0);
  EXPECT_TRUE(found(out, "AD-01").empty()) << out["findings"].dump(1);
  EXPECT_EQ(found(out, "AD-02").at(0)["accepted"], "a lab");

  // The source was looked at and not touched: no message has become read.
  for (const auto& message : account.messages("INBOX"))
    EXPECT_EQ(message.flags.find("Seen"), std::string::npos) << message.flags;
}

TEST_F(Check, AsksADestinationWhoseAccountsAreThere) {
  SmallLab lab(numbered(7));
  MXF_NEED_LAB(lab);
  const auto text = read_file(lab.plan());
  const auto from = text.find("provider = \"dovecot\"");
  const auto to = text.find("[mailboxes]");
  std::ofstream(lab.plan(), std::ios::binary) << text.substr(0, from) + text.substr(to);
  std::ofstream(lab.dir() / "new-users") << SmallLab::kUser << ":{PLAIN}" << options_.new_password
                                         << "::::::userdb_quota_rule=*:storage=100k\n";
  MailAccount account(lab.address(3), 143, SmallLab::kUser, options_.old_password);
  account.command("CREATE Gesendet");
  account.append("Gesendet", "Subject: x\r\n\r\n" + std::string(95'000, 'x') + "\r\n");
  auto out = check(lab, 1);
  const auto& box = out["mailboxes"][0];
  EXPECT_EQ(box["dest_asked"], true);
  EXPECT_EQ(box["dest_quota"]["limit"], 102'400);
  EXPECT_EQ(found(out, "QU-02").size(), 1U) << out["findings"].dump(1);
  account.append("INBOX", "Subject: x\r\n\r\n" + std::string(20'000, 'x') + "\r\n");
  out = check(lab, 6);
  EXPECT_EQ(found(out, "QU-01").size(), 1U) << out["findings"].dump(1);

  // A wrong password at the destination is told, and one at the source leaves nothing known.
  std::ofstream(lab.dir() / "new-users") << SmallLab::kUser << ":{PLAIN}other::::::\n";
  // The server reads a changed file within a second: from then on the old password is refused.
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    try {
      const MailAccount there(lab.address(4), 143, SmallLab::kUser, options_.new_password);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    } catch (const std::runtime_error&) {
      refused = true;
    }
  }
  ASSERT_TRUE(refused);
  out = check(lab, 1);
  ASSERT_EQ(found(out, "MB-08").size(), 1U) << out["findings"].dump(1);
  EXPECT_THAT(found(out, "MB-08")[0]["text"], HasSubstr("on the destination"));
  CommandRun wrong({"check", lab.plan().string(), "--json"},
                   {{"DNS_KEY", options_.dns_key}, {"OLD_PASSWORD", "wrong"}});
  EXPECT_EQ(wrong.wait(), 1) << wrong.out();
  out = json::parse(wrong.out(), nullptr, false);
  EXPECT_EQ(out["not_read"], json({SmallLab::kUser}));
  EXPECT_THAT(found(out, "MB-08").at(0)["text"], HasSubstr("a run would park it"));
}

}  // namespace
}  // namespace mxferry::test
