// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/pattern.hpp"

#include <re2/re2.h>
#include <algorithm>

#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

std::shared_ptr<const re2::RE2> compile(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_max_mem(1 << 20);
  return std::make_shared<const re2::RE2>(text, options);
}

}  // namespace

Pattern Pattern::glob(std::string_view text) {
  std::string out;
  std::size_t literal = 0;
  const auto flush = [&](std::size_t to) {
    out += re2::RE2::QuoteMeta(
        re2::StringPiece(text.data() + literal, static_cast<int>(to - literal)));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '*' && text[i] != '?') continue;
    flush(i);
    if (text[i] == '?') {
      out += "([^/])";
    } else if (i + 1 < text.size() && text[i + 1] == '*') {
      out += "(.*)";
      ++i;
    } else {
      out += "([^/]*)";
    }
    literal = i + 1;
  }
  flush(text.size());
  return Pattern(compile(out));
}

Result<Pattern> Pattern::regex(std::string_view text) {
  auto re = compile(std::string(text));
  if (!re->ok()) return fail(ErrorCode::config, "pattern", re->error());
  return Pattern(std::move(re));
}

bool Pattern::matches(std::string_view path) const {
  return re_->ok() && re2::RE2::FullMatch(re2::StringPiece(path.data(), path.size()), *re_);
}

std::optional<std::string> Pattern::rewrite(std::string_view path, std::string_view to) const {
  if (!re_->ok()) return std::nullopt;
  constexpr int kGroups = 10;
  re2::StringPiece parts[kGroups];
  const re2::StringPiece text(path.data(), path.size());
  if (!re_->Match(text, 0, path.size(), re2::RE2::ANCHOR_BOTH, parts,
                  std::min(kGroups, 1 + re_->NumberOfCapturingGroups())))
    return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] != '\\' || i + 1 == to.size()) {
      out += to[i];
      continue;
    }
    const char next = to[++i];
    if (next >= '0' && next <= '9') {
      const auto& part = parts[next - '0'];
      out.append(part.data(), part.size());
    } else {
      out += next;
    }
  }
  return out;
}

int Pattern::groups() const { return re_->ok() ? re_->NumberOfCapturingGroups() : 0; }

FolderChoice::FolderChoice(const FolderFilter& filter) {
  const auto ready = [](const std::vector<std::string>& globs, std::vector<Pattern>& out) {
    for (const auto& glob : globs) {
      const std::string text = imap::is_inbox(glob) ? "INBOX" : glob;
      out.push_back(Pattern::glob(text));
      out.push_back(Pattern::glob(text + "/**"));
    }
  };
  ready(filter.only, only_);
  ready(filter.except, except_);
}

bool FolderChoice::takes(const std::vector<std::string>& path) const {
  auto parts = path;
  if (!parts.empty() && imap::is_inbox(parts.front())) parts.front() = "INBOX";
  const auto text = joined_path(parts);
  const auto in = [&](const std::vector<Pattern>& patterns) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const Pattern& p) { return p.matches(text); });
  };
  return (only_.empty() || in(only_)) && !in(except_);
}

std::string joined_path(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& part : path) out += (out.empty() ? "" : "/") + part;
  return out;
}

}  // namespace mxferry::copy
