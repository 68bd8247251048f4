// SPDX-License-Identifier: Apache-2.0
#include "pipeline/runner.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "pipeline/alerts.hpp"
#include "pipeline/assess.hpp"
#include "pipeline/dns_steps.hpp"
#include "pipeline/gate_steps.hpp"
#include "pipeline/mail_steps.hpp"
#include "pipeline/notices.hpp"
#include "pipeline/signed_zone.hpp"
#include "pipeline/transport_steps.hpp"
#include "pipeline/ttl_gate.hpp"
#include "pipeline/visibility.hpp"

namespace mxferry::pipeline {
namespace {

constexpr int kAttempts = 6;
constexpr auto kFirstBackoff = Millis(1000);
constexpr auto kLongestBackoff = Millis(60'000);
constexpr auto kTick = Millis(500);  // control rows are read within a second

bool has_ended(StepStatus status) {
  return status == StepStatus::done || status == StepStatus::waived || status == StepStatus::parked;
}

bool is_mailbox_step(const Env& env, const Step& step) {
  return env.mailbox(step.subject) != nullptr;
}

Task<StepEnd> execute(Env& env, const Step& step) {
  if (const auto* a = std::get_if<DnsChangeAction>(&step.action))
    co_return co_await change_dns(env, step, *a);
  if (std::holds_alternative<InventoryAction>(step.action))
    co_return co_await take_inventory(env, step);
  if (const auto* a = std::get_if<ProvisionAction>(&step.action))
    co_return co_await provision(env, step, *a);
  if (const auto* a = std::get_if<CopyAction>(&step.action))
    co_return co_await copy_mailbox(env, step, *a);
  if (const auto* a = std::get_if<VerifyAction>(&step.action))
    co_return co_await verify_mailbox(env, step, *a);
  if (const auto* a = std::get_if<WaitAction>(&step.action))
    co_return co_await plan_wait(env, step, *a);
  if (const auto* a = std::get_if<TtlWaitAction>(&step.action))
    co_return co_await wait_ttl(env, step, *a);
  if (const auto* a = std::get_if<VisibleAction>(&step.action)) {
    auto end = co_await wait_visible(env, step, *a);
    co_return co_await end_signed(env, step, std::move(end), a->zone, a->steps);
  }
  if (const auto* a = std::get_if<CanaryAction>(&step.action))
    co_return co_await canary(env, step, *a);
  if (const auto* a = std::get_if<ConvergeAction>(&step.action)) {
    auto end = co_await converge(env, step, *a);
    std::vector<std::string> flip;
    flip.push_back("flip:" + a->domain);
    co_return co_await end_signed(env, step, std::move(end), a->zone, std::move(flip));
  }
  if (const auto* a = std::get_if<MonitorAction>(&step.action))
    co_return co_await monitor(env, step, *a);
  if (const auto* a = std::get_if<ApproveAction>(&step.action))
    co_return co_await approval(env, step, *a);
  if (const auto* a = std::get_if<GateAction>(&step.action)) {
    if (a->gate == "AD-01") co_return co_await address_gate(env, step, *a);
    if (a->gate == kTransport) co_return co_await transport_gate(env, step, *a);
    co_return co_await mailbox_gate(env, step, *a);
  }
  if (const auto* a = std::get_if<NoticeAction>(&step.action))
    co_return co_await send_notice(env, step, *a);
  if (const auto* a = std::get_if<ManualAction>(&step.action))
    co_return co_await manual_step(env, step, *a);
  if (auto written = env.write_report ? env.write_report() : Result<void>(); !written)
    co_return StepEnd::failed(written.error());
  co_return StepEnd::done("written");
}

// Network trouble is tried again with a growing pause; everything else is an answer.
Task<StepEnd> with_retries(Env& env, const Step& step) {
  auto backoff = kFirstBackoff;
  for (int attempt = 1;; ++attempt) {
    StepEnd end = co_await execute(env, step);
    if (end.kind != StepEnd::Kind::failed || !end.error) co_return end;
    const auto code = end.error->code;
    const bool passing = code == ErrorCode::network || code == ErrorCode::timeout ||
                         code == ErrorCode::rate_limited || end.error->retry != Retry::never;
    if (!passing || attempt >= kAttempts) co_return end;
    const auto pause = std::max(backoff, end.error->retry_after.value_or(Millis(0)));
    env.watcher.note(step.id + ": " + end.why + "; tried again in " + format_duration(pause));
    if (!co_await nap(env, pause)) co_return StepEnd::stopped();
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
}

class Run {
 public:
  explicit Run(Env& env) : env_(env), wake_(env.main) {}

  Task<RunEnd> run() {
    auto rows = env_.store.steps();
    if (!rows) co_return failed(rows.error());
    for (const auto& step : env_.plan.steps) {
      const auto it = rows->find(step.id);
      status_[step.id] = it == rows->end() ? StepStatus::pending : it->second.status;
    }
    for (;;) {
      if (auto controlled = read_control(); !controlled) co_return failed(controlled.error());
      if (!env_.stop.stop_requested() && !env_.paused && !store_broken_) start_ready();
      const bool waits_for_resume = env_.paused && !env_.no_wait;
      if (active_.empty() && (env_.stop.stop_requested() || !waits_for_resume || store_broken_))
        break;
      (void)env_.store.heartbeat();
      tend_alerts();
      wake_.expires_after(kTick);
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    auto end = conclude();
    // What was raised last has not been tried yet.
    while (env_.alerts != nullptr && env_.alerts->is_delivering()) {
      wake_.expires_after(Millis(50));
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (env_.alerts != nullptr && !env_.stop.stop_requested())
      co_await env_.alerts->deliver(env_, true);
    co_return end;
  }

 private:
  void tend_alerts() {
    if (env_.alerts == nullptr) return;
    watch_for_stall(env_);
    if (!env_.alerts->is_delivering())
      boost::asio::co_spawn(env_.main, env_.alerts->deliver(env_), boost::asio::detached);
  }

  static RunEnd failed(Error error) {
    RunEnd end;
    end.kind = RunEnd::Kind::failed;
    end.why = error.message();
    end.error = std::move(error);
    return end;
  }

  bool is_ready(const Step& step) const {
    const auto status = status_.at(step.id);
    if (has_ended(status) || active_.contains(step.id) || ended_.contains(step.id)) return false;
    return std::all_of(step.after.begin(), step.after.end(),
                       [&](const std::string& id) { return has_ended(status_.at(id)); });
  }

  void start_ready() {
    bool again = true;
    while (again) {
      again = false;
      for (const auto& step : env_.plan.steps) {
        if (!is_ready(step)) continue;
        if (is_parked(step)) {
          status_[step.id] = StepStatus::parked;
          keep(env_.store.set_step(step.id, StepStatus::parked, "its mailbox is parked"));
          again = true;  // what follows it may be ready now
          continue;
        }
        active_.insert(step.id);
        boost::asio::co_spawn(env_.main, drive(step), boost::asio::detached);
      }
    }
  }

  bool is_parked(const Step& step) {
    if (!is_mailbox_step(env_, step)) return false;
    const auto rows = env_.store.mailboxes();
    if (!rows) return false;
    const auto it = rows->find(step.subject);
    return it != rows->end() && it->second.state == "parked";
  }

  Task<void> drive(const Step& step) {
    keep(env_.store.set_step(step.id, StepStatus::running, "", std::nullopt, true));
    const Json began = {{"state", "running"}};
    keep(env_.store.journal(step.id, "state", began));
    env_.watcher.step(step, StepStatus::running, "");
    crash_point("step.running", step.id);
    StepEnd end = co_await with_retries(env_, step);
    crash_point("step.ended", step.id);
    settle(step, std::move(end));
    active_.erase(step.id);
    wake_.cancel();
  }

  void settle(const Step& step, StepEnd end) {
    StepStatus status = StepStatus::done;
    switch (end.kind) {
      case StepEnd::Kind::done:
        break;
      case StepEnd::Kind::stopped:
        status = StepStatus::pending;
        break;
      case StepEnd::Kind::waiting:
      case StepEnd::Kind::held:
      case StepEnd::Kind::person:
        status = StepStatus::waiting;
        break;
      case StepEnd::Kind::parked:
        status = StepStatus::parked;
        break;
      case StepEnd::Kind::failed:
        status = step.on_fail == OnFail::park && is_mailbox_step(env_, step) ? StepStatus::parked
                                                                             : StepStatus::failed;
        break;
    }
    if (status == StepStatus::parked) {
      Error error;
      if (end.error) error = *end.error;
      if (!end.error) error.text = end.why;
      keep(park(env_, step.subject, error));
    }
    const std::string why = end.remedy.empty() ? end.why : end.why + "; what to do: " + end.remedy;
    const auto not_before =
        end.kind == StepEnd::Kind::waiting ? std::optional(end.not_before) : std::nullopt;
    keep(env_.store.set_step(step.id, status, why, not_before));
    crash_point("step.settled", step.id);
    const Json body = {{"state", to_string(status)}, {"why", end.why}};
    keep(env_.store.journal(step.id, "state", body));
    log::write(log::Level::info, "step",
               {{"step", step.id}, {"state", to_string(status)}, {"why", end.why}});
    env_.watcher.step(step, status, why);
    tell(step, end);
    status_[step.id] = status;
    // What a pause ended begins again with the resume.
    const bool again = end.kind == StepEnd::Kind::stopped && !env_.stop.stop_requested();
    if (!has_ended(status) && !again) ended_.emplace(step.id, std::move(end));
  }

  // What ends a step without its being done, and waits for somebody to do something.
  void tell(const Step& step, const StepEnd& end) {
    std::string kind;
    if (end.kind == StepEnd::Kind::held || end.kind == StepEnd::Kind::person) kind = "gate";
    if (end.kind == StepEnd::Kind::failed && !is_mailbox_step(env_, step))
      kind = end.error && end.error->code == ErrorCode::auth ? "auth" : "failed";
    if (kind.empty()) return;
    raise_alert(env_, kind, step.id + ":" + sha256_hex(end.why).substr(0, 16), step.id, end.why,
                end.remedy);
  }

  Result<void> read_control() {
    MXF_TRY(rows, env_.store.take_control());
    for (const auto& row : rows) {
      const Json body = {{"verb", row.verb}, {"who", row.who}};
      MXF_CHECK(env_.store.journal("control", "state", body));
      if (row.verb == "pause") {
        env_.paused = true;
        for (const auto& copy : env_.copies) copy->stop();
        MXF_CHECK(env_.store.set_run_state("paused"));
        env_.watcher.note("paused by " + row.who + "; mxferry resume goes on");
      } else if (row.verb == "resume") {
        env_.paused = false;
        MXF_CHECK(env_.store.set_run_state("running"));
        env_.watcher.note("resumed by " + row.who);
      }
    }
    return {};
  }

  // A state that cannot be written to ends the run: nothing may happen without its record.
  void keep(Result<void> written) {
    if (written) return;
    if (!store_broken_) store_error_ = written.error();
    store_broken_ = true;
  }

  RunEnd conclude() {
    if (store_broken_) return failed(*store_error_);
    RunEnd end;
    if (env_.stop.stop_requested()) {
      end.kind = RunEnd::Kind::stopped;
      end.why = "stopped; the same command goes on";
      return end;
    }
    // Several steps may have ended without being done: the one that says most about what to do now
    // wins.
    const auto rank = [](StepEnd::Kind kind) {
      switch (kind) {
        case StepEnd::Kind::failed:
          return 4;
        case StepEnd::Kind::held:
          return 3;
        case StepEnd::Kind::waiting:
          return 2;
        case StepEnd::Kind::person:
          return 1;
        default:
          return 0;
      }
    };
    const StepEnd* worst = nullptr;
    for (const auto& [id, step_end] : ended_) {
      if (step_end.kind == StepEnd::Kind::waiting &&
          (!end.retry_at || step_end.not_before < *end.retry_at))
        end.retry_at = step_end.not_before;
      if (worst == nullptr || rank(step_end.kind) > rank(worst->kind)) {
        worst = &step_end;
        end.why = id + ": " + step_end.why;
        end.remedy = step_end.remedy;
      }
    }
    if (env_.paused && (worst == nullptr || rank(worst->kind) < rank(StepEnd::Kind::held))) {
      end.kind = RunEnd::Kind::person;
      end.why = "the run is paused";
      end.remedy = "mxferry resume " + env_.file.file.string();
      end.retry_at.reset();
      return end;
    }
    if (worst == nullptr) {
      (void)env_.store.set_run_state("done");
      return end;
    }
    switch (worst->kind) {
      case StepEnd::Kind::held:
        end.kind = RunEnd::Kind::held;
        break;
      case StepEnd::Kind::waiting:
        end.kind = RunEnd::Kind::waiting;
        break;
      case StepEnd::Kind::person:
        end.kind = RunEnd::Kind::person;
        break;
      default:
        end.kind = RunEnd::Kind::failed;
    }
    end.error = worst->error;
    if (end.kind == RunEnd::Kind::held) (void)env_.store.set_run_state("held");
    return end;
  }

  Env& env_;
  boost::asio::steady_timer wake_;
  std::map<std::string, StepStatus> status_;
  std::set<std::string> active_;
  std::map<std::string, StepEnd> ended_;  // in this run, not done
  bool store_broken_ = false;
  std::optional<Error> store_error_;
};

}  // namespace

Task<RunEnd> run_plan(Env& env) {
  auto run = std::make_unique<Run>(env);
  co_return co_await run->run();
}

Result<void> reopen_steps(RunStore& store, const Plan& plan) {
  MXF_TRY(mailboxes, store.mailboxes());
  for (auto& [address, row] : mailboxes) {
    if (row.state != "parked") continue;
    row.state = "pending";
    MXF_CHECK(store.put_mailbox(row));
    MXF_CHECK(store.forget_findings("MB-02", address));
    for (const auto& step : plan.steps)
      if (step.subject == address) {
        MXF_TRY(rows, store.steps());
        const auto it = rows.find(step.id);
        if (it != rows.end() && it->second.status == StepStatus::parked)
          MXF_CHECK(store.set_step(step.id, StepStatus::pending, "tried again"));
      }
  }
  return {};
}

}  // namespace mxferry::pipeline
