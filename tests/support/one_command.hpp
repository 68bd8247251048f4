// SPDX-License-Identifier: Apache-2.0
// OneCommand: a server's reader of a client's command, written from RFC 9051 §9 alone and without a
// line of ours, so that it can judge what our encoder sends.
#pragma once

#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mxferry::test {

/// A word of a command: what kind of thing stood there, and its bytes.
struct Word {
  enum Kind { atom, string, open, close } kind;
  std::string bytes;
  bool operator==(const Word&) const = default;
};

/// A server: strict where the RFC is. `waits`: it takes literals that the client announced with {n}
/// and sent after a `+`, beside those that came with {n+}.
class OneCommand {
 public:
  explicit OneCommand(std::string_view wire, bool waits = false) : wire_(wire), waits_(waits) {}
  /// The words behind the tag; nothing if the bytes are anything but one command.
  std::optional<std::vector<Word>> read() {
    if (tag().empty()) return std::nullopt;
    std::vector<Word> out;
    while (true) {
      if (wire_.starts_with("\r\n")) return wire_.size() == 2 ? std::optional(out) : std::nullopt;
      // One blank before each word, none behind "(" and before ")".
      const bool glued = !out.empty() && out.back().kind == Word::open;
      if (!glued && !wire_.starts_with(")") && !take(' ')) return std::nullopt;
      auto word = next();
      if (!word) return std::nullopt;
      out.push_back(*std::move(word));
    }
  }

 private:
  bool take(char c) {
    if (!wire_.starts_with(c)) return false;
    wire_.remove_prefix(1);
    return true;
  }
  std::string tag() {
    std::string out;
    while (!wire_.empty() && std::isalnum(static_cast<unsigned char>(wire_[0]))) {
      out += wire_[0];
      wire_.remove_prefix(1);
    }
    return out;
  }
  std::optional<Word> next() {
    if (take('(')) return Word{Word::open, ""};
    if (take(')')) return Word{Word::close, ""};
    if (take('"')) {
      Word out{Word::string, ""};
      while (!wire_.empty()) {
        const char c = wire_[0];
        wire_.remove_prefix(1);
        if (c == '"') return out;
        if (c == '\r' || c == '\n' || c == '\0' || static_cast<unsigned char>(c) > 0x7F)
          return std::nullopt;
        if (c == '\\') {
          if (wire_.empty() || (wire_[0] != '"' && wire_[0] != '\\')) return std::nullopt;
          out.bytes += wire_[0];
          wire_.remove_prefix(1);
          continue;
        }
        out.bytes += c;
      }
      return std::nullopt;
    }
    if (take('{')) {
      std::size_t size = 0;
      std::size_t digits = 0;
      while (!wire_.empty() && wire_[0] >= '0' && wire_[0] <= '9') {
        size = size * 10 + static_cast<std::size_t>(wire_[0] - '0');
        wire_.remove_prefix(1);
        if (++digits > 9) return std::nullopt;
      }
      const std::string_view end = waits_ && !wire_.starts_with('+') ? "}\r\n" : "+}\r\n";
      if (digits == 0 || !wire_.starts_with(end)) return std::nullopt;
      wire_.remove_prefix(end.size());
      if (wire_.size() < size) return std::nullopt;
      Word out{Word::string, std::string(wire_.substr(0, size))};
      wire_.remove_prefix(size);
      if (out.bytes.find('\0') != std::string::npos) return std::nullopt;  // CHAR8 of a literal
      return out;
    }
    Word out{Word::atom, ""};
    if (wire_.starts_with('\\')) {  // flag
      out.bytes += '\\';
      wire_.remove_prefix(1);
    }
    while (!wire_.empty()) {
      const auto u = static_cast<unsigned char>(wire_[0]);
      // ATOM-CHAR, and what numbers, sets and sections have
      if (u <= 0x20 || u >= 0x7F || kNoAtom.find(wire_[0]) != std::string_view::npos) break;
      out.bytes += wire_[0];
      wire_.remove_prefix(1);
    }
    if (out.bytes.empty() || out.bytes == "\\") return std::nullopt;
    return out;
  }
  static constexpr std::string_view kNoAtom = "(){%\"\\]";
  std::string_view wire_;
  bool waits_;
};

}  // namespace mxferry::test
