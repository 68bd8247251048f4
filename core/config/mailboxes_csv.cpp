// SPDX-License-Identifier: Apache-2.0
#include "config/mailboxes_csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <sstream>

#include "base/escape.hpp"

namespace mxferry::config {
namespace {

struct Cell {
  std::string text;
  std::size_t line = 0;
  std::size_t column = 0;
};

Unexpected<Error> wrong(const std::string& name, std::size_t line, std::size_t column,
                        const std::string& what) {
  return fail(ErrorCode::config, name + ":" + std::to_string(line) + ":" + std::to_string(column),
              what);
}

// record = field *("," field) CRLF; field = quoted / plain (RFC 4180 §2)
Result<std::vector<std::vector<Cell>>> read_records(std::string_view text,
                                                    const std::string& name) {
  std::vector<std::vector<Cell>> records;
  std::vector<Cell> record;
  std::size_t line = 1;
  std::size_t column = 1;
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  while (at < text.size()) {
    Cell cell;
    cell.line = line;
    cell.column = column;
    if (text[at] == '"') {
      ++at;
      ++column;
      bool closed = false;
      while (at < text.size()) {
        if (text[at] == '"' && at + 1 < text.size() && text[at + 1] == '"') {
          cell.text += '"';
          at += 2;
          column += 2;
        } else if (text[at] == '"') {
          ++at;
          ++column;
          closed = true;
          break;
        } else {
          if (text[at] == '\n') {
            ++line;
            column = 0;
          }
          cell.text += text[at++];
          ++column;
        }
      }
      if (!closed)
        return wrong(name, cell.line, cell.column,
                     "expected a closing quote, found the end of the file");
      if (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r')
        return wrong(name, line, column,
                     "expected a comma or the end of the line behind a closing quote");
    } else {
      while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
        if (text[at] == '"')
          return wrong(name, line, column,
                       "a quote inside a plain field: put the whole field in quotes");
        cell.text += text[at++];
        ++column;
      }
    }
    record.push_back(std::move(cell));
    if (at < text.size() && text[at] == ',') {
      ++at;
      ++column;
      if (at == text.size() || text[at] == '\n' || text[at] == '\r')
        record.push_back({"", line, column});
    }
    if (at == text.size() || text[at] == '\n' || text[at] == '\r') {
      if (at < text.size() && text[at] == '\r') ++at;
      if (at < text.size() && text[at] == '\n') ++at;
      ++line;
      column = 1;
      const bool blank = record.size() == 1 && record[0].text.empty();
      const bool comment = !record[0].text.empty() && record[0].text[0] == '#';
      if (!blank && !comment) records.push_back(std::move(record));
      record.clear();
    }
  }
  if (!record.empty()) records.push_back(std::move(record));
  return records;
}

bool is_reference(const std::string& text) {
  static constexpr std::array<const char*, 4> kSchemes = {"env:", "file:", "vault:", "exec:"};
  return std::any_of(kSchemes.begin(), kSchemes.end(), [&](const char* scheme) {
    return text.starts_with(scheme) && text.size() > std::string_view(scheme).size();
  });
}

// "100M", "5G", "1048576": bytes in powers of 1024.
bool parse_quota(const std::string& text, std::uint64_t& out) {
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end == text.data()) return false;
  const std::string unit(end, text.data() + text.size());
  unsigned shift = 0;
  if (unit == "K") shift = 10;
  if (unit == "M") shift = 20;
  if (unit == "G") shift = 30;
  if (unit == "T") shift = 40;
  if (!unit.empty() && shift == 0) return false;
  if (shift != 0 && number > (UINT64_MAX >> shift)) return false;
  out = number << shift;
  return true;
}

}  // namespace

