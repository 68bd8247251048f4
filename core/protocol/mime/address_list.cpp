// SPDX-License-Identifier: Apache-2.0
#include "protocol/mime/address_list.hpp"

#include <utility>

namespace mxferry::mime {
namespace {

constexpr std::size_t kMostLocal = 64;
constexpr std::size_t kMostDomain = 255;

struct Token {
  enum class Kind { blank, atom, quoted, literal, at, dot };
  Kind kind = Kind::blank;
  std::string text{};
};

using Tokens = std::vector<Token>;

class Reader {
 public:
  Reader(std::string_view value, std::size_t most) : value_(value), most_(most) {}

  std::vector<Address> run() {
    while (at_ < value_.size() && out_.size() < most_) step();
    end_mailbox();
    if (out_.size() > most_) out_.resize(most_);
    return std::move(out_);
  }

 private:
  void step() {
    const char c = value_[at_];
    switch (c) {
      case '(':
        comment();
        return;
      case '"':
        add(Token::Kind::quoted, quoted());
        return;
      case '[':
        add(Token::Kind::literal, literal());
        return;
      case '<':
        // What stood before is a phrase. A second "<" begins again.
        tokens_.clear();
        angle_ = true;
        ++at_;
        return;
      case '>':
        if (angle_) {
          end_mailbox();
          spent_ = true;  // up to the next separator all else is noise
        }
        ++at_;
        return;
      case ',':
        // "<@a,@b:x@c>": commas inside a route separate nothing.
        if (angle_ && !tokens_.empty() && tokens_.front().kind == Token::Kind::at)
          tokens_.clear();
        else
          separate();
        ++at_;
        return;
      case ';':
        separate();
        ++at_;
        return;
      case ':':
        tokens_.clear();  // the end of a route, or of a group's name
        ++at_;
        return;
      case '@':
        add(Token::Kind::at, "");
        ++at_;
        return;
      case '.':
        add(Token::Kind::dot, "");
        ++at_;
        return;
      default:
        break;
    }
    if (is_blank(c)) {
      add(Token::Kind::blank, "");
      ++at_;
      return;
    }
    const auto begin = at_;
    while (at_ < value_.size() && is_atom(value_[at_])) ++at_;
    if (at_ == begin) {
      ++at_;  // a stray ")", "]" or backslash
      add(Token::Kind::blank, "");
      return;
    }
    add(Token::Kind::atom, std::string(value_.substr(begin, at_ - begin)));
  }

  static bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; }
  static bool is_atom(char c) {
    return !is_blank(c) && std::string_view("()<>[]:;@\\,.\"").find(c) == std::string_view::npos;
  }

  void add(Token::Kind kind, std::string text) { tokens_.push_back({kind, std::move(text)}); }

  // A comment that does not end reaches to the end of the value.
  void comment() {
    std::size_t depth = 0;
    for (; at_ < value_.size(); ++at_) {
      const char c = value_[at_];
      if (c == '\\') {
        ++at_;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        ++at_;
        break;
      }
    }
    add(Token::Kind::blank, "");
  }

  std::string quoted() {
    std::string out;
    for (++at_; at_ < value_.size(); ++at_) {
      char c = value_[at_];
      if (c == '"') {
        ++at_;
        break;
      }
      if (c == '\\' && at_ + 1 < value_.size()) c = value_[++at_];
      if (c != '\r' && c != '\n') out += c;
    }
    return out;
  }

  std::string literal() {
    std::string out = "[";
    for (++at_; at_ < value_.size(); ++at_) {
      const char c = value_[at_];
      if (c == ']') {
        ++at_;
        break;
      }
      if (!is_blank(c)) out += c;
    }
    return out + "]";
  }

  void separate() {
    end_mailbox();
    spent_ = false;
  }

  // local "@" domain around the last "@" of what was collected.
  void end_mailbox() {
    angle_ = false;
    const Tokens tokens = std::exchange(tokens_, {});
    if (spent_) return;
    std::size_t at = tokens.size();
    while (at > 0 && tokens[at - 1].kind != Token::Kind::at) --at;
    if (at == 0) return;
    const auto middle = at - 1;

    std::vector<const std::string*> words;
    std::size_t i = middle;
    const auto skip_back = [&] {
      while (i > 0 && tokens[i - 1].kind == Token::Kind::blank) --i;
    };
    bool word_next = true;
    while (i > 0) {
      const auto before = i;
      skip_back();
      if (i == 0) break;
      const auto& token = tokens[i - 1];
      const bool is_word = token.kind == Token::Kind::atom || token.kind == Token::Kind::quoted;
      if (word_next ? !is_word : token.kind != Token::Kind::dot) {
        i = before;
        break;
      }
      if (word_next) words.push_back(&token.text);
      word_next = !word_next;
      --i;
    }
    if (words.empty() || word_next) return;  // "@x" or ".a@x"
    Address address;
    for (auto it = words.rbegin(); it != words.rend(); ++it)
      address.local += (address.local.empty() && it == words.rbegin() ? "" : ".") + **it;

    i = at;
    word_next = true;
    while (i < tokens.size()) {
      while (i < tokens.size() && tokens[i].kind == Token::Kind::blank) ++i;
      if (i == tokens.size()) break;
      const auto& token = tokens[i];
      const bool is_word = token.kind == Token::Kind::atom || token.kind == Token::Kind::literal;
      if (word_next ? !is_word : token.kind != Token::Kind::dot) break;
      address.domain += word_next ? token.text : ".";
      word_next = !word_next;
      ++i;
    }
    while (address.domain.ends_with('.')) address.domain.pop_back();
    for (char& c : address.domain)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (address.domain.empty() || address.domain.size() > kMostDomain) return;
    if (address.local.empty() || address.local.size() > kMostLocal) return;
    if (address.local.starts_with("=?")) return;  // an encoded word is no local part
    for (const char c : address.local)
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return;
    out_.push_back(std::move(address));
  }

  std::string_view value_;
  std::size_t most_;
  std::size_t at_ = 0;
  Tokens tokens_;
  bool angle_ = false;
  bool spent_ = false;
  std::vector<Address> out_;
};

}  // namespace

std::vector<Address> parse_addresses(std::string_view value, std::size_t most) {
  return Reader(value, most).run();
}

}  // namespace mxferry::mime
