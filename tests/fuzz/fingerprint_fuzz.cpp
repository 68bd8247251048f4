// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as a message: fingerprints do not crash, do not read beyond the end, and are
// the same for the same bytes wherever they lie, whole or in pieces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/mime/fingerprint.hpp"
#include "protocol/mime/header_fields.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::mime;
  const std::string message(reinterpret_cast<const char*>(data), size);
  const std::string copy = message;
  if (!(fingerprint(message) == fingerprint(copy))) std::abort();
  if (!(content_hash(message) == content_hash(copy))) std::abort();
  const auto first = std::string_view(message).substr(0, size / 3);
  const auto rest = std::string_view(message).substr(first.size());
  Sha256 digest;
  ContentHash content;
  for (const auto piece : {first, rest}) {
    digest.update(piece);
    content.update(piece);
  }
  if (digest.finish() != sha256(message) || content.finish() != content_hash(message)) std::abort();
  std::size_t fields = 0;
  each_field(message, [&](std::string_view field) {
    fields += field.size();
    return true;
  });
  if (fields > size) std::abort();
  return 0;
}
