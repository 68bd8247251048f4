// SPDX-License-Identifier: Apache-2.0
// Connection: where protocol/imap meets net. One reader and one writer coroutine move bytes between
// a Session and a ByteStream; callers wait by tag. Commands are pipelined as deep as callers submit
// them; data goes to the handler of the oldest command that has no answer yet. A watchdog ends the
// connection when nothing moved for `idle` while an answer was due and we were not the side that
// holds it up. RFC 9051 §5.5; STARTTLS RFC 9051 §6.2.1, RFC 2595.
//
//   caller ── start/run ──► Session ── writer ──► ByteStream        all on one executor (one thread
//   or strand) handler ◄── events ──── Session ◄── reader ── ByteStream
//
// What a caller awaits is owned by the connection: a caller that goes away leaves nothing dangling
// (handlers are shared). After any error the connection is dead and every waiter gets that error.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/secret.hpp"
#include "net/connector.hpp"
#include "ports/mail_source.hpp"
#include "protocol/imap/session.hpp"

namespace mxferry::imap {

/// shared_ptr: the connection keeps it until the command is answered, the caller until it has read
/// the result.
class ResponseHandler {
 public:
  virtual ~ResponseHandler() = default;
  virtual void on_data(Untagged& data) { (void)data; }
  /// The same answer as the server spelt it; asked for by wants_text().
  virtual void on_text(const std::string& line) { (void)line; }
  virtual bool wants_text() const { return false; }
  virtual void on_body_begin(LiteralBegin& begin) { (void)begin; }
  virtual void on_body(std::string_view bytes) { (void)bytes; }
  /// Where the body goes to as it comes; null collects through on_body.
  virtual MessageSink* stream() { return nullptr; }
  /// Asked after each answer: true if more came than can be true. The connection ends then.
  virtual bool overflows() const { return false; }
  /// Answers that were of use. What a server sends beside them is endured for a while only.
  std::uint64_t taken = 0;
};

struct Credentials {
  enum class Kind { password, bearer };
  Kind kind = Kind::password;
  std::string user{};
  Secret secret{};
  std::string authzid{};  // the mailbox that an admin logs in for
};

struct ConnectionOptions {
  std::chrono::milliseconds idle = std::chrono::seconds(60);
  std::chrono::milliseconds greeting = std::chrono::seconds(30);
};

class Connection {
 public:
  /// A command under way.
  struct Pending {
    Tag tag;
    std::string name;
    std::shared_ptr<ResponseHandler> handler;
    std::optional<Result<StatusResponse>> outcome;
  };
  using Handle = std::shared_ptr<Pending>;

  /// Connects, proves the peer, logs in once. auth with the account's name where the server refuses
  /// the credential.
  static Task<Result<std::unique_ptr<Connection>>> open(net::Connector& connector,
                                                        net::Endpoint endpoint,
                                                        const Credentials& credentials,
                                                        MailboxRole role,
                                                        ConnectionOptions options = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Submits; the answer is awaited with finish(), in any order.
  Result<Handle> start(Command command, std::shared_ptr<ResponseHandler> handler = nullptr);
  /// The tagged answer, whatever its status; an error only if the connection died.
  Task<Result<StatusResponse>> answer(Handle pending);
  /// answer() where only OK is success.
  Task<Result<StatusResponse>> finish(Handle pending);
  Task<Result<StatusResponse>> run(Command command,
                                   std::shared_ptr<ResponseHandler> handler = nullptr);

  /// Bytes of the streamed literal that was submitted last. Waits for the server's `+` and for the
  /// network. An answer that comes first ends it: Retry::never and `refused`; the tagged answer
  /// tells why.
  Task<Result<void>> put_literal(std::string_view bytes);

  bool has(std::string_view capability) const;
  /// The value of `NAME=value`, as APPENDLIMIT=35651584.
  std::optional<std::string> capability_value(std::string_view name) const;
  bool offered_tls() const;
  bool dead() const;
  const net::Endpoint& endpoint() const;
  const std::string& account() const;
  void close();

 private:
  struct Core;
  explicit Connection(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace mxferry::imap
