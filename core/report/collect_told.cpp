// SPDX-License-Identifier: Apache-2.0
#include "report/collect_told.hpp"

#include <nlohmann/json.hpp>

namespace mxferry::report {
namespace {

std::string text_at(const Json& json, const char* key) {
  const auto value = json_string_or(json, key, "", "state");
  return value ? *value : std::string();
}

std::int64_t number_at(const Json& json, const char* key) {
  const auto value = json_int_or(json, key, 0, "state");
  return value ? *value : 0;
}

}  // namespace

void add_sender(const ObservationLine& seen, const Json& json, Data& out) {
  const auto from = text_at(json, "from");
  const auto host = text_at(json, "host");
  const auto messages = number_at(json, "messages");
  for (auto& line : out.stragglers) {
    if (line.mailbox != seen.subject || line.from != from || line.host != host) continue;
    line.messages += messages;
    line.last = seen.at;
    return;
  }
  out.stragglers.push_back({seen.subject, from, host, messages, seen.at});
}

void read_notices(const Plan& plan, Data& out) {
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const auto* notice = std::get_if<NoticeAction>(&plan.steps[i].action);
    if (notice == nullptr) continue;
    NoticeLine line;
    line.step = plan.steps[i].id;
    line.audience = notice->audience;
    line.when = notice->when;
    line.state = to_string(out.steps[i].status);
    for (const auto& seen : out.observations) {
      const bool tried = seen.kind == "notice-intent" && seen.subject == line.step;
      const bool sent = seen.kind == "notice-sent" && seen.subject.starts_with(line.step + "#");
      if (!tried && !sent) continue;
      if (tried && !line.first_tried) line.first_tried = seen.at;
      const auto json = parse_json(seen.body, "state: observation");
      if (!json) continue;
      line.message_id = text_at(*json, "message_id");
      if (!sent) continue;
      line.sent = seen.at;
      line.taken += number_at(*json, "taken");
      line.refused += number_at(*json, "refused");
    }
    out.notices.push_back(std::move(line));
  }
}

Result<void> read_alerts(store::Db& db, Data& out) {
  return db.each("SELECT key, kind, at, body, state FROM outbox ORDER BY at, key",
                 [&](const store::Row& row) {
                   AlertLine line;
                   line.channel = row.text(0).substr(0, row.text(0).find('|'));
                   line.kind = row.text(1);
                   line.at = Instant(Millis(row.integer(2)));
                   line.state = row.text(4);
                   const auto json = parse_json(row.text(3), "state: outbox");
                   if (json) {
                     line.subject = text_at(*json, "subject");
                     line.text = text_at(*json, "text");
                   } else {
                     out.problems.push_back("an alert cannot be read");
                   }
                   out.alerts.push_back(std::move(line));
                 });
}

}  // namespace mxferry::report
