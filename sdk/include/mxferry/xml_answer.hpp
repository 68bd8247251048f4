// SPDX-License-Identifier: Apache-2.0
// XML that came from an API: elements, attributes and text; enough for answers, and strict about
// them. No document type, no external anything, the five named entities and character references
// of XML 1.0, depth 64; namespaces' prefixes stay part of the names. Pure, header only, any thread.
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
    if (!misc()) return {};
    XmlElement root;
    if (!element(root, 0) || !misc() || !rest_.empty()) return {};
    return root;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
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
  // White space, comments and processing instructions around the root.
  bool misc() {
    for (;;) {
      spaces();
      if (skip("<?")) {
        if (!past("?>")) return false;
      } else if (skip("<!--")) {
        if (!past("-->")) return false;
      } else {
        return true;
      }
    }
  }
  std::string name() {
    std::string out;
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
      if (word.empty() || ec != std::errc() || at != last || code == 0 || code > 0x10ffff ||
          (code >= 0xd800 && code <= 0xdfff))
        return false;
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
      spaces();
      if (rest_.empty()) return false;
      if (rest_.front() == '>' || rest_.front() == '/') return true;
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
        if (!past("-->")) return false;
      } else if (skip("<![CDATA[")) {
        const auto at = rest_.find("]]>");
        if (at == std::string_view::npos) return false;
        out.text += rest_.substr(0, at);
        rest_.remove_prefix(at + 3);
      } else if (rest_.front() == '<') {
        if (!element(out.children.emplace_back(), depth + 1)) return false;
      } else {
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
