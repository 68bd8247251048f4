// SPDX-License-Identifier: Apache-2.0
// HonestImap: a small IMAP server on a loopback address with one account in memory, enough for a
// whole copy at either end (LITERAL+, MULTIAPPEND, UIDPLUS). A test's `attack` sees each command
// first and may answer in the server's place: with lies, for ever, or not at all. With a
// certificate it speaks TLS from the first byte. One thread a connection; all end with the object.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/loopback_listener.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace mxferry::test {

/// One connection, as an attack sees it.
class ImapTalk {
 public:
  /// `tls` is null for plain text.
  ImapTalk(int fd, int stop, ssl_st* tls) : fd_(fd), stop_(stop), tls_(tls) {}
  /// Sends all of it; false once the client has gone or the server ends.
  bool send(std::string_view bytes);
  /// Waits so long, or until the client has gone or the server ends: false then.
  bool wait(std::chrono::milliseconds time);
  /// Reads more; false at the end.
  bool read(std::string& into);
  /// Nothing is read and nothing said until the client goes.
  void hang() {
    while (wait(std::chrono::seconds(5))) {
    }
  }
  /// From now on nothing reaches the client.
  void mute() { muted_ = true; }
  /// Ends the connection when the command is done: TCP alone, TLS is not told (no close_notify).
  void end() { ended_ = true; }
  /// Says over TLS that nothing more comes (close_notify), and ends the connection.
  void end_tls();
  bool ended() const { return ended_; }

 private:
  int fd_;
  int stop_;
  ssl_st* tls_;
  bool ended_ = false;
  bool muted_ = false;
};

struct HonestMessage {
  std::uint32_t uid = 0;
  std::string body;
  std::string flags;
  bool operator==(const HonestMessage&) const = default;
};

class HonestImap {
 public:
  /// `line` is the command without its tag, upper case; true: the attack has answered.
  using Attack = std::function<bool(ImapTalk&, const std::string& tag, const std::string& line)>;

  static constexpr const char* kCapabilities = "LITERAL+ MULTIAPPEND UIDPLUS NAMESPACE";

  /// `certificate` and `key` are PEM files; empty: plain text.
  explicit HonestImap(std::string address, const std::string& certificate = {},
                      const std::string& key = {});
  ~HonestImap();
  HonestImap(const HonestImap&) = delete;
  HonestImap& operator=(const HonestImap&) = delete;

  void add(const std::string& folder, std::string body);
  std::vector<HonestMessage> messages(const std::string& folder) const;
  std::vector<std::string> bodies(const std::string& folder) const;  // sorted
  /// Nothing: the server is honest. Asked at the greeting too, with the line "GREETING".
  void set_attack(Attack attack);
  void set_capabilities(std::string words);

  const std::string& address() const { return address_; }
  int port() const { return listener_.port(); }
  std::string name() const { return address_ + ":" + std::to_string(port()); }

 private:
  struct Folder {
    std::uint32_t validity = 7;
    std::uint32_t next = 1;
    std::vector<HonestMessage> messages;
  };
  void serve();
  void talk(int fd);
  void converse(ImapTalk& client);
  std::string answer(const std::string& tag, const std::string& line, std::string& selected);
  std::string append(const std::string& tag, const std::string& raw);

  std::string address_;
  ssl_ctx_st* context_ = nullptr;
  LoopbackListener listener_;
  mutable std::mutex mutex_;
  std::map<std::string, Folder> folders_;
  std::string capabilities_ = kCapabilities;
  Attack attack_;
  std::list<std::thread> talks_;
  std::thread thread_;
};

}  // namespace mxferry::test
