// SPDX-License-Identifier: Apache-2.0
// libFuzzer: no record crashes the reader of SPF records, and what it reads it writes so that it
// reads the same again; no text crashes the reader of macros, and what they give stays as long as
// was asked for.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/dns/spf.hpp"
#include "protocol/dns/spf_macro.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::dns;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  SpfMacroValues values;
  values.local = text.substr(0, 64);
  values.origin = values.domain = "example.com";
  for (const auto kind : {SpfText::domain, SpfText::explanation}) {
    const auto pieces = parse_macro_string(text, kind);
    if (pieces && expand_macros(*pieces, values, 512).size() > 512) std::abort();
  }
  if (is_domain_spec(text) && !parse_macro_string(text, SpfText::domain)) std::abort();
  (void)target_name(text, values);
  const auto record = parse_spf(text);
  if (!record) return 0;
  if (!is_spf(text)) std::abort();
  const auto written = format_spf(*record);
  const auto again = parse_spf(written);
  if (!again || format_spf(*again) != written) std::abort();
  return 0;
}
