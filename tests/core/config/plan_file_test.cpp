// SPDX-License-Identifier: Apache-2.0
#include "config/plan_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "config/duration.hpp"
#include "config/mailboxes_csv.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::config {
namespace {

constexpr const char* kGood = R"toml([migration]
id = "alpha"
[source]
endpoint = "imap://old.test:143"
[dest]
endpoint = "imaps://new.test"
provider = "dovecot"
set = { doveadm_url = "http://127.0.0.1:8080", retries = 3 }
secret = { doveadm_key = "file:/k" }
[mailboxes]
csv = "boxes.csv"
pilot = ["a@alpha.test"]
[[domain]]
name = "Alpha.Test"
mx = ["10 MX.new.test."]
spf = "v=spf1 ip4:127.77.0.20 -all"
dkim = [{ selector = "new", data = "v=DKIM1; p=AAAA" }]
client = [{ name = "autoconfig", type = "CNAME", data = ["new.test."] }]
dns = { plugin = "powerdns", set = { url = "http://127.77.0.53:8081" }, secret = { api_key = "env:KEY" } }
[ttl]
lowered = 10
[delta]
every = "2h"
for = "1d12h"
[approve]
flip = "auto"
)toml";
constexpr const char* kCsv =
    "source,dest,source_secret,dest_secret,quota,aliases\na@alpha.test,,env:A,file:/"
    "b,100M,x@alpha.test y@alpha.test\n";

Result<PlanFile> read(const std::string& toml, const std::string& csv = kCsv) {
  test::TempDir dir;
  std::ofstream(dir / "plan.toml") << toml;
  std::ofstream(dir / "boxes.csv") << csv;
  return read_plan_file(dir / "plan.toml");
}

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(PlanFile, CopyLeavesOutWhatItIsAskedTo) {
  const auto with = [](const std::string& copy) {
    return changed("[ttl]", "[copy]\n" + copy + "\n[ttl]");
  };
  auto plan =
      read(with("since = \"2020-01-31\"\nmax_size = \"25M\"\nwithout_flags = "
                "[\"\\\\Deleted\"]\nexclude_folders = [\"Trash\"]\nnewest_first = true"));
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->copy.messages.text(), "since=2020-01-31 max-size=26214400 without=\\Deleted");
  EXPECT_EQ(plan->copy.folders.except, std::vector<std::string>{"Trash"});
  EXPECT_TRUE(plan->copy.newest_first);
  auto none = read(kGood);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->copy.messages.empty() && none->copy.folders.empty());
  EXPECT_TRUE(none->copy.limits.empty() && none->source.limits.empty());
  auto paced =
      read(with("window = \"Mon-Fri 20:00-06:00 Europe/Berlin\"\nlarge_mailbox = \"2G\"\n"
                "[copy.limits]\nmax_rate = \"5M\"\ndaily_budget = \"2G\"\n"
                "[dest.limits]\nmax_messages_rate = 20"));
  ASSERT_TRUE(paced) << paced.error().message();
  EXPECT_EQ(paced->copy.limits.octets_per_second, 5U << 20U);
  EXPECT_EQ(paced->copy.limits.octets_per_day, 2ULL << 30U);
  EXPECT_EQ(paced->copy.limits.window->text(), "Mon-Fri 20:00-06:00 Europe/Berlin");
  EXPECT_EQ(paced->copy.large_mailbox, 2ULL << 30U);
  EXPECT_EQ(paced->dest.limits.messages_per_second, 20U);
  const std::pair<const char*, const char*> bad[] = {
      {"since = \"2020-02-30\"", "copy.since: expected a day such as"},
      {"before = 2020", "copy.before: expected a day such as"},
      {"max_size = \"25 MB\"", "copy.max_size: expected octets such as"},
      {"with_flags = [\"a b\"]", "copy.with_flags: \"a b\" is no flag or keyword"},
      {"folders = [\"\"]", "copy.folders: an empty name"},
      {"newest = true", "newest"},
      {"window = \"weekdays\"", "copy.window: \"weekdays\": expected days and times"},
      {"large_mailbox = 10", "copy.large_mailbox: expected octets"},
      {"[copy.limits]\nmax_rate = \"0\"", "copy.limits.max_rate: expected octets"},
      {"[copy.limits]\nmax_messages_rate = 0",
       "copy.limits.max_messages_rate: expected an integer"},
      {"map = \"nowhere.map\"", "cannot read the map of folders"},
      {"map = \"/proc/self/mem\"", "cannot read the map of folders"},  // it opens; a read fails
  };
  for (const auto& [text, words] : bad) {
    auto read_bad = read(with(text));
    ASSERT_FALSE(read_bad) << text;
    EXPECT_EQ(read_bad.error().code, ErrorCode::config);
    EXPECT_NE(read_bad.error().message().find(words), std::string::npos)
        << read_bad.error().message();
  }
}

