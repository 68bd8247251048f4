// SPDX-License-Identifier: Apache-2.0
#include "app/retry_command.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::app {
namespace {

const char* word(copy::Retried::Outcome outcome) {
  switch (outcome) {
    case copy::Retried::Outcome::copied:
      return "copied";
    case copy::Retried::Outcome::refused:
      return "refused";
    case copy::Retried::Outcome::gone:
      return "gone";
  }
  return "";
}

}  // namespace

int retry_command(std::span<const std::string> args) {
  auto options = parse_pair_options("retry", args);
  if (!options) return report_error(options.error());
  if (!*options) return code(Exit::done);
  auto pair = MailboxPair::open(**options);
  if (!pair) return report_error(pair.error());
  auto report = (*pair)->run<copy::CopyReport>(&copy::run_copy);
  if (!report) return report_error(report.error());
  std::size_t copied = 0;
  for (const auto& line : report->retried)
    if (line.outcome == copy::Retried::Outcome::copied) ++copied;
  const Exit exit = report->stopped()        ? Exit::refused
                    : report->has_findings() ? Exit::findings
                                             : Exit::done;
  if ((*options)->json) {
    Json lines = Json::array();
    for (const auto& line : report->retried)
      lines.push_back({{"folder", escape_bytes(line.folder)},
                       {"uid", line.src.value},
                       {"outcome", word(line.outcome)},
                       {"words", escape_bytes(line.words)}});
    Json failed = Json::array();
    for (const auto& folder : report->folders)
      if (!folder.failed.empty() || !folder.stopped.empty())
        failed.push_back(
            {{"folder", escape_bytes(folder.source)},
             {"why", escape_bytes(folder.failed.empty() ? folder.stopped : folder.failed)}});
    const Json out = {{"source", (*pair)->source_name()},
                      {"destination", (*pair)->dest_name()},
                      {"exit", code(exit)},
                      {"tried", report->retried.size()},
                      {"copied", copied},
                      {"refused", report->refused},
                      {"messages", std::move(lines)},
                      {"folders_failed", std::move(failed)}};
    std::cout << out.dump() << '\n';
    return code(exit);
  }
  std::cout << escape_line((*pair)->source_name()) << " -> " << escape_line((*pair)->dest_name())
            << ": " << report->retried.size() << " tried again, " << copied << " copied, "
            << report->refused << " still refused\n";
  for (const auto& line : report->retried)
    std::cout << "  " << escape_line(line.folder) << " UID " << line.src.value << ' '
              << word(line.outcome)
              << (line.outcome == copy::Retried::Outcome::refused ? ": " + escape_line(line.words)
                                                                  : std::string())
              << '\n';
  for (const auto& folder : report->folders)
    if (!folder.failed.empty() || !folder.stopped.empty())
      std::cout << "  " << escape_line(folder.source) << ": "
                << escape_line(folder.failed.empty() ? folder.stopped : folder.failed) << '\n';
  return code(exit);
}

}  // namespace mxferry::app
