// SPDX-License-Identifier: Apache-2.0
#include "pipeline/outbox.hpp"

namespace mxferry::pipeline {

Result<bool> Outbox::add(const std::string& key, const std::string& kind, const std::string& body) {
  MXF_TRY(there, db_.number("SELECT count(*) FROM outbox WHERE key = $1", key));
  if (there.value_or(0) > 0) return false;
  MXF_CHECK(
      db_.run("INSERT INTO outbox(key, kind, at, body, state) VALUES($1, $2, $3, $4, "
              "'pending')",
              key, kind, clock_.now().time_since_epoch().count(), body));
  return true;
}

Result<void> Outbox::set_state(const std::string& key, const std::string& state) {
  return db_.run("UPDATE outbox SET state = $1 WHERE key = $2", state, key);
}

Result<std::vector<OutboxRow>> Outbox::unsent() {
  std::vector<OutboxRow> out;
  MXF_CHECK(
      db_.each("SELECT key, kind, state, body, at FROM outbox WHERE state != 'sent' "
               "ORDER BY at, key",
               [&](const store::Row& row) {
                 out.push_back({row.text(0), row.text(1), row.text(2), row.text(3),
                                Instant(Millis(row.integer(4)))});
               }));
  return out;
}

}  // namespace mxferry::pipeline