TEST(PlanFile, ReadsAWholePlan) {
  const auto plan = read(kGood);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->id, "alpha");
  EXPECT_EQ(plan->domains.at(0).name, "alpha.test");
  EXPECT_EQ(plan->domains.at(0).dns.zone, "alpha.test.");
  EXPECT_EQ(plan->domains.at(0).mx.at(0), "10 mx.new.test.");
  EXPECT_EQ(plan->dest.set.at("retries"), "3");
  EXPECT_EQ(plan->delta_for, std::chrono::hours(36));
  EXPECT_EQ(plan->approve_flip, 0);
  EXPECT_EQ(plan->mailboxes.at(0).dest, "a@alpha.test");
  EXPECT_EQ(plan->mailboxes.at(0).quota_bytes, 100ULL << 20U);
  EXPECT_EQ(plan->mailboxes.at(0).aliases.size(), 2U);
  EXPECT_EQ(plan->ttl_lowered, 10U);
}

constexpr const char* kNotice = R"toml(
[notice]
smtp = "smtps://smtp.new.test"
from = "ops@alpha.test"
user = "ops"
secret = "env:SMTP"
operators = ["ops@alpha.test"]
lead = "36h"
[alert]
mail = ["ops@alpha.test"]
webhook = "https://hooks.example/x"
webhook_secret = "file:/k"
command = ["/usr/bin/logger", "mxferry"]
)toml";

TEST(PlanFile, ReadsNoticeAndAlert) {
  const auto plan = read(std::string(kGood) + kNotice);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_TRUE(plan->notice.enabled());
  EXPECT_TRUE(plan->notice.users);
  EXPECT_EQ(plan->notice.lead, std::chrono::hours(36));
  EXPECT_EQ(plan->alert.command.size(), 2U);
  EXPECT_FALSE(read(kGood)->notice.enabled());
  EXPECT_FALSE(read(kGood)->alert.enabled());
}

TEST(PlanFile, NoticeAndAlertErrorsNameTheirPlace) {
  struct Case {
    const char* from;
    const char* to;
    const char* words;
  };
  for (const auto& one :
       {Case{"smtps://smtp.new.test", "mailto:x", "notice.smtp"},
        Case{"from = \"ops@alpha.test\"", "", "notice.from is missing"},
        Case{"from = \"ops@alpha.test\"", "from = \"ops\"", "notice.from"},
        Case{"env:SMTP", "hunter2", "notice.secret: expected a reference"},
        Case{"user = \"ops\"", "", "go together"},
        Case{"lead = \"36h\"", "lead = \"soon\"", "notice.lead"},
        Case{"lead = \"36h\"", "leed = \"36h\"", "unknown key \"leed\""},
        Case{"https://hooks", "ftp://hooks", "alert.webhook"},
        Case{"/usr/bin/logger", "logger", "alert.command"},
        Case{"mail = [\"ops@alpha.test\"]", "mail = [\"a b@x.test\"]", "alert.mail"}}) {
    std::string text = kNotice;
    const auto at = text.find(one.from);
    ASSERT_NE(at, std::string::npos) << one.from;
    text.replace(at, std::string(one.from).size(), one.to);
    const auto plan = read(std::string(kGood) + text);
    ASSERT_FALSE(plan) << one.to;
    EXPECT_EQ(plan.error().code, ErrorCode::config);
    EXPECT_NE(plan.error().message().find(one.words), std::string::npos) << plan.error().message();
    EXPECT_EQ(plan.error().message().find("hunter2"), std::string::npos);
  }
  const auto alone = read(std::string(kGood) + "[alert]\nmail = [\"ops@alpha.test\"]\n");
  ASSERT_FALSE(alone);
  EXPECT_NE(alone.error().text.find("needs [notice] smtp"), std::string::npos);
}

struct Wrong {
  const char* from;
  const char* to;
  const char* place;  // line:column
  const char* words;
};

TEST(PlanFile, EachMistakeNamesItsPlaceAndWhatWasExpected) {
  const Wrong cases[] = {
      {"id = \"alpha\"", "id = 7", ":2:", "expected a string"},
      {"id = \"alpha\"", "id = \"a/b\"", ":2:", "letters, digits"},
      {"lowered = 10", "lowered = \"10\"", ":21:", "expected an integer from 1 to 86400"},
      {"lowered = 10", "lowered = 0", ":21:", "found 0"},
      {"lowered = 10", "lowred = 10", ":21:1", "unknown key \"lowred\""},
      {"every = \"2h\"", "every = \"2 hours\"", ":23:", "expected a duration"},
      {"10 MX.new.test.", "10 mx.new.test", ":15:", "with a final dot"},
      {"10 MX.new.test.", "mx.new.test.", ":15:", "PREFERENCE HOST."},
      {"v=spf1 ip4", "v=spf2 ip4", ":16:", "v=spf1"},
      {"env:KEY", "s3cret", ":19:", "expected a reference"},
      {"flip = \"auto\"", "flip = \"yes\"", ":26:", "\"auto\" or 1"},
      {"imap://old.test:143", "pop3://old.test", ":4:", "imap://HOST"},
      {"[ttl]", "[tll]", ":20:", "unknown key \"tll\""},
      {"[migration]", "[migration", ":1:", "not TOML"},
      {"pilot = [\"a@alpha.test\"]", "pilot = [\"z@alpha.test\"]", ":1:1", "z@alpha.test"},
  };
  for (const auto& c : cases) {
    const auto plan = read(changed(c.from, c.to));
    ASSERT_FALSE(plan) << c.to;
    EXPECT_EQ(plan.error().code, ErrorCode::config) << c.to;
    EXPECT_NE(plan.error().operation.find(c.place), std::string::npos) << plan.error().message();
    EXPECT_NE(plan.error().text.find(c.words), std::string::npos) << plan.error().message();
    EXPECT_EQ(plan.error().message().find("s3cret"), std::string::npos);
  }
}

