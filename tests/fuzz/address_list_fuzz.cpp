// SPDX-License-Identifier: Apache-2.0
// Any bytes as a header: what comes out is an address of a size that SMTP allows, without controls.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/mime/address_list.hpp"
#include "protocol/mime/header_fields.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t fields = 0;
  mxferry::mime::each_field(text, [&](std::string_view field) {
    fields += field.size();
    for (const auto& address : mxferry::mime::parse_addresses(field)) {
      if (address.local.empty() || address.local.size() > 64) std::abort();
      if (address.domain.empty() || address.domain.size() > 255) std::abort();
      for (const char c : address.local)
        if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
    return true;
  });
  if (fields > size) std::abort();
  return 0;
}