Result<std::vector<Mailbox>> parse_mailboxes_csv(std::string_view text, const std::string& name) {
  if (!is_utf8(text)) return wrong(name, 1, 1, "the file is not UTF-8");
  MXF_TRY(records, read_records(text, name));
  if (records.empty())
    return wrong(name, 1, 1, "expected a header line: source,dest,source_secret,dest_secret");
  static const std::set<std::string> known = {"source", "dest", "source_secret", "dest_secret",
                                              "wave",   "lane", "quota",         "aliases"};
  std::map<std::string, std::size_t> columns;
  for (std::size_t i = 0; i < records[0].size(); ++i) {
    const Cell& cell = records[0][i];
    if (cell.text == "source_password" || cell.text == "dest_password" || cell.text == "password") {
      auto error =
          wrong(name, cell.line, cell.column,
                "the column \"" + cell.text +
                    "\" would hold literal passwords, which are never read from this file");
      Error out = error.error();
      return fail(std::move(
          out.with_remedy("put each password into a file of mode 0600 or the environment and name "
                          "it: file:PATH or env:NAME in source_secret, dest_secret")));
    }
    if (!known.contains(cell.text))
      return wrong(
          name, cell.line, cell.column,
          "unknown column \"" + escape_line(cell.text) +
              "\"; known: source, dest, source_secret, dest_secret, wave, lane, quota, aliases");
    if (!columns.emplace(cell.text, i).second)
      return wrong(name, cell.line, cell.column, "the column \"" + cell.text + "\" stands twice");
  }
  for (const char* needed : {"source", "dest", "source_secret", "dest_secret"})
    if (!columns.contains(needed))
      return wrong(name, records[0][0].line, 1,
                   std::string("the column \"") + needed + "\" is missing");

  std::vector<Mailbox> out;
  std::map<std::string, std::size_t> seen;
  for (std::size_t r = 1; r < records.size(); ++r) {
    const auto& record = records[r];
    if (record.size() != records[0].size())
      return wrong(name, record[0].line, record.back().column,
                   "expected " + std::to_string(records[0].size()) + " fields, found " +
                       std::to_string(record.size()));
    const auto cell = [&](const char* column) -> const Cell& {
      static const Cell kNone;
      const auto it = columns.find(column);
      return it == columns.end() ? kNone : record[it->second];
    };
    Mailbox box;
    box.source = cell("source").text;
    box.dest = cell("dest").text;
    if (box.source.empty())
      return wrong(name, cell("source").line, cell("source").column,
                   "expected the source mailbox, found nothing");
    if (box.dest.empty()) box.dest = box.source;
    for (const char* column : {"source_secret", "dest_secret"}) {
      const Cell& secret = cell(column);
      if (is_reference(secret.text)) continue;
      Error error = wrong(name, secret.line, secret.column,
                          std::string("expected a reference in ") + column +
                              " (env:NAME or file:PATH); a literal password is refused")
                        .error();
      return fail(std::move(
          error.with_remedy("put the password into a file of mode 0600 and write file:PATH here")));
    }
    box.source_secret = cell("source_secret").text;
    box.dest_secret = cell("dest_secret").text;
    box.wave = cell("wave").text;
    box.lane = cell("lane").text;
    if (const Cell& quota = cell("quota"); !quota.text.empty()) {
      std::uint64_t bytes = 0;
      if (!parse_quota(quota.text, bytes))
        return wrong(
            name, quota.line, quota.column,
            "expected a quota such as 500M or 5G, found \"" + escape_line(quota.text) + "\"");
      box.quota_bytes = bytes;
    }
    std::istringstream aliases(cell("aliases").text);
    for (std::string alias; aliases >> alias;) box.aliases.push_back(alias);
    const auto [first, fresh] = seen.emplace(box.dest, record[0].line);
    if (!fresh)
      return wrong(name, cell("dest").line, cell("dest").column,
                   "two rows copy into \"" + escape_line(box.dest) + "\" (the other is line " +
                       std::to_string(first->second) + ")");
    out.push_back(std::move(box));
  }
  if (out.empty())
    return wrong(name, records[0][0].line, 1, "expected at least one mailbox below the header");
  return out;
}

}  // namespace mxferry::config
