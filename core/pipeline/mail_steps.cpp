// SPDX-License-Identifier: Apache-2.0
#include "pipeline/mail_steps.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "dns/change_set.hpp"
#include "pipeline/alerts.hpp"
#include "pipeline/assess.hpp"
#include "pipeline/dns_steps.hpp"
#include "pipeline/drift.hpp"
#include "pipeline/gate_steps.hpp"
#include "pipeline/stragglers.hpp"

namespace mxferry::pipeline {
namespace {

// A stop of the run, or a pause, ends a copy after the batch in hand.
class StopLink {
 public:
  StopLink(Env& env, const std::shared_ptr<copy::CopyControl>& control)
      : env_(env), control_(control), callback_(env.stop, [main = env.main, control] {
          boost::asio::post(main, [control] { control->stop(); });
        }) {
    env_.copies.insert(control_);
  }
  StopLink(const StopLink&) = delete;
  StopLink& operator=(const StopLink&) = delete;
  ~StopLink() { env_.copies.erase(control_); }

 private:
  Env& env_;
  std::shared_ptr<copy::CopyControl> control_;
  std::stop_callback<std::function<void()>> callback_;
};

}  // namespace

Result<MailboxRow> row_of(Env& env, const std::string& address) {
  MXF_TRY(rows, env.store.mailboxes());
  const auto it = rows.find(address);
  if (it != rows.end()) return it->second;
  MailboxRow row;
  row.address = address;
  return row;
}

Result<void> park(Env& env, const std::string& address, const Error& error) {
  MXF_TRY(row, row_of(env, address));
  row.state = "parked";
  row.words = error.message();
  MXF_CHECK(env.store.put_mailbox(row));
  const Json body = {{"mailbox", address}, {"state", "parked"}, {"why", error.message()}};
  MXF_CHECK(env.store.journal("mailbox:" + address, "state", body));
  Finding finding;
  finding.id = "MB-02";
  finding.subject = address;
  finding.severity = Severity::warning;
  finding.text = "the mailbox is parked: " + error.message();
  if (error.code == ErrorCode::auth || error.code == ErrorCode::denied)
    raise_alert(env, "auth", address + ":" + sha256_hex(error.message()).substr(0, 16), address,
                finding.text, "mend its password or permission, then run the same command again");
  finding.remedy = is_login_problem(error)
                       ? "mend its password or permission, then run the same command again: it is "
                         "tried once more"
                       : "see the server's words, mend the cause, run the same command again";
  return env.store.put_finding(finding);
}

Task<StepEnd> provision(Env& env, const Step& step, const ProvisionAction& action) {
  const auto* box = env.mailbox(action.address);
  if (box == nullptr || env.provider == nullptr) {
    auto error = fail(ErrorCode::internal, step.id, "nothing to provision with").error();
    co_return StepEnd::failed(std::move(error));
  }
  Account wanted;
  wanted.address = box->dest;
  wanted.aliases = box->aliases;
  wanted.quota_bytes = box->quota_bytes;
  const Json intent = {{"account", wanted.address}};
  if (auto noted = env.store.journal(step.id, "intent", intent); !noted)
    co_return StepEnd::failed(noted.error());
  crash_point("provision.intent");
  auto* provider = env.provider;
  auto make = [provider, wanted, reference = box->dest_secret, stop = env.stop]() -> Result<bool> {
    MXF_CHECK(provider->ensure_account(wanted, reference, stop));
    if (!wanted.aliases.empty()) {
      // Aliases may belong to the MTA's own configuration: a provider that has no API for them says
      // so, and it is reported.
      const auto aliases = provider->ensure_aliases(wanted, stop);
      if (!aliases && aliases.error().code != ErrorCode::unsupported) return fail(aliases.error());
    }
    if (wanted.quota_bytes) MXF_CHECK(provider->ensure_quota(wanted, stop));
    return provider->ready(wanted.address, stop);
  };
  for (int attempt = 0;; ++attempt) {
    bool ready = false;
    {
      const auto slot = co_await env.provider_slots->take();
      auto work = make;
      const auto made = co_await on_worker(env, std::move(work));
      if (!made) co_return StepEnd::failed(made.error());
      ready = *made;
    }
    crash_point("provision.made");
    if (ready) break;
    if (attempt >= 600) {
      auto error = fail(ErrorCode::timeout, step.id,
                        "the account was made, but the provider does not report it ready")
                       .error();
      co_return StepEnd::failed(std::move(error));
    }
    if (!co_await nap(env, Millis(1000))) co_return StepEnd::stopped();
  }
  const Json result = {{"account", wanted.address}, {"state", "ready"}};
  if (auto noted = env.store.journal(step.id, "result", result); !noted)
    co_return StepEnd::failed(noted.error());
  co_return StepEnd::done("ready");
}

// A mailbox that takes days does not hold up the small ones.
Task<Result<Slots::Held>> place_for(Env& env, const config::Mailbox& box) {
  MXF_CO_TRY(row, row_of(env, box.dest));
  const bool large = row.src_bytes >= 0 &&
                     static_cast<std::uint64_t>(row.src_bytes) >= env.file.copy.large_mailbox;
  auto* const slots = large ? env.large_slots : env.mail_slots;
  co_return co_await slots->take();
}

Task<Result<copy::CopyReport>> copy_once(Env& env, const config::Mailbox& box, CopyKind kind) {
  MXF_CO_TRY(slot, co_await place_for(env, box));
  if (env.stop.stop_requested())
    co_return fail(ErrorCode::cancelled, "copy " + box.dest, "stopped");
  auto control = std::make_shared<copy::CopyControl>();
  const StopLink link(env, control);
  const Instant began = env.clock.now();
  const Millis from = env.clock.boot_time();
  SourceMarks marks;
  if (kind == CopyKind::straggler) {
    MXF_CO_TRY(before, env.mail.source_marks(box));
    marks = std::move(before);
  }
  // A copy that begins counts as a byte: the server has time to answer.
  env.moved_at = env.clock.boot_time();
  ++env.copying;
  std::uint64_t bytes = 0;
  std::function<void(const copy::Progress&)> progress = [&env, &bytes](const copy::Progress& p) {
    if (p.bytes != bytes) env.moved_at = env.clock.boot_time();
    bytes = p.bytes;
    env.watcher.progress(p);
  };
  auto report = co_await env.mail.copy(box, kind, control, progress);
  --env.copying;
  if (!report) co_return report;
  MXF_CO_TRY(row, row_of(env, box.dest));
  // A straggler does not make a verified mailbox unverified: what was compared still stands.
  if (kind != CopyKind::straggler) {
    row.state = "copied";
    row.words.clear();
  }
  row.copied += static_cast<std::int64_t>(report->copied + report->adopted);
  row.dst_messages = static_cast<std::int64_t>(report->known);
  row.src_messages =
      std::max(row.src_messages, static_cast<std::int64_t>(report->known + report->refused));
  row.src_bytes += static_cast<std::int64_t>(report->bytes);
  row.dst_bytes += static_cast<std::int64_t>(report->bytes);
  row.delta_at = began;
  MXF_CO_CHECK(env.store.put_mailbox(row));
  if (kind == CopyKind::bulk) {
    MXF_CO_CHECK(
        note_rate(env, box.dest, report->copied, report->bytes, env.clock.boot_time() - from));
    MXF_CO_CHECK(note_estimate(env));
  }
  log::write(log::Level::info, "copied",
             {{"mailbox", box.dest},
              {"kind", to_string(kind)},
              {"messages", report->copied},
              {"bytes", report->bytes},
              {"refused", report->refused},
              {"filtered", report->filtered}});
  for (const auto& exception : report->exceptions) {
    Finding finding;
    const bool by_source = exception.kind == "altered_by_source";
    finding.id = exception.kind == "altered" ? "MB-04" : by_source ? "MB-09" : "MB-03";
    finding.subject =
        box.dest + " " + exception.folder + " uid " + std::to_string(exception.src.value);
    finding.severity = Severity::warning;
    finding.text = "a message was " + (by_source ? "altered by the source" : exception.kind) +
                   (exception.words.empty() ? "" : ": " + exception.words);
    finding.remedy = "see the server's words; accept it in the plan by its id, or move it by hand";
    MXF_CO_CHECK(env.store.put_finding(finding));
  }
  if (kind == CopyKind::straggler && report->copied > 0) {
    const Json body = {{"messages", report->copied}};
    MXF_CO_CHECK(env.store.observe("straggler", box.dest, body));
    MXF_CO_CHECK(co_await note_senders(env, box, marks));
  }
  if (report->copied > 0) MXF_CO_CHECK(co_await watch_quota(env, box));
  co_return report;
}

std::string verify_problem(const copy::VerifyReport& report) {
  if (report.findings.empty()) return "";
  const auto& first = report.findings.front();
  return std::to_string(report.findings.size()) + " messages differ; the first: " + first.folder +
         " uid " + std::to_string(first.src.value) + " " + first.kind +
         (first.detail.empty() ? "" : " (" + first.detail + ")");
}

Task<Result<copy::VerifyReport>> verify_once(Env& env, const config::Mailbox& box) {
  MXF_CO_TRY(slot, co_await place_for(env, box));
  if (env.stop.stop_requested())
    co_return fail(ErrorCode::cancelled, "verify " + box.dest, "stopped");
  auto control = std::make_shared<copy::CopyControl>();
  const StopLink link(env, control);
  auto report = co_await env.mail.verify(box, control);
  if (!report) co_return report;
  MXF_CO_TRY(row, row_of(env, box.dest));
  const auto problem = verify_problem(*report);
  row.state = problem.empty() ? "verified" : "copied";
  row.words = problem;
  row.verified_at = env.clock.now();
  const Json counts = {{"checked", report->checked},
                       {"equal", report->equal},
                       {"pending", report->pending},
                       {"refused", report->refused},
                       {"findings", report->findings.size()},

                       {"bytes", report->bytes}};
  row.verify = canonical_json(counts);
  row.src_bytes = static_cast<std::int64_t>(report->bytes);
  row.dst_bytes = row.src_bytes;
  MXF_CO_CHECK(env.store.put_mailbox(row));
  co_return report;
}

Task<StepEnd> copy_mailbox(Env& env, const Step& step, const CopyAction& action) {
  const auto* box = env.mailbox(action.address);
  if (box == nullptr) {
    auto error =
        fail(ErrorCode::internal, step.id, "the mailbox is not in the list any more").error();
    co_return StepEnd::failed(std::move(error));
  }
  const bool looping = action.kind == CopyKind::deltas;
  if (looping) {
    if (auto started = env.waits.start(step.id); !started)
      co_return StepEnd::failed(started.error());
  }
  std::uint64_t copied = 0;
  for (;;) {
    const auto report = co_await copy_once(env, *box, action.kind);
    if (!report && report.error().code == ErrorCode::waiting) {
      const auto& why = report.error().text;
      const Instant t = env.clock.now() + report.error().retry_after.value_or(Millis(60'000));
      const auto waited = co_await wait_until(env, step, t, why);
      if (waited != Waited::go_on) co_return end_of(waited, t, why);
      continue;
    }
    if (!report) co_return StepEnd::failed(report.error());
    copied += report->copied;
    if (report->stopped()) {
      std::string why;
      for (const auto& folder : report->folders)
        if (!folder.stopped.empty() && why.empty()) why = folder.source + ": " + folder.stopped;
      auto error = fail(ErrorCode::gate, "copy " + box->dest, "MB-05: " + why).error();
      StepEnd end = StepEnd::failed(std::move(error));
      end.kind = StepEnd::Kind::parked;
      co_return end;
    }
    if (!looping) break;
    auto progress = env.waits.progress(step.id);
    if (!progress) co_return StepEnd::failed(progress.error());
    const auto left = env.scaled(env.file.delta_for) - progress->value_or(Millis(0));
    if (left <= Millis(0)) break;
    (void)env.waits.checkpoint(step.id);
    const auto pause = std::min(left, env.scaled(env.file.delta_every));
    if (env.no_wait) {
      const Instant t = env.clock.now() + pause;
      const auto waited = co_await wait_until(env, step, t, "the next delta");
      co_return end_of(waited, t, "the next delta");
    }
    if (!co_await nap(env, pause)) co_return StepEnd::stopped();
  }
  co_return StepEnd::done(std::to_string(copied) + " messages copied");
}

Task<StepEnd> verify_mailbox(Env& env, const Step& step, const VerifyAction& action) {
  const auto* box = env.mailbox(action.address);
  if (box == nullptr) {
    auto error =
        fail(ErrorCode::internal, step.id, "the mailbox is not in the list any more").error();
    co_return StepEnd::failed(std::move(error));
  }
  // What changed at the source between the last copy and this comparison is copied, then compared
  // again.
  constexpr int kTries = 3;
  auto report = co_await verify_once(env, *box);
  if (!report) co_return StepEnd::failed(report.error());
  for (int tries = 1; tries < kTries && !verify_problem(*report).empty(); ++tries) {
    const auto copied = co_await copy_once(env, *box, CopyKind::last);
    if (!copied) co_return StepEnd::failed(copied.error());
    auto again = co_await verify_once(env, *box);
    if (!again) co_return StepEnd::failed(again.error());
    report = std::move(again);
  }
  const auto problem = verify_problem(*report);
  if (!problem.empty()) {
    auto error = fail(ErrorCode::gate, "verify " + box->dest, "MB-06: " + problem).error();
    error.with_remedy(
        "see the report for the list; mend the cause, and run the same command again");
    StepEnd end = StepEnd::failed(std::move(error));
    end.kind = StepEnd::Kind::parked;
    co_return end;
  }
  co_return StepEnd::done(
      std::to_string(report->equal) + " messages equal" +
      (report->pending > 0 ? ", " + std::to_string(report->pending) + " newer ones pending" : ""));
}

Task<StepEnd> monitor(Env& env, const Step& step, const MonitorAction& action) {
  if (auto started = env.waits.start(step.id); !started) co_return StepEnd::failed(started.error());
  std::uint64_t fetched = 0;
  const auto* domain = env.domain(action.domain);
  for (;;) {
    auto progress = env.waits.progress(step.id);
    if (!progress) co_return StepEnd::failed(progress.error());
    // The last pass begins after the end: what arrived in the last interval is fetched too.
    const bool last = progress->value_or(Millis(0)) >= env.scaled(action.duration);
    for (const auto& address : action.addresses) {
      const auto* box = env.mailbox(address);
      auto rows = env.store.mailboxes();
      if (!rows) co_return StepEnd::failed(rows.error());
      if (box == nullptr || rows->at(address).state == "parked") continue;
      const auto report = co_await copy_once(env, *box, CopyKind::straggler);
      if (!report) {
        if (report.error().code == ErrorCode::cancelled) co_return StepEnd::stopped();
        // The old server may be down for a while: the watch goes on, and says so.
        env.watcher.note("stragglers of " + address + ": " + report.error().message());
        if (last) co_return StepEnd::failed(report.error());
        continue;
      }
      fetched += report->copied;
    }
    if (domain != nullptr) {
      if (auto looked = co_await look_for_drift(env, *domain); !looked)
        co_return StepEnd::failed(looked.error());
    }
    if (last) {
      if (auto gone = co_await remove_late_canaries(env, action.domain); !gone)
        co_return StepEnd::failed(gone.error());
      break;
    }
    (void)env.waits.checkpoint(step.id);
    const auto left = env.scaled(action.duration) - progress->value_or(Millis(0));
    const auto pause = std::max(Millis(200), std::min(left, env.scaled(action.every)));
    if (env.no_wait) {
      const Instant t = env.clock.now() + pause;
      const auto waited = co_await wait_until(env, step, t, "watching for stragglers");
      co_return end_of(waited, t, "watching for stragglers");
    }
    if (!co_await nap(env, pause)) co_return StepEnd::stopped();
  }
  co_return StepEnd::done(fetched == 0 ? "no stragglers in the last stretch"
                                       : std::to_string(fetched) + " stragglers fetched");
}

}  // namespace mxferry::pipeline
