// SPDX-License-Identifier: Apache-2.0
#include "master_file.hpp"

#include <charconv>
#include <mxferry/dns_records.hpp>

namespace zonefile {
namespace {

using namespace mxferry::sdk;

struct Token {
  std::string_view text;
  std::size_t begin = 0;
};

// One entry's tokens: up to the end of the line, or of the parentheses that hold it open.
struct Line {
  std::vector<Token> tokens;
  std::size_t begin = 0, end = 0;
  std::size_t number = 0;  // in the file, from 1
  bool blank_first = false;
};

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  /// Nothing at the end; a failure where quotes or parentheses stay open.
  Result<std::optional<Line>> next() {
    if (at_ >= text_.size()) return std::optional<Line>();
    Line line;
    line.begin = at_;
    line.number = number_;
    line.blank_first = text_[at_] == ' ' || text_[at_] == '\t';
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++at_;
        ++number_;
        if (depth == 0) break;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at_;
      } else if (c == ';') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '(' || c == ')') {
        depth += c == '(' ? 1 : -1;
        if (depth < 0) return wrong(line, "a ) without its (");
        ++at_;
      } else if (!token(line)) {
        return wrong(line, "a \" without its end");
      }
    }
    if (depth != 0) return wrong(line, "a ( without its )");
    line.end = at_;
    return std::optional(std::move(line));
  }

  static mxferry::Unexpected<Failure> wrong(const Line& line, const std::string& why) {
    return fail(MXF_INVALID, "line " + std::to_string(line.number) + " of the zone file: " + why);
  }

 private:
  bool token(Line& line) {
    const auto begin = at_;
    const bool quoted = text_[at_] == '"';
    if (quoted) ++at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') break;
      if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
        ++at_;
      } else if (quoted && c == '"') {
        ++at_;
        line.tokens.push_back({text_.substr(begin, at_ - begin), begin});
        return true;
      } else if (!quoted && std::string_view(" \t\r;()\"").find(c) != std::string_view::npos) {
        break;
      }
    }
    if (quoted) return false;
    line.tokens.push_back({text_.substr(begin, at_ - begin), begin});
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t number_ = 1;
};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string absolute(std::string_view name, const std::string& origin) {
  if (name == "@") return origin;
  if (name.ends_with('.') && !name.ends_with("\\.")) return std::string(name);
  return std::string(name) + (origin == "." ? "." : "." + origin);
}

// 3600, or 1h, 1d12h. Nothing where it is none.
std::optional<std::uint32_t> seconds_of(std::string_view text) {
  std::uint64_t total = 0;
  std::uint64_t number = 0;
  bool digits = false;
  for (const char raw : text) {
    if (raw >= '0' && raw <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(raw - '0');
      digits = true;
      if (number > 0x7fffffffU) return {};
      continue;
    }
    const char unit = raw >= 'A' && raw <= 'Z' ? static_cast<char>(raw - 'A' + 'a') : raw;
    const std::uint64_t factor = unit == 's'   ? 1
                                 : unit == 'm' ? 60
                                 : unit == 'h' ? 3600
                                 : unit == 'd' ? 86400
                                 : unit == 'w' ? 604800
                                               : 0;
    if (!digits || factor == 0) return {};
    total += number * factor;
    number = 0;
    digits = false;
  }
  total += number;
  if (text.empty() || total > 0x7fffffffU) return {};
  return static_cast<std::uint32_t>(total);
}

// What stands before the records that follow.
struct Defaults {
  std::string origin;
  std::optional<std::uint32_t> ttl{};
  std::string owner{};
};

Result<void> directive(const Line& line, Defaults& defaults) {
  const auto word = upper(line.tokens[0].text);
  if (word == "$INCLUDE" || word == "$GENERATE")
    return fail(MXF_UNSUPPORTED, "line " + std::to_string(line.number) + " of the zone file: " +
                                     word + " is not followed; edit this zone by hand");
  if (line.tokens.size() < 2) return Lines::wrong(line, word + " without a value");
  if (word == "$ORIGIN") {
    defaults.origin = lower(absolute(line.tokens[1].text, defaults.origin));
    return {};
  }
  const auto ttl = seconds_of(line.tokens[1].text);
  if (word != "$TTL" || !ttl) return Lines::wrong(line, "an unknown directive");
  defaults.ttl = ttl;
  return {};
}

