// SPDX-License-Identifier: Apache-2.0
#include "app/check_command.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/assessment.hpp"
#include "app/command.hpp"
#include "app/findings.hpp"
#include "app/migration.hpp"
#include "app/options.hpp"
#include "app/write_file.hpp"
#include "base/escape.hpp"
#include "plan/print.hpp"

namespace mxferry::app {
namespace po = boost::program_options;

int check_command(std::span<const std::string> args) {
  auto table = plan_file_table(
      "check", "FILE [--offline] [--json] [--csv FILE]",
      "Reads plan.toml, its plugins and secrets, then the zones and name servers, every mailbox "
      "with its size and the addresses at which its mail of 90 days arrived, and says what would "
      "stand in the way. Nothing is written but the CSV file.");
  table.options.add_options()("offline", "only the files, plugins and secrets: no connection")(
      "json", "the findings and the inventory as JSON on stdout")(
      "csv", po::value<std::string>(), "write the inventory, a line a mailbox, to this file");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  const auto migration = Migration::open(values["file"].as<std::string>());
  if (!migration) return report_error(migration.error());
  if (values.count("offline") != 0) {
    std::cerr << "the files, plugins and secrets are in order; nothing was connected to\n";
    return code(Exit::done);
  }
  const auto assessed = assess(**migration);
  if (!assessed) return report_error(assessed.error());
  const auto& file = (*migration)->file();
  const auto& findings = assessed->computed.findings;
  if (values.count("csv") != 0) {
    if (auto written = write_file(values["csv"].as<std::string>(), to_csv(*assessed)); !written)
      return report_error(written.error());
  }
  if (values.count("json") != 0) {
    std::cout << to_json(*assessed, file).dump(2) << '\n';
  } else {
    std::cout << print(*assessed, file) << '\n'
              << plan::print(findings) << (findings.empty() ? "nothing stands in the way\n" : "")
              << "\nnot moved by mxferry:\n";
    for (const auto& item : assessed->computed.plan.not_moved)
      std::cout << "  " << escape_line(item) << '\n';
  }
  return code(exit_for(findings));
}

int plan_command(std::span<const std::string> args) {
  auto table =
      plan_file_table("plan", "FILE [-o OUT.plan.json] [--json]",
                      "Computes what run would do, and prints it. Writes nothing anywhere, but "
                      "the plan itself with -o; run takes that file and executes it as it is.");
  table.options.add_options()("output,o", po::value<std::string>(), "write the plan to this file")(
      "json", "the plan as JSON on stdout");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  const auto migration = Migration::open(values["file"].as<std::string>());
  if (!migration) return report_error(migration.error());
  const auto assessed = assess(**migration);
  if (!assessed) return report_error(assessed.error());
  const auto& computed = assessed->computed;
  const std::string document = plan_document((*migration)->file().file, computed.plan);
  if (values.count("output") != 0) {
    if (auto written = write_file(values["output"].as<std::string>(), document); !written)
      return report_error(written.error());
  }
  if (values.count("json") != 0)
    std::cout << document;
  else
    std::cout << plan::print(computed.plan) << '\n'
              << print(*assessed, (*migration)->file()) << '\n'
              << plan::print(computed.findings);
  return code(exit_for(computed.findings));
}

}  // namespace mxferry::app
