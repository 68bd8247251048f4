// SPDX-License-Identifier: Apache-2.0
#include "app/control_commands.hpp"

#include <pwd.h>
#include <unistd.h>

#include <iostream>

#include "app/command.hpp"
#include "app/migration.hpp"
#include "app/options.hpp"
#include "base/escape.hpp"
#include "pipeline/run_store.hpp"
#include "report/report.hpp"
#include "report/status.hpp"
#include "store/state_file.hpp"

namespace mxferry::app {
namespace po = boost::program_options;
namespace {

std::string who() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

OptionTable table_for(const std::string& command, const std::string& synopsis,
                      const std::string& about) {
  OptionTable table{command, synopsis, about, po::options_description("options")};
  table.hidden.add_options()("file", po::value<std::string>()->default_value(""), "plan.toml");
  table.positional.add("file", 1);
  table.options.add_options()("state", po::value<std::string>()->default_value(""),
                              "the state file, instead of the one that FILE names");
  return table;
}

// The state of the plan file's migration, or the one that --state names.
Result<store::StateFile> open_state(const po::variables_map& values, store::Access access) {
  std::filesystem::path state = values["state"].as<std::string>();
  if (state.empty()) {
    const auto file = values["file"].as<std::string>();
    if (file.empty())
      return fail(ErrorCode::usage, "mxferry", "expected a plan file, or --state FILE");
    MXF_TRY(given, read_given(file));
    MXF_TRY(plan, config::read_plan_file(given.config));
    state = store::default_state_dir(plan.id) / "state.db";
  }
  return store::StateFile::open(state, access);
}

int insert_control(const po::variables_map& values, const std::string& verb) {
  auto state = open_state(values, store::Access::control);
  if (!state) return report_error(state.error());
  const SystemClock clock;
  if (auto done = pipeline::RunStore::insert_control(state->db(), clock.now(), verb, "", who());
      !done)
    return report_error(done.error());
  std::cerr << verb << ": the run takes notice within a second, or at its next start\n";
  return static_cast<int>(Exit::done);
}

}  // namespace

int status_command(std::span<const std::string> args) {
  auto table = table_for("status", "FILE [--json]",
                         "Says where a migration stands: stages, what waits and until when, "
                         "mailboxes, findings. Reads only.");
  table.options.add_options()("json", "as JSON (format mxferry-status/1)");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  auto state = open_state(values, store::Access::read);
  if (!state) return report_error(state.error());
  const auto text = values.count("json") != 0 ? report::status_json(state->db())
                                              : report::status_text(state->db());
  if (!text) return report_error(text.error());
  std::cout << *text;
  if (!text->ends_with('\n')) std::cout << '\n';
  return static_cast<int>(Exit::done);
}

int pause_command(std::span<const std::string> args) {
  auto table =
      table_for("pause", "FILE", "Asks the run to start nothing new; DNS gates keep watching.");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  return insert_control(std::get<po::variables_map>(read), "pause");
}

int resume_command(std::span<const std::string> args) {
  auto table = table_for("resume", "FILE", "Ends a pause.");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  return insert_control(std::get<po::variables_map>(read), "resume");
}

int approve_command(std::span<const std::string> args) {
  auto table = table_for("approve", "FILE --plan HASH [--gate flip] [--reason TEXT]",
                         "Approves a gate of exactly this plan. The hash (or its first 12 digits) "
                         "is what plan, run and status print.");
  table.options.add_options()("gate", po::value<std::string>()->default_value("flip"), "the gate")(
      "plan", po::value<std::string>()->required(), "the plan's hash")(
      "reason", po::value<std::string>()->default_value(""), "why; kept in the journal");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  auto state = open_state(values, store::Access::control);
  if (!state) return report_error(state.error());
  const SystemClock clock;
  pipeline::RunStore store(*state, clock);
  const auto plan = store.frozen_plan();
  if (!plan) return report_error(plan.error());
  if (!*plan)
    return report_error(
        fail(ErrorCode::usage, "approve", "no plan is under way here: run it first").error());
  const auto given = values["plan"].as<std::string>();
  if (given.size() < 12 || !(*plan)->hash.starts_with(given)) {
    Error error = fail(ErrorCode::gate, "approve",
                       "AP-01: the plan under way is " + (*plan)->hash.substr(0, 16) + ", not " +
                           escape_line(given))
                      .error();
    return report_error(
        error.with_remedy("look at the plan under way (mxferry status), then approve that hash"));
  }
  const auto gate = values["gate"].as<std::string>();
  if (gate != "flip")
    return report_error(fail(ErrorCode::usage, "approve",
                             "there is no gate \"" + escape_line(gate) + "\"; known: flip")
                            .error());
  if (auto done =
          store.approve((*plan)->hash, gate, who(), "normal", values["reason"].as<std::string>());
      !done)
    return report_error(done.error());
  std::cerr << "approved: gate " << gate << " of plan " << (*plan)->hash.substr(0, 16) << '\n';
  return static_cast<int>(Exit::done);
}

int report_command(std::span<const std::string> args) {
  auto table =
      table_for("report", "FILE [-o FOLDER] [--json]",
                "Writes report.html, report.json and mailboxes.csv from the state. Reads only.");
  table.options.add_options()("output,o", po::value<std::string>()->default_value(""),
                              "the folder (default: report/ beside the state)")(
      "json", "report.json on stdout instead of files");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  auto state = open_state(values, store::Access::read);
  if (!state) return report_error(state.error());
  if (values.count("json") != 0) {
    const auto data = report::collect(state->db());
    if (!data) return report_error(data.error());
    std::cout << report::to_json(*data);
    return static_cast<int>(Exit::done);
  }
  std::filesystem::path dir = values["output"].as<std::string>();
  if (dir.empty()) dir = state->path().parent_path() / "report";
  if (auto written = report::write(state->db(), dir); !written)
    return report_error(written.error());
  std::cout << (dir / "report.html").string() << '\n';
  return static_cast<int>(Exit::done);
}

}  // namespace mxferry::app
