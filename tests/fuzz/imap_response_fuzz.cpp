// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a server's bytes at once, without the tags of a session. Each response that did not
// stream is read again from the text that the reader gives of it, and is the same; offsets never
// fall, and memory is what was fed.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/imap/response_reader.hpp"

namespace {

using mxferry::imap::Event;
using mxferry::imap::ResponseReader;

constexpr std::size_t kResponses = 3;  // Tagged, Untagged, Continuation come first in Event

bool has_streamed(const ResponseReader& reader) {
  for (const auto& literal : reader.response_literals())
    if (literal.streamed) return true;
  return false;
}

void reads_the_same(const std::string& text, const Event& event) {
  ResponseReader reader;
  reader.feed(text + "\r\n");
  const auto again = reader.poll();
  if (!again || !again->has_value()) std::abort();
  if ((*again)->index() != event.index() || reader.response_text() != text) std::abort();
  if (reader.in_response()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ResponseReader reader;
  reader.feed({reinterpret_cast<const char*>(data), size});
  std::uint64_t offset = 0;
  std::uint64_t streamed = 0;
  while (true) {
    const auto event = reader.poll();
    if (!event) {
      if (reader.error_offset() > size || event.error().text.empty()) std::abort();
      const auto repeated = reader.poll();
      if (repeated || repeated.error().text != event.error().text) std::abort();
      break;
    }
    if (!event->has_value()) break;
    if (reader.response_offset() < offset || reader.buffered() > size) std::abort();
    offset = reader.response_offset();
    if (const auto* piece = std::get_if<mxferry::imap::LiteralChunk>(&**event))
      streamed += piece->bytes.size();
    if ((*event)->index() < kResponses && !has_streamed(reader))
      reads_the_same(reader.response_text(), **event);
  }
  if (streamed > size) std::abort();
  return 0;
}
