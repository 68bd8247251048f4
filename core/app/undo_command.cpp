// SPDX-License-Identifier: Apache-2.0
#include "app/undo_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "app/plan_mailboxes.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "copy/undo.hpp"
#include "pipeline/undone.hpp"

namespace mxferry::app {
namespace {

// True: go on. Only a terminal can be asked.
Result<bool> confirmed(const PairOptions& options, const std::string& where) {
  if (options.dry_run || options.yes) return true;
  if (options.no_input || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) {
    auto error = fail(ErrorCode::usage, "undo", "nobody is there to confirm the removal").error();
    return fail(std::move(error.with_remedy("look at --dry-run, then add --yes")));
  }
  std::cerr << "remove from " << escape_line(where)
            << " what was copied there and not changed since? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Exit exit_of(const copy::UndoReport& report) {
  return report.left.empty() ? Exit::done : Exit::findings;
}

Json to_json(const copy::UndoReport& report, bool dry_run) {
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
  return {{"exit", code(exit_of(report))}, {"dry_run", dry_run},
          {"removed", report.removed},     {"adopted", report.adopted},
          {"gone", report.gone},           {"folders_removed", report.folders_removed},
          {"folders", std::move(folders)}, {"left", std::move(left)}};
}

void print(const std::string& where, const copy::UndoReport& report, bool dry_run) {
  std::cout << escape_line(where) << ": " << report.removed
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

copy::UndoOptions what_of(const PairOptions& options) {
  copy::UndoOptions out;
  out.dry_run = options.dry_run;
  out.folders = options.folders;
  return out;
}

// Users who read their mail at the destination would miss it: that is for a person to decide.
Result<void> mx_allows(PlanMailboxes& plan, const PairOptions& options) {
  if (options.dry_run || options.accept_moved_mx) return {};
  for (const auto* box : plan.chosen()) {
    MXF_TRY(moved, pipeline::moved_domain(plan.store(), plan.plan(), *box));
    if (!moved) continue;
    auto error = fail(ErrorCode::gate, "undo " + box->dest,
                      "UN-02: the MX of " + *moved +
                          " points to the destination, or may: mail arrives there, and its users "
                          "would miss what is taken back")
                     .error();
    return fail(std::move(
        error.with_remedy("go back first (mxferry rollback), or say so with --accept-moved-mx")));
  }
  return {};
}

int undo_plan(const PairOptions& options) {
  auto opened = PlanMailboxes::open(options);
  if (!opened) return report_error(opened.error());
  auto& plan = **opened;
  if (auto allowed = mx_allows(plan, options); !allowed) return report_error(allowed.error());
  auto go = confirmed(
      options, std::to_string(plan.chosen().size()) + " mailboxes of plan " + plan.plan().id);
  if (!go) return report_error(go.error());
  if (!*go) {
    std::cerr << "nothing was removed\n";
    return code(Exit::interrupted);
  }
  PlanOutcome outcome(plan.plan().id, options.json);
  plan.each([&](const config::Mailbox& box, PlanMailboxes::Control control) -> Task<void> {
    if (!options.dry_run) {
      if (auto noted = pipeline::note_undone(plan.store(), plan.plan(), box); !noted) {
        outcome.failed(box.dest, noted.error());
        co_return;
      }
    }
    auto report = co_await plan.mail().undo(box, what_of(options), std::move(control));
    if (!report) {
      outcome.failed(box.dest, report.error());
      co_return;
    }
    outcome.done(box.dest, to_json(*report, options.dry_run), exit_of(*report));
    if (!options.json) print(box.dest, *report, options.dry_run);
  });
  return outcome.finish(plan.chosen().size());
}

}  // namespace

int undo_command(std::span<const std::string> args) {
  auto options = parse_pair_options("undo", args);
  if (!options) return report_error(options.error());
  if (!*options) return code(Exit::done);
  if (!(*options)->plan.empty()) return undo_plan(**options);
  auto pair = MailboxPair::open_dest(**options);
  if (!pair) return report_error(pair.error());
  auto go = confirmed(**options, (*pair)->dest_name());
  if (!go) return report_error(go.error());
  if (!*go) {
    std::cerr << "nothing was removed\n";
    return code(Exit::interrupted);
  }
  const auto what = what_of(**options);
  auto report =
      (*pair)->run<copy::UndoReport>([&](copy::CopyJob& job) { return copy::run_undo(job, what); });
  if (!report) return report_error(report.error());
  if ((*options)->json) {
    auto out = to_json(*report, what.dry_run);
    out["destination"] = (*pair)->dest_name();
    std::cout << out.dump() << '\n';
  } else {
    print((*pair)->dest_name(), *report, what.dry_run);
  }
  return code(exit_of(*report));
}

}  // namespace mxferry::app
