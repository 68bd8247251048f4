// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a server's answers to AUTHENTICATE. Whatever it asks, each mechanism's answer leaves
// once at most and in its order, and everything else that is sent is empty lines. The first two
// bytes choose the mechanism and the chunk size.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/imap/session.hpp"
#include "protocol/sasl/sasl.hpp"

namespace {

using namespace mxferry::imap;
namespace sasl = mxferry::sasl;

struct Exchange {
  Command command;
  std::string begins;                // what the command line holds behind its tag
  std::vector<std::string> answers;  // lines that may follow, in this order
};

Exchange exchange(unsigned which) {
  const auto plain = sasl::plain("", "user", "secret");
  const auto oauth = sasl::xoauth2("user", "token");
  const auto bearer = sasl::oauthbearer("user", "host", 143, "token");
  switch (which % 5) {
    case 0:
      return {ReadCommands::authenticate("PLAIN", plain, false), "AUTHENTICATE PLAIN", {plain}};
    case 1:
      return {ReadCommands::authenticate("PLAIN", plain, true), "AUTHENTICATE PLAIN " + plain, {}};
    case 2:
      return {
          ReadCommands::authenticate("XOAUTH2", oauth, true), "AUTHENTICATE XOAUTH2 " + oauth, {}};
    case 3:
      return {ReadCommands::authenticate("OAUTHBEARER", bearer, false),
              "AUTHENTICATE OAUTHBEARER",
              {bearer}};
    default: {
      const auto user = sasl::base64("user");
      const auto password = sasl::base64("secret");
      return {
          ReadCommands::authenticate_login(user, password), "AUTHENTICATE LOGIN", {user, password}};
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto talk = exchange(data[0]);
  const std::size_t chunk = 1U + data[1];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Session session(MailboxRole::ReadOnly);
  if (!session.submit(talk.command)) std::abort();
  std::string sent = session.take_output();
  if (!session.output_was_secret()) std::abort();
  bool going = true;
  for (std::size_t at = 0; at < bytes.size() && going; at += chunk) {
    session.feed(bytes.substr(at, chunk));
    while (true) {
      const auto event = session.poll();
      going = event.has_value();
      if (!going || !event->has_value()) break;
    }
    sent += session.take_output();
  }
  const std::string begin = "A1 " + talk.begins + "\r\n";
  if (!sent.starts_with(begin)) std::abort();
  auto rest = std::string_view(sent).substr(begin.size());
  auto answer = talk.answers.begin();
  while (!rest.empty()) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) {  // a line of which the server has not asked the end
      if (answer == talk.answers.end() || rest != *answer) std::abort();
      break;
    }
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.empty()) continue;
    if (answer == talk.answers.end() || line != *answer++) std::abort();
  }
  return 0;
}
