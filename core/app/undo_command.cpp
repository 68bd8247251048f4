// SPDX-License-Identifier: Apache-2.0
#include "app/undo_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "copy/undo.hpp"

namespace mxferry::app {
namespace {

// True: go on. Only a terminal can be asked.
Result<bool> confirmed(const PairOptions& options, MailboxPair& pair) {
  if (options.dry_run || options.yes) return true;
  if (options.no_input || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) {
    auto error = fail(ErrorCode::usage, "undo", "nobody is there to confirm the removal").error();
    return fail(std::move(error.with_remedy("look at --dry-run, then add --yes")));
  }
  std::cerr << "remove from " << escape_line(pair.dest_name())
            << " what was copied there and not changed since? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Json to_json(const copy::UndoReport& report, const MailboxPair& pair, bool dry_run, Exit exit) {
  Json folders = Json::array();
  for (const auto& f : report.folders)
    folders.push_back({{"source", escape_bytes(f.source)},
                       {"destination", escape_bytes(f.destination)},
                       {"removed", f.removed},
                       {"adopted", f.adopted},
                       {"gone", f.gone},
                       {"left", f.left},
                       {"folder_removed", f.folder_removed}});
  Json left = Json::array();
  for (const auto& l : report.left) {
    Json entry = {{"folder", escape_bytes(l.folder)}, {"why", escape_bytes(l.why)}};
    if (l.dst.value > 0) entry["uid"] = l.dst.value;
    left.push_back(std::move(entry));
  }
  return {{"destination", pair.dest_name()},
          {"exit", code(exit)},
          {"dry_run", dry_run},
          {"removed", report.removed},
          {"adopted", report.adopted},
          {"gone", report.gone},
          {"folders_removed", report.folders_removed},
          {"folders", std::move(folders)},
          {"left", std::move(left)}};
}

void print(const copy::UndoReport& report, const MailboxPair& pair, bool dry_run) {
  std::cout << escape_line(pair.dest_name()) << ": " << report.removed
            << (dry_run ? " messages would be removed" : " messages removed");
  if (report.folders_removed > 0) std::cout << " with " << report.folders_removed << " folders";
  if (report.adopted > 0) std::cout << ", " << report.adopted << " were there before and stay";
  if (report.gone > 0) std::cout << ", " << report.gone << " were gone already";
  std::cout << '\n';
  constexpr std::size_t kShown = 50;
  for (std::size_t i = 0; i < std::min(report.left.size(), kShown); ++i) {
    const auto& l = report.left[i];
    std::cout << "  " << escape_line(l.folder);
    if (l.dst.value > 0) std::cout << " UID " << l.dst.value << " stays";
    std::cout << ": " << escape_line(l.why) << '\n';
  }
  if (report.left.size() > kShown)
    std::cout << "  and " << report.left.size() - kShown << " more; --json lists them all\n";
}

}  // namespace

int undo_command(std::span<const std::string> args) {
  auto options = parse_pair_options("undo", args);
  if (!options) return report_error(options.error());
  if (!*options) return code(Exit::done);
  auto pair = MailboxPair::open_dest(**options);
  if (!pair) return report_error(pair.error());
  auto go = confirmed(**options, **pair);
  if (!go) return report_error(go.error());
  if (!*go) {
    std::cerr << "nothing was removed\n";
    return code(Exit::interrupted);
  }
  copy::UndoOptions what;
  what.dry_run = (*options)->dry_run;
  what.folders = (*options)->folders;
  auto report =
      (*pair)->run<copy::UndoReport>([&](copy::CopyJob& job) { return copy::run_undo(job, what); });
  if (!report) return report_error(report.error());
  const Exit exit = report->left.empty() ? Exit::done : Exit::findings;
  if ((*options)->json) {
    std::cout << to_json(*report, **pair, what.dry_run, exit).dump() << '\n';
  } else {
    print(*report, **pair, what.dry_run);
  }
  return code(exit);
}

}  // namespace mxferry::app
