// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/command.hpp"

#include <utility>

namespace mxferry::imap {
namespace {

void add_text(Command& command, std::string_view text) {
  if (!command.parts.empty())
    if (auto* last = std::get_if<Command::Text>(&command.parts.back())) {
      last->bytes += text;
      return;
    }
  command.parts.emplace_back(Command::Text{std::string(text)});
}

void unsayable(Command& command, std::string_view why) {
  if (command.unsayable.empty()) command.unsayable = why;
}

// Words of our own making, or a plugin's: anything that could end the line or begin a literal is
// not theirs to say.
void add_words(Command& command, std::string_view words) {
  for (const char c : words)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E)
      return unsayable(command, "an argument holds control characters or 8-bit bytes");
  add_text(command, words);
}

// What answers a server's `+`: base64.
void add_answer(Command& command, std::string line) {
  for (const char c : line)
    if (static_cast<unsigned char>(c) < 0x20) unsayable(command, "an answer holds a line end");
  command.parts.emplace_back(Command::AfterContinue{std::move(line)});
}

void add_flags(Command& command, const Flags& flags) {
  for (const auto& name : flags.names())
    if (!is_flag(name)) return unsayable(command, "a keyword is no atom (RFC 9051 §9 flag)");
  add_text(command, "(" + flags.text() + ")");
}

void add_uids(Command& command, const UidSet& uids) {
  if (uids.empty()) unsayable(command, "the set of UIDs is empty");
  add_text(command, " " + uids.text());
}

// A quoted string where it can be one, else a literal (RFC 9051 §4.3): CR, LF and 8-bit bytes need
// the latter. NUL is in neither.
void add_string(Command& command, std::string_view value) {
  if (value.find('\0') != std::string_view::npos) unsayable(command, "a string holds NUL");
  bool plain = value.size() <= 256;
  for (const char c : value) {
    const auto u = static_cast<unsigned char>(c);
    plain = plain && u >= 0x20 && u < 0x7F;
  }
  if (!plain) {
    command.parts.emplace_back(Command::Literal{std::string(value)});
    return;
  }
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  add_text(command, quoted + '"');
}

Command simple(std::string_view name, Effect effect = Effect::read) {
  Command command;
  command.name = name;
  command.effect = effect;
  add_text(command, name);
  return command;
}

Command with_mailbox(std::string_view name, std::string_view mailbox, Effect effect) {
  auto command = simple(name, effect);
  add_text(command, " ");
  add_string(command, mailbox);
  return command;
}

void add_append_head(Command& command, const AppendMessage& message) {
  add_text(command, " ");
  if (!message.flags.empty()) {
    add_flags(command, message.flags);
    add_text(command, " ");
  }
  if (!message.date) return;
  if (!is_sayable(*message.date)) {
    unsayable(command, "the date is beyond what IMAP can say");
    return;  // spelling it would overflow
  }
  add_text(command, "\"" + format_internal_date(*message.date) + "\" ");
}

}  // namespace

Command ReadCommands::capability() { return simple("CAPABILITY"); }
Command ReadCommands::noop() { return simple("NOOP"); }
Command ReadCommands::logout() { return simple("LOGOUT"); }
Command ReadCommands::starttls() { return simple("STARTTLS"); }

Command ReadCommands::login(std::string_view user, std::string_view password) {
  auto command = simple("LOGIN");
  command.secret = true;
  add_text(command, " ");
  add_string(command, user);
  add_text(command, " ");
  add_string(command, password);
  return command;
}

Command ReadCommands::authenticate(std::string_view mechanism, std::string initial, bool sasl_ir) {
  auto command = simple("AUTHENTICATE");
  command.secret = true;
  command.answers_challenges = true;
  add_text(command, " ");
  add_words(command, mechanism);
  if (sasl_ir) {
    add_text(command, " ");
    add_words(command, initial);
  } else {
    add_answer(command, std::move(initial));
  }
  return command;
}

Command ReadCommands::authenticate_login(std::string user64, std::string password64) {
  auto command = simple("AUTHENTICATE");
  command.secret = true;
  add_text(command, " LOGIN");
  add_answer(command, std::move(user64));
  add_answer(command, std::move(password64));
  return command;
}

Command ReadCommands::enable(std::string_view what) {
  auto command = simple("ENABLE");
  add_text(command, " ");
  add_words(command, what);
  return command;
}

Command ReadCommands::name_space() { return simple("NAMESPACE"); }

Command ReadCommands::list(std::string_view reference, std::string_view pattern) {
  auto command = with_mailbox("LIST", reference, Effect::read);
  add_text(command, " ");
  add_string(command, pattern);
  return command;
}

Command ReadCommands::list_return(std::string_view pattern, std::string_view options) {
  auto command = list("", pattern);
  add_text(command, " RETURN (");
  add_words(command, options);
  add_text(command, ")");
  return command;
}

Command ReadCommands::lsub(std::string_view pattern) {
  auto command = with_mailbox("LSUB", "", Effect::read);
  add_text(command, " ");
  add_string(command, pattern);
  return command;
}

Command ReadCommands::status(std::string_view mailbox, std::string_view items) {
  auto command = with_mailbox("STATUS", mailbox, Effect::read);
  add_text(command, " (");
  add_words(command, items);
  add_text(command, ")");
  return command;
}