TEST(MailboxesCsv, EachMistakeNamesItsPlace) {
  const Wrong cases[] = {
      {"", "", ":1:1", "header line"},
      {"", "source,dest,source_password,dest_secret\n", ":1:13", "literal passwords"},
      {"", "source,dest,source_secret,dest_secret\na,b,hunter2,env:B\n", ":2:5",
       "expected a reference"},
      {"", "source,dest,source_secret,dest_secret\na,b,env:A\n",
       ":2:", "expected 4 fields, found 3"},
      {"", "source,dest,source_secret,dest_secret\na,b,env:A,env:B\nc,b,env:A,env:B\n", ":3:3",
       "two rows copy into"},
      {"", "source,dest,source_secret,dest_secret\n\"a,b,env:A,env:B\n", ":2:1", "closing quote"},
      {"", "source,dest,source_secret,dest_secret,colour\n", ":1:39", "unknown column"},
      {"", "source,dest,source_secret,dest_secret,quota\na,b,env:A,env:B,5X\n", ":2:17", "quota"},
  };
  for (const auto& c : cases) {
    const auto boxes = parse_mailboxes_csv(c.to, "m.csv");
    ASSERT_FALSE(boxes) << c.to;
    EXPECT_NE(boxes.error().operation.find(c.place), std::string::npos) << boxes.error().message();
    EXPECT_NE(boxes.error().text.find(c.words), std::string::npos) << boxes.error().message();
    EXPECT_EQ(boxes.error().message().find("hunter2"), std::string::npos);
  }
}

TEST(MailboxesCsv, TakesBomCrlfQuotesAndComments) {
  const auto boxes = parse_mailboxes_csv(
      "\xef\xbb\xbfsource,dest,source_secret,dest_secret\r\n# note\r\n\"a "
      "\"\"x\"\"\",b,env:A,env:B\r\n\r\nc,,env:A,env:B",
      "m.csv");
  ASSERT_TRUE(boxes) << boxes.error().message();
  ASSERT_EQ(boxes->size(), 2U);
  EXPECT_EQ(boxes->at(0).source, "a \"x\"");
  EXPECT_EQ(boxes->at(1).dest, "c");
}

TEST(Duration, ReadsUnitsAndRefusesTheRest) {
  EXPECT_EQ(parse_duration("90s"), Millis(90000));
  EXPECT_EQ(parse_duration("1h30m"), Millis(5400000));
  EXPECT_EQ(parse_duration("7d"), Millis(604800000));
  for (const char* bad : {"", "5", "h", "5 h", "-5s", "99999999999999999999d", "4000d"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(PlanFile, AnIgnoredAddressHasAReasonAndLiesInADomainOfThePlan) {
  const auto with = [](const std::string& ignore) {
    return read(std::string(kGood) + "[addresses]\nignore = " + ignore +
                "\n[estimate]\nline_mbit = 50\n");
  };
  const auto plan = with("[{ address = \"Old@Alpha.Test\", reason = \"left in 2019\" }]");
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->addresses_ignore.size(), 1U);
  EXPECT_EQ(plan->addresses_ignore[0].address, "old@alpha.test");
  EXPECT_EQ(plan->addresses_ignore[0].reason, "left in 2019");
  EXPECT_EQ(plan->line_mbit, 50U);
  const struct {
    const char* ignore;
    const char* where;
    const char* what;
  } wrong[] = {
      {"[\"old@alpha.test\"]", ":28:11",
       "tables { address = \"LOCAL@DOMAIN\", reason = \"why\" }, found a string"},
      {"\"old@alpha.test\"", ":28:10", "an array of tables"},
      {"[{ address = \"old@alpha.test\" }]", ":28:11", "reason is missing"},
      {"[{ reason = \"x\" }]", ":28:11", "address is missing"},
      {"[{ address = \"old@else.test\", reason = \"x\" }]", ":28:11",
       "of a [[domain]] of this plan"},
      {"[{ address = \"old\", reason = \"x\" }]", ":28:11", "of a [[domain]] of this plan"},
      {"[{ address = \"old@alpha.test\", reason = \"x\", why = 1 }]", ":28:55",
       "unknown key \"why\""},
  };
  for (const auto& w : wrong) {
    const auto bad = with(w.ignore);
    ASSERT_FALSE(bad) << w.ignore;
    EXPECT_NE(bad.error().message().find(w.where), std::string::npos) << bad.error().message();
    EXPECT_NE(bad.error().message().find(w.what), std::string::npos) << bad.error().message();
  }
}

}  // namespace
}  // namespace mxferry::config
