// SPDX-License-Identifier: Apache-2.0
// `mxferry dns` alone, as an operator types it, against a real PowerDNS (HTTP API) and a real Knot
// (RFC 2136): what is applied stands, a second plan is empty, a snapshot brings everything back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json_reader.hpp"
#include "support/lab_server.hpp"

namespace mxferry::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const char* const kZone =
    "$TTL 40\n$ORIGIN dns.test.\n@ SOA ns1 hostmaster 1 3600 600 86400 10\n@ NS ns1\n"
    "ns1 A 127.77.62.1\n@ MX 10 mx.old.example.\n@ TXT \"v=spf1 mx -all\"\n@ TXT \"other=1\"\n"
    "www A 192.0.2.80\n";

struct Ran {
  int exit = -1;
  std::string out, err;
};

std::string read_text(const std::filesystem::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class DnsCommand : public testing::TestWithParam<std::string> {
 protected:
  static test::LabServer& server(const std::string& name) {
    static std::map<std::string, std::unique_ptr<test::LabServer>> all;
    auto& entry = all[name];
    if (entry) return *entry;
    const test::TempDir zones;
    std::ofstream(zones / "dns.test.zone") << kZone;
    const std::string address = name == "powerdns" ? "127.77.62.1" : "127.77.62.2";
    std::vector<std::string> options = {"address=" + address,
                                        "port=" + (port_[name] = test::free_port(address))};
    if (name == "powerdns") {
      options.push_back("api_port=" + (api_port_ = test::free_port(address)));
    } else {
      options.push_back("zone=dns.test:" + (zones / "dns.test.zone").string());
      options.push_back("tsig=lab.");
      options.push_back("transfer=tsig");
    }
    entry = std::make_unique<test::LabServer>(name, options);
    if (entry->available() && name == "powerdns")
      entry->run("zone", {(zones / "dns.test.zone").string(), "dns.test"});
    return *entry;
  }

  void SetUp() override {
    auto& s = server(GetParam());
    MXF_NEED_SERVER(s);
    ::setenv("XDG_STATE_HOME", file("state").c_str(), 1);
    // Each test begins with the same zone: the command itself brings it back.
    ASSERT_EQ(write("want.json", want({})), 0);
    static std::map<std::string, std::string> first;
    if (!first.contains(GetParam())) first[GetParam()] = run("snapshot").out;
    std::ofstream(dir_ / "first.json") << first[GetParam()];
    const auto back = run("restore", file("first.json") + " --yes");
    ASSERT_EQ(back.exit, 0) << back.err;
  }

  std::string access() const {
    if (GetParam() == "powerdns")
      return "--provider powerdns --set url=http://127.77.62.1:" + api_port_ +
             " --secret api_key=file:" + (server("powerdns").dir() / "api.key").string();
    return "--plugin rfc2136 --set server=127.77.62.2:" + port_["knot"] +
           " --set key_name=lab. --secret tsig_secret=file:" +
           (server("knot").dir() / "tsig.secret").string();
  }

  // stdin is no terminal, as in a script.
  Ran run(const std::string& command, const std::string& more = "") const {
    Ran out;
    const std::string line = std::string(MXF_BINARY_DIR "/bin/mxferry dns ") + command + " " +
                             access() + " --zone dns.test " + more + " </dev/null >" + file("out") +
                             " 2>" + file("err");
    const int status = std::system(line.c_str());
    out.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    out.out = read_text(dir_ / "out");
    out.err = read_text(dir_ / "err");
    return out;
  }

  std::string file(const std::string& name) const { return (dir_ / name).string(); }
  int write(const std::string& name, const Json& json) const {
    std::ofstream(dir_ / name) << json.dump();
    return 0;
  }
  static Json want(const std::vector<Json>& sets) {
    return {{"format", "mxferry-want/1"}, {"zone", "dns.test"}, {"rrsets", sets}};
  }
  static Json a_set(const std::string& name, const std::string& type, int ttl,
                    const std::vector<std::string>& data) {
    return {{"name", name}, {"type", type}, {"ttl", ttl}, {"data", data}};
  }
  void write_flip() const {
    write("want.json",
          want({a_set("@", "MX", 10, {"10 mx1.new.example.", "20 mx2.new.example."}),
                a_set("new._domainkey", "TXT", 10, {"v=DKIM1; p=" + std::string(400, 'k')}),
                a_set("www", "A", 40, {})}));
  }

  test::TempDir dir_;
  static inline std::map<std::string, std::string> port_;
  static inline std::string api_port_;
};

TEST_P(DnsCommand, WhatIsAppliedStandsAndNothingIsLeft) {
  write_flip();
  const auto plan = run("plan", "--want " + file("want.json"));
  ASSERT_EQ(plan.exit, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("- dns.test. 40 MX 10 mx.old.example."));
  EXPECT_THAT(plan.out, HasSubstr("+ dns.test. 10 MX 20 mx2.new.example."));
  EXPECT_THAT(plan.out, HasSubstr("- www.dns.test. 40 A 192.0.2.80"));
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example.")) << "plan writes nothing";

  const auto applied = run("apply", "--want " + file("want.json") + " --yes");
  ASSERT_EQ(applied.exit, 0) << applied.err;
  EXPECT_THAT(applied.err, HasSubstr("3 RRsets written and read back"));
  const auto records = run("records").out;
  EXPECT_THAT(records, HasSubstr("dns.test. 10 IN MX 10 mx1.new.example."));
  EXPECT_THAT(records, Not(HasSubstr("www.dns.test.")));
  EXPECT_THAT(records, HasSubstr("other=1")) << "what was not listed stays";

  const auto again = run("plan", "--want " + file("want.json") + " --json");
  ASSERT_EQ(again.exit, 0) << again.err;
  const auto json = parse_json(again.out, "plan");
  ASSERT_TRUE(json) << again.out;
  EXPECT_EQ((*json)["state"], "stands");
  EXPECT_TRUE((*json)["changes"].empty());
}

TEST_P(DnsCommand, ASnapshotBringsEverythingBack) {
  ASSERT_EQ(run("snapshot", "-o " + file("snap.json")).exit, 0);
  struct stat st {};
  ASSERT_EQ(::stat(file("snap.json").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0600U);
  const auto twice = run("snapshot", "-o " + file("snap.json"));
  EXPECT_EQ(twice.exit, 2) << "a snapshot is not written over";
  write_flip();
  ASSERT_EQ(run("apply", "--want " + file("want.json") + " --yes").exit, 0);
  const auto dry = run("restore", file("snap.json") + " --dry-run");
  ASSERT_EQ(dry.exit, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("- new._domainkey.dns.test."));
  const auto back = run("restore", file("snap.json") + " --yes");
  ASSERT_EQ(back.exit, 0) << back.err;
  const auto left = run("restore", file("snap.json") + " --dry-run");
  EXPECT_THAT(left.out, HasSubstr("nothing to do"));
  EXPECT_THAT(run("records").out, HasSubstr("dns.test. 40 IN MX 10 mx.old.example."));
}

TEST_P(DnsCommand, NobodyToAskMeansNothingIsWritten) {
  write_flip();
  const auto refused = run("apply", "--want " + file("want.json"));
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  const auto dry = run("apply", "--want " + file("want.json") + " --dry-run");
  EXPECT_EQ(dry.exit, 0);
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
}

TEST_P(DnsCommand, OnATerminalAPersonIsAsked) {
  write_flip();
  // `script` gives the command a terminal and types the answer.
  const auto answered = [&](const std::string& answer) {
    const std::string command = std::string(MXF_BINARY_DIR "/bin/mxferry dns apply ") + access() +
                                " --zone dns.test --want " + file("want.json");
    const int status = std::system(
        ("echo " + answer + " | script -qec '" + command + "' /dev/null >" + file("out") + " 2>&1")
            .c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(answered("n"), 5);
  EXPECT_THAT(read_text(dir_ / "out"), HasSubstr("write 3 changes to dns.test.? [y/N]"));
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
  EXPECT_EQ(answered("y"), 0) << read_text(dir_ / "out");
  EXPECT_THAT(run("records").out, HasSubstr("10 mx1.new.example."));
}

// Somebody is at work while a person looks at the difference: on another set than ours.
TEST_P(DnsCommand, ASetThatNobodyNamedMayNotChangeMeanwhile) {
  write("other.json", want({a_set("www", "A", 40, {"192.0.2.99"})}));
  const auto answered_late = [&](const std::string& more) {
    write("want.json", want({a_set("@", "MX", 10, {"10 mx.new.example."})}));
    std::ofstream(dir_ / "seen");  // so that it is there to be looked at
    const std::string mxferry =
        MXF_BINARY_DIR "/bin/mxferry dns apply " + access() + " --zone dns.test --want ";
    std::ofstream(dir_ / "ask") << mxferry << file("want.json") << more << '\n';
    std::ofstream(dir_ / "meanwhile")
        << "until grep -q y/N " << file("seen") << "; do :; done\n"
        << mxferry << file("other.json") << " --yes >/dev/null 2>&1\necho y\n";
    const int status = std::system(("bash " + file("meanwhile") + " | script -qefc 'bash " +
                                    file("ask") + "' " + file("seen") + " >/dev/null")
                                       .c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  EXPECT_EQ(answered_late(""), 6) << read_text(dir_ / "seen");
  EXPECT_THAT(read_text(dir_ / "seen"), HasSubstr("DC-05"));
  EXPECT_THAT(read_text(dir_ / "seen"), HasSubstr("www.dns.test. A"));
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
  write("other.json", want({a_set("www", "A", 40, {"192.0.2.98"})}));
  EXPECT_EQ(answered_late(" --max-changes 1"), 0) << read_text(dir_ / "seen");
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.new.example."));
}

TEST_P(DnsCommand, SomebodyElsesChangeIsNotWrittenOver) {
  write("edits.json", {{"format", "mxferry-edits/1"},
                       {"edits",
                        {{{"kind", "set"},
                          {"name", "dns.test."},
                          {"type", "MX"},
                          {"before", {"10 mx.foreign.example."}},
                          {"after", {"10 mx.new.example."}}}}}});
  const auto refused = run("apply", "--want " + file("edits.json") + " --yes");
  EXPECT_EQ(refused.exit, 6);
  EXPECT_THAT(refused.err, HasSubstr("somebody else changed it"));
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
}

TEST_P(DnsCommand, AZoneIsNeverLeftWithoutMxOrWithTwoSpfRecords) {
  write("want.json", want({a_set("@", "MX", 40, {})}));
  EXPECT_EQ(run("apply", "--want " + file("want.json") + " --yes").exit, 6);
  write("want.json", want({a_set("@", "TXT", 40, {"v=spf1 mx -all", "v=spf1 -all"})}));
  EXPECT_EQ(run("apply", "--want " + file("want.json") + " --yes").exit, 6);
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
}

TEST_P(DnsCommand, StringsEditsKeepWhatOthersPutThere) {
  write("edits.json", {{"format", "mxferry-edits/1"},
                       {"edits",
                        {{{"kind", "string"},
                          {"name", "@"},
                          {"type", "TXT"},
                          {"before", {"\"v=spf1 mx -all\""}},
                          {"after", {"\"v=spf1 mx include:new.example -all\""}}}}}});
  ASSERT_EQ(run("apply", "--want " + file("edits.json") + " --yes").exit, 0);
  const auto records = run("records").out;
  EXPECT_THAT(records, HasSubstr("include:new.example"));
  EXPECT_THAT(records, HasSubstr("other=1"));
  EXPECT_THAT(records, Not(HasSubstr("\"v=spf1 mx -all\"")));
}

TEST_P(DnsCommand, AWrongSecretEndsWithExitThreeAndNoSecretInTheWords) {
  std::ofstream(dir_ / "wrong") << "d3Jvbmctc2VjcmV0LW1hcmtlcg==";
  ::chmod(file("wrong").c_str(), 0600);
  const std::string name = GetParam() == "powerdns" ? "api_key" : "tsig_secret";
  auto refused = run("records", "--secret " + name + "=file:" + file("wrong"));
  EXPECT_EQ(refused.exit, 3) << refused.err;
  EXPECT_THAT(refused.err, Not(HasSubstr("d3Jvbmctc2VjcmV0LW1hcmtlcg")));
}

TEST_P(DnsCommand, MistakesEndWithExitTwo) {
  EXPECT_EQ(run("plan").exit, 2) << "--want is missing";
  EXPECT_EQ(run("plan", "--want " + file("nowhere.json")).exit, 2);
  std::ofstream(dir_ / "bad.json") << "{\"format\":\"mxferry-want/1\",\"rrsets\":[1]}";
  EXPECT_EQ(run("plan", "--want " + file("bad.json")).exit, 2);
  EXPECT_EQ(run("plan", "--want " + file("want.json") + " --set bogus=1").exit, 2);
  std::ofstream(dir_ / "other.json")
      << R"({"format":"mxferry-zone/1","zone":"x.test.","rrsets":[]})";
  EXPECT_EQ(run("restore", file("other.json") + " --yes").exit, 2);
}

// As the issue of those who come from other tools: {"rrsets": …}, plain TXT, a snapshot beside it.
TEST_P(DnsCommand, WhatIsDesiredIsAppliedOnceAndTakenBack) {
  const auto before = run("snapshot").out;
  const std::string key = "v=DKIM1; p=" + std::string(400, 'k');
  const auto desired = [&](const Json& more) {
    Json json = {
        {"rrsets",
         {{{"name", "dns.test."}, {"type", "MX"}, {"ttl", 10}, {"records", {"10 mx.new.example."}}},
          {{"name", "new._domainkey.dns.test."}, {"type", "TXT"}, {"ttl", 10}, {"records", {key}}},
          {{"name", "dns.test."},
           {"type", "TXT"},
           {"ttl", 40},
           {"records", {"v=spf1 include:new.example -all"}}},
          {{"name", "www.dns.test."}, {"type", "A"}, {"records", Json::array()}}}}};
    json.update(more);
    write("desired.json", json);
  };
  const auto apply = [&] {
    return run("apply",
               "--desired " + file("desired.json") + " --snapshot " + file("snap") + " --yes");
  };
  desired(Json::object());
  const auto refused = apply();
  EXPECT_EQ(refused.exit, 6) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("DC-04"));
  EXPECT_THAT(refused.err, HasSubstr("other=1"));
  EXPECT_EQ(run("snapshot").out, before) << "nothing was written";
  EXPECT_FALSE(std::filesystem::exists(file("snap")));

  desired({{"delete", {"other=1"}}});
  const auto applied = apply();
  ASSERT_EQ(applied.exit, 0) << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("- www.dns.test. 40 A 192.0.2.80"));
  const auto records = run("records").out;
  EXPECT_THAT(records, HasSubstr("10 mx.new.example."));
  EXPECT_THAT(records, Not(HasSubstr("www.dns.test.")));
  EXPECT_THAT(records, Not(HasSubstr("other=1")));
  const auto again = apply();
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("nothing to do"));

  // Somebody adds a set meanwhile, and changes one of ours.
  write("theirs.json",
        want({a_set("theirs", "A", 40, {"192.0.2.7"}), a_set("www", "A", 40, {"192.0.2.99"})}));
  ASSERT_EQ(run("apply", "--want " + file("theirs.json") + " --yes").exit, 0);
  const auto back = run("restore", "--snapshot " + file("snap") + " --yes");
  ASSERT_EQ(back.exit, 0) << back.err;
  EXPECT_THAT(back.err, HasSubstr("theirs.dns.test. A"));
  EXPECT_THAT(back.err, HasSubstr("www.dns.test. A"));
  const auto now = run("records").out;
  EXPECT_THAT(now, HasSubstr("10 mx.old.example."));
  EXPECT_THAT(now, HasSubstr("other=1"));
  EXPECT_THAT(now, Not(HasSubstr("new._domainkey")));
  EXPECT_THAT(now, HasSubstr("192.0.2.99"));
  EXPECT_THAT(now, HasSubstr("192.0.2.7"));
  ASSERT_EQ(run("restore", "--snapshot " + file("snap") + " --all --yes").exit, 0);
  const auto all = run("records").out;
  EXPECT_THAT(all, HasSubstr("192.0.2.80"));
  EXPECT_THAT(all, Not(HasSubstr("192.0.2.7\n")));
}

TEST_P(DnsCommand, ASnapshotOfAnApplyIsNotTakenForAnother) {
  write("one.json",
        {{"rrsets", {{{"name", "www"}, {"type", "A"}, {"ttl", 40}, {"records", {"192.0.2.1"}}}}}});
  const std::string with_snapshot = " --snapshot " + file("snap") + " --yes";
  ASSERT_EQ(run("apply", "--desired " + file("one.json") + with_snapshot).exit, 0);
  write("two.json",
        {{"rrsets", {{{"name", "www"}, {"type", "A"}, {"ttl", 40}, {"records", {"192.0.2.2"}}}}}});
  const auto other = run("apply", "--desired " + file("two.json") + with_snapshot);
  EXPECT_EQ(other.exit, 2) << other.err;
  EXPECT_THAT(other.err, HasSubstr("another change"));

  const auto text = read_text(file("snap"));
  auto edited = text;
  edited.replace(edited.find("192.0.2.80"), 10, "192.0.2.81");
  std::ofstream(file("edited")) << edited;
  EXPECT_EQ(run("restore", "--snapshot " + file("edited") + " --yes").exit, 2);
  std::ofstream(file("cut")) << text.substr(0, text.size() / 2);
  EXPECT_EQ(run("restore", "--snapshot " + file("cut") + " --yes").exit, 2);
  // The apply was cut off before its write: it goes on with the snapshot that it had.
  write("back.json", want({a_set("www", "A", 40, {"192.0.2.80"})}));
  ASSERT_EQ(run("apply", "--want " + file("back.json") + " --yes").exit, 0);
  EXPECT_EQ(run("apply", "--desired " + file("one.json") + with_snapshot).exit, 0);
  EXPECT_EQ(read_text(file("snap")), text);
  EXPECT_THAT(run("records").out, HasSubstr("192.0.2.1"));
  EXPECT_EQ(run("restore", "--snapshot " + file("snap") + " --yes").exit, 0);
  EXPECT_THAT(run("records").out, HasSubstr("192.0.2.80"));
}

TEST_P(DnsCommand, AnMxThatTheApplyMadeGoesAgainWithIt) {
  write("desired.json", {{"rrsets",
                          {{{"name", "sub.dns.test."},
                            {"type", "MX"},
                            {"ttl", 10},
                            {"records", {"10 mx.new.example."}}}}}});
  const std::string with_snapshot = " --snapshot " + file("snap") + " --yes";
  ASSERT_EQ(run("apply", "--desired " + file("desired.json") + with_snapshot).exit, 0);
  ASSERT_THAT(run("records").out, HasSubstr("sub.dns.test."));
  // By a file of what is wanted it is refused.
  write("empty.json", want({a_set("sub", "MX", 10, {})}));
  const auto refused = run("apply", "--want " + file("empty.json") + " --yes");
  EXPECT_EQ(refused.exit, 6);
  EXPECT_THAT(refused.err, HasSubstr("DC-01"));
  const auto back = run("restore", with_snapshot);
  ASSERT_EQ(back.exit, 0) << back.err;
  EXPECT_THAT(back.err, HasSubstr("sub.dns.test. MX goes"));
  EXPECT_THAT(run("records").out, Not(HasSubstr("sub.dns.test.")));
}

TEST_P(DnsCommand, WithoutAFileTheSnapshotLiesInTheStateFolderAndIsGoneOnWith) {
  const auto kept = [&] {
    std::vector<std::string> out;
    std::error_code ec;
    const auto folder = dir_ / "state" / "mxferry" / "dns.snapshots" / "dns.test.";
    for (const auto& entry : std::filesystem::directory_iterator(folder, ec))
      if (entry.path().extension() == ".json") out.push_back(entry.path().string());
    return out;
  };
  write_flip();
  EXPECT_EQ(run("apply", "--want " + file("want.json") + " --dry-run").exit, 0);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "state")) << "nothing to take back";
  ::setenv("MXFERRY_DEBUG_KILL_AT", "zone.sent", 1);
  const auto killed = run("apply", "--want " + file("want.json") + " --yes");
  ::unsetenv("MXFERRY_DEBUG_KILL_AT");
  EXPECT_NE(killed.exit, 0);
  ASSERT_EQ(kept().size(), 1U);
  const auto went_on = run("apply", "--want " + file("want.json") + " --yes --json");
  ASSERT_EQ(went_on.exit, 0) << went_on.err;
  EXPECT_THAT(went_on.err, HasSubstr("a write was cut off"));
  ASSERT_EQ(kept().size(), 1U) << "the same file";
  const auto json = parse_json(went_on.out, "apply");
  ASSERT_TRUE(json) << went_on.out;
  EXPECT_EQ((*json)["snapshot"], kept()[0]);

  write("more.json", want({a_set("more", "A", 40, {"192.0.2.5"})}));
  const auto more = run("apply", "--want " + file("more.json") + " --yes");
  ASSERT_EQ(more.exit, 0) << more.err;
  EXPECT_EQ(kept().size(), 2U) << "each change has its own";
  EXPECT_THAT(more.err, HasSubstr("mxferry dns restore --snapshot " + dir_.path().string()));
  const auto back =
      run("restore", "--snapshot " + (*json)["snapshot"].get<std::string>() + " --yes");
  ASSERT_EQ(back.exit, 0) << back.err;
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
  EXPECT_THAT(run("records").out, HasSubstr("192.0.2.5"));
}

TEST_P(DnsCommand, WhereNoSnapshotCanBeKeptNothingIsWritten) {
  std::ofstream(dir_ / "state") << "a file where the folder should be";
  write_flip();
  const auto refused = run("apply", "--want " + file("want.json") + " --yes");
  EXPECT_NE(refused.exit, 0);
  EXPECT_THAT(refused.err, HasSubstr("--snapshot FILE"));
  EXPECT_THAT(run("records").out, HasSubstr("10 mx.old.example."));
  std::filesystem::remove(dir_ / "state");
}

INSTANTIATE_TEST_SUITE_P(Servers, DnsCommand, testing::Values("powerdns", "knot"),
                         [](const auto& p) { return p.param; });

}  // namespace
}  // namespace mxferry::app
