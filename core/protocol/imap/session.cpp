// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/session.hpp"

#include <algorithm>
#include <utility>

#include "base/secret.hpp"
#include "protocol/imap/limits.hpp"

namespace mxferry::imap {
namespace {

// `...{123}`, `...{123+}`, `...~{123}` at the end of a piece of a line; `tail` is where it begins.
// Too large a number is reported as such: it must not pass for text.
struct Announced {
  std::size_t tail;
  std::uint64_t size;
  bool overflow;
};

std::optional<Announced> announced_literal(std::string_view piece) {
  if (!piece.ends_with('}')) return std::nullopt;
  const auto open = piece.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  auto digits = piece.substr(open + 1, piece.size() - open - 2);
  if (digits.ends_with('+') || digits.ends_with('-')) digits.remove_suffix(1);
  if (digits.empty()) return std::nullopt;
  Announced out{open, 0, false};
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    if (out.overflow) continue;
    out.size = out.size * 10 + static_cast<std::uint64_t>(c - '0');
    out.overflow = out.size > kMaxLiteral;
  }
  if (out.tail > 0 && piece[out.tail - 1] == '~') --out.tail;
  return out;
}

}  // namespace

// --- Output
// -----------------------------------------------------------------------------------------------

Result<Tag> Session::submit(Command command) {
  if (!permits(role_, command.effect))
    return fail(ErrorCode::denied, "imap " + command.name,
                "this session's role has no such command");
  Queued queued;
  queued.tag = "A" + std::to_string(next_tag_++);
  tags_.insert(queued.tag);
  if (command.answers_challenges) challenged_.insert(queued.tag);
  queued.command = std::move(command);
  Tag tag = queued.tag;
  queue_.push_back(std::move(queued));
  pump();
  return tag;
}

// Sends as far as the protocol allows. Invariant: at most one of waiting_ and stream_wanted_ > 0
// holds, and then the front command is the one that waits.
void Session::pump() {
  while (!queue_.empty() && !waiting_ && stream_wanted_ == 0) {
    auto& front = queue_.front();
    if (!front.begun) {
      out_ += front.tag + ' ';
      front.begun = true;
    }
    if (front.command.secret) secret_out_ = true;
    if (front.next == front.command.parts.size()) {
      out_ += "\r\n";
      queue_.pop_front();
      continue;
    }
    auto& part = front.command.parts[front.next];
    if (const auto* text = std::get_if<Command::Text>(&part)) {
      out_ += text->bytes;
      ++front.next;
      continue;
    }
    if (std::holds_alternative<Command::AfterContinue>(part)) {
      out_ += "\r\n";
      waiting_ = true;
      continue;
    }
    const auto* literal = std::get_if<Command::Literal>(&part);
    const std::uint64_t size =
        literal != nullptr ? literal->bytes.size() : std::get<Command::StreamLiteral>(part).size;
    const bool direct = literal_mode_ == LiteralMode::plus ||
                        (literal_mode_ == LiteralMode::minus && size <= kLiteralMinusMax);
    out_ += '{' + std::to_string(size) + (direct ? "+}\r\n" : "}\r\n");
    if (!direct) {
      waiting_ = true;
      continue;
    }
    if (literal != nullptr) {
      out_ += literal->bytes;
    } else {
      stream_wanted_ = size;
    }
    ++front.next;
  }
}

void Session::on_continue() {
  if (!waiting_) {
    // An error challenge of OAuth: the client answers with an empty line and gets the tagged NO
    // (RFC 7628 §3.2.3).
    if (!challenged_.empty()) out_ += "\r\n";
    return;
  }
  waiting_ = false;
  auto& front = queue_.front();
  auto& part = front.command.parts[front.next];
  if (auto* line = std::get_if<Command::AfterContinue>(&part)) {
    out_ += line->bytes;
    wipe(line->bytes);
    secret_out_ = true;
  } else if (const auto* literal = std::get_if<Command::Literal>(&part)) {
    out_ += literal->bytes;
  } else {
    stream_wanted_ = std::get<Command::StreamLiteral>(part).size;
  }
  ++front.next;
  pump();
}

Result<void> Session::put_literal(std::string_view bytes) {
  if (bytes.size() > stream_wanted_)
    return fail(ErrorCode::internal, "imap literal", "more bytes than announced");
  out_ += bytes;
  stream_wanted_ -= bytes.size();
  if (stream_wanted_ == 0) pump();
  return {};
}

// --- Input
// ------------------------------------------------------------------------------------------------

void Session::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    base_ += at_;
    at_ = 0;
  }
  buffer_ += bytes;
}

Unexpected<Error> Session::protocol_error(const std::string& what) const {
  return fail(ErrorCode::protocol, "imap response",
              what + " at offset " + std::to_string(base_ + at_));
}