Command ReadCommands::examine(std::string_view mailbox, bool condstore) {
  auto command = with_mailbox("EXAMINE", mailbox, Effect::read);
  if (condstore) add_text(command, " (CONDSTORE)");
  return command;
}

// CLOSE of a mailbox that was opened with EXAMINE expunges nothing (RFC 9051 §6.4.1); UNSELECT
// never does.
Command ReadCommands::unselect(bool has_unselect) {
  return simple(has_unselect ? "UNSELECT" : "NOOP");
}

Command ReadCommands::uid_fetch(std::string_view set, std::string_view items,
                                std::string_view modifier) {
  auto command = simple("UID FETCH");
  add_text(command, " ");
  add_words(command, set);
  add_text(command, " (");
  add_words(command, items);
  add_text(command, ")");
  if (!modifier.empty()) {
    add_text(command, " ");
    add_words(command, modifier);
  }
  return command;
}

Command ReadCommands::uid_search_all(bool esearch) { return uid_search("ALL", esearch); }

Command ReadCommands::uid_search(std::string_view criteria, bool esearch) {
  auto command = simple("UID SEARCH");
  add_text(command, esearch ? " RETURN (ALL) " : " ");
  add_words(command, criteria);
  return command;
}

Command ReadCommands::quota_root(std::string_view mailbox) {
  return with_mailbox("GETQUOTAROOT", mailbox, Effect::read);
}

Command AppendCommands::select(std::string_view mailbox, bool condstore) {
  auto command = with_mailbox("SELECT", mailbox, Effect::append);
  if (condstore) add_text(command, " (CONDSTORE)");
  return command;
}

Command AppendCommands::create(std::string_view mailbox) {
  return with_mailbox("CREATE", mailbox, Effect::append);
}

Command AppendCommands::create_use(std::string_view mailbox, std::string_view use) {
  auto command = create(mailbox);
  add_text(command, " (USE (");
  add_words(command, use);
  add_text(command, "))");
  return command;
}

Command AppendCommands::subscribe(std::string_view mailbox) {
  return with_mailbox("SUBSCRIBE", mailbox, Effect::append);
}

Command AppendCommands::append(std::string_view mailbox, const std::vector<AppendMessage>& messages,
                               std::vector<std::string> bodies) {
  auto command = with_mailbox("APPEND", mailbox, Effect::append);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    add_append_head(command, messages[i]);
    if (messages[i].binary) add_text(command, "~");
    command.parts.emplace_back(Command::Literal{std::move(bodies[i])});
  }
  return command;
}

Command AppendCommands::append_stream(std::string_view mailbox, const AppendMessage& message) {
  auto command = with_mailbox("APPEND", mailbox, Effect::append);
  add_append_head(command, message);
  command.parts.emplace_back(Command::StreamLiteral{message.size});
  return command;
}

Command AppendCommands::uid_store(const UidSet& uids, std::string_view what, const Flags& flags) {
  auto command = simple("UID STORE", Effect::append);
  add_uids(command, uids);
  add_text(command, " ");
  add_words(command, what);
  add_text(command, " ");
  add_flags(command, flags);
  return command;
}

Command DestinationCommands::uid_expunge(const UidSet& uids) {
  auto command = simple("UID EXPUNGE", Effect::destroy);
  add_uids(command, uids);
  return command;
}

Command DestinationCommands::uid_move(Uid uid, std::string_view mailbox) {
  auto command = simple("UID MOVE", Effect::destroy);
  add_text(command, " " + std::to_string(uid.value) + " ");
  add_string(command, mailbox);
  return command;
}

Command DestinationCommands::unsubscribe(std::string_view mailbox) {
  return with_mailbox("UNSUBSCRIBE", mailbox, Effect::destroy);
}

Command DestinationCommands::remove(std::string_view mailbox) {
  return with_mailbox("DELETE", mailbox, Effect::destroy);
}

Command DestinationCommands::rename(std::string_view from, std::string_view to) {
  auto command = with_mailbox("RENAME", from, Effect::destroy);
  add_text(command, " ");
  add_string(command, to);
  return command;
}

Result<Command> AdminCommands::admin(const std::vector<std::string>& parts) {
  const auto wrong = [](const std::string& why) {
    return fail(ErrorCode::usage, "imap admin command", why);
  };
  if (parts.empty()) return wrong("there is no command");
  for (std::size_t i = 0; i < parts.size(); i += 2)
    for (const char c : parts[i])
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E ||
          c == '"' || c == '{' || c == '}')
        return wrong("its text may hold printable ASCII without quotes and braces only");
  for (std::size_t i = 1; i < parts.size(); i += 2)
    if (parts[i].find('\0') != std::string::npos) return wrong("a string holds NUL");
  auto command = simple(parts[0].substr(0, parts[0].find(' ')), Effect::destroy);
  // Those change what the connection is, or need more than one line: the host does that itself.
  for (const auto* own : {"", "AUTHENTICATE", "LOGIN", "LOGOUT", "STARTTLS", "COMPRESS", "IDLE",
                          "APPEND", "ENABLE", "UNAUTHENTICATE", "UID", "FETCH", "NOTIFY"})
    if (equals_ignoring_case(command.name, own))
      return wrong("the command \"" + command.name + "\" is not offered to plugins");
  command.parts.clear();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % 2 == 0)
      add_text(command, parts[i]);
    else
      add_string(command, parts[i]);
  }
  return command;
}

}  // namespace mxferry::imap
