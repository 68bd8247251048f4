// SPDX-License-Identifier: Apache-2.0
#include "config/notice_template.hpp"

#include <algorithm>
#include <array>

#include "base/escape.hpp"
#include "base/read_file.hpp"

namespace mxferry::config {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 4> kNotices = {"before-users", "before-operators",
                                                      "after-users", "after-operators"};
constexpr std::array<std::string_view, 12> kNames = {
    "contact",   "domain",    "imap_port", "imap_security", "imap_server", "lead",
    "mailboxes", "migration", "not_moved", "old_server",    "plan",        "settings"};

struct Piece {
  std::string_view before;  // text as it is
  std::string_view name;    // empty: the end
  std::size_t at = 0;       // of the braces
};

bool is_known(std::string_view name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The pieces of a template; `bad` gets the place where a brace is not closed.
std::vector<Piece> pieces_of(std::string_view text, std::size_t& bad) {
  std::vector<Piece> out;
  std::size_t at = 0;
  bad = std::string_view::npos;
  for (;;) {
    const auto open = text.find("{{", at);
    if (open == std::string_view::npos) {
      out.push_back({text.substr(at), {}, text.size()});
      return out;
    }
    const auto close = text.find("}}", open);
    const auto line_end = text.find('\n', open);
    if (close == std::string_view::npos || line_end < close) {
      bad = open;
      return out;
    }
    out.push_back(
        {text.substr(at, open - at), trimmed(text.substr(open + 2, close - open - 2)), open});
    at = close + 2;
  }
}

Unexpected<Error> at_place(const std::string& file, std::string_view text, std::size_t at,
                           const std::string& what) {
  const auto before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto begin = before.rfind('\n');
  const auto column = begin == std::string_view::npos ? at + 1 : at - begin;
  return fail(ErrorCode::config, file + ":" + std::to_string(line) + ":" + std::to_string(column),
              what);
}

Result<std::string> read_text(const fs::path& file) {
  auto text = read_file(file.string());
  if (text && !is_utf8(*text)) return fail(ErrorCode::config, file.string(), "not UTF-8");
  return text;
}

}  // namespace

std::span<const std::string_view> notice_names() { return kNotices; }
std::span<const std::string_view> template_names() { return kNames; }

Result<void> check_template(std::string_view text, const std::string& file) {
  std::size_t bad = 0;
  for (const auto& piece : pieces_of(text, bad)) {
    if (piece.at == text.size() || is_known(piece.name)) continue;
    std::string known;
    for (const auto name : kNames) known += (known.empty() ? "" : ", ") + std::string(name);
    return at_place(file, text, piece.at,
                    "unknown name {{" + escape_line(piece.name) + "}}; known: " + known);
  }
  if (bad != std::string_view::npos)
    return at_place(file, text, bad, "{{ without }} in the same line");
  return {};
}

Result<std::string> render_template(std::string_view text, const TemplateValues& values,
                                    bool html) {
  std::size_t bad = 0;
  std::string out;
  const auto shown = [&](const std::string& value) {
    return html ? escape_html(value) : escape_line(value);
  };
  for (const auto& piece : pieces_of(text, bad)) {
    out += piece.before;
    if (piece.at == text.size()) break;
    const auto value = values.find(std::string(piece.name));
    if (value == values.end())
      return fail(ErrorCode::internal, "notice",
                  "no value for {{" + std::string(piece.name) + "}}");
    if (!value->second.is_list) {
      out += shown(value->second.text);
      continue;
    }
    bool first = true;
    for (const auto& item : value->second.items) {
      if (!first) out += '\n';
      first = false;
      out += html ? "<li>" + shown(item) + "</li>" : "  - " + shown(item);
    }
  }
  if (bad != std::string_view::npos)
    return fail(ErrorCode::internal, "notice", "{{ without }} in a template");
  return out;
}

Result<std::map<std::string, std::string>> read_templates(const fs::path& folder) {
  std::error_code ec;
  if (!fs::is_directory(folder, ec))
    return fail(ErrorCode::config, folder.string(), "notice.templates is not a folder");
  std::map<std::string, std::string> out;
  for (const auto name : kNotices) {
    const fs::path text = folder / (std::string(name) + ".txt");
    const fs::path html = folder / (std::string(name) + ".html");
    if (!fs::exists(text, ec) && !fs::exists(html, ec)) continue;
    for (const auto& file : {text, html}) {
      MXF_TRY(content, read_text(file));
      MXF_CHECK(check_template(content, file.string()));
      out[file.filename().string()] = std::move(content);
    }
    const auto& plain = out[text.filename().string()];
    const auto end = plain.find('\n');
    if (!plain.starts_with("Subject: ") || end == std::string::npos)
      return fail(ErrorCode::config, text.string() + ":1:1",
                  "expected \"Subject: …\" in the first line");
  }
  if (out.empty()) {
    Error error = fail(ErrorCode::config, folder.string(), "no template in this folder").error();
    return fail(std::move(error.with_remedy(
        "name them before-users.txt and before-users.html, before-operators, after-users, "
        "after-operators")));
  }
  return out;
}

}  // namespace mxferry::config
