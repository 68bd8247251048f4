// SPDX-License-Identifier: Apache-2.0
#include "pipeline/notices.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/crash_point.hpp"
#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "pipeline/notice_text.hpp"
#include "protocol/mime/compose.hpp"

namespace mxferry::pipeline {
namespace {

constexpr std::size_t kAtOnce = 50;  // RFC 5321 §4.5.3.1.8: a server takes at least 100
constexpr int kAttempts = 6;
constexpr auto kFirstBackoff = Millis(1'000);

// Each mailbox at the side that serves it: before the flip the old one.
std::vector<std::string> recipients(const Env& env, const NoticeAction& action) {
  if (action.audience == "operators") return env.file.notice.operators;
  std::vector<std::string> out;
  for (const auto& box : env.file.mailboxes) {
    if (!config::belongs_to(box, action.domain)) continue;
    const bool old_side = action.when == "before" && box.source.find('@') != std::string::npos;
    out.push_back(old_side ? box.source : box.dest);
  }
  return out;
}

bool is_accepted(const Env& env, const Step& step) {
  const auto name = step.id.substr(0, step.id.find(':'));
  return std::any_of(env.file.accept.begin(), env.file.accept.end(), [&](const auto& accept) {
    return accept.id == "NO-01" || accept.id == "NO-01:" + name;
  });
}

StepEnd held(const Step& step, const std::string& why) {
  const auto name = step.id.substr(0, step.id.find(':'));
  return StepEnd::held("NO-01: the notice cannot be sent: " + why,
                       "mend [notice] of the plan or its server, then run the same command again; "
                       "or accept \"NO-01:" +
                           name + "\" with a reason and tell them yourself");
}

bool passes(const Error& error) {
  return error.code == ErrorCode::network || error.code == ErrorCode::timeout ||
         error.code == ErrorCode::rate_limited || error.retry != Retry::never;
}

// The same date each time, so that the message is: that of the first intent.
Result<Instant> first_intent(Env& env, const Step& step) {
  MXF_TRY(before, env.store.observations("notice-intent", step.id));
  return before.empty() ? env.clock.now() : before.front().first;
}

Result<void> note_refusals(Env& env, const Step& step, const std::vector<smtp::Untaken>& refused) {
  for (const auto& one : refused) {
    Finding finding;
    finding.id = "NO-02";
    finding.subject = step.id + " " + one.address;
    finding.severity = Severity::warning;
    finding.text =
        "the server of [notice] does not take the notice for " + one.address + ": " + one.words;
    finding.remedy = "tell this person in another way, and look whether the mailbox exists";
    MXF_CHECK(env.store.put_finding(finding));
  }
  return {};
}

struct Counts {
  std::size_t taken = 0, refused = 0;
};

// One part of the recipients until all of it is taken or refused. Nothing: it is done.
Task<std::optional<StepEnd>> send_part(Env& env, const Step& step, std::vector<std::string> to,
                                       std::string key, std::string message_id, std::string message,
                                       Counts& counts) {
  auto backoff = kFirstBackoff;
  std::string trouble;
  Counts part;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    if (attempt > 1) {
      env.watcher.note(step.id + ": " + trouble + "; tried again in " + format_duration(backoff));
      if (!co_await nap(env, backoff)) co_return StepEnd::stopped();
      backoff *= 2;
    }
    const Json intent = {{"message_id", message_id}, {"recipients", to.size()}};
    if (auto noted = env.store.journal(step.id, "intent", intent); !noted)
      co_return StepEnd::failed(noted.error());
    if (auto noted = env.store.observe("notice-intent", step.id, intent); !noted)
      co_return StepEnd::failed(noted.error());
    crash_point("notice.intent", step.id);
    auto sent = co_await env.post->send(to, message);
    crash_point("notice.sent", step.id);
    if (!sent) {
      trouble = sent.error().message();
      const Json failed = {{"failed", escape_line(trouble)}};
      if (auto noted = env.store.journal(step.id, "result", failed); !noted)
        co_return StepEnd::failed(noted.error());
      if (sent.error().code == ErrorCode::cancelled) co_return StepEnd::stopped();
      if (!passes(sent.error())) co_return held(step, trouble);
      continue;
    }
    part.taken += sent->taken.size();
    part.refused += sent->refused.size();
    counts.taken += sent->taken.size();
    counts.refused += sent->refused.size();
    if (auto noted = note_refusals(env, step, sent->refused); !noted)
      co_return StepEnd::failed(noted.error());
    const Json result = {{"message_id", message_id},
                         {"taken", part.taken},
                         {"refused", part.refused},
                         {"deferred", sent->deferred.size()}};
    if (auto noted = env.store.journal(step.id, "result", result); !noted)
      co_return StepEnd::failed(noted.error());
    if (sent->deferred.empty()) {
      // A part of which nobody was taken counts as not sent: another run tries it again.
      if (part.taken > 0) {
        if (auto noted = env.store.observe("notice-sent", key, result); !noted)
          co_return StepEnd::failed(noted.error());
      }
      co_return std::nullopt;
    }
    trouble = "not taken for now: " + sent->deferred.front().words;
    to.clear();
    for (const auto& one : sent->deferred) to.push_back(one.address);
  }
  co_return held(step, trouble);
}

}  // namespace

std::string notice_message_id(const Plan& plan, const std::string& step, const std::string& from) {
  return "notice." + sha256_hex(plan.id + "\n" + step).substr(0, 32) + "@" +
         from.substr(from.find('@') + 1);
}

Task<StepEnd> send_notice(Env& env, const Step& step, const NoticeAction& action) {
  if (is_accepted(env, step)) co_return StepEnd::done("not sent: accepted by the plan");
  if (env.post == nullptr) {
    auto error =
        fail(ErrorCode::config, step.id, "the plan names no [notice] smtp any more").error();
    co_return StepEnd::failed(std::move(error));
  }
  const auto all = recipients(env, action);
  if (all.empty()) co_return StepEnd::done("nobody to write to");
  const auto date = first_intent(env, step);
  if (!date) co_return StepEnd::failed(date.error());
  const auto words =
      notice_text(env.file, env.plan, action.when + "-" + action.audience, action.domain);
  if (!words) co_return StepEnd::failed(words.error());
  mime::Letter letter;
  letter.from = env.file.notice.from;
  letter.to_name = action.audience == "users" ? "mail users of " + action.domain : "operators";
  letter.subject = words->subject;
  letter.message_id = notice_message_id(env.plan, step.id, letter.from);
  letter.date = *date;
  letter.text = words->text;
  letter.html = words->html;
  letter.fields = {{"Auto-Submitted", "auto-generated"}};  // RFC 3834 §5: nobody's robot answers
  const std::string message = mime::compose(letter);
  auto intents = env.store.observations("notice-intent", step.id);
  if (!intents) co_return StepEnd::failed(intents.error());
  Counts counts;
  bool told = intents->empty();
  for (std::size_t first = 0; first < all.size(); first += kAtOnce) {
    const std::string key = step.id + "#" + std::to_string(first / kAtOnce);
    const auto before = env.store.observations("notice-sent", key);
    if (!before) co_return StepEnd::failed(before.error());
    if (!before->empty()) continue;
    if (!told)
      env.watcher.note(step.id +
                       ": it was under way when the last run ended: the notice may "
                       "arrive twice, with the same Message-ID");
    told = true;
    const auto end =
        all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), first + kAtOnce));
    std::vector<std::string> to(all.begin() + static_cast<std::ptrdiff_t>(first), end);
    auto ended =
        co_await send_part(env, step, std::move(to), key, letter.message_id, message, counts);
    if (ended) co_return *ended;
  }
  if (counts.taken == 0 && counts.refused > 0)
    co_return held(step, "the server takes none of the " + std::to_string(counts.refused) +
                             " recipients (NO-02)");
  co_return StepEnd::done(
      "sent to " + std::to_string(counts.taken) +
      (counts.taken == 1 ? " recipient" : " recipients") +
      (counts.refused > 0 ? ", " + std::to_string(counts.refused) + " refused" : ""));
}

}  // namespace mxferry::pipeline
