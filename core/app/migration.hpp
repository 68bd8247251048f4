// SPDX-License-Identifier: Apache-2.0
// Migration: a plan file brought to life: plugins opened, secrets read, the seams of
// pipeline/env.hpp filled with the real things. Wiring by hand, no registry of services. Main
// thread; what blocks is handed to workers by the pipeline.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "config/plan_file.hpp"
#include "net/connector.hpp"
#include "pipeline/alert_channels.hpp"
#include "pipeline/env.hpp"
#include "pipeline/net_eyes.hpp"
#include "plan/compute.hpp"
#include "plan/estimate.hpp"
#include "plugin/registry.hpp"

namespace mxferry::app {

class Migration {
 public:
  /// Reads the file, the plugins' manifests and every secret, before any connection. Errors are
  /// exit 2.
  static Result<std::unique_ptr<Migration>> open(const std::filesystem::path& file);

  const config::PlanFile& file() const { return file_; }
  std::map<std::string, DnsApi*>& dns() { return dns_; }
  MailProvider* provider() { return provider_.get(); }
  pipeline::NetEyes& eyes() { return *eyes_; }
  net::NetConnector& connector() { return connector_; }
  /// Of [notice]; null where the plan has none.
  pipeline::MailPost* notice_post() { return notice_post_.get(); }
  /// Of [alert]; once.
  std::vector<std::unique_ptr<pipeline::AlertChannel>> take_alert_channels() {
    return std::move(alert_channels_);
  }
  const Clock& clock() const { return clock_; }

  /// Fetches MTA-STS policies as the plan file says. Valid as long as this object.
  pipeline::ReadPolicy read_policy();
  /// Reads the world and computes the plan.
  Result<plan::Computed> compute(std::stop_token stop);

  /// What the estimate takes for granted: the plan's line, the providers' daily budgets.
  plan::Speed speed() const;
  /// The largest message that the destination's profile says it takes.
  std::optional<std::uint64_t> dest_message_bytes() const;

  /// --time-scale is for labs: every endpoint and name server must be loopback (ErrorCode::gate).
  Result<void> check_scale(std::int64_t scale, std::stop_token stop);

  /// Where the state lies: --state, or the default for the migration's id.
  std::filesystem::path state_file(const std::string& given) const;

 private:
  Migration() = default;
  config::PlanFile file_;
  plugin::Registry registry_;
  std::vector<std::unique_ptr<DnsApi>> apis_;
  std::map<std::string, DnsApi*> dns_;
  std::unique_ptr<MailProvider> provider_;
  std::unique_ptr<pipeline::NetEyes> eyes_;
  net::NetConnector connector_;
  std::unique_ptr<pipeline::SubmissionPost> notice_post_;
  std::vector<std::unique_ptr<pipeline::AlertChannel>> alert_channels_;
  SystemClock clock_;
};

/// The plan file or plan.json that `run` was given.
struct GivenPlan {
  std::filesystem::path config;  // plan.toml
  std::optional<Plan> ready{};   // from plan -o: executed as it is
};
Result<GivenPlan> read_given(const std::filesystem::path& file);

/// What `plan -o` writes.
std::string plan_document(const std::filesystem::path& config, const Plan& plan);

}  // namespace mxferry::app
