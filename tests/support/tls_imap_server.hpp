// SPDX-License-Identifier: Apache-2.0
// TlsImapServer: a small IMAP server on a loopback address, for tests of trust: it keeps every byte
// that a client sent, raw and decrypted, and how many came. It answers CAPABILITY, STARTTLS and
// LOGIN/AUTHENTICATE in the way it is told; it holds no mail. One connection at a time on a thread
// of its own; it ends with the object.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "support/loopback_listener.hpp"

namespace mxferry::test {

struct TlsImapOptions {
  std::string address = "127.77.60.31";
  std::string certificate{}, key{};  // PEM files; empty: no TLS
  bool implicit_tls = false;
  std::string greeting = "* OK hello\r\n";
  bool offers_starttls = true;
  std::string starttls_answer = "OK go";  // behind the tag
  std::string after_starttls{};           // plain bytes in the same segment
  std::string login_answer = "NO [AUTHENTICATIONFAILED] no";
  std::string hang_at{};  // "LOGIN", "CAPABILITY", …: such a command is read and never answered
};

class TlsImapServer {
 public:
  explicit TlsImapServer(TlsImapOptions options);
  ~TlsImapServer();
  TlsImapServer(const TlsImapServer&) = delete;
  TlsImapServer& operator=(const TlsImapServer&) = delete;

  const std::string& address() const { return options_.address; }
  int port() const { return listener_.port(); }
  int connections() const { return connections_; }
  /// All that clients sent, as far as it was readable (plain or decrypted).
  std::string transcript() const;
  /// Blocks until a command has come that begins with hang_at; false after 20 s.
  bool wait_for_hang();

 private:
  void serve();
  void talk(int fd);

  TlsImapOptions options_;
  void* context_ = nullptr;
  LoopbackListener listener_;
  std::atomic<int> connections_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  bool hangs_ = false;
  std::string transcript_;
  std::thread thread_;
};

}  // namespace mxferry::test
