// SPDX-License-Identifier: Apache-2.0
#include "dns/soa.hpp"

#include <algorithm>
#include <sstream>
#include <string>

namespace mxferry::dns {

std::optional<Soa> parse_soa(std::string_view rdata) {
  std::istringstream words{std::string(rdata)};
  std::string mname;
  std::string rname;
  Soa out;
  words >> mname >> rname >> out.serial >> out.refresh >> out.retry >> out.expire >> out.minimum;
  if (!words) return std::nullopt;
  return out;
}

std::uint32_t negative_ttl_of(const Soa& soa, std::uint32_t ttl) {
  return std::min(soa.minimum, ttl);
}

}  // namespace mxferry::dns
