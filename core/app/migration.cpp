// SPDX-License-Identifier: Apache-2.0
#include "app/migration.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/read_file.hpp"
#include "copy/brain/map_rules.hpp"
#include "credentials/secret_ref.hpp"
#include "imap/account.hpp"
#include "imap/admin.hpp"
#include "net/http.hpp"
#include "pipeline/survey.hpp"
#include "plan/plan_json.hpp"
#include "store/state_file.hpp"

namespace mxferry::app {
namespace fs = std::filesystem;
namespace {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<plugin::Secrets> read_secrets(const std::map<std::string, std::string>& references) {
  plugin::Secrets out;
  for (const auto& [name, reference] : references) {
    MXF_TRY(secret, resolve_secret(reference));
    out.emplace(name, std::move(secret));
  }
  return out;
}

Result<std::vector<dns::DnsServer>> read_servers(const std::vector<std::string>& texts) {
  std::vector<dns::DnsServer> out;
  for (const auto& text : texts) {
    MXF_TRY(server, net::parse_dns_server(text));
    out.push_back(std::move(server));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Migration>> Migration::open(const fs::path& path) {
  std::unique_ptr<Migration> out(new Migration());
  MXF_TRY(file, config::read_plan_file(path));
  out->file_ = std::move(file);
  const auto& copies = out->file_.copy;
  if (auto map = copy::MapRules::parse(copies.map, copies.map_file.string()); !map)
    return fail(std::move(map).error());
  std::vector<fs::path> folders = {plugin::Registry::installed_folder()};
  for (const auto& extra : out->file_.plugins_path)
    folders.push_back(extra.is_absolute() ? extra : out->file_.file.parent_path() / extra);
  out->registry_ = plugin::Registry::scan(folders);

  // Every secret is read now: one that is missing is told before anything is touched, and the
  // environment is overwritten early.
  for (const auto& box : out->file_.mailboxes) {
    MXF_TRY(source, resolve_secret(box.source_secret));
    MXF_TRY(dest, resolve_secret(box.dest_secret));
    if (source.empty() || dest.empty())
      return fail(ErrorCode::config, "mailbox " + box.dest, "an empty password");
  }
  for (const auto* side : {&out->file_.source, &out->file_.dest}) {
    MXF_TRY(url, imap::parse_mail_url(side->endpoint, imap::UserPart::none));
    (void)url;
    if (out->registry_.find(side->provider) == nullptr) {
      Error error = fail(ErrorCode::config, out->file_.file.string(),
                         "there is no provider plugin \"" + escape_line(side->provider) + "\"")
                        .error();
      return fail(
          std::move(error.with_remedy("mxferry plugins list shows those that are installed")));
    }
  }
  if (!out->file_.dest.set.empty()) {
    MXF_TRY(secrets, read_secrets(out->file_.dest.secret));
    plugin::HostOptions services;
    services.imap = imap::open_admin;
    auto provider = out->registry_.open_provider(out->file_.dest.provider, out->file_.dest.set,
                                                 std::move(secrets), std::move(services));
    if (provider)
      out->provider_ = std::move(*provider);
    else if (provider.error().code != ErrorCode::unsupported)
      return fail(std::move(provider).error());
  }
  for (const auto& domain : out->file_.domains) {
    if (out->dns_.contains(domain.dns.zone)) continue;
    MXF_TRY(secrets, read_secrets(domain.dns.secret));
    MXF_TRY(api, out->registry_.open_dns(domain.dns.plugin, domain.dns.set, std::move(secrets)));
    out->dns_[domain.dns.zone] = api.get();
    out->apis_.push_back(std::move(api));
  }
  if (out->file_.notice.enabled()) {
    MXF_TRY(submission, pipeline::submission_of(out->file_.notice));
    out->notice_post_ =
        std::make_unique<pipeline::SubmissionPost>(out->connector_, std::move(submission));
  }
  MXF_TRY(channels, pipeline::alert_channels(out->file_, out->notice_post_.get()));
  out->alert_channels_ = std::move(channels);
  MXF_TRY(roots, read_servers(out->file_.resolve_root));
  MXF_TRY(resolvers, read_servers(out->file_.resolvers));
  out->eyes_ = std::make_unique<pipeline::NetEyes>(std::move(roots), std::move(resolvers));
  return out;
}

pipeline::ReadPolicy Migration::read_policy() {
  pipeline::PolicyFetch fetch;
  fetch.ca_file = file_.mta_sts_ca_file;
  fetch.allow_loopback = file_.allow_loopback;
  return [eyes = eyes_.get(), fetch](const std::string& domain, std::stop_token stop) {
    return pipeline::fetch_policy(*eyes, domain, fetch, std::move(stop));
  };
}

Result<plan::Computed> Migration::compute(std::stop_token stop) {
  MXF_TRY(facts, pipeline::survey(file_, dns_, *eyes_, read_policy(), stop));
  facts.dest_has_accounts = provider_ != nullptr;
  for (const auto* side : {&file_.source, &file_.dest}) {
    const auto* manifest = registry_.find(side->provider);
    if (manifest == nullptr || !manifest->profile) continue;
    for (const auto& item : manifest->profile->not_moved) facts.not_moved.push_back(item);
  }
  return plan::compute(file_, facts);
}

plan::Speed Migration::speed() const {
  auto out = plan::assumed_speed();
  if (file_.line_mbit > 0) out.line = plan::Rate::nominal_of(file_.line_mbit * 1e6 / 8);
  const auto limits = [&](const config::Side& side) {
    const auto* manifest = registry_.find(side.provider);
    return manifest != nullptr && manifest->profile ? manifest->profile->limits : ProfileLimits();
  };
  for (const auto& budget :
       {limits(file_.source).download_bytes_per_day, limits(file_.dest).upload_bytes_per_day})
    if (budget)
      out.account_bytes_per_day = std::min(*budget, out.account_bytes_per_day.value_or(*budget));
  return out;
}

std::optional<std::uint64_t> Migration::dest_message_bytes() const {
  const auto* manifest = registry_.find(file_.dest.provider);
  if (manifest == nullptr || !manifest->profile) return std::nullopt;
  return manifest->profile->limits.message_bytes;
}

Result<void> Migration::check_scale(std::int64_t scale, std::stop_token stop) {
  if (scale <= 1) return {};
  const auto refuse = [](const std::string& what) {
    Error error =
        fail(ErrorCode::gate, "--time-scale",
             "SC-01: " + what + " is not loopback: plan durations may be shortened in a lab only")
            .error();
    return fail(std::move(error.with_remedy("leave --time-scale out")));
  };
  for (const auto* side : {&file_.source, &file_.dest}) {
    MXF_TRY(url, imap::parse_mail_url(side->endpoint, imap::UserPart::none));
    if (!is_loopback(side->address.empty() ? url.endpoint.host : side->address))
      return refuse(side->endpoint);
  }
  if (file_.notice.enabled()) {
    MXF_TRY(endpoint, smtp::parse_submission_url(file_.notice.smtp));
    if (!is_loopback(file_.notice.address.empty() ? endpoint.host : file_.notice.address))
      return refuse(file_.notice.smtp);
  }
  if (const auto target = net::parse_http_url(file_.alert.webhook);
      !file_.alert.webhook.empty() && target && !target->loopback())
    return refuse(file_.alert.webhook);
  if (file_.resolve_root.empty()) return refuse("the public DNS root");
  for (const auto* list : {&file_.resolve_root, &file_.resolvers})
    for (const auto& server : *list)
      if (!is_loopback(server)) return refuse(server);
  for (const auto& domain : file_.domains) {
    for (const auto& [key, value] : domain.dns.set) {
      const auto target = net::parse_http_url(value);
      if (target && !target->loopback()) return refuse(value);
    }
    MXF_TRY(delegation, eyes_->delegation(domain.dns.zone, stop));
    for (const auto& server : delegation.servers)
      for (const auto& address : server.addresses)
        if (!is_loopback(address.address)) return refuse("name server " + server.name);
  }
  return {};
}

fs::path Migration::state_file(const std::string& given) const {
  return given.empty() ? store::default_state_dir(file_.id) / "state.db" : fs::path(given);
}

Result<GivenPlan> read_given(const fs::path& file) {
  GivenPlan out;
  if (file.extension() != ".json") {
    out.config = file;
    return out;
  }
  MXF_TRY(text, read_file(file.string()));
  const auto wrong = [&](Error error) {
    error.code = ErrorCode::config;
    return fail(std::move(error));
  };
  auto json = parse_json(text, file.string());
  if (!json) return wrong(json.error());
  auto config = json_string(*json, "config", file.string());
  if (!config) return wrong(config.error());
  const auto body = json->find("plan");
  if (body == json->end())
    return fail(ErrorCode::config, file.string(),
                "\"plan\" is missing: expected a file that mxferry plan -o wrote");
  auto plan = plan::from_json(canonical_json(*body), file.string());
  if (!plan) return wrong(plan.error());
  out.config = *config;
  out.ready = std::move(*plan);
  return out;
}

std::string plan_document(const fs::path& config, const Plan& plan) {
  const Json out = {{"format", "mxferry-plan-file/1"},
                    {"config", config.string()},
                    {"plan", plan::to_json(plan)}};
  return out.dump(2) + "\n";
}

}  // namespace mxferry::app
