// SPDX-License-Identifier: Apache-2.0
// Servers that lie, flood, trickle, hang and break off, at either end of a whole copy over real
// sockets. Each ends within its time and memory with host and words, nothing foreign gets into the
// destination, and the next run against the same servers, honest again, ends equal: nothing lost,
// nothing twice.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>

#include "copy/copy_job.hpp"
#include "copy/memory_state.hpp"
#include "imap/account.hpp"
#include "support/honest_imap.hpp"
#include "support/run_task.hpp"

namespace mxferry::imap {
namespace {

using namespace std::chrono_literals;
using test::HonestImap;
using test::ImapTalk;
using Steady = std::chrono::steady_clock;

enum class At { source, dest };
// fails: an error with the host, or a finding. survives: a copy that is equal at once. any: either.
enum class Expect { fails, survives, any };

struct Hostile {
  const char* name;
  At at;
  Expect expect;
  const char* words;  // that the error must hold
  const char* when;   // the command that it answers: a prefix
  std::function<bool(ImapTalk&, const std::string& tag)> act;
  const char* capabilities = nullptr;
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

// --- What they do ---

using Act = std::function<bool(ImapTalk&, const std::string&)>;

Act say(std::string text) {  // TAG stands for the command's tag
  return [text](ImapTalk& talk, const std::string& tag) {
    std::string out = text;
    for (auto at = out.find("TAG"); at != std::string::npos; at = out.find("TAG"))
      out.replace(at, 3, tag);
    talk.send(out);
    return true;
  };
}
Act then(Act first, Act second) {
  return [first, second](ImapTalk& talk, const std::string& tag) {
    (void)first(talk, tag);
    return second(talk, tag);
  };
}
bool hang(ImapTalk& talk, const std::string&) {
  talk.hang();
  talk.end();
  return true;
}
bool close_it(ImapTalk& talk, const std::string&) {
  talk.end();
  return true;
}
// The same over and over until the client goes; at most 2 GB.
Act flood(std::string text) {
  return [text](ImapTalk& talk, const std::string&) {
    std::string many;
    while (many.size() < 60'000) many += text;
    for (int i = 0; i < 33'000 && talk.send(many); ++i) {
    }
    talk.end();
    return true;
  };
}
// One piece at a time, slower than any deadline of ours allows for.
Act drip(std::string text, std::chrono::milliseconds every) {
  return [text, every](ImapTalk& talk, const std::string&) {
    while (talk.send(text) && talk.wait(every)) {
    }
    talk.end();
    return true;
  };
}
// Numbers go up: {} is replaced.
Act numbered(std::string before, std::string behind) {
  return [before, behind](ImapTalk& talk, const std::string&) {
    std::string many;
    for (std::uint64_t i = 1; i <= 10'000'000; ++i) {
      many += before + std::to_string(i) + behind;
      if (many.size() < 60'000) continue;
      if (!talk.send(many)) break;
      many.clear();
    }
    talk.end();
    return true;
  };
}
// Stored, and the answer never sent.
bool stores_and_breaks(ImapTalk& talk, const std::string&) {
  talk.mute();
  talk.end();
  return false;
}
Act before(Act first) {  // an honest answer follows
  return [first](ImapTalk& talk, const std::string& tag) {
    (void)first(talk, tag);
    return false;
  };
}

const std::string kBody =
    "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] ";
const char* const kPlain = "NAMESPACE UIDPLUS";  // no LITERAL+, no MULTIAPPEND

std::string deep(const std::string& text) { return std::string(200'000, '(') + text; }

std::vector<Hostile> servers() {
  using enum At;
  using enum Expect;
  const std::string list = "* LIST () \"/\" ";
  return {
      // Before anybody has logged in.
      {"closes at once", source, fails, "", "GREETING", close_it},
      {"closes at once", dest, fails, "", "GREETING", close_it},
      {"says nothing", source, fails, "", "GREETING", hang},
      {"says nothing", dest, fails, "", "GREETING", hang},
      {"speaks HTTP", source, fails, "", "GREETING", say("HTTP/1.1 400 Bad Request\r\n\r\n")},
      {"one line for ever", source, fails, "", "GREETING", flood("* OK xxxxxxxxxxxxxxxxxxxxxx")},
      {"one octet at a time", source, fails, "", "GREETING", drip("x", 20ms)},
      {"BYE", source, fails, "busy", "GREETING", say("* BYE too busy\r\n")},
      {"PREAUTH in plain text", source, fails, "PREAUTH", "GREETING", say("* PREAUTH hi\r\n")},
      {"NUL", source, fails, "", "GREETING", say(std::string("* OK \0\r\n", 8))},
      {"junk before the greeting", source, fails, "", "GREETING", flood("* ID junk\r\n")},
      {"tagged greeting", source, fails, "", "GREETING", say("A1 OK hi\r\n")},
      {"no capabilities", source, fails, "", "CAPABILITY", hang},
      {"a tag that nobody sent", source, fails, "", "CAPABILITY", say("B77 OK done\r\n")},
      {"2 MiB of capabilities", source, fails, "too long", "CAPABILITY",
       say("* CAPABILITY " + std::string(2 << 20, 'X') + "\r\nTAG OK\r\n")},
      {"capabilities for ever", source, fails, "", "CAPABILITY", flood("* CAPABILITY X Y Z\r\n")},
      {"a literal of 2^63", source, fails, "too large", "CAPABILITY",
       say("* X {9223372036854775808}\r\n")},
      {"refuses the STARTTLS that it offers", dest, fails, "STARTTLS", "STARTTLS",
       say("TAG NO not now\r\n"), "STARTTLS"},
      {"refuses the login", source, fails, "refuses the credential", "AUTHENTICATE",
       say("TAG NO [AUTHENTICATIONFAILED] no\r\n")},
      {"refuses the login", dest, fails, "refuses the credential", "AUTHENTICATE",
       say("TAG NO [AUTHENTICATIONFAILED] no\r\n")},
      {"challenges for ever", source, fails, "", "AUTHENTICATE", flood("+ eyJ4IjoxfQ==\r\n")},
      {"login is never answered", dest, fails, "", "AUTHENTICATE", hang},
      {"login breaks off", source, fails, "", "AUTHENTICATE", close_it},
      {"login: BYE", source, fails, "later", "AUTHENTICATE", say("* BYE later\r\n")},
      // Namespaces and folders.
      {"nested beyond depth", source, fails, "offset", "NAMESPACE",
       say("* NAMESPACE " + deep("\r\n"))},
      {"namespaces for ever", source, fails, "longer than it can be", "NAMESPACE",
       flood("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")},
      {"ten million folders", source, fails, "longer than it can be", "LIST",
       numbered(list + "\"box", "\"\r\n")},
      {"ten million folders", dest, fails, "longer than it can be", "LIST",
       numbered(list + "\"box", "\"\r\n")},
      {"one folder for ever", source, fails, "longer than it can be", "LIST",
       flood(list + "INBOX\r\n")},
      {"no folder at all", source, fails, "", "LIST", say("TAG OK done\r\n")},
      {"a name of 100 KB", source, fails, "too large", "LIST",
       say(list + "{100000}\r\n" + std::string(100'000, 'n') + "\r\nTAG OK\r\n")},
      {"a name that is a command", source, any, "", "LIST",
       before(say(list + "{23}\r\nx\"\r\nA9 DELETE \"INBOX\"\r\n\r\n"))},
      {"a name that is a path", source, any, "", "LIST",
       before(say(list + "\"../../../etc/passwd\"\r\n"))},
      {"a name with NUL", source, any, "", "LIST",
       before(say(list + std::string("{3}\r\na\0b\r\n", 10)))},
      {"a quote that does not end", source, fails, "does not end", "LIST",
       say(list + "\"INBOX\r\nTAG OK\r\n")},
      {"folders: one line for ever", source, fails, "too long", "LIST", flood("* LIST ((((((((((")},
      {"folders: silence", source, fails, "nothing moved", "LIST", hang},
      {"folders: one octet at a time", source, fails, "nothing moved", "LIST", drip("x", 20ms)},
      {"folders: remarks, slowly", source, fails, "only remarks", "LIST",
       drip("* OK Still here\r\n", 50ms)},
      {"folders: remarks, fast", source, fails, "", "LIST", flood("* ID junk\r\n")},
      {"folders: EXISTS for ever", source, fails, "", "LIST", flood("* 5 EXISTS\r\n")},
      {"folders: `+` for ever", source, fails, "", "LIST", flood("+ go\r\n")},
      {"folders: BYE", source, fails, "maintenance", "LIST",
       then(say("* BYE maintenance\r\n"), close_it)},
      {"folders: half a line", source, fails, "", "LIST", then(say(list), close_it)},
      {"folders: half a literal", source, fails, "", "LIST",
       then(say(list + "{9}\r\nIN"), close_it)},
      {"a hundred literals", source, fails, "too many", "LIST",
       [](ImapTalk& talk, const std::string&) {
         std::string out = "* X";
         for (int i = 0; i < 100; ++i) out += " {1}\r\nx";
         return talk.send(out + "\r\n");
       }},
      // Opening a folder.
      {"UIDVALIDITY 0", source, any, "", "EXAMINE",
       say("* 3 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n* OK [UIDNEXT 4] x\r\nTAG OK [READ-ONLY] "
           "in\r\n")},
      {"UIDNEXT beyond 32 bits", source, fails, "out of range", "EXAMINE",
       say("* OK [UIDNEXT 4294967296] x\r\n")},
      {"EXISTS beyond 32 bits", source, fails, "out of range", "EXAMINE",
       say("* 4294967296 EXISTS\r\n")},
      {"four thousand million messages", source, any, "", "EXAMINE",
       say("* 4294967295 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4294967295] x\r\n"
           "TAG OK [READ-ONLY] in\r\n")},
      {"does not open the folder", source, any, "", "EXAMINE", say("TAG NO not now\r\n")},
      {"opening is never answered", source, fails, "nothing moved", "EXAMINE", hang},
      {"opening is never answered", dest, fails, "nothing moved", "SELECT", hang},
      {"the destination is read-only", dest, any, "", "SELECT",
       say("* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\nTAG OK [READ-ONLY] "
           "in\r\n")},
      {"HIGHESTMODSEQ -1", source, survives, "", "EXAMINE",
       before(say("* OK [HIGHESTMODSEQ -1] x\r\n"))},
      // Listing messages.
      {"one message for ever", source, fails, "longer than it can be",
       "UID FETCH 1:", flood("* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 9)\r\n")},
      {"flags for ever", source, fails, "",
       "UID FETCH 1:", flood("* 1 FETCH (FLAGS (\\Seen))\r\n")},
      {"UID 0", source, fails, "UID 0", "UID FETCH 1:", say("* 1 FETCH (UID 0 FLAGS ())\r\n")},
      {"a UID beyond 32 bits", source, fails, "out of range",
       "UID FETCH 1:", say("* 1 FETCH (UID 4294967296 FLAGS ())\r\n")},
      {"falling and repeated UIDs", source, survives, "", "UID FETCH 1:",
       before(say("* 3 FETCH (UID 3 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n"
                  "* 3 FETCH (UID 3 FLAGS ())\r\n"))},
      {"EXPUNGE during UID FETCH", source, survives, "", "UID FETCH",
       before(say("* 1 EXPUNGE\r\n* VANISHED 1:4294967295\r\n"))},
      {"a million keywords", source, fails, "", "UID FETCH 1:",
       [](ImapTalk& talk, const std::string&) {
         std::string out = "* 1 FETCH (UID 1 FLAGS (";
         for (int i = 0; i < 1'000'000; ++i) out += "k" + std::to_string(i) + " ";
         return talk.send(out + "))\r\n");
       }},
      // Bodies.
      {"a body of 2^63", source, fails, "too large", "BODY",
       say(kBody + "{9223372036854775808}\r\n")},
      {"a body of 4 GB, one octet at a time", source, fails, "nothing moved", "BODY",
       then(say(kBody + "{4294967295}\r\n"), drip("x", 20ms))},
      {"a body that breaks off", source, fails, "", "BODY",
       then(say(kBody + "{900}\r\nSubject: x\r\n\r\nhalf"), close_it)},
      {"a body that stops", source, fails, "nothing moved", "BODY",
       then(say(kBody + "{900}\r\nSubject: x\r\n\r\nhalf"), hang)},
      {"a body longer than it says", source, fails, "offset", "BODY",
       say(kBody + "{4}\r\nSubject: x\r\n\r\nmore\r\n)\r\nTAG OK\r\n")},
      {"a body shorter than it says", source, fails, "", "BODY",
       then(say(kBody + "{60}\r\nSubject: x\r\n\r\nless\r\n)\r\nTAG OK\r\n"), hang)},
      {"no body", source, any, "", "BODY", say(kBody + "NIL)\r\nTAG OK\r\n")},
      {"a body of another message", source, any, "", "BODY",
       say("* 1 FETCH (UID 4000 FLAGS () BODY[] {3}\r\nabc)\r\nTAG OK\r\n")},
      {"two bodies under one UID", source, fails, "two messages for UID", "BODY",
       before(say(kBody + "{3}\r\nabc)\r\n"))},
      {"the same body twice", source, any, "", "BODY",
       before(say(kBody + "{24}\r\nSubject: 0\r\n\r\nnumber 0\r\n)\r\n"))},
      {"a UID behind the body that is another's", source, any, "", "BODY",
       say("* 1 FETCH (BODY[] {24}\r\nSubject: 0\r\n\r\nnumber 0\r\n UID 999)\r\nTAG OK\r\n")},
      {"bodies for ever", source, fails, "", "BODY",
       flood(kBody + "{50000}\r\n" + std::string(50'000, 'x') + ")\r\n")},
      {"bodies that nobody asked for", source, fails, "", "BODY",
       flood("* 1 FETCH (BODY[] {50000}\r\n" + std::string(50'000, 'x') + ")\r\n")},
      {"NO in place of the bodies", source, fails, "", "BODY",
       say("TAG NO [UNAVAILABLE] later\r\n")},
      {"BAD in place of the bodies", source, fails, "", "BODY", say("TAG BAD what\r\n")},
      // The destination's answers to APPEND.
      {"APPEND is never answered", dest, fails, "nothing moved", "APPEND", hang},
      {"APPEND breaks off, nothing stored", dest, fails, "", "APPEND", close_it},
      {"APPEND breaks off, stored", dest, fails, "", "APPEND", stores_and_breaks},
      {"single APPEND breaks off, stored", dest, fails, "", "APPEND", stores_and_breaks, kPlain},
      {"OK, and nothing stored", dest, fails, "", "APPEND", say("TAG OK done\r\n")},
      {"APPENDUID 1:4294967295, nothing stored", dest, fails, "", "APPEND",
       say("TAG OK [APPENDUID 7 1:4294967295] done\r\n")},
      {"APPENDUID of another life of the folder", dest, fails, "", "APPEND",
       say("TAG OK [APPENDUID 8 1:30] done\r\n")},
      {"quota", dest, fails, "full", "APPEND", say("TAG NO [OVERQUOTA] full\r\n")},
      {"a tag that nobody sent, to APPEND", dest, fails, "", "APPEND", say("B9 OK done\r\n")},
      {"remarks to APPEND, fast", dest, fails, "", "APPEND", flood("* ID junk\r\n")},
      {"NO in place of `+`", dest, fails, "", "WAITING APPEND",
       then(say("TAG NO not now\r\n"), close_it), kPlain},
      {"OK in place of `+`", dest, fails, "half a command", "WAITING APPEND",
       then(say("TAG OK done\r\n"), hang), kPlain},
      {"`+` never comes", dest, fails, "nothing moved", "WAITING APPEND", hang, kPlain},
      {"`+`, and it reads no more", dest, fails, "nothing moved", "WAITING APPEND",
       then(say("+ go\r\n"), hang), kPlain},
  };
}

// Memory of this process: what it is and what it was at most, in octets.
std::uint64_t memory(const char* field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field))
      return std::stoull(line.substr(line.find_first_of("0123456789"))) << 10;
  return 0;
}

class HostileServers : public ::testing::Test {
 protected:
  HostileServers() {
    for (int i = 0; i < 24; ++i)
      source.add("INBOX",
                 "Subject: " + std::to_string(i) + "\r\n\r\nnumber " + std::to_string(i) + "\r\n");
    for (int i = 0; i < 2; ++i) source.add("INBOX", "Subject: twin\r\n\r\ntwin\r\n");
    source.add("Work", "Subject: big\r\n\r\n" + std::string(1'500'000, 'b') + "\r\n");
  }
  static ImapAccount account(const HonestImap& server, std::chrono::milliseconds idle) {
    ImapAccount out;
    out.endpoint.host = server.address();
    out.endpoint.port = static_cast<std::uint16_t>(server.port());
    out.endpoint.security = net::Security::starttls;
    out.credentials.user = "anna";
    out.credentials.secret = Secret("pass");
    out.options.idle = idle;
    out.options.greeting = idle * 4;
    return out;
  }
  Result<copy::CopyReport> run(std::chrono::milliseconds idle, unsigned attempts) {
    copy::CopyJob job;
    job.name = "anna@" + source.name();
    job.open_source = source_opener(account(source, idle));
    job.open_target = target_opener(account(dest, idle));
    job.state = &state;
    job.clock = &clock;
    job.options.append_settle = 30ms;
    job.options.backoff = 1ms;
    job.options.attempts = attempts;
    return test::run_task(copy::run_copy(job));
  }

  HonestImap source{"127.77.72.1"};
  HonestImap dest{"127.77.72.2"};
  copy::MemoryState state;
  SystemClock clock;
};

class HostileServer : public HostileServers, public ::testing::WithParamInterface<Hostile> {};

TEST_P(HostileServer, EndsInTimeWithWordsAndTheNextRunIsEqual) {
  const auto& hostile = GetParam();
  auto& server = hostile.at == At::source ? source : dest;
  if (hostile.capabilities != nullptr) dest.set_capabilities(hostile.capabilities);
  const std::string when = hostile.when;
  server.set_attack([&](ImapTalk& talk, const std::string& tag, const std::string& line) {
    const bool meant =
        when == "BODY" ? line.find("BODY.PEEK[]") != std::string::npos : line.starts_with(when);
    return meant && hostile.act(talk, tag);
  });
  std::ofstream("/proc/self/clear_refs") << "5";
  [[maybe_unused]] const auto before = memory("VmRSS");
  const auto started = Steady::now();
  const auto attacked = run(250ms, 1);
  EXPECT_LT(Steady::now() - started, 60s);
#if !defined(__SANITIZE_ADDRESS__)  // its shadow and quarantine are memory too
  EXPECT_LT(memory("VmHWM"), before + (96ULL << 20));
#endif
  if (hostile.expect == Expect::survives) {
    ASSERT_TRUE(attacked) << attacked.error().message();
  }
  if (hostile.expect == Expect::fails) {
    ASSERT_TRUE(!attacked || attacked->has_findings() || attacked->stopped());
  }
  if (!attacked) {
    const auto words = attacked.error().message();
    EXPECT_NE(words.find(server.name()), std::string::npos) << words;
    EXPECT_NE(words.find(hostile.words), std::string::npos) << words;
  }
  // What is there is the source's mail, whole: no octet of anything else.
  const auto wanted = [&](const char* folder) { return source.bodies(folder); };
  for (const auto* folder : {"INBOX", "Work"}) {
    const auto all = wanted(folder);
    for (const auto& body : dest.bodies(folder))
      EXPECT_TRUE(std::binary_search(all.begin(), all.end(), body)) << body.substr(0, 100);
  }
  server.set_attack(nullptr);
  dest.set_capabilities(HonestImap::kCapabilities);
  auto next = run(20s, 5);
  ASSERT_TRUE(next) << next.error().message();
  for (const auto& folder : next->folders)
    EXPECT_EQ(folder.stopped + folder.failed + folder.skipped, "") << folder.source;
  for (const auto* folder : {"INBOX", "Work"})
    EXPECT_EQ(dest.bodies(folder).size(), wanted(folder).size()) << folder;
  for (const auto* folder : {"INBOX", "Work"})
    EXPECT_TRUE(dest.bodies(folder) == wanted(folder)) << folder;
}

std::string case_name(const ::testing::TestParamInfo<Hostile>& info) {
  std::string out = info.param.at == At::source ? "Source" : "Dest";
  out += std::to_string(info.index) + "_";
  for (const char c : std::string(info.param.name))
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) out += c;
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, HostileServer, ::testing::ValuesIn(servers()), case_name);

TEST(HostileServersList, HasSixtyOfThem) { EXPECT_GE(servers().size(), 60U); }

}  // namespace
}  // namespace mxferry::imap
