// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/parser.hpp"

#include <utility>

#include "protocol/imap/limits.hpp"

namespace mxferry::imap {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Recursive descent over one line. A failing rule sets error_ once and returns false / nothing;
// callers unwind.
class Parser {
 public:
  Parser(std::string_view line, std::span<const LiteralValue> literals, std::uint64_t base)
      : line_(line), literals_(literals), base_(base) {}

  Result<Response> response();
  // Reads the beginning of a FETCH answer up to a body whose literal is to come, or goes on from
  // one such place to the next.
  std::optional<PartialFetch> partial_fetch();
  std::optional<PartialFetch> partial_fetch(PartialFetch begun);
  // Goes on to the end of the line.
  Result<Response> rest_of_fetch(PartialFetch begun);
  // In the connection: a literal stands for all of its octets there.
  std::uint64_t error_offset() const {
    std::uint64_t offset = base_ + error_at_;
    std::size_t literal = 0;
    for (std::size_t i = 0; i < error_at_ && i < line_.size() && literal < literals_.size(); ++i)
      if (line_[i] == '\0') offset += literals_[literal++].on_wire - 1;
    return offset;
  }

 private:
  bool at_end() const { return at_ >= line_.size(); }
  char peek() const { return at_end() ? '\n' : line_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool expect(char c, const char* what) { return take(c) || bad(what); }
  void blanks() {
    while (take(' ')) {
    }
  }
  bool bad(std::string what) {
    if (error_.empty()) {
      error_ = std::move(what);
      error_at_ = at_;
    }
    return false;
  }
  Unexpected<Error> failure() const {
    return fail(ErrorCode::protocol, "imap response",
                error_ + " at offset " + std::to_string(error_offset()));
  }

  // What stops an atom here; generous, because servers are: only structure counts.
  static bool ends_atom(char c) {
    return c == ' ' || c == '(' || c == ')' || c == '"' || c == '\0' || c == '\n' || c == '\r';
  }
  std::string_view atom() {
    const auto begin = at_;
    while (!at_end() && !ends_atom(line_[at_])) ++at_;
    return line_.substr(begin, at_ - begin);
  }
  bool word(std::string_view& out, const char* what) {
    out = atom();
    return !out.empty() || bad(what);
  }
  bool number(std::uint64_t& out, std::uint64_t max) {
    if (!is_digit(peek())) return bad("a number was expected");
    std::uint64_t n = 0;
    while (is_digit(peek())) {
      const auto digit = static_cast<std::uint64_t>(line_[at_] - '0');
      if (n > (max - digit) / 10) return bad("number out of range");
      n = n * 10 + digit;
      ++at_;
    }
    out = n;
    return true;
  }
  bool number32(std::uint32_t& out) {
    std::uint64_t n = 0;
    if (!number(n, 0xFFFFFFFFULL)) return false;
    out = static_cast<std::uint32_t>(n);
    return true;
  }
  bool literal(const LiteralValue*& out) {
    if (!take('\0')) return bad("a literal was expected");
    if (next_literal_ >= literals_.size()) return bad("a literal is missing");
    out = &literals_[next_literal_++];
    return true;
  }
  bool quoted(std::string& out) {
    if (!expect('"', "a quoted string was expected")) return false;
    while (true) {
      if (at_end()) return bad("the quoted string does not end");
      const char c = line_[at_++];
      if (c == '"') return true;
      if (c == '\\') {
        if (at_end()) return bad("the quoted string does not end");
        out += line_[at_++];
      } else {
        out += c;
      }
    }
  }
  // The text between quotes where it holds no escape, so that it can be read in place; else nothing
  // is taken.
  std::optional<std::string_view> plain_quoted() {
    if (peek() != '"') return std::nullopt;
    const auto end = line_.find('"', at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const auto out = line_.substr(at_ + 1, end - at_ - 1);
    if (out.find('\\') != std::string_view::npos) return std::nullopt;
    at_ = end + 1;
    return out;
  }
  // astring / nstring: quoted, literal or atom (which may hold `]` and, from some servers, anything
  // printable).
  bool astring(std::string& out) {
    if (peek() == '"') return quoted(out);
    if (peek() == '\0') {
      const LiteralValue* value = nullptr;
      if (!literal(value)) return false;
      out = value->content;
      return true;
    }
    const auto a = atom();
    if (a.empty()) return bad("a string was expected");
    out = a;
    return true;
  }
  bool nstring(std::optional<std::string>& out) {
    std::string text;
    const bool bare = peek() != '"' && peek() != '\0';
    if (!astring(text)) return false;
    if (bare && equals_ignoring_case(text, "NIL")) {
      out.reset();
    } else {
      out = std::move(text);
    }
    return true;
  }
  // Anything: skipped, so that unknown data items do not matter.
  bool skip_value(int depth = 0) {
    if (depth > kMaxDepth) return bad("nested too deep");
    if (take('(')) {
      while (true) {
        blanks();
        if (take(')')) return true;
        if (at_end()) return bad("the list does not end");
        if (!skip_value(depth + 1)) return false;
      }
    }
    std::string text;
    if (peek() == '[') {  // a section without a name; not valid, but harmless
      while (!at_end() && peek() != ']') ++at_;
      return expect(']', "the section does not end");
    }
    return astring(text);
  }
  // Anything, kept.
  bool value(Value& out, int depth = 0) {
    if (depth > kMaxDepth) return bad("nested too deep");
    if (take('(')) {
      out.kind = Value::Kind::list;
      while (true) {
        blanks();
        if (take(')')) return true;
        if (at_end()) return bad("the list does not end");
        if (!value(out.items.emplace_back(), depth + 1)) return false;
      }
    }
    std::optional<std::string> text;
    if (!nstring(text)) return false;
    if (text) {
      out.kind = Value::Kind::text;
      out.text = std::move(*text);
    }
    return true;
  }
  bool word_list(std::vector<std::string>& out) {
    if (!expect('(', "a list was expected")) return false;
    while (true) {
      blanks();
      if (take(')')) return true;
      if (at_end()) return bad("the list does not end");
      std::string text;
      if (!astring(text)) return false;
      out.push_back(std::move(text));
    }
  }
  bool words_to_end(std::vector<std::string>& out) {
    blanks();
    while (!at_end()) {
      std::string text;
      if (!astring(text)) return false;
      out.push_back(std::move(text));
      blanks();
    }
    return true;
  }
  bool uid_set(UidSet& out) {
    const auto begin = at_;
    const auto text = atom();
    auto set = UidSet::parse(text);
    if (!set) {
      at_ = begin;
      return bad("a UID set was expected");
    }
    out = std::move(set).value();
    return true;
  }

  bool status_text(Status status, StatusResponse& out);
  bool response_code(std::string_view inside, ResponseCode& code);
  bool untagged(Untagged& out);
  bool numbered(Untagged& out);
  bool list(bool lsub, Untagged& out);
  bool status_data(Untagged& out);
  bool esearch(Untagged& out);
  bool namespaces(Untagged& out);
  bool one_namespace(std::vector<Namespace>& out);
  bool quota(Untagged& out);
  bool delimiter(std::optional<char>& out);
  bool fetch_items(FetchData& out);
  bool fetch_item(FetchData& out);
  bool body_value(BodyItem body, FetchData& out);
  bool resume(PartialFetch& begun);
  std::optional<PartialFetch> broken_off(FetchData so_far);
  bool fetch_flags(Flags& out);
  bool section(BodyItem& out);

  std::string_view line_;
  std::span<const LiteralValue> literals_;
  std::uint64_t base_;
  std::size_t at_ = 0;
  std::size_t next_literal_ = 0;
  std::string error_;
  std::size_t error_at_ = 0;
  int open_ = 0;  // lists of a FETCH answer that have begun
  // In a line that breaks off: the body item whose value comes next.
  bool partial_ = false;
  std::optional<BodyItem> open_body_;
};

std::optional<Status> status_word(std::string_view word) {
  if (equals_ignoring_case(word, "OK")) return Status::ok;
  if (equals_ignoring_case(word, "NO")) return Status::no;
  if (equals_ignoring_case(word, "BAD")) return Status::bad;
  if (equals_ignoring_case(word, "PREAUTH")) return Status::preauth;
  if (equals_ignoring_case(word, "BYE")) return Status::bye;
  return std::nullopt;
}

Result<Response> Parser::response() {
  if (take('+')) {
    take(' ');
    Continuation out;
    out.text = line_.substr(at_);
    return Response(std::move(out));
  }
  if (take('*')) {
    if (!expect(' ', "a blank was expected")) return failure();
    blanks();
    Untagged out;
    if (!untagged(out)) return failure();
    return Response(std::move(out));
  }
  if (peek() == '[') {
    // Exchange has sent `[COPYUID 55 31 6]` without "* OK" (verified 2026-11): what it means is
    // clear.
    StatusResponse status;
    if (!status_text(Status::ok, status)) return failure();
    if (status.code.name.empty()) {
      at_ = 0;
      bad("the response code does not end");
      return failure();
    }
    return Response(Untagged(std::move(status)));
  }
  Tagged out;
  std::string_view tag;
  std::string_view word_text;
  if (!word(tag, "a tag was expected") || !expect(' ', "a blank was expected") ||
      !word(word_text, "a status was expected"))
    return failure();
  const auto status = status_word(word_text);
  if (!status || *status == Status::preauth || *status == Status::bye) {
    bad("OK, NO or BAD was expected");
    return failure();
  }
  out.tag = tag;
  if (!status_text(*status, out.response)) return failure();
  return Response(std::move(out));
}

bool Parser::status_text(Status status, StatusResponse& out) {
  out.status = status;
  blanks();
  if (peek() == '[') {
    // The code ends at the first `]` outside of a quoted string. Without one the bracket belongs to
    // the text.
    std::size_t end = at_ + 1;
    bool in_quotes = false;
    // Cyrus keeps keywords with `]` in them and lists them here (verified 2026-11).
    constexpr std::string_view kFlags = "[PERMANENTFLAGS (";
    if (equals_ignoring_case(line_.substr(at_, kFlags.size()), kFlags))
      end = std::min(line_.find(')', end), line_.size());
    while (end < line_.size() && (in_quotes || line_[end] != ']')) {
      if (line_[end] == '\\' && in_quotes)
        ++end;
      else if (line_[end] == '"')
        in_quotes = !in_quotes;
      ++end;
    }
    if (end < line_.size()) {
      const auto inside = line_.substr(at_ + 1, end - at_ - 1);
      ++at_;
      if (!response_code(inside, out.code)) return false;
      at_ = end + 1;
      blanks();
    }
  }
  out.text = line_.substr(at_);
  at_ = line_.size();
  return true;
}

bool Parser::response_code(std::string_view inside, ResponseCode& code) {
  const auto blank = inside.find(' ');
  code.name = to_upper(inside.substr(0, blank));
  if (blank != std::string_view::npos) code.args = inside.substr(blank + 1);
  Parser args(code.args, {}, base_ + at_ + code.name.size() + 1);
  const auto pass_on = [&] {
    error_ = args.error_;
    error_at_ = at_ + code.name.size() + 1 + args.error_at_;
    return false;
  };
  const auto& n = code.name;
  if (n == "UIDVALIDITY" || n == "UIDNEXT" || n == "UNSEEN") {
    std::uint64_t value = 0;
    if (!args.number(value, 0xFFFFFFFFULL)) return pass_on();
    code.number = value;
  } else if (n == "HIGHESTMODSEQ") {
    // Zoho has sent -1 here (verified 2026-11): no number is no mod-sequence.
    std::uint64_t value = 0;
    if (is_digit(args.peek())) {
      if (!args.number(value, 0x7FFFFFFFFFFFFFFFULL)) return pass_on();
      code.number = value;
    }
  } else if (n == "CAPABILITY") {
    if (!args.words_to_end(code.words)) return pass_on();
  } else if (n == "PERMANENTFLAGS" || n == "BADCHARSET") {
    if (args.peek() == '(' && !args.word_list(code.words)) return pass_on();
  } else if (n == "APPENDUID" || n == "COPYUID") {
    // Outlook.com sends `[COPYUID n  ]`: without sets the code says nothing. An answer that cannot
    // be read must not turn the server's OK into a failure, so a malformed code only stays without
    // its fields.
    std::uint32_t validity = 0;
    UidSet first;
    if (args.number32(validity) && args.take(' ') && args.uid_set(first)) {
      UidSet second;
      if (n == "APPENDUID" || (args.take(' ') && args.uid_set(second))) {
        code.uid_validity = UidValidity(validity);
        code.first = std::move(first);
        code.second = std::move(second);
      }
    }
  }
  return true;
}

bool Parser::untagged(Untagged& out) {
  if (is_digit(peek())) return numbered(out);
  std::string_view name;
  if (!word(name, "a response name was expected")) return false;
  if (const auto status = status_word(name)) {
    StatusResponse response;
    if (!status_text(*status, response)) return false;
    out = std::move(response);
    return true;
  }
  blanks();
  const auto is = [&](std::string_view what) { return equals_ignoring_case(name, what); };
  if (is("CAPABILITY")) {
    CapabilityData data;
    if (!words_to_end(data.names)) return false;
    out = std::move(data);
  } else if (is("ENABLED")) {
    EnabledData data;
    if (!words_to_end(data.names)) return false;
    out = std::move(data);
  } else if (is("FLAGS")) {
    FlagsData data;
    if (!word_list(data.names)) return false;
    out = std::move(data);
  } else if (is("LIST") || is("XLIST")) {
    return list(false, out);
  } else if (is("LSUB")) {
    return list(true, out);
  } else if (is("STATUS")) {
    return status_data(out);
  } else if (is("SEARCH")) {
    SearchData data;
    while (!at_end()) {
      if (peek() == '(') {  // (MODSEQ n)
        if (!skip_value()) return false;
      } else {
        std::uint32_t n = 0;
        if (!number32(n)) return false;
        data.numbers.push_back(n);
      }
      blanks();
    }
    out = std::move(data);
  } else if (is("ESEARCH")) {
    return esearch(out);
  } else if (is("VANISHED")) {
    VanishedData data;
    if (peek() == '(') {
      std::vector<std::string> words;
      if (!word_list(words)) return false;
      for (const auto& w : words) data.earlier = data.earlier || equals_ignoring_case(w, "EARLIER");
      blanks();
    }
    if (!uid_set(data.uids)) return false;
    out = std::move(data);
  } else if (is("NAMESPACE")) {
    return namespaces(out);
  } else if (is("QUOTA")) {
    return quota(out);
  } else if (is("QUOTAROOT")) {
    QuotaRootData data;
    if (!astring(data.mailbox) || !words_to_end(data.roots)) return false;
    out = std::move(data);
  } else {
    OtherData data;
    data.name = to_upper(name);
    data.rest = line_.substr(at_);
    out = std::move(data);
  }
  return true;
}

bool Parser::numbered(Untagged& out) {
  std::uint32_t n = 0;
  std::string_view name;
  if (!number32(n) || !expect(' ', "a blank was expected") ||
      !word(name, "a response name was expected"))
    return false;
  if (equals_ignoring_case(name, "EXISTS")) {
    out = ExistsData{n};
  } else if (equals_ignoring_case(name, "RECENT")) {
    out = RecentData{n};
  } else if (equals_ignoring_case(name, "EXPUNGE")) {
    out = ExpungeData{n};
  } else if (equals_ignoring_case(name, "FETCH")) {
    FetchData data;
    data.sequence = n;
    blanks();
    if (!expect('(', "a list was expected")) return false;
    open_ = 1;
    if (!fetch_items(data)) return false;
    out = std::move(data);
  } else {
    OtherData data;
    data.name = to_upper(name);
    data.rest = line_.substr(at_);
    out = std::move(data);
  }
  return true;
}

bool Parser::delimiter(std::optional<char>& out) {
  std::optional<std::string> text;
  if (!nstring(text)) return false;
  if (text && text->size() > 1) return bad("a delimiter of one character was expected");
  if (text && !text->empty()) out = text->front();
  return true;
}

bool Parser::list(bool lsub, Untagged& out) {
  ListData data;
  data.lsub = lsub;
  if (!word_list(data.attributes)) return false;
  blanks();
  if (!delimiter(data.delimiter)) return false;
  blanks();
  // A name may be an atom with characters that no atom has (MailEnable, old Exchange): take the
  // rest of the line.
  if (peek() == '"' || peek() == '\0') {
    if (!astring(data.name)) return false;
  } else {
    auto rest = line_.substr(at_);
    const auto extended = rest.find(" (");
    rest = rest.substr(0, extended);
    if (rest.empty() || rest.find('\0') != std::string_view::npos)
      return bad("a name was expected");
    data.name = rest;
    at_ += rest.size();
  }
  blanks();
  // RFC 5258 §6: ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("x")).
  if (take('(')) {
    while (true) {
      blanks();
      if (take(')')) break;
      if (at_end()) return bad("the list does not end");
      std::string tag;
      if (!astring(tag)) return false;
      blanks();
      if (equals_ignoring_case(tag, "CHILDINFO") && peek() == '(') {
        if (!word_list(data.child_info)) return false;
      } else if (equals_ignoring_case(tag, "OLDNAME") && peek() == '(') {
        std::vector<std::string> names;
        if (!word_list(names)) return false;
        if (!names.empty()) data.old_name = names.front();
      } else if (!skip_value()) {
        return false;
      }
    }
  }
  out = std::move(data);
  return true;
}

bool Parser::status_data(Untagged& out) {
  StatusData data;
  if (!astring(data.name)) return false;
  blanks();
  if (!expect('(', "a list was expected")) return false;
  while (true) {
    blanks();
    if (take(')')) break;
    if (at_end()) return bad("the list does not end");
    std::string_view item;
    if (!word(item, "a status item was expected")) return false;
    blanks();
    if (!is_digit(peek())) {  // MAILBOXID (x), or a -1
      if (!skip_value()) return false;
      continue;
    }
    std::uint64_t n = 0;
    if (!number(n, 0x7FFFFFFFFFFFFFFFULL)) return false;
    const auto is = [&](std::string_view what) { return equals_ignoring_case(item, what); };
    if ((is("UIDNEXT") || is("UIDVALIDITY")) && n > 0xFFFFFFFFULL)
      return bad("number out of range");
    if (is("MESSAGES"))
      data.messages = n;
    else if (is("UIDNEXT"))
      data.uid_next = Uid(static_cast<std::uint32_t>(n));
    else if (is("UIDVALIDITY"))
      data.uid_validity = UidValidity(static_cast<std::uint32_t>(n));
    else if (is("UNSEEN"))
      data.unseen = n;
    else if (is("SIZE"))
      data.size = n;
    else if (is("HIGHESTMODSEQ"))
      data.highest_modseq = ModSeq(n);
  }
  out = std::move(data);
  return true;
}

bool Parser::esearch(Untagged& out) {
  ESearchData data;
  if (take('(')) {
    std::string name;
    if (!astring(name)) return false;
    blanks();
    if (!astring(data.tag)) return false;
    blanks();
    if (!expect(')', "the correlator does not end")) return false;
    blanks();
  }
  while (!at_end()) {
    std::string_view item;
    if (!word(item, "a result was expected")) return false;
    blanks();
    if (equals_ignoring_case(item, "UID")) {
      data.uid = true;
      continue;
    }
    if (equals_ignoring_case(item, "ALL")) {
      UidSet set;
      if (!uid_set(set)) return false;
      data.all = std::move(set);
    } else if (equals_ignoring_case(item, "MODSEQ")) {
      std::uint64_t n = 0;
      if (!number(n, 0x7FFFFFFFFFFFFFFFULL)) return false;
      data.modseq = ModSeq(n);
    } else if (equals_ignoring_case(item, "MIN") || equals_ignoring_case(item, "MAX") ||
               equals_ignoring_case(item, "COUNT")) {
      std::uint32_t n = 0;
      if (!number32(n)) return false;
      if (equals_ignoring_case(item, "MIN"))
        data.min = n;
      else if (equals_ignoring_case(item, "MAX"))
        data.max = n;
      else
        data.count = n;
    } else if (!skip_value()) {
      return false;
    }
    blanks();
  }
  out = std::move(data);
  return true;
}

bool Parser::one_namespace(std::vector<Namespace>& out) {
  if (peek() != '(') {
    std::optional<std::string> nil;
    return nstring(nil) && (!nil || bad("NIL was expected"));
  }
  take('(');
  while (true) {
    blanks();
    if (take(')')) return true;
    if (!expect('(', "a namespace was expected")) return false;
    Namespace entry;
    if (!astring(entry.prefix)) return false;
    blanks();
    if (!delimiter(entry.delimiter)) return false;
    while (true) {  // RFC 2342 extensions: string (strings)
      blanks();
      if (take(')')) break;
      if (at_end()) return bad("the namespace does not end");
      if (!skip_value()) return false;
    }
    out.push_back(std::move(entry));
  }
}

bool Parser::namespaces(Untagged& out) {
  NamespaceData data;
  if (!one_namespace(data.personal)) return false;
  blanks();
  if (!one_namespace(data.other_users)) return false;
  blanks();
  if (!one_namespace(data.shared)) return false;
  out = std::move(data);
  return true;
}

bool Parser::quota(Untagged& out) {
  QuotaData data;
  if (!astring(data.root)) return false;
  blanks();
  // Courier leaves the list out where the root has no limit.
  const bool no_list = at_end();
  if (!no_list && !expect('(', "a list was expected")) return false;
  while (!no_list) {
    blanks();
    if (take(')')) break;
    if (at_end()) return bad("the list does not end");
    QuotaData::Resource resource;
    std::string_view name;
    if (!word(name, "a resource was expected")) return false;
    resource.name = to_upper(name);
    blanks();
    if (!number(resource.usage, 0x7FFFFFFFFFFFFFFFULL)) return false;
    blanks();
    if (!number(resource.limit, 0x7FFFFFFFFFFFFFFFULL)) return false;
    data.resources.push_back(std::move(resource));
  }
  out = std::move(data);
  return true;
}

// Up to the end of the lists that have begun. Domino puts some items into parentheses of their own
// (verified 2026-11): (UID 7 (ENVELOPE (..)) FLAGS ()).
bool Parser::fetch_items(FetchData& out) {
  while (open_ > 0) {
    blanks();
    if (take(')')) {
      --open_;
    } else if (at_end()) {
      return bad("the FETCH answer does not end");
    } else if (peek() == '(') {
      if (open_ > kMaxDepth) return bad("nested too deep");
      take('(');
      ++open_;
    } else {
      if (!fetch_item(out)) return false;
      if (open_body_) return true;
    }
  }
  return true;
}

// What follows the name up to its value: `[HEADER.FIELDS (A B)]<0>`.
bool Parser::section(BodyItem& out) {
  if (!expect('[', "a section was expected")) return false;
  const auto end = line_.find(']', at_);
  if (end == std::string_view::npos) return bad("the section does not end");
  for (const char c : line_.substr(at_, end - at_)) {
    if (c == '\0') return bad("a literal inside a section");
    if (c != '"') out.section += c;  // some servers quote the field names
  }
  out.section = to_upper(out.section);
  at_ = end + 1;
  if (take('<')) {
    std::uint64_t n = 0;
    if (!number(n, 0xFFFFFFFFULL) || !expect('>', "the origin does not end")) return false;
    out.origin = n;
  }
  return true;
}

// Atoms as they are. A string (no grammar has one here) may hold what no flag has.
bool Parser::fetch_flags(Flags& out) {
  if (!expect('(', "a list was expected")) return false;
  std::vector<std::string> names;
  while (true) {
    blanks();
    if (take(')')) break;
    if (at_end()) return bad("the list does not end");
    const bool is_string = peek() == '"' || peek() == '\0';
    std::string name;
    if (!astring(name)) return false;
    names.push_back(is_string ? as_flag(name) : std::move(name));
  }
  out = Flags(std::move(names));
  return true;
}

bool Parser::body_value(BodyItem body, FetchData& out) {
  (void)take('~');
  if (peek() == '\0') {
    const LiteralValue* value = nullptr;
    if (!literal(value)) return false;
    body.size = value->size;
    body.streamed = value->streamed;
    if (!value->streamed) body.inline_text = value->content;
  } else {
    std::optional<std::string> text;
    if (!nstring(text)) return false;
    if (text) body.size = text->size();
    body.inline_text = std::move(text);
  }
  out.bodies.push_back(std::move(body));
  return true;
}

bool Parser::fetch_item(FetchData& out) {
  const auto begin = at_;
  while (!at_end() && !ends_atom(line_[at_]) && line_[at_] != '[') ++at_;
  const auto name = line_.substr(begin, at_ - begin);
  if (name.empty()) return bad("a FETCH item was expected");
  const auto is = [&](std::string_view what) { return equals_ignoring_case(name, what); };
  const bool body_section = (is("BODY") || is("BINARY")) && peek() == '[';
  if (body_section || is("RFC822") || is("RFC822.HEADER") || is("RFC822.TEXT")) {
    BodyItem body;
    if (body_section) {
      if (!section(body)) return false;
    } else {
      body.section = is("RFC822") ? "" : to_upper(name.substr(7));
    }
    blanks();
    if (partial_ && at_end()) {
      open_body_ = std::move(body);
      return true;
    }
    return body_value(std::move(body), out);
  }
  blanks();
  if (is("UID")) {
    std::uint32_t n = 0;
    if (!number32(n)) return false;
    if (n == 0) return bad("UID 0");
    out.uid = Uid(n);
  } else if (is("FLAGS")) {
    Flags flags;
    if (!fetch_flags(flags)) return false;
    out.flags = std::move(flags);
  } else if (is("INTERNALDATE")) {
    // What is no date is none: one such message must not end the connection for all others.
    if (const auto plain = plain_quoted()) {
      out.internal_date = parse_internal_date(*plain);
    } else {
      std::optional<std::string> text;
      if (!nstring(text)) return false;
      if (text) out.internal_date = parse_internal_date(*text);
    }
  } else if (is("RFC822.SIZE")) {
    std::uint64_t n = 0;
    if (!number(n, 0x7FFFFFFFFFFFFFFFULL)) return false;
    out.size = n;
  } else if (is("MODSEQ")) {
    if (!expect('(', "a list was expected")) return false;
    std::uint64_t n = 0;
    if (is_digit(peek())) {
      if (!number(n, 0x7FFFFFFFFFFFFFFFULL)) return false;
      out.modseq = ModSeq(n);
    } else if (!skip_value()) {
      return false;
    }
    return expect(')', "the list does not end");
  } else if (is("EMAILID")) {
    std::vector<std::string> words;
    if (!word_list(words)) return false;
    if (!words.empty()) out.email_id = words.front();
  } else if (is("BODYSTRUCTURE")) {
    Value structure;
    if (!value(structure)) return false;
    out.structure = body_structure(structure);
  } else {
    if (peek() == '[') {
      BodyItem ignored;
      if (!section(ignored)) return false;
      blanks();
    }
    return skip_value();
  }
  return true;
}

std::optional<PartialFetch> Parser::partial_fetch() {
  partial_ = true;
  std::uint32_t n = 0;
  std::string_view name;
  if (!take('*') || !take(' ')) return std::nullopt;
  blanks();
  if (!is_digit(peek()) || !number32(n) || !take(' ') || !word(name, "") ||
      !equals_ignoring_case(name, "FETCH"))
    return std::nullopt;
  blanks();
  FetchData so_far;
  so_far.sequence = n;
  if (!take('(')) return std::nullopt;
  open_ = 1;
  if (!fetch_items(so_far) || !open_body_) return std::nullopt;
  return broken_off(std::move(so_far));
}

std::optional<PartialFetch> Parser::broken_off(FetchData so_far) {
  PartialFetch out;
  out.so_far = std::move(so_far);
  out.body = *std::move(open_body_);
  out.at = at_;
  out.literals = next_literal_;
  out.open = open_;
  return out;
}

// Past the value of the body at which it broke off.
bool Parser::resume(PartialFetch& begun) {
  at_ = begun.at;
  next_literal_ = begun.literals;
  open_ = begun.open;
  return body_value(std::move(begun.body), begun.so_far);
}

std::optional<PartialFetch> Parser::partial_fetch(PartialFetch begun) {
  partial_ = true;
  if (!resume(begun) || !fetch_items(begun.so_far) || !open_body_) return std::nullopt;
  return broken_off(std::move(begun.so_far));
}

Result<Response> Parser::rest_of_fetch(PartialFetch begun) {
  if (!resume(begun) || !fetch_items(begun.so_far)) return failure();
  return Response(Untagged(std::move(begun.so_far)));
}

}  // namespace

Result<Response> parse_response(std::string_view line, std::span<const LiteralValue> literals,
                                std::uint64_t base, std::uint64_t* error_at) {
  Parser parser(line, literals, base);
  auto out = parser.response();
  if (!out && error_at != nullptr) *error_at = parser.error_offset();
  return out;
}

std::optional<PartialFetch> parse_partial_fetch(std::string_view line,
                                                std::span<const LiteralValue> literals) {
  return Parser(line, literals, 0).partial_fetch();
}

std::optional<PartialFetch> parse_next_partial_fetch(PartialFetch begun, std::string_view line,
                                                     std::span<const LiteralValue> literals) {
  return Parser(line, literals, 0).partial_fetch(std::move(begun));
}

Result<Response> parse_rest_of_fetch(PartialFetch begun, std::string_view line,
                                     std::span<const LiteralValue> literals, std::uint64_t base,
                                     std::uint64_t* error_at) {
  Parser parser(line, literals, base);
  auto out = parser.rest_of_fetch(std::move(begun));
  if (!out && error_at != nullptr) *error_at = parser.error_offset();
  return out;
}

bool may_hold_literal(std::string_view line) {
  if (!line.starts_with("* ")) return false;
  line.remove_prefix(2);
  while (line.starts_with(' ')) line.remove_prefix(1);
  return !status_word(line.substr(0, line.find(' ')));
}

}  // namespace mxferry::imap
