// SPDX-License-Identifier: Apache-2.0
// The order (docs/architecture/overview.md): assess · new names · provision, pilot · bulk and
// deltas beside TTLs lowered and waited out · SPF overlap · visible · approve, last delta, verify,
// direct canary · flip · converge, public canary · monitor and stragglers · finalize · TTLs
// restored · report.
#include "plan/compute.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/sha256.hpp"
#include "model/not_moved.hpp"
#include "plan/accept.hpp"
#include "plan/cache_mix.hpp"
#include "plan/domain_change.hpp"
#include "plan/domain_steps.hpp"
#include "plan/edits.hpp"
#include "plan/mailbox_steps.hpp"
#include "plan/plan_json.hpp"
#include "protocol/dns/name.hpp"

namespace mxferry::plan {
namespace {

std::string zone_hash(const ZoneSnapshot& snapshot) {
  // SOA moves with every write and says nothing about what the plan was made from.
  std::vector<std::string> lines;
  for (const auto& set : snapshot.rrsets) {
    if (set.type == "SOA") continue;
    auto data = rdata_of(&set);
    std::sort(data.begin(), data.end());
    std::string line = set.name + " " + std::to_string(set.ttl) + " " + set.type;
    for (const auto& item : data) line += "\n  " + item;
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return sha256_hex(text);
}

class Planner {
 public:
  Planner(const config::PlanFile& file, const Facts& facts) : file_(file), facts_(facts) {}

  Result<Computed> run() {
    Plan& plan = out_.plan;
    plan.id = file_.id;
    plan.inputs["config"] = file_.sha256;
    set_policy();
    plan.not_moved = not_moved(facts_.not_moved);
    if (!file_.copy.messages.empty())
      plan.not_moved.push_back("mail that [copy] of the plan leaves out; copied is: " +
                               file_.copy.messages.text());
    for (const auto& glob : file_.copy.folders.only)
      plan.not_moved.push_back("folders other than [copy] folders = \"" + glob + "\"");
    for (const auto& glob : file_.copy.folders.except)
      plan.not_moved.push_back("folders as [copy] exclude_folders = \"" + glob + "\"");
    add({"assess",
         Stage::assess,
         file_.id,
         {},
         Effect::read,
         OnFail::retry,
         "log in to every mailbox, count it, snapshot the zones",
         InventoryAction{}});
    add_mailbox_steps(plan, file_, facts_.dest_has_accounts);
    for (const auto& domain : file_.domains) MXF_CHECK(add_domain(domain));
    MXF_CHECK(check_mixes());
    std::vector<std::string> all;
    for (const auto& step : plan.steps) all.push_back(step.id);
    add({"report", Stage::report, file_.id, all, Effect::read, OnFail::retry, "write the report",
         ReportAction{}});
    accept_findings(file_, out_.findings);
    plan.hash = hash_of(plan);
    return std::move(out_);
  }

 private:
  void add(Step step) { out_.plan.steps.push_back(std::move(step)); }

  void set_policy() {
    auto& policy = out_.plan.policy;
    const auto ms = [](Millis d) { return std::to_string(d.count()) + "ms"; };
    policy["ttl.lowered"] = std::to_string(file_.ttl_lowered);
    policy["delta.every"] = ms(file_.delta_every);
    policy["delta.for"] = ms(file_.delta_for);
    policy["delta.max_age"] = ms(file_.delta_max_age);
    policy["monitor.for"] = ms(file_.monitor_for);
    policy["stragglers.every"] = ms(file_.stragglers_every);
    policy["spf.overlap"] = ms(file_.spf_overlap);
    policy["retain.for"] = ms(file_.retain_for);
    policy["approve.flip"] = file_.approve_flip == 0 ? "auto" : std::to_string(file_.approve_flip);
    policy["window.flip"] = file_.window;
  }

  Result<void> add_domain(const config::Domain& domain) {
    MXF_TRY(change, change_of(file_, domain, facts_, out_.findings));
    out_.plan.inputs["zone:" + domain.dns.zone] =
        zone_hash(facts_.zones.at(domain.dns.zone).snapshot);
    add_domain_steps(out_.plan, file_, domain, change, out_.findings);
    out_.plan.domains.push_back(std::move(change.plan));
    return {};
  }

  Result<void> check_mixes() {
    for (std::size_t i = 0; i < file_.domains.size(); ++i) {
      const auto& zone = facts_.zones.at(file_.domains[i].dns.zone);
      MixFacts mix{zone.snapshot, facts_.answers, {}};
      for (const auto& key : file_.domains[i].dkim) {
        MXF_TRY(name, dns::canonical_name(key.selector + "._domainkey." + file_.domains[i].name));
        MXF_TRY(data, dkim_rdata(key));
        mix.dkim[set_key(name, key.type)] = data;
      }
      auto found = check_cache_mix(out_.plan, out_.plan.domains.at(i), mix);
      std::move(found.begin(), found.end(), std::back_inserter(out_.findings));
    }
    return {};
  }

  const config::PlanFile& file_;
  const Facts& facts_;
  Computed out_;
};

}  // namespace

Result<Computed> compute(const config::PlanFile& file, const Facts& facts) {
  return Planner(file, facts).run();
}

}  // namespace mxferry::plan