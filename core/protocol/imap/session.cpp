// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/session.hpp"

#include <algorithm>
#include <utility>

#include "base/secret.hpp"
#include "protocol/imap/limits.hpp"

namespace mxferry::imap {

// --- Output
// -----------------------------------------------------------------------------------------------

Result<Tag> Session::submit(Command command) {
  if (!permits(role_, command.effect))
    return fail(ErrorCode::denied, "imap " + command.name,
                "this session's role has no such command");
  if (!command.unsayable.empty())
    return fail(ErrorCode::refused, "imap " + command.name, "not sent: " + command.unsayable);
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

std::string Session::take_output() {
  auto bytes = std::exchange(out_, {});
  secret_taken_ = std::exchange(secret_out_, false);
  pump();
  return bytes;
}

// Sends as far as the protocol and the output buffer allow. Invariant: at most one of waiting_ and
// stream_wanted_ > 0 holds, and then the front command is the one that waits.
void Session::pump() {
  while (!queue_.empty() && !waiting_ && stream_wanted_ == 0 && out_.size() < kOutputPiece) {
    auto& front = queue_.front();
    if (front.sent) {
      send_literal(front);
      continue;
    }
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
      front.sent = 0;
    } else {
      stream_wanted_ = size;
      ++front.next;
    }
  }
}

// As much of it as the buffer takes; what is sent whole is not kept.
void Session::send_literal(Queued& front) {
  auto& bytes = std::get<Command::Literal>(front.command.parts[front.next]).bytes;
  if (front.command.secret) secret_out_ = true;
  const auto n = std::min(bytes.size() - *front.sent, kOutputPiece - out_.size());
  if (n < bytes.size()) out_.reserve(kOutputPiece + kLiteralMinusMax);
  out_.append(bytes, *front.sent, n);
  *front.sent += n;
  if (*front.sent < bytes.size()) return;
  if (front.command.secret) wipe(bytes);
  bytes = std::string();
  front.sent.reset();
  ++front.next;
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
    ++front.next;
  } else if (std::holds_alternative<Command::Literal>(part)) {
    front.sent = 0;
  } else {
    stream_wanted_ = std::get<Command::StreamLiteral>(part).size;
    ++front.next;
  }
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

Result<std::optional<Event>> Session::poll() {
  auto event = reader_.poll();
  if (!event || !event->has_value()) return event;
  if (const auto* tagged = std::get_if<Tagged>(&**event)) {
    MXF_CHECK(on_tagged(*tagged));
  } else if (std::holds_alternative<Continuation>(**event)) {
    on_continue();
  }
  return event;
}

Result<void> Session::on_tagged(const Tagged& tagged) {
  if (tags_.erase(tagged.tag) == 0) return reader_.reject("an answer to no command");
  challenged_.erase(tagged.tag);
  if (queue_.empty() || queue_.front().tag != tagged.tag) return {};
  // Answered before it was sent in full: no OK can be meant. A command that waits for `+` ends
  // here; one in the middle of a literal that was announced with {n+} must still be sent to its end
  // (RFC 7888 §3).
  if (tagged.response.status == Status::ok) return reader_.reject("OK to half a command");
  if (waiting_) {
    waiting_ = false;
    queue_.pop_front();
    pump();
  }
  return {};
}

}  // namespace mxferry::imap
