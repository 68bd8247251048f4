// SPDX-License-Identifier: Apache-2.0
#include "app/verify_command.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::app {

int verify_command(std::span<const std::string> args) {
  auto options = parse_pair_options("verify", args);
  if (!options) return report_error(options.error());
  if (!*options) return static_cast<int>(Exit::done);
  auto pair = MailboxPair::open(**options);
  if (!pair) return report_error(pair.error());
  auto report = (*pair)->run<copy::VerifyReport>(&copy::run_verify);
  if (!report) return report_error(report.error());
  const Exit exit = report->findings.empty() ? Exit::done : Exit::findings;
  if ((*options)->json) {
    Json findings = Json::array();
    for (const auto& f : report->findings)
      findings.push_back({{"folder", escape_bytes(f.folder)},
                          {"uid", f.src.value},
                          {"kind", f.kind},
                          {"detail", escape_bytes(f.detail)}});
    const Json out = {{"source", (*pair)->source_name()},
                      {"destination", (*pair)->dest_name()},
                      {"exit", static_cast<int>(exit)},
                      {"checked", report->checked},
                      {"equal", report->equal},
                      {"pending", report->pending},
                      {"refused", report->refused},
                      {"changed_at_destination", report->changed_at_destination},
                      {"bytes", report->bytes},
                      {"findings", std::move(findings)}};
    std::cout << out.dump() << '\n';
    return static_cast<int>(exit);
  }
  std::cout << escape_line((*pair)->source_name()) << " -> " << escape_line((*pair)->dest_name())
            << ": " << report->checked << " messages checked, " << report->equal << " equal";
  if (report->pending > 0) std::cout << ", " << report->pending << " arrived meanwhile";
  std::cout << ", " << report->findings.size() << " findings\n";
  constexpr std::size_t kShown = 50;
  for (std::size_t i = 0; i < std::min(report->findings.size(), kShown); ++i) {
    const auto& f = report->findings[i];
    std::cout << "  " << escape_line(f.folder) << " UID " << f.src.value << ' ' << f.kind << ": "
              << escape_line(f.detail) << '\n';
  }
  if (report->findings.size() > kShown)
    std::cout << "  and " << report->findings.size() - kShown << " more; --json lists them all\n";
  return static_cast<int>(exit);
}

}  // namespace mxferry::app
