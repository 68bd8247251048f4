// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.hpp"

#include <algorithm>

#include "plugin/dns_adapter.hpp"
#include "plugin/library.hpp"
#include "plugin/provider_adapter.hpp"

namespace mxferry::plugin {
namespace fs = std::filesystem;

fs::path Registry::installed_folder() {
  std::error_code ec;
  const fs::path program = fs::read_symlink("/proc/self/exe", ec);
  return program.parent_path().parent_path() / "lib" / "mxferry" / "plugins";
}

Registry Registry::scan(const std::vector<fs::path>& folders) {
  Registry registry;
  for (const auto& folder : folders) {
    std::error_code ec;
    std::vector<fs::path> files;
    for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
      std::error_code ignored;
      const fs::path file = it->path() / "plugin.json";
      if (fs::is_regular_file(file, ignored)) files.push_back(file);
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      auto manifest = read_manifest(file);
      if (!manifest) {
        registry.problems_.push_back({file, std::move(manifest).error()});
      } else if (const auto* first = registry.find(manifest->id); first != nullptr) {
        registry.problems_.push_back({file, Error{ErrorCode::config, "plugin manifest",
                                                  file.string() + ": the id \"" + manifest->id +
                                                      "\" belongs to " + first->file.string()}});
      } else {
        registry.manifests_.push_back(*std::move(manifest));
      }
    }
  }
  return registry;
}

const Manifest* Registry::find(const std::string& id) const {
  const auto it = std::find_if(manifests_.begin(), manifests_.end(),
                               [&](const Manifest& m) { return m.id == id; });
  return it == manifests_.end() ? nullptr : &*it;
}

const Profile* Registry::profile(const std::string& id) const {
  const auto* manifest = find(id);
  return manifest == nullptr || !manifest->profile ? nullptr : &*manifest->profile;
}

Result<const Manifest*> Registry::known(const std::string& id, Kind kind) const {
  if (const auto* manifest = find(id); manifest != nullptr) {
    if (manifest->kind == kind) return manifest;
    return fail(ErrorCode::config, "plugin " + id,
                "it is a " + to_string(manifest->kind) + " plugin, a " + to_string(kind) +
                    " plugin is needed");
  }
  for (const auto& problem : problems_)
    if (problem.file.parent_path().filename() == id) return fail(problem.error);
  std::string names;
  for (const auto& m : manifests_)
    if (m.kind == kind) names += (names.empty() ? "" : ", ") + m.id;
  return fail(Error{ErrorCode::config,
                    "plugin " + id,
                    "there is no such plugin; " + to_string(kind) +
                        " plugins here: " + (names.empty() ? "none" : names),
                    {},
                    "mxferry plugins list"});
}

Result<std::unique_ptr<DnsApi>> Registry::open_dns(const std::string& id, const Config& config,
                                                   Secrets secrets, HostOptions options) const {
  MXF_TRY(manifest, known(id, Kind::dns));
  MXF_TRY(checked, check_config(*manifest, config));
  MXF_CHECK(check_secrets(*manifest, secrets));
  MXF_TRY(entry, load_library(*manifest));
  const auto* table = static_cast<const mxf_dns*>(entry->kind(MXF_KIND_DNS));
  return make_dns_adapter(
      table, std::make_unique<HostSession>(*manifest, std::move(checked), std::move(secrets),
                                           std::move(options)));
}

Result<std::unique_ptr<MailProvider>> Registry::open_provider(const std::string& id,
                                                              const Config& config, Secrets secrets,
                                                              HostOptions options) const {
  MXF_TRY(manifest, known(id, Kind::provider));
  if (!manifest->has_library())
    return fail(ErrorCode::unsupported, "plugin " + id,
                "this provider is data only: it has no admin API");
  MXF_TRY(checked, check_config(*manifest, config));
  MXF_CHECK(check_secrets(*manifest, secrets));
  MXF_TRY(entry, load_library(*manifest));
  const auto* table = static_cast<const mxf_provider*>(entry->kind(MXF_KIND_PROVIDER));
  return make_provider_adapter(
      table, std::make_unique<HostSession>(*manifest, std::move(checked), std::move(secrets),
                                           std::move(options)));
}

}  // namespace mxferry::plugin
