// SPDX-License-Identifier: Apache-2.0
// MTA-STS (RFC 8461) as values: the TXT record at _mta-sts.DOMAIN, the policy that
// https://mta-sts.DOMAIN/.well-known/mta-sts.txt serves, and whether a policy lists a host. Pure,
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::dns {

/// RFC 8461 §3.3 suggests to take no larger policy.
constexpr std::size_t kStsPolicyBytes = 64UL * 1024;
/// RFC 8461 §3.2: one year, in seconds.
constexpr std::uint32_t kStsLongestAge = 31'557'600;

enum class StsMode { none, testing, enforce };
std::string to_string(StsMode mode);

struct StsPolicy {
  StsMode mode = StsMode::none;
  std::uint32_t max_age = 0;    // seconds
  std::vector<std::string> mx;  // host names and "*.NAME", lower case, without the final dot
  bool operator==(const StsPolicy&) const = default;
};

/// A policy file. Lines end with LF or CRLF; unknown keys are left alone; of a key that stands
/// twice the first counts, but for mx (§3.2). ErrorCode::protocol where it is larger than
/// kStsPolicyBytes, version, mode or max_age is missing or malformed, max_age is above one year,
/// or a mode that tests or enforces names no mx.
Result<StsPolicy> parse_sts_policy(std::string_view text);

/// The file to serve: CRLF lines, in the RFC's order.
std::string format_sts_policy(const StsPolicy& policy);

/// Does the policy list this MX host? A "*." matches exactly one label (§4.1). The host may have a
/// final dot; case does not count.
bool sts_lists(const StsPolicy& policy, std::string_view host);

/// True if a TXT string set's text is an MTA-STS record at all: "v=STSv1" and then ";" (§3.1).
bool is_sts_record(std::string_view text);
/// The id of a record. ErrorCode::protocol where there is none, or not 1 to 32 letters and digits.
Result<std::string> sts_record_id(std::string_view text);
/// The record's text for an id.
std::string sts_record(std::string_view id);

}  // namespace mxferry::dns
