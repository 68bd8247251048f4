// SPDX-License-Identifier: Apache-2.0
// What a survey asks of servers that offer much and of those that offer nothing, as scripts.
#include "imap/survey.hpp"

#include <gtest/gtest.h>

#include "support/run_task.hpp"
#include "support/scripted_imap.hpp"

namespace mxferry::imap {
namespace {

using test::Script;
using test::ScriptedConnector;
using test::Step;

std::shared_ptr<Script> talk(const std::string& capabilities, std::vector<Step> more) {
  auto out = std::make_shared<Script>();
  out->steps = {{"<TLS>", ""},
                {"", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n"},
                {"A1 AUTHENTICATE PLAIN AGFubmEAeA==\r\n",
                 "A1 OK [CAPABILITY IMAP4rev1 " + capabilities + "] in\r\n"},
                {"A2 LIST \"\" \"\"\r\n", "* LIST (\\Noselect) \"/\" \"\"\r\nA2 OK\r\n"}};
  out->steps.insert(out->steps.end(), more.begin(), more.end());
  return out;
}

struct Outcome {
  Result<void> done;
  std::string text;
};

template <class Work>
Task<Outcome> with_client(std::shared_ptr<Script> s, Work work) {
  ScriptedConnector connector(s);
  net::Endpoint endpoint;
  endpoint.host = "mail.example";
  endpoint.security = net::Security::tls;
  Credentials anna;
  anna.user = "anna";
  anna.secret = Secret("x");
  ConnectionOptions quick;
  quick.idle = quick.greeting = std::chrono::milliseconds(50);
  Outcome out;
  auto client = co_await Client::open(connector, endpoint, anna, MailboxRole::ReadOnly, quick);
  if (!client) {
    out.done = fail(std::move(client).error());
    co_return out;
  }
  co_await work(**client, out);
  (*client)->close();
  co_return out;
}

template <class Work>
std::string said(std::shared_ptr<Script> s, Work work) {
  const auto out = test::run_task(with_client(s, work));
  EXPECT_TRUE(s->finished()) << s->problem;
  return out.done ? out.text : "error: " + out.done.error().message();
}

const std::string kExamine = "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\n";

Task<void> sizes(Client& client, Outcome& out) {
  FolderInfo folder;
  folder.wire = "Work";
  auto sum = co_await folder_sizes(client, folder);
  if (!sum) {
    out.done = fail(std::move(sum).error());
    co_return;
  }
  out.text = std::to_string(sum->messages) + " " + std::to_string(sum->bytes) + " " +
             std::to_string(sum->largest);
}

TEST(Survey, SumsSizesMessageByMessageWhereTheServerCannot) {
  auto s = talk("", {{"A3 EXAMINE \"Work\"\r\n", kExamine + "A3 OK [READ-ONLY] in\r\n"},
                     {"A4 UID FETCH 1:* (UID RFC822.SIZE)\r\n",
                      "* 1 FETCH (UID 5 RFC822.SIZE 10)\r\n* 2 FETCH (FLAGS (\\Seen))\r\n"
                      "* 2 FETCH (RFC822.SIZE 4294967300 UID 6)\r\nA4 OK\r\n"}});
  EXPECT_EQ(said(s, sizes), "2 4294967310 4294967300");
}

TEST(Survey, TakesTheSumFromStatusAndAsksOnlyForTheLargest) {
  auto s = talk("STATUS=SIZE ESEARCH",
                {{"A3 STATUS \"Work\" (MESSAGES SIZE)\r\n",
                  "* STATUS Work (MESSAGES 3 SIZE 3000000)\r\nA3 OK\r\n"},
                 {"A4 EXAMINE \"Work\"\r\n", kExamine + "A4 OK [READ-ONLY] in\r\n"},
                 {"A5 UID SEARCH RETURN (ALL) LARGER 16777216\r\n",
                  "* ESEARCH (TAG \"A5\") UID\r\nA5 OK\r\n"},
                 {"A6 UID SEARCH RETURN (ALL) LARGER 1048576\r\n",
                  "* ESEARCH (TAG \"A6\") UID ALL 4,9\r\nA6 OK\r\n"},
                 {"A7 UID FETCH 4,9 (UID RFC822.SIZE)\r\n",
                  "* 1 FETCH (UID 4 RFC822.SIZE 1200000)\r\n* 2 FETCH (UID 9 RFC822.SIZE "
                  "1700000)\r\nA7 OK\r\n"}});
  EXPECT_EQ(said(s, sizes), "3 3000000 1700000");
}

TEST(Survey, AnEmptyFolderIsNotOpened) {
  auto s = talk("STATUS=SIZE", {{"A3 STATUS \"Work\" (MESSAGES SIZE)\r\n",
                                 "* STATUS Work (MESSAGES 0 SIZE 0)\r\nA3 OK\r\n"}});
  EXPECT_EQ(said(s, sizes), "0 0 0");
}

TEST(Survey, AServerThatGoesAwayIsAnErrorAndNeverAnEmptyFolder) {
  auto s = talk("", {{"A3 EXAMINE \"Work\"\r\n", kExamine + "A3 OK [READ-ONLY] in\r\n"},
                     {"A4 UID FETCH 1:* (UID RFC822.SIZE)\r\n",
                      "* 1 FETCH (UID 5 RFC822.SIZE 10)\r\n<EOF>"}});
  EXPECT_EQ(said(s, sizes).substr(0, 6), "error:");
}

Task<void> quota(Client& client, Outcome& out) {
  auto state = co_await client.storage_quota();
  if (!state) {
    out.done = fail(std::move(state).error());
    co_return;
  }
  out.text = state->limit ? std::to_string(*state->used) + "/" + std::to_string(*state->limit)
                          : std::string("none");
}

TEST(Survey, TheTightestStorageQuotaCountsInUnitsOf1024) {
  auto s = talk("QUOTA", {{"A3 GETQUOTAROOT \"INBOX\"\r\n",
                           "* QUOTAROOT INBOX \"user\" \"domain\"\r\n"
                           "* QUOTA \"domain\" (STORAGE 100 9000)\r\n"
                           "* QUOTA \"user\" (MESSAGE 3 10 STORAGE 10 512)\r\nA3 OK\r\n"}});
  EXPECT_EQ(said(s, quota), "10240/524288");
  EXPECT_EQ(said(talk("QUOTA", {{"A3 GETQUOTAROOT \"INBOX\"\r\n", "A3 NO no\r\n"}}), quota),
            "none");
  EXPECT_EQ(said(talk("", {}), quota), "none");
}

Task<void> since(Client& client, Outcome& out) {
  FolderState folder;
  folder.messages = 120'000;
  folder.uid_next = Uid(300'000);
  const std::chrono::sys_days day{std::chrono::year(2026) / std::chrono::February / 3};
  auto found = co_await search_since(client, day, folder);
  if (!found) {
    out.done = fail(std::move(found).error());
    co_return;
  }
  out.text = found->text();
}

TEST(Survey, ALargeFolderIsSearchedPieceByPieceWithoutEsearch) {
  auto s = talk("", {{"A3 UID SEARCH UID 1:100001 SINCE 3-Feb-2026\r\n", "* SEARCH\r\nA3 OK\r\n"},
                     {"A4 UID SEARCH UID 100002:200002 SINCE 3-Feb-2026\r\n",
                      "* SEARCH 200001 200002\r\nA4 OK\r\n"},
                     {"A5 UID SEARCH UID 200003:300003 SINCE 3-Feb-2026\r\n",
                      "* SEARCH 200003\r\nA5 OK\r\n"}});
  EXPECT_EQ(said(s, since), "200001:200003");
  EXPECT_EQ(said(talk("ESEARCH", {{"A3 UID SEARCH RETURN (ALL) SINCE 3-Feb-2026\r\n",
                                   "* ESEARCH (TAG \"A3\") UID ALL 7:9\r\nA3 OK\r\n"}}),
                 since),
            "7:9");
  EXPECT_EQ(said(talk("ESEARCH",
                      {{"A3 UID SEARCH RETURN (ALL) SINCE 3-Feb-2026\r\n", "A3 BAD what\r\n"}}),
                 since)
                .substr(0, 6),
            "error:");
}

Task<void> headers(Client& client, Outcome& out) {
  UidSet uids;
  uids.add(Uid(1), Uid(3));
  std::function<void(Uid, std::string_view)> visit = [&out](Uid uid, std::string_view text) {
    out.text += std::to_string(uid.value) + "=" + std::to_string(text.size()) + " ";
  };
  auto done = co_await each_header(client, uids, "TO CC", visit);
  if (!done) out.done = fail(std::move(done).error());
}

TEST(Survey, HeadersStreamAndAHugeOneIsCut) {
  const std::string huge(kMostHeaderFields + 5000, 'x');
  auto s = talk("", {{"A3 UID FETCH 1:3 (UID BODY.PEEK[HEADER.FIELDS (TO CC)])\r\n",
                      "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (TO CC)] {4}\r\nTo:a)\r\n"
                      "* 2 FETCH (BODY[HEADER.FIELDS (TO CC)] {" +
                          std::to_string(huge.size()) + "}\r\n" + huge +
                          " UID 2)\r\n* 3 FETCH (UID 3 BODY[HEADER.FIELDS (TO CC)] \"\")\r\n"
                          "A3 OK\r\n"}});
  EXPECT_EQ(said(s, headers), "1=4 2=" + std::to_string(kMostHeaderFields) + " 3=0 ");
}

Task<void> foreign(Client& client, Outcome& out) {
  auto list = co_await foreign_namespaces(client);
  if (!list) {
    out.done = fail(std::move(list).error());
    co_return;
  }
  for (const auto& item : *list) out.text += item + ";";
}

TEST(Survey, ForeignNamespacesCountOnlyWhereFoldersAreSeen) {
  auto s = std::make_shared<Script>();
  const std::string spaces =
      "* NAMESPACE ((\"\" \"/\")) ((\"Other/\" \"/\")) ((\"Shared/\" \"/\"))\r\n";
  s->steps = {
      {"<TLS>", ""},
      {"", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n"},
      {"A1 AUTHENTICATE PLAIN AGFubmEAeA==\r\n", "A1 OK [CAPABILITY IMAP4rev1 NAMESPACE] in\r\n"},
      {"A2 NAMESPACE\r\n", spaces + "A2 OK\r\n"},
      {"A3 NAMESPACE\r\n", spaces + "A3 OK\r\n"},
      {"A4 LIST \"\" \"Other/*\"\r\n", "A4 OK\r\n"},
      {"A5 LIST \"\" \"Shared/*\"\r\n",
       "* LIST (\\Noselect) \"/\" Shared/a\r\n* LIST () \"/\" Shared/a/b\r\n* LIST () "
       "\"/\" Shared/c\r\nA5 OK\r\n"}};
  EXPECT_EQ(said(s, foreign), "Shared/ (2 folders);");
}

}  // namespace
}  // namespace mxferry::imap
