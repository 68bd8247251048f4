// SPDX-License-Identifier: Apache-2.0
#include "protocol/dns/octets.hpp"

#include <charconv>

namespace mxferry::dns {

std::optional<std::string> octets_of(std::string_view rdata) {
  if (!rdata.starts_with("\\# ")) return std::nullopt;
  rdata.remove_prefix(3);
  const auto blank = rdata.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  std::size_t size = 0;
  const auto [end, ec] = std::from_chars(rdata.data(), rdata.data() + blank, size);
  const auto hex = rdata.substr(blank + 1);
  if (ec != std::errc() || end != rdata.data() + blank || hex.size() != size * 2)
    return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned byte = 0;
    const auto [stop, wrong] = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    if (wrong != std::errc() || stop != hex.data() + i + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace mxferry::dns
