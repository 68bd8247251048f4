// SPDX-License-Identifier: Apache-2.0
// ResponseReader: a server's bytes to responses, at any chunking (RFC 9051 §7, RFC 3501 §7). It
// knows nothing of commands: Session holds the tags against what was sent, `mxferry debug
// imap-parse` reads transcripts with it.
//
//   feed(bytes) ──► physical lines ──► literals in their places ──► parse_response ──► poll()
//                                       └ a FETCH body streams: LiteralBegin, LiteralChunk..,
//                                       LiteralEnd
//
// Memory is bounded by what was fed and by limits.hpp. After an error poll() repeats it. One owner;
// not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "protocol/imap/parser.hpp"
#include "protocol/imap/response.hpp"

namespace mxferry::imap {

struct LiteralBegin {
  std::optional<Uid> uid;  // if it stood before the body; everything comes with the FetchData
  BodyItem body;           // section, origin and size
};
struct LiteralChunk {
  std::string_view bytes;  // valid until the next call of poll(), feed() or room()
};
struct LiteralEnd {};

using Event = std::variant<Tagged, Untagged, Continuation, LiteralBegin, LiteralChunk, LiteralEnd>;

class ResponseReader {
 public:
  void feed(std::string_view bytes);
  /// Where at least `least` octets can be put, valid until the next call; filled() says how many
  /// were.
  std::span<char> room(std::size_t least);
  void filled(std::size_t octets) { end_ += octets; }
  /// The next event, or nothing: feed more.
  Result<std::optional<Event>> poll();
  /// Makes `why` the reader's error, with the place reached so far.
  Unexpected<Error> reject(const std::string& why);

  /// The line of the response that poll() gave last, with its literals in their places ({n}, CRLF,
  /// bytes); of a streamed one only the announcement.
  std::string response_text() const;
  /// Its literals, in order.
  const std::vector<LiteralValue>& response_literals() const { return last_literals_; }
  /// The offset in the connection of the response that poll() gave last, or is in.
  std::uint64_t response_offset() const { return line_base_; }
  /// Where the error is, once poll() has failed.
  std::uint64_t error_offset() const { return error_at_; }
  /// Bytes that were fed and not yet parsed.
  std::size_t buffered() const { return end_ - at_; }
  /// True inside a response: the end of the stream here loses something.
  bool in_response() const { return in_literal_ || !line_.empty() || buffered() > 0; }
  /// Octets that the open literal still lacks.
  std::uint64_t literal_left() const { return in_literal_ ? literal_left_ : 0; }

 private:
  Result<std::optional<Event>> next_event();
  std::optional<std::string_view> take_physical_line();
  Result<std::optional<Event>> on_line_end(std::string_view piece);
  Result<std::optional<Event>> on_response();

  // buffer_[at_..end_) is not parsed; line_ and literals_ are the logical line so far.
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::uint64_t base_ = 0;  // offset of buffer_[0] in the connection
  std::uint64_t line_base_ = 0;
  std::size_t scanned_ = 0;  // buffer_[at_..at_+scanned_) holds no newline
  std::string line_;
  std::vector<LiteralValue> literals_;
  std::optional<PartialFetch> fetch_;  // of the line, up to its last literal that streams
  std::string last_line_;              // of the last response, for response_text()
  std::vector<LiteralValue> last_literals_;
  std::uint64_t literal_left_ = 0;
  bool in_literal_ = false;
  bool header_ended_ = false;  // the last literal is a header: a line of blanks may follow it
  std::optional<Error> error_;
  std::uint64_t error_at_ = 0;
};

}  // namespace mxferry::imap
