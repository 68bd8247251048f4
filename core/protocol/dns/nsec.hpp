// SPDX-License-Identifier: Apache-2.0
// NSEC (RFC 4034 §4) and NSEC3 (RFC 5155 §3) records as values, and what they say does not exist.
// Whether they are signed is another question. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::dns {

/// One link of a zone's chain of names, in either spelling.
struct DenialRecord {
  std::string owner;            // canonical
  std::string next;             // NSEC: the next name, canonical; NSEC3: octets of its hash
  std::set<std::string> types;  // mnemonics of what stands at the owner
  bool hashed = false;          // NSEC3
  std::string owner_hash{};     // NSEC3: octets
  std::string salt{};           // NSEC3: octets
  std::uint16_t iterations = 0;
};

/// From rdata in the generic spelling of RFC 3597, as answers are read. Nothing where it is
/// malformed, or, of an NSEC3, where its hash is not SHA-1 or has more than 500 iterations
/// (RFC 9276 §3.2).
std::optional<DenialRecord> parse_nsec(std::string_view owner, std::string_view rdata);
std::optional<DenialRecord> parse_nsec3(std::string_view owner, std::string_view rdata);

/// RFC 4034 §6.1: negative where `a` comes before `b`, 0 where they are equal. Both canonical.
int compare_canonical(std::string_view a, std::string_view b);

/// The octets of RFC 5155 §5: SHA-1 of the canonical name, `iterations` times more, with the salt.
std::string nsec3_hash(std::string_view name, std::string_view salt, unsigned iterations);

/// Do these records prove that `name` holds no RRset of `type` (RFC 4035 §5.4, RFC 5155 §8)? A
/// wildcard that could answer for the name must be denied, too, or lack the type. `zone`: whose
/// records they are. All canonical.
bool denies(const std::vector<DenialRecord>& records, const std::string& zone,
            const std::string& name, const std::string& type);

}  // namespace mxferry::dns
