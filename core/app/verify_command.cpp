// SPDX-License-Identifier: Apache-2.0
#include "app/verify_command.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "app/command.hpp"
#include "app/mailbox_pair.hpp"
#include "app/spot_check.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"

namespace mxferry::app {

namespace {

Task<Result<SpotReport>> look_at_both(MailboxPair& pair, std::uint64_t count, std::uint64_t seed,
                                      bool subjects) {
  MXF_CO_TRY(from, co_await pair.job().open_source());
  MXF_CO_TRY(to, co_await pair.look_at_dest()());
  auto* source = dynamic_cast<imap::Client*>(from.get());
  auto* destination = dynamic_cast<imap::Client*>(to.get());
  if (source == nullptr || destination == nullptr)
    co_return fail(ErrorCode::unsupported, "verify --sample", "both ends must speak IMAP");
  auto report =
      co_await spot_check(*source, *destination, *pair.job().state, count, seed, subjects);
  source->close();
  destination->close();
  co_return report;
}

int sample_command(MailboxPair& pair, const PairOptions& options) {
  std::random_device random;
  const std::uint64_t seed = options.seed.value_or(random());
  std::optional<Result<SpotReport>> report;
  pair.run_work([&]() -> Task<void> {
    auto looked = co_await look_at_both(pair, options.sample, seed, options.subjects);
    report.emplace(std::move(looked));
  });
  if (!report) return report_error(fail(ErrorCode::cancelled, "verify", "stopped").error());
  if (!*report) return report_error(report->error());
  const auto& found = **report;
  const Exit exit = found.differs() ? Exit::findings : Exit::done;
  if (options.json) {
    Json out = to_json(found, options.subjects);
    out["source_account"] = pair.source_name();
    out["destination_account"] = pair.dest_name();
    out["exit"] = static_cast<int>(exit);
    std::cout << out.dump() << '\n';
  } else {
    std::cout << escape_line(pair.source_name()) << " -> " << escape_line(pair.dest_name()) << '\n'
              << print(found, options.subjects);
  }
  return static_cast<int>(exit);
}

}  // namespace

int verify_command(std::span<const std::string> args) {
  auto options = parse_pair_options("verify", args);
  if (!options) return report_error(options.error());
  if (!*options) return static_cast<int>(Exit::done);
  auto pair = MailboxPair::open(**options);
  if (!pair) return report_error(pair.error());
  if ((*options)->sample > 0) return sample_command(**pair, **options);
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
                      {"filtered", report->filtered},
                      {"changed_at_destination", report->changed_at_destination},
                      {"bytes", report->bytes},
                      {"findings", std::move(findings)}};
    std::cout << out.dump() << '\n';
    return static_cast<int>(exit);
  }
  std::cout << escape_line((*pair)->source_name()) << " -> " << escape_line((*pair)->dest_name())
            << ": " << report->checked << " messages checked, " << report->equal << " equal";
  if (report->pending > 0) std::cout << ", " << report->pending << " arrived meanwhile";
  if (report->filtered > 0) std::cout << ", " << report->filtered << " left out by the copy";
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
