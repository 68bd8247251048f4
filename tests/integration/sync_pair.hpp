// SPDX-License-Identifier: Apache-2.0
// SyncPair: two real Dovecots with one mailbox each, and the ways to run mxferry's mailbox commands
// between them. The addresses are the test program's own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/command_run.hpp"
#include "support/lab_server.hpp"
#include "support/mail_account.hpp"

namespace mxferry::test {

inline constexpr const char* kUser = "anna@alpha.test";
inline constexpr const char* kPassword = "pass-word";

struct SyncOptions {
  std::string source_capability, dest_capability;
  std::string source_separator = "/", dest_separator = "/", dest_prefix;
  std::string dest_mail;  // where its mail lies; a folder of its own where empty
};

class SyncPair : public ::testing::Test {
 protected:
  SyncPair(std::string old_at, std::string new_at)
      : old_address(std::move(old_at)), new_address(std::move(new_at)) {}
  // Servers, certificates, and the old mailbox's content.
  void start(const SyncOptions& o = {}) {
    std::string output;
    ASSERT_TRUE(run_shell(MXF_SOURCE_DIR "/examples/lab/ca.sh '" + (dir / "ca").string() +
                              "' issue imap " + old_address + " " + new_address,
                          &output))
        << output;
    std::ofstream(dir / "users") << kUser << ":{PLAIN}" << kPassword << "::::::\n";
    old_server = std::make_unique<LabServer>(
        "dovecot", options(old_address, o.source_capability, o.source_separator, "", ""));
    MXF_NEED_SERVER(*old_server);
    start_new(o);
    if (new_server == nullptr || !new_server->available()) return;
    ready = true;
  }

  // The destination alone: again with other options, on the same mail where `dest_mail` names it.
  void start_new(const SyncOptions& o) {
    new_server.reset();
    new_server = std::make_unique<LabServer>(
        "dovecot",
        options(new_address, o.dest_capability, o.dest_separator, o.dest_prefix, o.dest_mail));
    MXF_NEED_SERVER(*new_server);
  }
  std::vector<std::string> options(const std::string& address, const std::string& capability,
                                   const std::string& separator, const std::string& prefix,
                                   const std::string& mail) const {
    std::vector<std::string> out = {"address=" + address,
                                    "lmtp_port=0",
                                    "doveadm_port=0",
                                    "cert=" + (dir / "ca").string() + "/imap.pem",
                                    "key=" + (dir / "ca").string() + "/imap.key",
                                    "users=" + (dir / "users").string(),
                                    "separator=" + separator,
                                    "prefix=" + prefix};
    if (!capability.empty()) out.push_back("capability=" + capability);
    if (!mail.empty()) out.push_back("mail=" + mail);
    return out;
  }

  void fill(int n) {
    MailAccount account(old_address, 143, kUser, kPassword);
    for (const auto* name : {"Work", "Work/2019", "Work/2019/Q1", "Entw&APw-rfe", "R&-D",
                             "with blank", "&ZeVnLIqe-", "Empty"})
      account.command("CREATE \"" + std::string(name) + "\"");
    account.command("SUBSCRIBE Work/2019");
    const std::vector<std::string> boxes = {"INBOX", "Work",       "Work/2019/Q1", "Entw&APw-rfe",
                                            "R&-D",  "with blank", "&ZeVnLIqe-",   "Sent"};
    const std::vector<std::string> flags = {
        "", "\\Seen", "\\Seen \\Flagged \\Answered", "$Label1 custom", "\\Draft", "\\Deleted"};
    for (int i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const std::string body = "Message-ID: <" + std::to_string(i) + "@x>\r\nSubject: number " +
                               std::to_string(i) + "\r\n\r\n" + std::string(k * 37 % 5000, 'x') +
                               "\r\n";
      char date[40];
      std::snprintf(date, sizeof date, "%02d-Jul-20%02d 02:44:%02d %s", 1 + i % 28, 10 + i % 15,
                    i % 60, i % 2 == 0 ? "+0200" : "-0730");
      account.append(boxes[k % boxes.size()], body, flags[k % flags.size()], date);
    }
    for (int i = 0; i < 3; ++i) account.append("Work", "Subject: twin\r\n\r\nsame\r\n");
    account.append("Work", "no header at all, only text\r\n");
    account.append("Work", "X-Other: 1\r\n\r\nno id\r\n");
    account.append("INBOX", "Subject: 8bit \xfc\xf6\r\n\r\n\xe4\r\n");
    account.append("INBOX", "Subject: first of all\r\n\r\n", "", "01-Jan-1970 00:00:01 +0000");
    account.append(
        "INBOX",
        "Message-ID: <big@x>\r\nSubject: big\r\n\r\n" + std::string(3'000'000, 'b') + "\r\n",
        "\\Seen");
    account.append("INBOX", std::string(1'500'000, 'h') + "\r\n");
  }

  std::vector<std::string> arguments(const std::string& command) const {
    return {command,
            "--source",
            "imap://anna%40alpha.test@" + old_address + ":143",
            "--source-secret",
            "env:SRC",
            "--dest",
            "imaps://anna%40alpha.test@" + new_address + ":993",
            "--dest-secret",
            "env:DST",
            "--state",
            (dir / "state.db").string(),
            "--ca-file",
            (dir / "ca").string() + "/ca.pem",
            "--json"};
  }
  std::map<std::string, std::string> environment() const {
    return {{"SRC", kPassword}, {"DST", kPassword}};
  }

  nlohmann::json run(const std::string& command, int expected_exit = 0,
                     const std::vector<std::string>& more = {}) {
    auto words = arguments(command);
    words.insert(words.end(), more.begin(), more.end());
    CommandRun process(words, environment());
    const int code = process.wait();
    EXPECT_EQ(code, expected_exit) << process.out() << process.err();
    return nlohmann::json::parse(process.out(), nullptr, false);
  }

  // Every folder as a sorted list of (body, date, flags); names respelled by `rename`.
  using Content = std::map<std::string, std::vector<std::string>>;
  static Content content(const std::string& address,
                         const std::function<std::string(std::string)>& rename = nullptr) {
    MailAccount account(address, 143, kUser, kPassword);
    Content out;
    for (const auto& folder : account.folders()) {
      auto& list = out[rename ? rename(folder) : folder];
      for (const auto& m : account.messages(folder))
        list.push_back(m.body + "|" + m.date + "|" + m.flags);
      std::sort(list.begin(), list.end());
    }
    return out;
  }

  // The first difference, short; empty: equal.
  static std::string difference(const Content& a, const Content& b) {
    for (const auto* side : {&a, &b})
      for (const auto& [folder, mail] : *side) {
        const auto& other = side == &a ? b : a;
        const auto it = other.find(folder);
        if (it == other.end()) return folder + " is on one side only";
        if (it->second.size() != mail.size())
          return folder + ": " + std::to_string(mail.size()) + " and " +
                 std::to_string(it->second.size());
        for (std::size_t i = 0; i < mail.size(); ++i)
          if (mail[i] != it->second[i])
            return folder + ": ..." +
                   mail[i].substr(mail[i].size() - std::min<std::size_t>(80, mail[i].size())) +
                   " and ..." +
                   it->second[i].substr(it->second[i].size() -
                                        std::min<std::size_t>(80, it->second[i].size()));
      }
    return {};
  }

  const std::string old_address, new_address;
  TempDir dir;
  std::unique_ptr<LabServer> old_server, new_server;
  bool ready = false;
};

}  // namespace mxferry::test
