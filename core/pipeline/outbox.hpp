// SPDX-License-Identifier: Apache-2.0
// Outbox: what must be told to somebody, once for each key, whatever is killed in between: a row is
// written before anything is sent, and stays until it was. The thread of the run only.
//
//   pending ──► sending ──► sent        sending after a kill: it may have been sent; sent again
//      ▲            │
//      └── failed ──┘ (tried again with a growing pause)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "store/db.hpp"

namespace mxferry::pipeline {

struct OutboxRow {
  std::string key;    // CHANNEL|ALERT
  std::string kind;   // auth | quota | stalled | gate | failed | drift
  std::string state;  // pending | sending | sent
  std::string body;   // JSON
  Instant at{};
};

class Outbox {
 public:
  Outbox(store::Db& db, const Clock& clock) : db_(db), clock_(clock) {}
  /// Adds the row unless the key is there; true where it was added.
  Result<bool> add(const std::string& key, const std::string& kind, const std::string& body);
  Result<void> set_state(const std::string& key, const std::string& state);
  Result<std::vector<OutboxRow>> unsent();

 private:
  store::Db& db_;
  const Clock& clock_;
};

}  // namespace mxferry::pipeline
