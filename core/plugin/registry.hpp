// SPDX-License-Identifier: Apache-2.0
// Registry: the plugins that were found in given folders. Scanning reads plugin.json files only; a
// library is mapped when a plugin is opened. Immutable after scan(), any thread; what open_*()
// returns belongs to its caller and does not need the registry any more.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "plugin/host.hpp"
#include "plugin/manifest.hpp"
#include "ports/dns_api.hpp"
#include "ports/mail_provider.hpp"

namespace mxferry::plugin {

/// A plugin.json that was found and is not used, and why.
struct ScanProblem {
  std::filesystem::path file;
  Error error;
};

class Registry {
 public:
  /// BIN/../lib/mxferry/plugins of the running program.
  static std::filesystem::path installed_folder();
  /// Reads FOLDER/*/plugin.json in each folder, in order; the first one with an id wins. A folder
  /// that does not exist is empty. A broken or repeated manifest becomes a problem, and the rest
  /// goes on.
  static Registry scan(const std::vector<std::filesystem::path>& folders);

  const std::vector<Manifest>& list() const { return manifests_; }
  const std::vector<ScanProblem>& problems() const { return problems_; }
  /// Null if there is no such plugin.
  const Manifest* find(const std::string& id) const;
  /// Null if there is no such plugin, or it is not a provider.
  const Profile* profile(const std::string& id) const;

  /// Errors: config (unknown plugin, settings or secrets wrong), gate (not trusted), plugin (it
  /// broke the contract).
  Result<std::unique_ptr<DnsApi>> open_dns(const std::string& id, const Config& config,
                                           Secrets secrets, HostOptions options = {}) const;
  /// unsupported: the provider is data only, it has no admin API.
  Result<std::unique_ptr<MailProvider>> open_provider(const std::string& id, const Config& config,
                                                      Secrets secrets,
                                                      HostOptions options = {}) const;

 private:
  Result<const Manifest*> known(const std::string& id, Kind kind) const;
  std::vector<Manifest> manifests_;
  std::vector<ScanProblem> problems_;
};

}  // namespace mxferry::plugin
