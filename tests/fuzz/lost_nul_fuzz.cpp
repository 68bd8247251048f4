// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as a message with NULs in it, which BODY[] gives as 0x80: what BINARY[] says is
// taken for the message only where it differs in nothing else, and a lost NUL is never overlooked.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/imap/lost_nul.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::imap;
  const std::string message(reinterpret_cast<const char*>(data), size);
  std::string body = message;
  std::replace(body.begin(), body.end(), '\0', '\x80');
  const bool has_nul = body != message;
  if (compare_with_binary(body, message) != (has_nul ? NulLoss::restored : NulLoss::none))
    std::abort();
  // In mail of ASCII, each 0x80 that a NUL became stands where no character has one.
  const bool ascii = std::all_of(message.begin(), message.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii && may_have_lost_nul(body) != has_nul) std::abort();
  // Other octets are never the message: cut off, decoded, or with a difference behind the first NUL.
  if (has_nul) {
    const auto cut = std::string_view(message).substr(0, message.find('\0') + 1);
    const bool whole = cut.size() == message.size();
    if (compare_with_binary(body, cut) != (whole ? NulLoss::restored : NulLoss::lost)) std::abort();
  }
  const auto half = std::string_view(message).substr(0, size / 2);
  const auto rest = std::string_view(message).substr(half.size());
  if (compare_with_binary(half, rest) == NulLoss::restored && half.size() != rest.size())
    std::abort();
  return 0;
}
