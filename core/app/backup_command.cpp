// SPDX-License-Identifier: Apache-2.0
#include "app/backup_command.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "app/sync_command.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "maildir/backup.hpp"

namespace mxferry::app {
namespace {

int check(const PairOptions& options) {
  const std::string path = options.dest.substr(options.dest.find(':') + 1);
  auto report = maildir::check_backup(path);
  if (!report) return report_error(report.error());
  const Exit exit = report->findings.empty() ? Exit::done : Exit::findings;
  if (options.json) {
    Json findings = Json::array();
    for (const auto& f : report->findings)
      findings.push_back({{"folder", escape_bytes(f.folder)},
                          {"uid", f.uid.value},
                          {"kind", f.kind},
                          {"detail", escape_bytes(f.detail)}});
    const Json out = {{"backup", escape_bytes(path)},   {"exit", code(exit)},
                      {"folders", report->folders},     {"checked", report->checked},
                      {"equal", report->equal},         {"bytes", report->bytes},
                      {"findings", std::move(findings)}};
    std::cout << out.dump() << '\n';
    return code(exit);
  }
  std::cout << escape_line(path) << ": " << report->folders << " folders, " << report->checked
            << " messages checked, " << report->equal << " equal, " << report->findings.size()
            << " findings\n";
  for (const auto& f : report->findings)
    std::cout << "  " << escape_line(f.folder) << " UID " << f.uid.value << ' ' << f.kind << ": "
              << escape_line(f.detail) << '\n';
  return code(exit);
}

}  // namespace

int backup_command(std::span<const std::string> args) {
  auto options = parse_pair_options("backup", args);
  if (!options) return report_error(options.error());
  if (!*options) return code(Exit::done);
  return (*options)->check ? check(**options) : copy_and_tell(**options);
}

}  // namespace mxferry::app
