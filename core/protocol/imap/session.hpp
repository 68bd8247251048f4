// SPDX-License-Identifier: Apache-2.0
// Session: one IMAP connection without its socket, clock or coroutine (RFC 9051, RFC 3501). Bytes
// in, events out; commands in, bytes out.
//
//   submit(Command) -> Tag ──┐                        ┌── feed(bytes)      from the network
//   put_literal(bytes) ──────┤── Session ─────────────┤
//   take_output() -> bytes ◄─┘   queue · line · state └──► poll() -> Event  nothing = feed more
//
// Message bodies stream: a literal of a FETCH body section arrives as LiteralBegin, LiteralChunk..,
// LiteralEnd and then the Untagged FetchData, whatever its position in the answer. Memory is
// bounded by what was fed and by limits.hpp. After an error poll() repeats it and the connection is
// to be closed. One owner; not synchronised.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "protocol/imap/command.hpp"
#include "protocol/imap/response_reader.hpp"

namespace mxferry::imap {

using Tag = std::string;

/// How a command's literals are announced.
enum class LiteralMode {
  synchronizing,  // {n}, wait for `+`
  minus,          // {n+} up to 4096 octets (LITERAL-, RFC 7888), else {n}
  plus,           // {n+}
};

class Session {
 public:
  explicit Session(MailboxRole role) : role_(role) {}

  /// Queues a command behind those that wait. ErrorCode::denied if the role has no such command,
  /// refused if it is unsayable: nothing of it is sent then.
  Result<Tag> submit(Command command);
  /// What can be sent now, about kOutputPiece at once: a batch of messages is never there twice.
  /// Ends before a synchronising literal until the server's `+`.
  std::string take_output();
  bool has_output() const { return !out_.empty(); }
  /// True when the bytes that were taken last may hold a credential.
  bool output_was_secret() const { return secret_taken_; }
  /// Octets that the open streamed literal still wants; 0 when none is open for bytes.
  std::uint64_t literal_wanted() const { return stream_wanted_; }
  /// Bytes of the open streamed literal; more than wanted is ErrorCode::internal.
  Result<void> put_literal(std::string_view bytes);
  void set_literal_mode(LiteralMode mode) { literal_mode_ = mode; }

  void feed(std::string_view bytes) { reader_.feed(bytes); }
  std::span<char> room(std::size_t least) { return reader_.room(least); }
  void filled(std::size_t octets) { reader_.filled(octets); }
  /// The next event, or nothing: feed more.
  Result<std::optional<Event>> poll();

  /// The line of the response that poll() gave last, with its literals in their places ({n}, CRLF,
  /// bytes); of a streamed one only the announcement.
  std::string response_text() const { return reader_.response_text(); }

  /// Bytes that were fed and not yet parsed. Behind the tagged OK of STARTTLS there must be none.
  std::size_t buffered() const { return reader_.buffered(); }
  /// Tags that have no answer yet, oldest first.
  std::size_t pending() const { return tags_.size(); }
  MailboxRole role() const { return role_; }

 private:
  struct Queued {
    Tag tag;
    Command command;
    std::size_t next = 0;  // part
    bool begun = false;
    std::optional<std::size_t> sent;  // of the literal that is the next part, once it is announced
  };

  void pump();
  void send_literal(Queued& front);
  Result<void> on_tagged(const Tagged& tagged);
  void on_continue();

  MailboxRole role_;
  LiteralMode literal_mode_ = LiteralMode::synchronizing;
  std::uint64_t next_tag_ = 1;

  // Output side. The front of queue_ is being sent; waiting_ means that its next part waits for
  // `+`.
  std::deque<Queued> queue_;
  std::string out_;
  bool waiting_ = false;
  bool secret_out_ = false;
  bool secret_taken_ = false;
  std::uint64_t stream_wanted_ = 0;
  std::set<Tag> tags_;        // submitted, not answered
  std::set<Tag> challenged_;  // of those, which answer challenges

  ResponseReader reader_;
};

}  // namespace mxferry::imap
