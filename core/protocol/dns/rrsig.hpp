// SPDX-License-Identifier: Apache-2.0
// RRSIG records (RFC 4034 §3) as values: what they cover, who signed, from when to when. The
// signature itself is not checked here: a validating resolver does that. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace mxferry::dns {

struct Rrsig {
  std::string covers;  // mnemonic of the type
  std::uint8_t algorithm = 0;
  std::uint8_t labels = 0;
  std::uint32_t original_ttl = 0;
  std::uint32_t expiration = 0, inception = 0;  // seconds since 1970, modulo 2^32
  std::uint16_t key_tag = 0;
  std::string signer;  // canonical
};

/// From rdata in the generic spelling of RFC 3597 ("\# N HEX"), as answers are read.
std::optional<Rrsig> parse_rrsig(std::string_view rdata);

/// RFC 4034 §3.1.5: serial arithmetic, so that 2106 is no problem.
bool is_current(const Rrsig& signature, Instant now);

/// The tag of a DNSKEY (RFC 4034 Appendix B), from rdata in the generic spelling.
std::optional<std::uint16_t> dnskey_tag(std::string_view rdata);

/// Does this DS ("TAG ALGORITHM TYPE HEX") name this DNSKEY (generic spelling) of `zone`
/// (canonical): tag, algorithm and digest (RFC 4034 §5.1.4)? Nothing: its digest is none that is
/// computed here (SHA-1, SHA-256, SHA-384), or it cannot be read.
std::optional<bool> ds_names(std::string_view zone, std::string_view ds, std::string_view dnskey);

}  // namespace mxferry::dns
