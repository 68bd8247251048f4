// SPDX-License-Identifier: Apache-2.0
// libFuzzer: no policy and no record crashes the reader, and what it reads it writes so that it
// reads the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/dns/mta_sts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)mxferry::dns::sts_record_id(text);
  const auto policy = mxferry::dns::parse_sts_policy(text);
  if (!policy) return 0;
  (void)mxferry::dns::sts_lists(*policy, text);
  const auto written = mxferry::dns::format_sts_policy(*policy);
  if (written.size() > mxferry::dns::kStsPolicyBytes) return 0;
  const auto again = mxferry::dns::parse_sts_policy(written);
  if (!again || *again != *policy) std::abort();
  return 0;
}
