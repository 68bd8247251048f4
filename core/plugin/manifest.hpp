// SPDX-License-Identifier: Apache-2.0
// Manifest: one plugin.json, read and checked; the single source about a plugin. Its library is
// never opened here. Plain values, any thread. docs/plugins/manifest.md describes the format.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "model/profile.hpp"
#include "ports/dns_api.hpp"

namespace mxferry::plugin {

enum class Kind { dns, provider };

/// One setting of the plugin. `type` decides what the host lets the plugin reach: the values of
/// url, server, file, program and imap settings are the only hosts, name servers, files, programs
/// and IMAP accounts that the host services accept.
struct Setting {
  std::string name;
  std::string type;  // string | integer | boolean | url | server | file | program | imap
  bool required = false;
  std::optional<std::string> fallback{};  // "default"
  std::string description{};
};

struct SecretSetting {
  std::string name;
  std::string env;  // suggested environment variable
  bool required = true;
  std::string description{};
  std::string field{};  // of a query, form or JSON body: the one that may hold it; empty: none
};

struct HostLimits {
  std::uint32_t concurrency = 1;          // sessions per credential
  std::uint32_t requests_per_minute = 0;  // 0: not limited by us
  std::chrono::seconds http_timeout{120};
  std::uint64_t response_bytes = 64ULL << 20;
};

struct Manifest {
  std::filesystem::path file;  // the plugin.json
  std::string id;
  Kind kind = Kind::dns;
  std::string abi;  // "0.1"; empty for a provider that is only data
  std::string name;
  std::string description;
  std::string version{};
  std::vector<Setting> config{};
  std::vector<SecretSetting> secrets{};
  std::vector<std::string> hosts{};       // fixed API hosts
  std::vector<std::string> privileges{};  // the least that the credentials must be allowed
  std::vector<std::string> notes{};       // limits and features of the API, one sentence each
  std::vector<std::string> evidence{};    // what its tests rest on: real server, recorded, written
  HostLimits limits{};
  DnsTraits traits{};
  std::optional<Profile> profile{};
  std::vector<std::pair<std::string, std::string>> links{};
  std::string verified{};  // YYYY-MM-DD
  std::string sunset{};    // YYYY-MM-DD, or empty

  bool has_library() const { return !abi.empty(); }
  std::filesystem::path library() const { return file.parent_path() / (id + ".so"); }
};
std::string to_string(Kind kind);

/// Every host service knows these settings too: how a plugin's https endpoints are trusted.
inline constexpr const char* kCaFile = "ca_file";
inline constexpr const char* kPin = "pin";
inline constexpr const char* kAllowPlaintext = "allow_plaintext";

/// Errors are config errors that begin with file:line:column.
Result<Manifest> read_manifest(const std::filesystem::path& file);
Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& file);

using Config = std::map<std::string, std::string>;
using Secrets = std::map<std::string, Secret>;

/// The settings with defaults filled in; an unknown, missing or malformed one is a config error
/// that names it and what was expected.
Result<Config> check_config(const Manifest& manifest, const Config& given);
Result<void> check_secrets(const Manifest& manifest, const Secrets& given);

}  // namespace mxferry::plugin