Result<Entry> entry_of(const Line& line, Defaults& defaults) {
  Entry out;
  out.begin = line.begin;
  out.end = line.end;
  out.has_owner = !line.blank_first;
  std::size_t at = 0;
  if (out.has_owner) defaults.owner = lower(absolute(line.tokens[at++].text, defaults.origin));
  if (defaults.owner.empty()) return Lines::wrong(line, "a record without an owner");
  out.owner = defaults.owner;
  auto ttl = defaults.ttl;
  for (int i = 0; i < 2 && at < line.tokens.size(); ++i) {  // TTL and class, in any order
    const auto word = line.tokens[at].text;
    if (upper(word) == "IN") {
      ++at;
    } else if (word.front() >= '0' && word.front() <= '9') {
      ttl = seconds_of(word);
      if (!ttl) return Lines::wrong(line, "a TTL that is none");
      ++at;
    }
  }
  if (at >= line.tokens.size()) return Lines::wrong(line, "a record without a type");
  out.type = upper(line.tokens[at++].text);
  if (out.type == "CH" || out.type == "HS")
    return fail(MXF_UNSUPPORTED, "the zone file holds records of another class than IN");
  if (at >= line.tokens.size()) return Lines::wrong(line, "a record without data");
  if (!ttl)
    return Lines::wrong(line,
                        "a record without a TTL, and no $TTL before it: write one at the top");
  out.ttl = *ttl;
  for (std::size_t i = at; i < line.tokens.size(); ++i) {
    const bool last = i + 1 == line.tokens.size();
    const bool host = out.type == "SOA" ? i < at + 2 : last && ends_in_host(out.type);
    out.rdata +=
        (out.rdata.empty() ? "" : " ") +
        (host ? absolute(line.tokens[i].text, defaults.origin) : std::string(line.tokens[i].text));
  }
  if (out.type == "SOA") {
    if (line.tokens.size() < at + 7) return Lines::wrong(line, "a SOA has seven fields");
    out.serial_begin = line.tokens[at + 2].begin;
    out.serial_end = out.serial_begin + line.tokens[at + 2].text.size();
    const auto serial = line.tokens[at + 2].text;
    if (serial.find_first_not_of("0123456789") != std::string_view::npos || serial.size() > 10)
      return Lines::wrong(line, "a serial that is no number");
  }
  return out;
}

bool touches(const std::vector<Change>& changes, const Entry& entry) {
  return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
    return change.any().name == entry.owner && change.any().type == entry.type;
  });
}

std::string lines_of(const RRset& set) {
  std::string out;
  for (const auto& record : set.records)
    out += set.name + "\t" + std::to_string(set.ttl) + "\tIN\t" + set.type + "\t" + record.rdata +
           "\n";
  return out;
}

}  // namespace

Result<std::vector<Entry>> entries_of(std::string_view text, const std::string& zone) {
  Lines lines(text);
  Defaults defaults;
  defaults.origin = zone;
  std::vector<Entry> out;
  for (;;) {
    MXF_TRY(line, lines.next());
    if (!line) break;
    if (line->tokens.empty()) continue;
    if (line->tokens[0].text.front() == '$' && !line->blank_first) {
      MXF_CHECK(directive(*line, defaults));
      continue;
    }
    MXF_TRY(entry, entry_of(*line, defaults));
    if (!lies_in(entry.owner, zone))
      return Lines::wrong(*line, entry.owner + " does not lie in " + zone);
    out.push_back(std::move(entry));
  }
  const auto soas =
      std::count_if(out.begin(), out.end(), [](const Entry& entry) { return entry.type == "SOA"; });
  if (soas != 1 || out.front().type != "SOA" || out.front().owner != zone)
    return fail(MXF_NOT_FOUND, "the zone file does not begin with the SOA of " + zone);
  return out;
}

std::vector<RRset> rrsets_of(const std::vector<Entry>& entries) {
  std::vector<RRset> out;
  for (const auto& entry : entries) {
    auto set = std::find_if(out.begin(), out.end(), [&](const RRset& s) {
      return s.name == entry.owner && s.type == entry.type;
    });
    if (set == out.end()) {
      out.push_back({entry.owner, entry.type, entry.ttl, {}, {}});
      set = out.end() - 1;
    }
    set->ttl = std::max(set->ttl, entry.ttl);
    set->records.push_back({entry.rdata});
  }
  return out;
}

std::string changed(std::string_view text, const std::vector<Entry>& entries,
                    const std::vector<Change>& changes) {
  std::string out;
  std::size_t copied = 0;
  std::vector<bool> written(changes.size(), false);
  bool previous_gone = false;
  const auto copy_to = [&](std::size_t end) {
    out += text.substr(copied, end - copied);
    copied = end;
  };
  const auto write_set = [&](std::size_t i) {
    if (!written[i] && changes[i].after) out += lines_of(*changes[i].after);
    written[i] = true;
  };
  for (const auto& entry : entries) {
    copy_to(entry.begin);
    if (touches(changes, entry)) {
      for (std::size_t i = 0; i < changes.size(); ++i)
        if (changes[i].any().name == entry.owner && changes[i].any().type == entry.type)
          write_set(i);
      copied = entry.end;
      previous_gone = true;
      continue;
    }
    // It stood for the owner of an entry that is gone.
    if (previous_gone && !entry.has_owner) out += entry.owner;
    previous_gone = false;
    if (entry.type == "SOA") {
      copy_to(entry.serial_begin);
      std::uint32_t serial = 0;
      const auto digits = text.substr(entry.serial_begin, entry.serial_end - entry.serial_begin);
      std::from_chars(digits.data(), digits.data() + digits.size(), serial);
      out += std::to_string(serial + 1U == 0 ? 1U : serial + 1U);  // RFC 1982; 0 is avoided
      copied = entry.serial_end;
    }
    copy_to(entry.end);
  }
  copy_to(text.size());
  if (!out.empty() && out.back() != '\n') out.push_back('\n');
  for (std::size_t i = 0; i < changes.size(); ++i) write_set(i);
  return out;
}

}  // namespace zonefile
