// SPDX-License-Identifier: Apache-2.0
// XML that came from an API: elements, attributes and text; enough for answers, and strict about
// them: in UTF-8, and nothing that is not well-formed by XML 1.0. No document type, no external
// anything, the five named entities and character references, names of ASCII, depth 64;
// namespaces' prefixes stay part of the names. Pure, header only, any thread.
#pragma once

#include <charconv>
#include <mxferry/plugin.hpp>

namespace mxferry::sdk {

struct XmlElement {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes{};
  std::vector<XmlElement> children{};
  std::string text{};  // of this element, its children's left out

  const XmlElement* child(std::string_view wanted) const {
    for (const auto& one : children)
      if (one.name == wanted) return &one;
    return nullptr;
  }
  std::optional<std::string> text_of(std::string_view wanted) const {
    const auto* one = child(wanted);
    return one == nullptr ? std::optional<std::string>() : one->text;
  }
  std::optional<std::string> attribute(std::string_view wanted) const {
    for (const auto& [key, value] : attributes)
      if (key == wanted) return value;
    return {};
  }
};

/// `text` as the inside of an element or of an attribute in double quotes.
inline std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out.push_back(c);
  }
  return out;
}

namespace detail {

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : rest_(text) {}

  std::optional<XmlElement> document() {
    skip("\xef\xbb\xbf");
    if (!is_text(rest_) || !declaration() || !misc()) return {};
    XmlElement root;
    if (!element(root, 0) || !misc() || !rest_.empty()) return {};
    return root;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  // §2.2: what a document may hold at all; XML's own characters are all ASCII.
  static bool is_char(std::uint32_t code) {
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0xd800) ||
           (code >= 0xe000 && code <= 0x10ffff && code != 0xfffe && code != 0xffff);
  }
  static bool is_text(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
      const std::size_t length = byte(0) < 0x80   ? 1
                                 : byte(0) < 0xc2 ? 0
                                 : byte(0) < 0xe0 ? 2
                                 : byte(0) < 0xf0 ? 3
                                                  : 4;
      if (length == 0 || byte(0) > 0xf4 || length > text.size() - at) return false;
      std::uint32_t code = length == 1 ? byte(0) : byte(0) & (0x7fU >> length);
      for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return false;
        code = code << 6U | (byte(i) & 0x3fU);
      }
      static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
      if (code < kLeast[length] || !is_char(code)) return false;
      at += length;
    }
    return true;
  }
  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':';
  }
  bool skip(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void spaces() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }
  bool past(std::string_view end) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + end.size());
    return true;
  }
  // Behind "<!--": two hyphens end it, wherever they stand (§2.5).
  bool comment() { return past("--") && skip(">"); }
  static std::string lower(std::string text) {
    for (auto& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    return text;
  }
  // Behind "<?": any target but the declaration's (§2.6).
  bool instruction() {
    const auto target = name();
    if (target.empty() || lower(target) == "xml") return false;
    return skip("?>") || (!rest_.empty() && is_space(rest_.front()) && past("?>"));
  }
  // §2.8. Another encoding than UTF-8 would be another text.
  bool declaration() {
    if (!rest_.starts_with("<?xml") || rest_.size() < 6 || !is_space(rest_[5])) return true;
    rest_.remove_prefix(5);
    XmlElement said;
    if (!attributes(said) || !skip("?>") || said.attributes.empty()) return false;
    static constexpr std::string_view kOrder[] = {"version", "encoding", "standalone"};
    std::size_t next = 0;
    for (const auto& [key, value] : said.attributes) {
      while (next < 3 && kOrder[next] != key) ++next;
      if (next++ == 3) return false;
      if (key == "version" && value != "1.0" && value != "1.1") return false;
      if (key == "encoding" && lower(value) != "utf-8" && lower(value) != "us-ascii") return false;
      if (key == "standalone" && value != "yes" && value != "no") return false;
    }
    return said.attributes.front().first == "version";
  }
  // White space, comments and processing instructions around the root.
  bool misc() {
    for (;;) {
      spaces();
      if (skip("<?")) {
        if (!instruction()) return false;
      } else if (skip("<!--")) {
        if (!comment()) return false;
      } else {
        return true;
      }
    }
  }
  std::string name() {
    std::string out;
    if (!rest_.empty() && (rest_.front() == '-' || rest_.front() == '.' ||
                           (rest_.front() >= '0' && rest_.front() <= '9')))
      return out;
    while (!rest_.empty() && is_name(rest_.front())) {
      out.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    return out;
  }
  static void utf8(std::uint32_t code, std::string& out) {
    const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0U | code >> 6U);
      put(0x80U | (code & 63U));
    } else if (code < 0x10000) {
      put(0xe0U | code >> 12U);
      put(0x80U | (code >> 6U & 63U));
      put(0x80U | (code & 63U));
    } else {
      put(0xf0U | code >> 18U);
      put(0x80U | (code >> 12U & 63U));
      put(0x80U | (code >> 6U & 63U));
      put(0x80U | (code & 63U));
    }
  }
  // `rest_` stands behind the ampersand.
  bool reference(std::string& out) {
    const auto end = rest_.find(';');
    if (end == std::string_view::npos || end == 0 || end > 10) return false;
    auto word = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (word.front() == '#') {
      word.remove_prefix(1);
      const bool hex = !word.empty() && word.front() == 'x';
      if (hex) word.remove_prefix(1);
      std::uint32_t code = 0;
      const auto* last = word.data() + word.size();
      const auto [at, ec] = std::from_chars(word.data(), last, code, hex ? 16 : 10);
      if (word.empty() || ec != std::errc() || at != last || !is_char(code)) return false;
      utf8(code, out);
      return true;
    }
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (const auto& [named, c] : kNamed)
      if (word == named) {
        out.push_back(c);
        return true;
      }
    return false;
  }
  bool attributes(XmlElement& out) {
    for (;;) {
      const bool apart = !rest_.empty() && is_space(rest_.front());
      spaces();
      if (rest_.empty()) return false;
      if (rest_.front() == '>' || rest_.front() == '/' || rest_.front() == '?') return true;
      if (!apart) return false;
      const auto key = name();
      spaces();
      if (key.empty() || out.attribute(key) || !skip("=")) return false;
      spaces();
      if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return false;
      const char quote = rest_.front();
      rest_.remove_prefix(1);
      std::string value;
      while (!rest_.empty() && rest_.front() != quote) {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '<' || (c == '&' && !reference(value))) return false;
        if (c != '&') value.push_back(c);
      }
      if (!skip(std::string_view(&quote, 1))) return false;
      out.attributes.emplace_back(key, std::move(value));
    }
  }
  bool element(XmlElement& out, int depth) {
    if (depth > 64 || !skip("<")) return false;
    out.name = name();
    if (out.name.empty() || !attributes(out)) return false;
    if (skip("/>")) return true;
    if (!skip(">")) return false;
    while (!rest_.empty()) {
      if (skip("</")) {
        if (name() != out.name) return false;
        spaces();
        return skip(">");
      }
      if (skip("<!--")) {
        if (!comment()) return false;
      } else if (skip("<?")) {
        if (!instruction()) return false;
      } else if (skip("<![CDATA[")) {
        const auto at = rest_.find("]]>");
        if (at == std::string_view::npos) return false;
        out.text += rest_.substr(0, at);
        rest_.remove_prefix(at + 3);
      } else if (rest_.front() == '<') {
        if (!element(out.children.emplace_back(), depth + 1)) return false;
      } else {
        if (rest_.starts_with("]]>")) return false;  // §2.4
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '&' && !reference(out.text)) return false;
        if (c != '&') out.text.push_back(c);
      }
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace detail

/// Nothing where it is not well-formed.
inline std::optional<XmlElement> xml_of(std::string_view text) {
  return detail::XmlReader(text).document();
}

}  // namespace mxferry::sdk
