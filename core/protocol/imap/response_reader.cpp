// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/response_reader.hpp"

#include <algorithm>
#include <utility>

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

std::span<char> ResponseReader::room(std::size_t least) {
  if (at_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    base_ += at_;
    end_ -= at_;
    at_ = 0;
  }
  if (buffer_.size() - end_ < least) buffer_.resize(end_ + least);
  return std::span(buffer_).subspan(end_);
}

void ResponseReader::feed(std::string_view bytes) {
  std::copy(bytes.begin(), bytes.end(), room(bytes.size()).begin());
  filled(bytes.size());
}

Unexpected<Error> ResponseReader::reject(const std::string& why) {
  error_at_ = base_ + at_;
  error_ =
      fail(ErrorCode::protocol, "imap response", why + " at offset " + std::to_string(error_at_))
          .error();
  return fail(*error_);
}

Result<std::optional<Event>> ResponseReader::poll() {
  if (error_) return fail(*error_);
  return next_event();
}

Result<std::optional<Event>> ResponseReader::next_event() {
  while (true) {
    if (in_literal_) {
      auto& literal = literals_.back();
      if (literal_left_ == 0) {
        in_literal_ = false;
        if (literal.streamed) return std::optional<Event>(LiteralEnd{});
        continue;
      }
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, buffered()));
      if (n == 0) return std::optional<Event>();
      const std::string_view bytes(buffer_.data() + at_, n);
      at_ += n;
      literal_left_ -= n;
      if (literal.streamed) return std::optional<Event>(LiteralChunk{bytes});
      literal.content += bytes;
      continue;
    }
    const auto piece = take_physical_line();
    if (!piece) {
      if (line_.size() + scanned_ > kMaxLine) return reject("the line is too long");
      return std::optional<Event>();
    }
    if (line_.size() + piece->size() > kMaxLine) return reject("the line is too long");
    auto event = on_line_end(*piece);
    if (!event || event->has_value()) return event;
  }
}

// The bytes up to the next newline, without CRLF; nothing if it has not arrived. A bare LF ends a
// line too: some servers do that, and no grammar gives it another meaning.
std::optional<std::string_view> ResponseReader::take_physical_line() {
  if (line_.empty() && literals_.empty()) line_base_ = base_ + at_;
  const std::string_view unread(buffer_.data() + at_, buffered());
  const auto end = unread.find('\n', scanned_);
  if (end == std::string_view::npos) {
    scanned_ = unread.size();
    return std::nullopt;
  }
  auto piece = unread.substr(0, end);
  if (piece.ends_with('\r')) piece.remove_suffix(1);
  at_ += end + 1;
  scanned_ = 0;
  return piece;
}

Result<std::optional<Event>> ResponseReader::on_line_end(std::string_view piece) {
  if (piece.find('\0') != std::string_view::npos) return reject("NUL in a line");
  const auto announced = announced_literal(piece);
  const auto whole = line_.empty() ? may_hold_literal(piece) : may_hold_literal(line_);
  if (!announced || !whole) {
    // Gmail has answered BODY[HEADER] with a blank and CRLF between the literal and its `)`
    // (verified 2026-11). Behind a message the same would hide that its size is a lie.
    if (header_ended_ && piece.find_first_not_of(' ') == std::string_view::npos) {
      header_ended_ = false;
      return std::optional<Event>();
    }
    line_ += piece;
    return on_response();
  }
  if (announced->overflow) return reject("the literal is too large");
  line_ += piece.substr(0, announced->tail);
  if (literals_.size() >= kMaxLiteralsPerResponse) return reject("too many literals");
  LiteralValue value;
  value.size = announced->size;
  value.on_wire = piece.size() - announced->tail + 2 + announced->size;
  auto fetch = fetch_ ? parse_next_partial_fetch(*fetch_, line_, literals_)
                      : parse_partial_fetch(line_, literals_);
  value.streamed = fetch.has_value();
  if (!value.streamed && value.size > kMaxInlineLiteral) return reject("the literal is too large");
  literals_.push_back(std::move(value));
  line_ += '\0';
  literal_left_ = announced->size;
  in_literal_ = true;
  header_ended_ = fetch && fetch->body.section.starts_with("HEADER");
  if (!fetch) return std::optional<Event>();
  LiteralBegin begin;
  begin.uid = fetch->so_far.uid;
  begin.body = fetch->body;
  begin.body.streamed = true;
  begin.body.size = announced->size;
  fetch_ = std::move(fetch);
  return std::optional<Event>(std::move(begin));
}

Result<std::optional<Event>> ResponseReader::on_response() {
  last_line_.swap(line_);
  line_.clear();
  last_literals_.swap(literals_);
  literals_.clear();
  header_ended_ = false;
  auto begun = std::exchange(fetch_, std::nullopt);
  if (last_line_.empty()) return std::optional<Event>();  // a stray empty line; Exchange sends them
  std::uint64_t error_at = line_base_;
  auto response = begun ? parse_rest_of_fetch(*std::move(begun), last_line_, last_literals_,
                                              line_base_, &error_at)
                        : parse_response(last_line_, last_literals_, line_base_, &error_at);
  if (!response) {
    error_at_ = error_at;
    error_ = std::move(response).error();
    return fail(*error_);
  }
  return std::visit([](auto& r) { return std::optional<Event>(std::move(r)); }, *response);
}

std::string ResponseReader::response_text() const {
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

}  // namespace mxferry::imap
