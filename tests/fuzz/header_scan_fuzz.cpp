// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as a message: where its header ends, and its fields. The input's first line
// is a field's name, the rest the message.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/mime/fingerprint.hpp"
#include "protocol/mime/header_fields.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::mime;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto name = input.substr(0, input.find('\n'));
  const auto message = input.substr(name.size() == input.size() ? name.size() : name.size() + 1);
  const std::size_t end = header_size(message);
  if (end > message.size()) std::abort();
  const auto header = message.substr(0, end);
  // The fields and the empty line are the header, in their order, nothing between them.
  std::size_t at = 0;
  each_field(header, [&](std::string_view field) {
    if (field.empty() || field.data() != header.data() + at) std::abort();
    at += field.size();
    return true;
  });
  const auto left = header.substr(at);
  if (!left.empty() && left != "\r\n" && left != "\n") std::abort();
  // Unfolded and squeezed: one blank between words, none at the ends, no line end.
  for (const std::string_view asked : {name, std::string_view("Subject"), std::string_view("Date")})
    if (const auto value = header_field(header, asked)) {
      if (value->size() > header.size() || value->starts_with(' ') || value->ends_with(' ') ||
          value->find("  ") != std::string::npos ||
          value->find_first_of("\n\t") != std::string::npos)
        std::abort();
    }
  // What is behind the header has no part in its fingerprint.
  if (header_fingerprint(header) && header_fingerprint(header) != fingerprint(message))
    std::abort();
  return 0;
}
