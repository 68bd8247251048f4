// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a name that decodes is encoded so that it decodes the same; any bytes encode to
// printable ASCII; splitting loses nothing.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/imap/mailbox_name.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::imap;
  const std::string_view wire(reinterpret_cast<const char*>(data), size);
  if (const auto name = decode_mutf7(wire)) {
    const auto again = decode_mutf7(encode_mutf7(*name));
    if (!again || *again != *name) std::abort();
  }
  for (const char c : encode_mutf7(wire))
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) std::abort();
  std::string joined;
  bool first = true;
  for (const auto& part : split_path(wire, '/')) {
    if (!first) joined += '/';
    joined += part;
    first = false;
  }
  if (joined != wire) std::abort();
  return 0;
}
