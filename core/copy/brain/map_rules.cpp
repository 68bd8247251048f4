// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/map_rules.hpp"

#include <algorithm>

#include "base/escape.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

struct Word {
  std::string text{};
  std::size_t column = 0;  // from 1
  bool quoted = false;
};

// The words of one line, or the column at which a quote is opened and not closed.
std::optional<std::size_t> cut(std::string_view line, std::vector<Word>& out) {
  std::size_t i = 0;
  while (true) {
    while (i < line.size() && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r')) ++i;
    if (i == line.size() || line[i] == '#') return std::nullopt;
    Word word;
    word.column = i + 1;
    if (line[i] == '"') {
      word.quoted = true;
      for (++i;; ++i) {
        if (i == line.size()) return word.column;
        if (line[i] == '"') break;
        if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '"') ++i;
        word.text += line[i];
      }
      ++i;
    } else {
      while (i < line.size() && line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
        word.text += line[i++];
    }
    out.push_back(std::move(word));
  }
}

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> out;
  while (true) {
    const auto slash = path.find('/');
    out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

// INBOX is one folder in any spelling; what lies below it keeps its own.
std::string plain(std::string text) {
  const auto head = text.substr(0, text.find('/'));
  if (imap::is_inbox(head)) text.replace(0, head.size(), "INBOX");
  return text;
}

bool has_empty_part(std::string_view path) {
  const auto parts = parts_of(path);
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
}

// The highest \N that `target` names; 0: none.
int highest_group(std::string_view target) {
  int highest = 0;
  for (std::size_t i = 0; i + 1 < target.size(); ++i)
    if (target[i] == '\\' && target[i + 1] >= '1' && target[i + 1] <= '9')
      highest = std::max(highest, target[i + 1] - '0');
  return highest;
}

}  // namespace

Result<MapRules> MapRules::parse(std::string_view text, const std::string& file) {
  MapRules out;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    const auto bad = [&](std::size_t column, const std::string& what) {
      return fail(ErrorCode::config,
                  file + ":" + std::to_string(number) + ":" + std::to_string(column), what);
    };
    std::vector<Word> words;
    if (const auto open = cut(line, words)) return bad(*open, "this quote is not closed");
    if (words.empty()) continue;
    std::size_t at = 0;
    const auto need = [&](const char* what) -> Result<Word> {
      if (at < words.size()) return words[at++];
      return bad(line.size() + 1, std::string("expected ") + what + ", found the end of the line");
    };
    const auto found = [](const Word& word) { return "found \"" + escape_line(word.text) + "\""; };
    Rule rule;
    rule.line = number;
    MXF_TRY(kind, need("exact, prefix, glob, re2 or skip"));
    if (kind.text == "skip" && !kind.quoted) {
      rule.skip = true;
      MXF_TRY(next, need("exact, prefix, glob or re2"));
      kind = std::move(next);
    }
    MXF_TRY(pattern, need("a pattern"));
    rule.text = plain(pattern.text);
    int groups = 0;
    if (kind.quoted || (kind.text != "exact" && kind.text != "prefix" && kind.text != "glob" &&
                        kind.text != "re2"))
      return bad(kind.column, "expected exact, prefix, glob or re2, " + found(kind));
    if (kind.text == "prefix") rule.kind = Rule::Kind::prefix;
    if (kind.text == "glob" || kind.text == "re2") {
      rule.kind = Rule::Kind::pattern;
      auto made = kind.text == "glob" ? Result<Pattern>(Pattern::glob(rule.text))
                                      : Pattern::regex(pattern.text);
      if (!made)
        return bad(pattern.column, "not a regular expression of RE2: " + made.error().text);
      groups = made->groups();
      rule.pattern = std::move(*made);
    } else if (has_empty_part(rule.text)) {
      return bad(pattern.column, "expected a path without empty parts, " + found(pattern));
    }
    if (!rule.skip) {
      MXF_TRY(arrow, need("->"));
      if (arrow.text != "->" || arrow.quoted)
        return bad(arrow.column, "expected ->, " + found(arrow));
      MXF_TRY(target, need("the folder at the destination"));
      rule.target = plain(target.text);
      if (has_empty_part(rule.target))
        return bad(target.column, "expected a path without empty parts, " + found(target));
      if (highest_group(rule.target) > groups)
        return bad(target.column, "\\" + std::to_string(highest_group(rule.target)) +
                                      " is named, and the pattern has " + std::to_string(groups) +
                                      " groups");
      if (at < words.size() && words[at].text == "merge" && !words[at].quoted) {
        rule.merge = true;
        ++at;
      }
    }
    if (at < words.size())
      return bad(words[at].column, "expected the end of the line, " + found(words[at]));
    out.rules_.push_back(std::move(rule));
  }
  return out;
}

std::optional<MapTarget> MapRules::find(const std::vector<std::string>& path) const {
  const auto text = plain(joined_path(path));
  for (const auto& rule : rules_) {
    std::optional<std::string> to;
    switch (rule.kind) {
      case Rule::Kind::exact:
        if (text == rule.text) to = rule.target;
        break;
      case Rule::Kind::prefix:
        if (text == rule.text) {
          to = rule.target;
        } else if (text.starts_with(rule.text + "/")) {
          to = rule.target + text.substr(rule.text.size());
        }
        break;
      case Rule::Kind::pattern:
        to = rule.pattern->rewrite(text, rule.target);
        break;
    }
    if (!to) continue;
    MapTarget out;
    out.skip = rule.skip;
    out.merge = rule.merge;
    out.line = rule.line;
    if (!out.skip) {
      out.path = parts_of(*to);
      if (has_empty_part(*to)) out.problem = "the rule makes a name with an empty part of it";
    }
    return out;
  }
  return std::nullopt;
}

}  // namespace mxferry::copy
