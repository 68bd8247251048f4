// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a letter of ours made of any bytes. Its lines end in CRLF and are as short as RFC 5322
// wants, no value makes a field of its own, and the fields are those that were given. The input is
// cut at ^A into the letter's parts.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/mime/compose.hpp"
#include "protocol/mime/fingerprint.hpp"
#include "protocol/mime/header_fields.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::mime;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto part = [&rest] {
    const auto out = rest.substr(0, rest.find('\1'));
    rest.remove_prefix(out.size() == rest.size() ? rest.size() : out.size() + 1);
    return std::string(out);
  };
  Letter letter;
  letter.from = "mxferry@example.com";
  letter.message_id = "id@example.com";
  letter.subject = part();
  letter.to_name = part();
  letter.text = part();
  letter.html = part();
  letter.fields = {{"X-First", part()}, {"X-Second", part()}};
  const auto message = compose(letter);
  if (message != compose(letter)) std::abort();
  const std::size_t header = header_size(message);
  std::size_t at = 0;
  while (at < message.size()) {
    const auto end = message.find('\n', at);
    if (end == std::string::npos || end == at || message[end - 1] != '\r') std::abort();
    if (end - at > 999) std::abort();  // RFC 5322 §2.1.1: 998 without CRLF
    for (std::size_t i = at; i + 1 < end; ++i) {
      const auto c = static_cast<unsigned char>(message[i]);
      if ((c < 0x20 && c != '\t') || c > 0x7E) std::abort();
    }
    // RFC 5322 §3.2.2: no line of a field is of blanks alone
    if (at < header && end - at > 1 && message.find_first_not_of(' ', at) == end - 1) std::abort();
    at = end + 1;
  }
  std::size_t first = 0;
  std::size_t second = 0;
  each_field(message, [&](std::string_view field) {
    if (field.find(':') == std::string_view::npos) std::abort();
    first += field.starts_with("X-First:") ? 1U : 0U;
    second += field.starts_with("X-Second:") ? 1U : 0U;
    return true;
  });
  if (first != 1 || second != 1) std::abort();
  return 0;
}
