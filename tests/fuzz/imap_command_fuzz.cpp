// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as the arguments of a command. A reader that shares nothing with the encoder
// reads exactly one command with these arguments, however literals are announced, or nothing is
// sent. The first three bytes choose the command, the literal mode and where the arguments part.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/imap/session.hpp"
#include "support/one_command.hpp"

namespace {

using namespace mxferry::imap;
using mxferry::Uid;
using mxferry::test::OneCommand;
using mxferry::test::Word;
using D = DestinationCommands;

struct Said {
  Command command;
  std::vector<std::string> strings;  // that it must hold, in their order
  std::string streamed{};            // the bytes of a literal that comes later
};

AppendMessage message_of(std::string_view a, std::uint64_t size) {
  AppendMessage out;
  out.flags = Flags::parse(a);
  std::int64_t instant = 0;
  std::memcpy(&instant, a.data(), std::min(a.size(), sizeof instant));
  if (a.size() > 3)
    out.date = InternalDate{std::chrono::sys_seconds(std::chrono::seconds(instant >> 24)),
                            std::chrono::minutes(static_cast<int>(a.size()) * 7 - 300)};
  out.size = size;
  return out;
}

UidSet uids_of(std::string_view a) {
  UidSet out;
  for (std::size_t i = 0; i + 1 < a.size(); i += 2) {
    const auto first = static_cast<unsigned char>(a[i]);
    const auto last = static_cast<unsigned char>(a[i + 1]);
    out.add(Uid(first * first + 1U), Uid(last * last + 1U));
  }
  return out;
}

Said append_said(const std::string& mailbox, const AppendMessage& message,
                 const std::string& body) {
  Said out{D::append(mailbox, {message}, {body}), {mailbox}};
  if (message.date && is_sayable(*message.date))
    out.strings.push_back(format_internal_date(*message.date));
  out.strings.push_back(body);
  return out;
}

Said said(unsigned which, const std::string& a, const std::string& b) {
  switch (which % 32) {
    case 0:
      return {D::login(a, b), {a, b}};
    case 1:
      return {D::list(a, b), {a, b}};
    case 2:
      return {D::list_return(a, b), {"", a}};
    case 3:
      return {D::lsub(a), {"", a}};
    case 4:
      return {D::status(a, "MESSAGES UIDNEXT"), {a}};
    case 5:
      return {D::examine(a, b.empty()), {a}};
    case 6:
      return {D::select(a, b.empty()), {a}};
    case 7:
      return {D::create(a), {a}};
    case 8:
      return {D::create_use(a, "\\Sent"), {a}};
    case 9:
      return {D::subscribe(a), {a}};
    case 10:
      return {D::unsubscribe(a), {a}};
    case 11:
      return {D::remove(a), {a}};
    case 12:
      return {D::rename(a, b), {a, b}};
    case 13:
      return {D::quota_root(a), {a}};
    case 14:
      return append_said(a, message_of(b, 2), "hi");
    case 15: {
      auto out = append_said("c", message_of(a, b.size()), b);
      out.command = D::append("c", {message_of(a, b.size()), message_of("", 1)}, {b, "x"});
      out.strings.emplace_back("x");
      return out;
    }
    case 16: {
      auto out = append_said(a, message_of(b, b.size()), b);
      out.command = D::append_stream(a, message_of(b, b.size()));
      out.streamed = b;
      return out;
    }
    case 17:
      return {D::uid_store(uids_of(b), "+FLAGS.SILENT", Flags::parse(a)), {}};
    case 18:
      return {D::uid_expunge(uids_of(a)), {}};
    case 19:
      return {D::uid_move(Uid(7), a), {a}};
    case 20:
      return {D::uid_fetch("1:*", "FLAGS", b.empty() ? "" : "(CHANGEDSINCE 7)"), {}};
    case 21:
      return {D::authenticate(a, b, false), {}};
    case 22:
      return {D::enable(a), {}};
    case 23:
      return {D::uid_search("LARGER 1000", b.empty()), {}};
    case 24:
      return {D::uid_search_all(b.empty()), {}};
    case 25:
      return {D::unselect(b.empty()), {}};
    case 26:
      return {D::starttls(), {}};
    case 27:
      return {D::name_space(), {}};
    case 28:
      return {D::capability(), {}};
    case 29:
      return {D::logout(), {}};
    case 30:
      if (auto command = AdminCommands::admin({"SETACL ", a, " ", b, " lrs"}))
        return {*command, {a, b}};
      return {D::noop(), {}};
    default:
      if (auto command = AdminCommands::admin({a, b})) (void)command;
      return {D::noop(), {}};
  }
}

// Everything that is sent, with a server that asks for what it is to wait for.
std::optional<std::string> wire_of(const Said& said, LiteralMode mode) {
  Session session(MailboxRole::Destination);
  session.set_literal_mode(mode);
  if (!session.submit(said.command)) {
    if (session.has_output() || session.pending() != 0) std::abort();
    return std::nullopt;
  }
  std::string sent;
  bool asked = false;
  while (session.has_output() || session.literal_wanted() > 0) {
    if (session.literal_wanted() > 0) {
      if (session.literal_wanted() != said.streamed.size()) std::abort();
      if (session.put_literal(said.streamed + "x")) std::abort();
      if (!session.put_literal(said.streamed)) std::abort();
    }
    const auto piece = session.take_output();
    sent += piece;
    if (said.command.answers_challenges ? asked : !piece.ends_with("}\r\n")) continue;
    asked = true;
    session.feed("+ go on\r\n");
    const auto event = session.poll();
    if (!event || !event->has_value()) std::abort();
  }
  return sent;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  std::string rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  if (data[0] % 32 == 15 || data[0] % 32 == 16) std::erase(rest, '\0');  // no body of ours has one
  const std::size_t cut = rest.empty() ? 0 : data[2] % (rest.size() + 1);
  const auto it = said(data[0], rest.substr(0, cut), rest.substr(cut));
  const auto mode = static_cast<LiteralMode>(data[1] % 3);
  const auto wire = wire_of(it, mode);
  if (!wire) {
    if (it.command.unsayable.empty()) std::abort();
    return 0;
  }
  if (it.command.answers_challenges) {  // an answer follows on a line of its own
    if (std::count(wire->begin(), wire->end(), '\n') > 2) std::abort();
    return 0;
  }
  const auto words = OneCommand(*wire, mode != LiteralMode::plus).read();
  // Text of our own (items, options, capabilities) is only proven to be one line.
  const bool has_own_text = data[0] % 32 == 2 || data[0] % 32 == 22;
  if (!words) {
    if (!has_own_text) std::abort();
    if (it.strings.empty() && wire->find('\n') != wire->size() - 1) std::abort();
    return 0;
  }
  auto wanted = it.strings.begin();
  for (const auto& word : *words) {
    if (word.kind != Word::string) continue;
    if (has_own_text && wanted == it.strings.end()) break;  // strings of that text
    if (wanted == it.strings.end() || word.bytes != *wanted++) std::abort();
  }
  if (wanted != it.strings.end()) std::abort();
  return 0;
}