Result<std::optional<Event>> Session::poll() {
  if (error_) return fail(*error_);
  auto event = next_event();
  if (!event) error_ = event.error();
  return event;
}

Result<std::optional<Event>> Session::next_event() {
  while (true) {
    if (in_literal_) {
      auto& literal = literals_.back();
      if (literal_left_ == 0) {
        in_literal_ = false;
        if (literal.streamed) return std::optional<Event>(LiteralEnd{});
        continue;
      }
      const auto n =
          static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, buffer_.size() - at_));
      if (n == 0) return std::optional<Event>();
      const auto bytes = std::string_view(buffer_).substr(at_, n);
      at_ += n;
      literal_left_ -= n;
      if (literal.streamed) return std::optional<Event>(LiteralChunk{bytes});
      literal.content += bytes;
      continue;
    }
    const auto piece = take_physical_line();
    if (!piece) {
      if (line_.size() + scanned_ > kMaxLine) return protocol_error("the line is too long");
      return std::optional<Event>();
    }
    if (line_.size() + piece->size() > kMaxLine) return protocol_error("the line is too long");
    auto event = on_line_end(*piece);
    if (!event || event->has_value()) return event;
  }
}

// The bytes up to the next newline, without CRLF; nothing if it has not arrived. A bare LF ends a
// line too: some servers do that, and no grammar gives it another meaning.
std::optional<std::string_view> Session::take_physical_line() {
  if (line_.empty() && literals_.empty()) line_base_ = base_ + at_;
  const auto end = buffer_.find('\n', at_ + scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size() - at_;
    return std::nullopt;
  }
  auto piece = std::string_view(buffer_).substr(at_, end - at_);
  if (piece.ends_with('\r')) piece.remove_suffix(1);
  at_ = end + 1;
  scanned_ = 0;
  return piece;
}

Result<std::optional<Event>> Session::on_line_end(std::string_view piece) {
  if (piece.find('\0') != std::string_view::npos) return protocol_error("NUL in a line");
  const auto announced = announced_literal(piece);
  const auto whole = line_.empty() ? may_hold_literal(piece) : may_hold_literal(line_);
  if (!announced || !whole) {
    line_ += piece;
    return on_response();
  }
  if (announced->overflow) return protocol_error("the literal is too large");
  line_ += piece.substr(0, announced->tail);
  if (literals_.size() >= kMaxLiteralsPerResponse) return protocol_error("too many literals");
  LiteralValue value;
  value.size = announced->size;
  auto fetch = parse_partial_fetch(line_, literals_);
  value.streamed = fetch.has_value();
  if (!value.streamed && value.size > kMaxInlineLiteral)
    return protocol_error("the literal is too large");
  literals_.push_back(std::move(value));
  line_ += '\0';
  literal_left_ = announced->size;
  in_literal_ = true;
  if (!fetch) return std::optional<Event>();
  LiteralBegin begin;
  begin.so_far = std::move(fetch->so_far);
  begin.body = std::move(fetch->body);
  begin.body.streamed = true;
  begin.body.size = announced->size;
  return std::optional<Event>(std::move(begin));
}

Result<std::optional<Event>> Session::on_response() {
  last_line_ = std::exchange(line_, {});
  last_literals_ = std::exchange(literals_, {});
  if (last_line_.empty()) return std::optional<Event>();  // a stray empty line; Exchange sends them
  auto response = parse_response(last_line_, last_literals_, line_base_);
  if (!response) return fail(std::move(response).error());
  if (auto* tagged = std::get_if<Tagged>(&*response)) {
    MXF_CHECK(on_tagged(*tagged));
    return std::optional<Event>(std::move(*tagged));
  }
  if (auto* more = std::get_if<Continuation>(&*response)) {
    on_continue();
    return std::optional<Event>(std::move(*more));
  }
  return std::optional<Event>(std::move(std::get<Untagged>(*response)));
}

std::string Session::response_text() const {
  std::string out;
  auto literal = last_literals_.begin();
  for (const char c : last_line_) {
    if (c != '\0' || literal == last_literals_.end()) {
      out += c;
      continue;
    }
    out += '{' + std::to_string(literal->size) + "}\r\n" + literal->content;
    ++literal;
  }
  return out;
}

Result<void> Session::on_tagged(const Tagged& tagged) {
  if (tags_.erase(tagged.tag) == 0) return protocol_error("an answer to no command");
  challenged_.erase(tagged.tag);
  if (queue_.empty() || queue_.front().tag != tagged.tag) return {};
  // Answered before it was sent in full. A command that waits for `+` ends here; one in the middle
  // of a literal that was announced with {n+} must still be sent to its end (RFC 7888 §3).
  if (waiting_) {
    if (tagged.response.status == Status::ok) return protocol_error("OK to half a command");
    waiting_ = false;
    queue_.pop_front();
    pump();
  }
  return {};
}

}  // namespace mxferry::imap
