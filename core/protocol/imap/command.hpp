// SPDX-License-Identifier: Apache-2.0
// Commands: what a session of a given role can say. A role is fixed at connect; the encoder of a
// role has only the commands that the role may send, so that a read-only session has no mutating
// command to encode:
//
//   ReadCommands         ReadOnly        LOGIN.. LIST STATUS EXAMINE UID FETCH UID SEARCH NOOP
//   AppendCommands       RollbackAppend  + SELECT CREATE SUBSCRIBE APPEND UID STORE
//   DestinationCommands  Destination     + UID EXPUNGE UID MOVE UNSUBSCRIBE DELETE RENAME
//
// Session::submit checks the effect of a command against its role once more. A Command is a list of
// parts: text, literals whose bytes are here, literals whose bytes stream in later, and lines that
// wait for the server's `+`. Whatever bytes an argument holds, a server reads exactly one command
// with that argument, or nothing is sent: strings are quoted or literals, and what neither can
// carry (NUL, a keyword that is no atom, a date beyond the grammar) makes the command unsayable.
// Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "protocol/imap/flags.hpp"
#include "protocol/imap/internal_date.hpp"
#include "protocol/imap/uid_set.hpp"

namespace mxferry::imap {

enum class MailboxRole { ReadOnly, Destination, RollbackAppend };
enum class Effect { read, append, destroy };

struct Command {
  struct Text {
    std::string bytes;
  };
  struct Literal {
    std::string bytes;
  };
  struct StreamLiteral {
    std::uint64_t size;
  };
  struct AfterContinue {
    std::string bytes;
  };
  using Part = std::variant<Text, Literal, StreamLiteral, AfterContinue>;

  std::string name;  // for errors and logs: "UID FETCH"
  Effect effect = Effect::read;
  bool secret = false;              // holds a credential: never logged, wiped after sending
  bool answers_challenges = false;  // an unexpected `+` gets an empty line (OAuth error challenge)
  std::vector<Part> parts;          // without the tag and the final CRLF
  // Why it cannot be said: an argument that no encoding carries. Session::submit refuses it.
  std::string unsayable{};
};

/// One message of an APPEND: the size decides how it is announced, the bytes may come later.
struct AppendMessage {
  Flags flags;
  std::optional<InternalDate> date;
  std::uint64_t size = 0;
  bool binary = false;  // sent as literal8 (RFC 3516 §4.4): it may hold NUL
};

struct ReadCommands {
  static Command capability();
  static Command noop();
  static Command logout();
  static Command starttls();
  static Command login(std::string_view user, std::string_view password);
  /// `initial` is base64; with SASL-IR (RFC 4959) it goes on the command line, else it answers the
  /// first `+`.
  static Command authenticate(std::string_view mechanism, std::string initial, bool sasl_ir);
  /// LOGIN mechanism: two answers.
  static Command authenticate_login(std::string user64, std::string password64);
  static Command enable(std::string_view what);
  static Command name_space();
  static Command list(std::string_view reference, std::string_view pattern);
  /// RFC 5258 / 6154 / 5819: LIST "" "*" RETURN (...).
  static Command list_return(std::string_view pattern, std::string_view options);
  static Command lsub(std::string_view pattern);
  static Command status(std::string_view mailbox, std::string_view items);
  static Command examine(std::string_view mailbox, bool condstore);
  static Command unselect(bool has_unselect);
  /// `set` as text, so that `5:*` can be said. `modifier` is empty or `(CHANGEDSINCE n)`.
  static Command uid_fetch(std::string_view set, std::string_view items,
                           std::string_view modifier = {});
  static Command uid_search_all(bool esearch);
  /// `criteria` in US-ASCII: "SINCE 1-Feb-2026", "LARGER 1000".
  static Command uid_search(std::string_view criteria, bool esearch);
  static Command quota_root(std::string_view mailbox);
};

struct AppendCommands : ReadCommands {
  static Command select(std::string_view mailbox, bool condstore);
  static Command create(std::string_view mailbox);
  /// RFC 6154 §3: CREATE with USE.
  static Command create_use(std::string_view mailbox, std::string_view use);
  static Command subscribe(std::string_view mailbox);
  /// Messages whose bytes are at hand: one APPEND, or MULTIAPPEND for more than one.
  static Command append(std::string_view mailbox, const std::vector<AppendMessage>& messages,
                        std::vector<std::string> bodies);
  /// One message whose bytes come through Session::put_literal.
  static Command append_stream(std::string_view mailbox, const AppendMessage& message);
  /// `what` is "+FLAGS.SILENT" or "-FLAGS.SILENT".
  static Command uid_store(const UidSet& uids, std::string_view what, const Flags& flags);
};

struct DestinationCommands : AppendCommands {
  static Command uid_expunge(const UidSet& uids);
  /// RFC 6851 §3.2.
  static Command uid_move(Uid uid, std::string_view mailbox);
  static Command unsubscribe(std::string_view mailbox);
  static Command remove(std::string_view mailbox);
  static Command rename(std::string_view from, std::string_view to);
};

/// A command whose words a provider plugin chose (the host service `imap`), for a Destination
/// session only. `parts` 0, 2, 4, … are text, 1, 3, 5, … are strings that are quoted or sent as
/// literals. usage: a text that holds anything but printable ASCII, a quote or a brace; a command
/// that would change the connection itself (LOGIN, STARTTLS, IDLE, APPEND, …); no command at all.
struct AdminCommands {
  static Result<Command> admin(const std::vector<std::string>& parts);
};

/// May a session of this role send a command of this effect?
constexpr bool permits(MailboxRole role, Effect effect) {
  switch (role) {
    case MailboxRole::ReadOnly:
      return effect == Effect::read;
    case MailboxRole::RollbackAppend:
      return effect != Effect::destroy;
    case MailboxRole::Destination:
      return true;
  }
  return false;
}

}  // namespace mxferry::imap
