// SPDX-License-Identifier: Apache-2.0
// Profile: what a mail provider is like, as data from its plugin.json (docs/plugins/manifest.md).
// Plain values, any thread. `{domain}` in a name stands for the migrated domain.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mxferry {

struct ProfileEndpoint {
  std::string protocol;  // imap | submission | smtp | lmtp | pop3 | sieve
  std::string host;      // empty: the operator names it
  std::uint16_t port = 0;
  std::string security;  // tls | starttls | plain
};

/// A text that a server answers with, and what it means there. Matched without regard to ASCII
/// case, anywhere in the server's line.
struct ProfileErrorPattern {
  std::string contains;
  std::string means;  // throttled | busy | auth | quota | too_large | denied | gone | retry
  std::chrono::milliseconds wait{0};
};

struct ProfileLimits {
  std::optional<std::uint64_t> message_bytes{};  // largest message that it takes
  std::optional<std::uint64_t> connections{};    // at once, per account
  std::optional<std::uint64_t> download_bytes_per_day{};
  std::optional<std::uint64_t> upload_bytes_per_day{};
  std::optional<std::uint64_t> folders{};
  std::optional<std::uint64_t> folder_name_bytes{};
  std::optional<std::uint64_t> folder_depth{};
};

/// A record that the domain needs at this provider.
struct ProfileDnsRecord {
  std::string purpose;  // mx | spf | dkim | dmarc | client | verification
  std::string name;     // relative to the domain, "@" for the domain itself
  std::string type;
  std::string rdata;
};

struct Profile {
  std::string id;
  std::string name;
  std::vector<ProfileEndpoint> endpoints{};
  std::vector<std::string> auth{};      // SASL mechanisms in order of preference
  std::string username = "{address}";   // how a login is made of an address
  std::string delimiter{};              // empty: as the server says
  std::optional<std::string> prefix{};  // personal namespace; nothing: as the server says
  std::map<std::string, std::vector<std::string>> special{};  // sent -> {"Sent", "Gesendet", …}
  std::vector<std::string> views{};      // folders that show mail of others, never copied
  std::vector<std::string> not_moved{};  // what the provider keeps that IMAP does not show
  std::string forbidden_characters{};    // in folder names
  ProfileLimits limits{};
  std::vector<ProfileErrorPattern> errors{};
  std::vector<ProfileDnsRecord> dns{};
};

}  // namespace mxferry
