// SPDX-License-Identifier: Apache-2.0
// MailAccount: a mailbox on a real IMAP server as a test sees it: raw commands, APPEND of any
// octets, a listing of a folder by content. It shares no code with core's IMAP. Blocking. A failed
// step throws std::runtime_error.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::test {

struct StoredMessage {
  std::uint32_t uid = 0;
  std::string body;
  std::string date;   // INTERNALDATE as the server spells it
  std::string flags;  // sorted, without \Recent
};

class MailAccount {
 public:
  MailAccount(const std::string& address, std::uint16_t port, const std::string& user,
              const std::string& password);
  ~MailAccount();
  MailAccount(const MailAccount&) = delete;
  MailAccount& operator=(const MailAccount&) = delete;

  /// Sends `TAG command` and returns all that came up to the tagged OK.
  std::string command(const std::string& text);
  /// `mailbox` is in modified UTF-7 and gets quoted.
  void append(const std::string& mailbox, const std::string& body, const std::string& flags = "",
              const std::string& date = "");
  std::vector<std::string> folders();
  /// EXAMINEs and reads everything.
  std::vector<StoredMessage> messages(const std::string& mailbox);

 private:
  std::string read_line();
  std::string read_exactly(std::size_t n);
  void send(std::string_view bytes);

  int fd_ = -1;
  std::string buffer_;
  int tag_ = 0;
};

}  // namespace mxferry::test
