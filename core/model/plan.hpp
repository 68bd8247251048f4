// SPDX-License-Identifier: Apache-2.0
// The plan: a DAG of steps, a plain value that is computed once, printed, hashed, frozen and then
// executed. Actions are data; core/pipeline carries them out. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "model/zone.hpp"

namespace mxferry {

enum class Stage {
  assess,
  names,
  provision,
  pilot,
  bulk,
  ttl,
  overlap,
  approve,
  final_sync,
  flip,
  converge,
  monitor,
  finalize,
  report
};
std::string to_string(Stage stage);

enum class Effect { read, mail, dns, account, notice, manual };
std::string to_string(Effect effect);

/// One edit of one RRset. `set` replaces the data; `string` takes `before` strings out of a TXT set
/// and puts `after` in, so that foreign strings survive; `ttl` changes the TTL alone and keeps
/// whatever data stands there.
struct DnsEdit {
  enum class Kind { set, string, ttl };
  Kind kind = Kind::set;
  std::string name;  // absolute, lower case, final dot
  std::string type;
  std::vector<std::string>
      before{};  // rdata that must be there (set: the whole set; empty: must not exist)
  std::vector<std::string> after{};    // empty with kind set: deleted
  std::optional<std::uint32_t> ttl{};  // nothing: as it stands (a new name: the lowered TTL)
  bool operator==(const DnsEdit&) const = default;
};

struct DnsChangeAction {
  std::string zone;
  std::vector<DnsEdit> edits;
};
enum class CopyKind { bulk, deltas, last, straggler };
std::string to_string(CopyKind kind);
struct InventoryAction {};  // log in everywhere, count, snapshot the zones
struct ProvisionAction {
  std::string address;
};
struct CopyAction {
  CopyKind kind = CopyKind::bulk;
  std::string address;
};
struct VerifyAction {
  std::string address;
};
struct WaitAction {
  std::string what;
  Millis duration{0};
  std::string since{};
};  // plan duration since a step was done (scaled)
struct TtlWaitAction {
  std::string zone;
  std::vector<std::string> sets{};
};  // "name/type": the TTL gate of these RRsets
struct VisibleAction {
  std::string zone;
  std::vector<std::string> steps{};
};  // every RRset that these steps wrote is visible
struct CanaryAction {
  std::string domain;
  std::string path;
};  // path: direct | public
struct ConvergeAction {
  std::string domain;
  std::string zone;
  std::vector<std::string> sets{};
};
struct MonitorAction {
  std::string domain;
  Millis duration{0};
  Millis every{0};
  std::vector<std::string> addresses{};
};
struct ApproveAction {
  std::string gate;
  int approvals = 0;
};  // 0: policy "auto"
struct GateAction {
  std::string gate;
  std::string domain;
};  // MB-01, …: checked just before the flip
inline constexpr const char* kTransport = "MTA-STS/DANE";  // a gate, as MB-01 is
struct ManualAction {
  std::string check;  // how the run sees that it is done: "mta-sts-policy"
  std::string domain;
  std::string text{};  // what a person puts in place: the policy file, whole
};
struct NoticeAction {
  std::string domain;
  std::string audience;  // users | operators
  std::string when;      // before | after the flip: with `audience` the template's name
};                       // one mail for all of an audience
struct ReportAction {};

using Action = std::variant<InventoryAction, DnsChangeAction, ProvisionAction, CopyAction,
                            VerifyAction, WaitAction, TtlWaitAction, VisibleAction, CanaryAction,
                            ConvergeAction, MonitorAction, ApproveAction, GateAction, ManualAction,
                            NoticeAction, ReportAction>;

enum class OnFail { retry, park, hold, rollback };
std::string to_string(OnFail on_fail);

struct Step {
  std::string id;  // "flip:example.com"
  Stage stage = Stage::assess;
  std::string subject;  // a domain, a mailbox, or the migration
  std::vector<std::string>
      after{};  // ids that must be done (a parked mailbox step counts as ended)
  Effect effect = Effect::read;
  OnFail on_fail = OnFail::retry;
  std::string title;  // one line for people
  Action action;
};

/// What a domain's part of the plan was computed from, kept for rollback and finalize.
struct DomainPlan {
  std::string name;                              // example.com
  std::string zone;                              // example.com.
  std::vector<std::string> mx_before, mx_after;  // rdata
  std::string spf_before, spf_overlap, spf_after;
  std::string sts_before{}, sts_overlap{},
      sts_after{};                                  // MTA-STS policy files; empty: none to stage
  std::map<std::string, std::uint32_t> ttl_before;  // "name/type" -> TTL to restore
  std::vector<DnsEdit> flip, unflip;  // unflip: what rollback writes, at the lowered TTL
};

struct Plan {
  std::string id;  // the migration's
  int revision = 1;
  std::map<std::string, std::string> inputs;  // "config" | "zone:NAME" -> sha256
  std::map<std::string, std::string> policy;  // lowered TTL, delta.every, …: printed and hashed
  std::vector<DomainPlan> domains;
  std::vector<Step> steps;
  std::vector<std::string>
      not_moved;     // what mxferry does not move: printed in every check, plan and report
  std::string hash;  // SHA-256 of the canonical JSON without hash and estimates
  const Step* find(const std::string& step_id) const {
    for (const auto& step : steps)
      if (step.id == step_id) return &step;
    return nullptr;
  }
};

enum class StepStatus { pending, waiting, running, unknown, done, failed, parked, undone, waived };
std::string to_string(StepStatus status);
std::optional<StepStatus> step_status(const std::string& text);

}  // namespace mxferry
