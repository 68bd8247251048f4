// SPDX-License-Identifier: Apache-2.0
#include "app/sync_command.hpp"

#include <chrono>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::app {
namespace {

Json to_json(const copy::CopyReport& report, const MailboxPair& pair, Exit exit) {
  Json folders = Json::array();
  for (const auto& f : report.folders) {
    Json entry = {{"source", escape_bytes(f.source)},
                  {"destination", escape_bytes(f.destination)},
                  {"copied", f.copied},
                  {"adopted", f.adopted},
                  {"flags_changed", f.flags_changed},
                  {"refused", f.refused},
                  {"altered", f.altered},
                  {"altered_by_source", f.altered_by_source},
                  {"known", f.known},
                  {"gone", f.gone},
                  {"filtered", f.filtered},
                  {"moved", f.moved},
                  {"quarantined", f.quarantined},
                  {"surplus", f.surplus},
                  {"bytes", f.bytes},
                  {"unchanged", f.unchanged}};
    if (!f.skipped.empty()) entry["skipped"] = f.skipped;
    if (!f.stopped.empty()) entry["stopped"] = f.stopped;
    if (!f.failed.empty()) entry["failed"] = escape_bytes(f.failed);
    if (!f.dropped_flags.empty()) {
      Json dropped = Json::array();
      for (const auto& flag : f.dropped_flags) dropped.push_back(escape_bytes(flag));
      entry["dropped_flags"] = std::move(dropped);
    }
    if (f.src.uid_validity) entry["uidvalidity"] = f.src.uid_validity->value;
    if (f.src.uid_next) entry["uidnext"] = f.src.uid_next->value;
    if (f.src.highest_modseq) entry["highestmodseq"] = f.src.highest_modseq->value;
    folders.push_back(std::move(entry));
  }
  Json exceptions = Json::array();
  for (const auto& e : report.exceptions)
    exceptions.push_back({{"folder", escape_bytes(e.folder)},
                          {"uid", e.src.value},
                          {"kind", e.kind},
                          {"code", e.code},
                          {"words", escape_bytes(e.words)}});
  return {{"source", pair.source_name()},
          {"destination", pair.dest_name()},
          {"exit", static_cast<int>(exit)},
          {"copied", report.copied},
          {"adopted", report.adopted},
          {"flags_changed", report.flags_changed},
          {"refused", report.refused},
          {"altered", report.altered},
          {"altered_by_source", report.altered_by_source},
          {"known", report.known},
          {"gone", report.gone},
          {"filtered", report.filtered},
          {"moved", report.moved},
          {"quarantined", report.quarantined},
          {"bytes", report.bytes},
          {"to_copy", report.to_copy},
          {"reconnects", report.reconnects},
          {"folders", std::move(folders)},
          {"exceptions", std::move(exceptions)}};
}

std::string megabytes(std::uint64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1e6 << " MB";
  return out.str();
}

void print(const copy::CopyReport& report, const MailboxPair& pair, bool dry_run,
           std::chrono::milliseconds took) {
  std::cout << escape_line(pair.source_name()) << " -> " << escape_line(pair.dest_name()) << ": ";
  if (dry_run) {
    std::cout << report.to_copy << " messages (" << megabytes(report.bytes) << ") would be copied";
    if (report.filtered > 0) std::cout << ", " << report.filtered << " left out as asked";
    std::cout << '\n';
    for (const auto& f : report.folders)
      if (!f.destination.empty() && f.source != f.destination)
        std::cout << "  " << escape_line(f.source) << " -> " << escape_line(f.destination) << '\n';
    return;
  }
  std::cout << report.copied << " messages copied (" << megabytes(report.bytes) << ")";
  if (report.adopted > 0) std::cout << ", " << report.adopted << " were there already";
  if (report.flags_changed > 0)
    std::cout << ", flags of " << report.flags_changed << " brought up to date";
  if (report.moved > 0) std::cout << ", " << report.moved << " moved as at the source";
  if (report.quarantined > 0)
    std::cout << ", " << report.quarantined << " gone from the source and put aside";
  if (report.refused > 0) std::cout << ", " << report.refused << " refused";
  if (report.altered > 0) std::cout << ", " << report.altered << " altered by the destination";
  if (report.altered_by_source > 0)
    std::cout << ", " << report.altered_by_source << " not given by the source as it has them";
  if (report.filtered > 0) std::cout << ", " << report.filtered << " left out as asked";
  std::cout << "; " << report.known << " in all, " << format_duration(took) << '\n';
  for (const auto& f : report.folders) {
    if (!f.stopped.empty())
      std::cout << "  " << escape_line(f.source) << ": stopped: " << escape_line(f.stopped) << '\n';
    if (!f.failed.empty())
      std::cout << "  " << escape_line(f.source) << ": failed: " << escape_line(f.failed) << '\n';
    if (f.surplus > 0)
      std::cout << "  " << escape_line(f.destination) << ": " << f.surplus
                << " doubles of ours stay: they could not be removed\n";
    if (f.gone > 0)
      std::cout << "  " << escape_line(f.source) << ": " << f.gone
                << " known messages are gone from the source; nothing was removed\n";
    if (!f.dropped_flags.empty()) {
      std::cout << "  " << escape_line(f.destination)
                << ": the destination does not keep the flags";
      for (const auto& flag : f.dropped_flags) std::cout << ' ' << escape_line(flag);
      std::cout << '\n';
    }
  }
  for (const auto& e : report.exceptions)
    std::cout << "  " << escape_line(e.folder) << " UID " << e.src.value << ' ' << e.kind << ": "
              << escape_line(e.words) << '\n';
}

}  // namespace

int sync_command(std::span<const std::string> args) {
  auto options = parse_pair_options("sync", args);
  if (!options) return report_error(options.error());
  return *options ? copy_and_tell(**options) : code(Exit::done);
}

int copy_and_tell(const PairOptions& options) {
  auto pair = MailboxPair::open(options);
  if (!pair) return report_error(pair.error());
  const auto start = std::chrono::steady_clock::now();
  auto report = (*pair)->run<copy::CopyReport>(&copy::run_copy);
  if (!report) {
    if (options.json) {
      const auto& error = report.error();
      const Json out = {{"source", (*pair)->source_name()},
                        {"destination", (*pair)->dest_name()},
                        {"exit", static_cast<int>(exit_for(error.code))},
                        {"error", std::string(to_string(error.code))},
                        {"message", error.message()}};
      std::cout << out.dump() << '\n';
    }
    return report_error(report.error());
  }
  const Exit exit = report->stopped()        ? Exit::refused
                    : report->has_findings() ? Exit::findings
                                             : Exit::done;
  if (options.json) {
    std::cout << to_json(*report, **pair, exit).dump() << '\n';
  } else {
    print(*report, **pair, options.dry_run,
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                start));
  }
  return static_cast<int>(exit);
}

}  // namespace mxferry::app
