// SPDX-License-Identifier: Apache-2.0
// Conversation: one SMTP connection (RFC 5321), from its greeting to QUIT: replies with their
// lines, EHLO and what it offers, STARTTLS (RFC 3207), AUTH PLAIN (RFC 4954). Each step has 60 s.
// One coroutine at a time, on the caller's executor.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>

#include "base/secret.hpp"
#include "net/connector.hpp"
#include "smtp/client.hpp"

namespace mxferry::smtp {

class Conversation {
 public:
  /// `stream` is connected; `name` stands in errors.
  Conversation(std::unique_ptr<net::ByteStream> stream, std::string name)
      : stream_(std::move(stream)), name_(std::move(name)) {}

  /// One reply, of however many lines; ErrorCode::protocol where it is none.
  net::Task<Result<Reply>> reply(const char* step);
  /// Sends `bytes` as they are and reads the reply.
  net::Task<Result<Reply>> exchange(const char* step, std::string bytes);
  /// Sends a line; a reply that does not begin with the digit `wanted` is an error (refused()).
  net::Task<Result<Reply>> command(const char* step, std::string line, int wanted);
  /// The greeting, which must be 2xx.
  net::Task<Result<void>> greeting();
  /// EHLO; what the server offers is kept for offers().
  net::Task<Result<void>> ehlo(const std::string& helo);
  /// STARTTLS and the handshake; bytes that stand behind the server's 220 end it
  /// (ErrorCode::tls): they came from somebody in between.
  net::Task<Result<void>> start_tls(net::Connector& connector, const net::Endpoint& endpoint);
  /// AUTH PLAIN; only over TLS or towards loopback. ErrorCode::auth with the server's words,
  /// unsupported where it offers no PLAIN.
  net::Task<Result<void>> auth_plain(const std::string& user, const Secret& secret);
  net::Task<void> quit();

  /// `keyword` of the EHLO reply, such as "STARTTLS" or "AUTH PLAIN". Upper case.
  bool offers(const std::string& keyword) const { return offers_.contains(keyword); }
  bool is_private() const { return tls_ || stream_->peer_is_loopback(); }
  Error refused(const char* step, const Reply& answer) const;

 private:
  Error wrong(const char* step, const char* why) const;
  net::Task<Result<std::size_t>> read(std::array<char, 2048>& chunk);

  std::unique_ptr<net::ByteStream> stream_;
  std::string name_;
  std::string buffer_;
  std::set<std::string> offers_;
  bool tls_ = false;
};

}  // namespace mxferry::smtp
