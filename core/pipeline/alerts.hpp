// SPDX-License-Identifier: Apache-2.0
// Alerts: tells people what a run cannot mend by itself: each alert once for its key, on every
// channel that the plan names, tried again until it is sent, across kills. What cannot be sent is
// finding AL-01 and never stops a run. The thread of the run only; a channel may block on a worker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pipeline/env.hpp"
#include "pipeline/outbox.hpp"

namespace mxferry::pipeline {

struct Alert {
  std::string id;    // the same each time it is sent: for those who want it once
  std::string kind;  // auth | quota | stalled | gate | failed | drift
  std::string migration, subject, text, remedy;
  Instant at{};
};

/// docs/operate/notices.md: `mxferry-alert/1`, what a webhook gets.
std::string alert_json(const Alert& alert);
/// MXFERRY_ALERT_KIND=…, what a command gets as its whole environment.
std::vector<std::string> alert_environment(const Alert& alert);

class AlertChannel {
 public:
  virtual ~AlertChannel() = default;
  virtual std::string name() const = 0;  // mail | webhook | command
  virtual Task<Result<void>> send(Env& env, const Alert& alert) = 0;
};

class Alerts {
 public:
  Alerts(RunStore& store, const Clock& clock, std::string migration,
         std::vector<std::unique_ptr<AlertChannel>> channels);

  /// Puts the alert into the outbox, once for `kind` and `key`. Nothing where no channel is there.
  Result<void> raise(const std::string& kind, const std::string& key, const std::string& subject,
                     const std::string& text, const std::string& remedy);
  /// Tries what is due; ends at once where another delivery is under way. `all`: pauses between
  /// tries do not count, as at the end of a run.
  Task<void> deliver(Env& env, bool all = false);
  bool is_delivering() const { return delivering_; }

 private:
  struct Tries {
    int count = 0;
    Millis next{0};  // boot time
  };
  Task<Result<void>> deliver_one(Env& env, const OutboxRow& row);

  RunStore& store_;
  const Clock& clock_;
  Outbox outbox_;
  std::string migration_;
  std::vector<std::unique_ptr<AlertChannel>> channels_;
  std::map<std::string, Tries> tries_;  // of this process
  bool delivering_ = false;
  bool told_resume_ = false;
};

/// alerts->raise() where the plan has [alert]; what cannot be written is logged.
void raise_alert(Env& env, const std::string& kind, const std::string& key,
                 const std::string& subject, const std::string& text, const std::string& remedy);

/// Raises `stalled` where mailboxes are being copied and none of them got a byte for 15 minutes.
void watch_for_stall(Env& env);

}  // namespace mxferry::pipeline
