// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a server's bytes in two chunkings must give the same events, and no input may crash or
// grow memory. The first byte is the chunk size.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/imap/session.hpp"

namespace {

struct Summary {
  std::vector<std::size_t> kinds;
  std::vector<std::string> responses;  // as they were spelt
  std::uint64_t literal_bytes = 0;
  bool failed = false;
  bool operator==(const Summary&) const = default;
};

Summary run(std::string_view bytes, std::size_t chunk) {
  mxferry::imap::Session session(mxferry::imap::MailboxRole::ReadOnly);
  (void)session.submit(mxferry::imap::ReadCommands::noop());
  Summary out;
  for (std::size_t at = 0; at < bytes.size() && !out.failed; at += chunk) {
    session.feed(bytes.substr(at, chunk));
    while (true) {
      auto event = session.poll();
      if (!event) {
        out.failed = true;
        break;
      }
      if (!event->has_value()) break;
      if (const auto* piece = std::get_if<mxferry::imap::LiteralChunk>(&**event)) {
        out.literal_bytes += piece->bytes.size();
      } else {
        out.kinds.push_back((*event)->index());
        if ((*event)->index() < 3) out.responses.push_back(session.response_text());
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t chunk = 1U + data[0];
  if (!(run(bytes, chunk) == run(bytes, bytes.size()))) std::abort();
  return 0;
}
