// SPDX-License-Identifier: Apache-2.0
#include "app/retry_command.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "app/plan_mailboxes.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::app {
namespace {

using copy::Retried;

const char* word(Retried::Outcome outcome) {
  switch (outcome) {
    case Retried::Outcome::copied:
      return "copied";
    case Retried::Outcome::refused:
      return "refused";
    case Retried::Outcome::gone:
      return "gone";
  }
  return "";
}

std::size_t copied(const copy::CopyReport& report) {
  return static_cast<std::size_t>(
      std::count_if(report.retried.begin(), report.retried.end(),
                    [](const Retried& line) { return line.outcome == Retried::Outcome::copied; }));
}

Exit exit_of(const copy::CopyReport& report) {
  if (report.stopped()) return Exit::refused;
  return report.has_findings() ? Exit::findings : Exit::done;
}

Json to_json(const copy::CopyReport& report) {
  Json lines = Json::array();
  for (const auto& line : report.retried)
    lines.push_back({{"folder", escape_bytes(line.folder)},
                     {"uid", line.src.value},
                     {"outcome", word(line.outcome)},
                     {"words", escape_bytes(line.words)}});
  Json failed = Json::array();
  for (const auto& folder : report.folders)
    if (!folder.failed.empty() || !folder.stopped.empty())
      failed.push_back(
          {{"folder", escape_bytes(folder.source)},
           {"why", escape_bytes(folder.failed.empty() ? folder.stopped : folder.failed)}});
  return {{"exit", code(exit_of(report))}, {"tried", report.retried.size()},
          {"copied", copied(report)},      {"refused", report.refused},
          {"messages", std::move(lines)},  {"folders_failed", std::move(failed)}};
}

void print(const std::string& whose, const copy::CopyReport& report) {
  std::cout << escape_line(whose) << ": " << report.retried.size() << " tried again, "
            << copied(report) << " copied, " << report.refused << " still refused\n";
  for (const auto& line : report.retried)
    std::cout << "  " << escape_line(line.folder) << " UID " << line.src.value << ' '
              << word(line.outcome)
              << (line.outcome == Retried::Outcome::refused ? ": " + escape_line(line.words)
                                                            : std::string())
              << '\n';
  for (const auto& folder : report.folders)
    if (!folder.failed.empty() || !folder.stopped.empty())
      std::cout << "  " << escape_line(folder.source) << ": "
                << escape_line(folder.failed.empty() ? folder.stopped : folder.failed) << '\n';
}

// What has its place now is no finding of the plan any more.
Result<void> note_retried(pipeline::RunStore& store, const config::Mailbox& box,
                          const copy::CopyReport& report) {
  for (const auto& line : report.retried)
    if (line.outcome != Retried::Outcome::refused)
      MXF_CHECK(store.forget_findings(
          "MB-03", box.dest + " " + line.folder + " uid " + std::to_string(line.src.value)));
  MXF_TRY(rows, store.mailboxes());
  const auto it = rows.find(box.dest);
  if (it == rows.end()) return {};
  it->second.copied += static_cast<std::int64_t>(copied(report));
  it->second.dst_messages += static_cast<std::int64_t>(copied(report));
  return store.put_mailbox(it->second);
}

int retry_plan(const PairOptions& options) {
  auto opened = PlanMailboxes::open(options);
  if (!opened) return report_error(opened.error());
  auto& plan = **opened;
  PlanOutcome outcome(plan.plan().id, options.json);
  plan.each([&](const config::Mailbox& box, PlanMailboxes::Control control) -> Task<void> {
    auto scope = retry_scope(options);
    if (!scope) {
      outcome.failed(box.dest, scope.error());
      co_return;
    }
    auto report = co_await plan.mail().retry(box, *scope, std::move(control));
    if (report) {
      if (auto noted = note_retried(plan.store(), box, *report); !noted)
        report = fail(std::move(noted).error());
    }
    if (!report) {
      outcome.failed(box.dest, report.error());
      co_return;
    }
    outcome.done(box.dest, to_json(*report), exit_of(*report));
    if (!options.json) print(box.dest, *report);
  });
  return outcome.finish(plan.chosen().size());
}

}  // namespace

int retry_command(std::span<const std::string> args) {
  auto options = parse_pair_options("retry", args);
  if (!options) return report_error(options.error());
  if (!*options) return code(Exit::done);
  if (!(*options)->plan.empty()) return retry_plan(**options);
  auto pair = MailboxPair::open(**options);
  if (!pair) return report_error(pair.error());
  auto report = (*pair)->run<copy::CopyReport>(&copy::run_copy);
  if (!report) return report_error(report.error());
  if ((*options)->json) {
    auto out = to_json(*report);
    out["source"] = (*pair)->source_name();
    out["destination"] = (*pair)->dest_name();
    std::cout << out.dump() << '\n';
  } else {
    print((*pair)->source_name() + " -> " + (*pair)->dest_name(), *report);
  }
  return code(exit_of(*report));
}

}  // namespace mxferry::app
