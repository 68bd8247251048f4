// SPDX-License-Identifier: Apache-2.0
#include "app/run_command.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/command.hpp"
#include "app/findings.hpp"
#include "app/migration.hpp"
#include "app/options.hpp"
#include "app/run_loop.hpp"
#include "app/terminal.hpp"
#include "app/write_file.hpp"
#include "base/escape.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "pipeline/alerts.hpp"
#include "pipeline/imap_engine.hpp"
#include "pipeline/rollback.hpp"
#include "pipeline/runner.hpp"
#include "plan/plan_json.hpp"
#include "plan/print.hpp"
#include "report/report.hpp"
#include "smtp/client.hpp"
#include "store/state_file.hpp"

namespace mxferry::app {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

// Everything that a run and a rollback need, opened in the order in which it may fail.
struct Session {
  std::unique_ptr<Migration> migration;
  std::optional<store::StateFile> state;
  fs::path state_path;
  std::optional<pipeline::RunStore> store;
  std::optional<pipeline::WaitClock> waits;
  std::optional<pipeline::ImapEngine> mail;
  std::optional<pipeline::SmtpPost> post;
  std::optional<pipeline::Alerts> alerts;
  std::optional<Plan> plan;

  static Result<std::unique_ptr<Session>> open(const fs::path& config, const std::string& state) {
    auto out = std::make_unique<Session>();
    MXF_TRY(migration, Migration::open(config));
    out->migration = std::move(migration);
    out->state_path = out->migration->state_file(state);
    MXF_TRY(file, store::StateFile::open(out->state_path, store::Access::act));
    out->state.emplace(std::move(file));
    MXF_CHECK(log::open(out->state_path.parent_path() / "run.log", log::Level::info));
    const Clock& clock = out->migration->clock();
    out->store.emplace(*out->state, clock);
    out->waits.emplace(out->state->db(), clock);
    out->mail.emplace(out->migration->file(), &*out->store, out->migration->connector(), clock);
    out->post.emplace(out->migration->connector(), clock, out->migration->file().mta_sts_ca_file);
    if (out->migration->file().alert.enabled())
      out->alerts.emplace(*out->store, clock, out->migration->file().id,
                          out->migration->take_alert_channels());
    return out;
  }

  fs::path report_dir() const { return state_path.parent_path() / "report"; }
};

// The plan that this run executes: the frozen one, or a fresh one that is frozen now.
Result<void> choose_plan(Session& session, const GivenPlan& given, bool adopt,
                         std::vector<Finding>& findings) {
  auto& store = *session.store;
  const auto& file = session.migration->file();
  MXF_TRY(frozen, store.frozen_plan());
  if (given.ready) {
    const auto input = given.ready->inputs.find("config");
    if (input == given.ready->inputs.end() || input->second != file.sha256) {
      Error error = fail(ErrorCode::gate, "run",
                         "RN-01: plan.toml or mailboxes.csv changed since this plan was made")
                        .error();
      return fail(std::move(
          error.with_remedy("make it again with mxferry plan -o, look at it, and run that")));
    }
  }
  if (frozen) {
    const bool same = given.ready ? given.ready->hash == frozen->hash
                                  : frozen->inputs.at("config") == file.sha256;
    if (same) {
      session.plan = std::move(*frozen);
      MXF_TRY(kept, store.findings());
      findings = std::move(kept);
      return {};
    }
  }
  Plan fresh;
  if (given.ready) {
    fresh = *given.ready;
  } else {
    MXF_TRY(computed, session.migration->compute({}));
    fresh = std::move(computed.plan);
    findings = std::move(computed.findings);
  }
  if (frozen) {
    if (!adopt) {
      Error error = fail(ErrorCode::gate, "run",
                         "RN-02: the plan differs from the one that is under way:\n" +
                             plan::diff(*frozen, fresh))
                        .error();
      return fail(std::move(error.with_remedy(
          "put the file back, or take the new plan with --adopt (approvals are asked for again)")));
    }
    fresh.revision = frozen->revision + 1;
    fresh.hash = plan::hash_of(fresh);
  }
  if (!frozen) MXF_CHECK(store.forget_findings("", ""));  // of a plan that did not come to run
  for (const auto& finding : findings) MXF_CHECK(store.put_finding(finding));
  if (has_blocks(findings)) {
    std::cerr << plan::print(findings);
    return fail(ErrorCode::gate, "run", "RN-03: the plan has findings that block it (above)");
  }
  MXF_CHECK(store.freeze(fresh));
  for (const auto& finding : findings) {
    if (finding.accepted.empty()) continue;
    const Json body = {{"id", finding.id},
                       {"subject", finding.subject},
                       {"reason", finding.accepted},
                       {"why", finding.text}};
    MXF_CHECK(store.journal("plan", "waiver", body));
  }
  session.plan = std::move(fresh);
  return {};
}

// How much of each kind goes on at the same time.
struct AllSlots {
  pipeline::Slots mail, large, dns, provider;
  AllSlots(RunLoop& loop, int mailboxes)
      : mail(loop.io().get_executor(), mailboxes),
        large(loop.io().get_executor(), 1),
        dns(loop.io().get_executor(), 1),
        provider(loop.io().get_executor(), 1) {}
};

pipeline::Env env_of(Session& session, RunLoop& loop, AllSlots& slots,
                     pipeline::RunWatcher& watcher) {
  const auto& file = session.migration->file();
  return pipeline::Env{file,
                       *session.plan,
                       *session.store,
                       *session.waits,
                       session.migration->clock(),
                       *session.mail,
                       session.migration->eyes(),
                       session.migration->dns(),
                       session.migration->provider(),
                       *session.post,
                       watcher,
                       {},
                       loop.io().get_executor(),
                       loop.workers(),
                       loop.token(),
                       1,
                       false,
                       false,
                       &slots.mail,
                       &slots.large,
                       &slots.dns,
                       &slots.provider,
                       session.migration->read_policy(),
                       {},
                       session.migration->speed(),
                       session.migration->dest_message_bytes()};
}

int finish_run(Session& session, const pipeline::RunEnd& end, bool json) {
  const auto findings = session.store->findings();
  const Exit exit = exit_of_run(end, findings && has_warnings(*findings));
  // The report is wanted most when something went wrong: it is written at every end.
  const auto written = report::write(session.state->db(), session.report_dir());
  if (!written) std::cerr << "mxferry: " << written.error().message() << '\n';
  const std::string report = (session.report_dir() / "report.html").string();
  if (json) {
    Json line = {{"event", "end"},
                 {"exit", code(exit)},
                 {"why", escape_line(end.why)},
                 {"remedy", escape_line(end.remedy)},
                 {"report", report},
                 {"state", session.state_path.string()}};
    if (end.retry_at) line["retry_at"] = format_instant(*end.retry_at);
    std::cout << canonical_json(line) << '\n';
  } else {
    switch (exit) {
      case Exit::done:
        std::cerr << "done and verified\n";
        break;
      case Exit::findings:
        std::cerr << "done, with findings:\n" << plan::print(*findings);
        break;
      default:
        std::cerr << "mxferry: " << escape_line(end.why) << '\n';
        if (!end.remedy.empty()) std::cerr << "  what to do: " << escape_line(end.remedy) << '\n';
        if (end.retry_at)
          std::cerr << "  not before " << format_instant(*end.retry_at)
                    << "; the same command goes on\n";
    }
    std::cerr << "report: " << report << '\n';
  }
  log::write(log::Level::info, "end", {{"exit", code(exit)}, {"why", end.why}});
  log::close();
  return code(exit);
}

class SmtpProbe final : public pipeline::OldSideProbe {
 public:
  explicit SmtpProbe(net::Connector& connector) : connector_(connector) {}
  Task<Result<void>> takes_mail(const std::string& mx_host, const std::string& address,
                                const std::string& to) override {
    smtp::Server server;
    server.host = mx_host;
    server.address = address;
    smtp::Envelope envelope;
    envelope.helo = "localhost";
    envelope.to = to;
    auto reply = co_await smtp::probe_recipient(connector_, server, envelope);
    if (!reply) co_return fail(std::move(reply).error());
    if (reply->code / 100 == 2) co_return Result<void>();
    Error error = fail(ErrorCode::refused, "smtp RCPT TO " + server.name(),
                       "the old MX does not take mail for " + to)
                      .error();
    co_return fail(std::move(error.with_remote(std::to_string(reply->code) + " " + reply->words)));
  }

 private:
  net::Connector& connector_;
};

}  // namespace

Exit exit_of_run(const pipeline::RunEnd& end, bool warnings) {
  switch (end.kind) {
    case pipeline::RunEnd::Kind::done:
      return warnings ? Exit::findings : Exit::done;
    case pipeline::RunEnd::Kind::held:
      return Exit::refused;
    case pipeline::RunEnd::Kind::waiting:
      return Exit::waiting;
    case pipeline::RunEnd::Kind::person:
      return Exit::person;
    case pipeline::RunEnd::Kind::stopped:
      return Exit::interrupted;
    case pipeline::RunEnd::Kind::failed:
      break;
  }
  return end.error ? exit_for(end.error->code) : Exit::fault;
}

int run_command(std::span<const std::string> args) {
  auto table = plan_file_table(
      "run", "FILE [OPTIONS]",
      "Carries the migration out, from assess to report. Stop it anywhere: the same "
      "command goes on. FILE is plan.toml, or a plan that mxferry plan -o wrote.");
  table.options.add_options()("state", po::value<std::string>()->default_value(""),
                              "the state file (default: $XDG_STATE_HOME/mxferry/ID/state.db)")(
      "no-wait", "do all that is due, then end with exit 7 (retry_at) or 8 (a person is needed)")(
      "time-scale", po::value<std::int64_t>()->default_value(1),
      "divide plan durations by this; only where everything is loopback")(
      "adopt", "take a plan that differs from the one under way")(
      "json", "what happens as NDJSON on stdout");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  const bool json = values.count("json") != 0;
  const auto scale = values["time-scale"].as<std::int64_t>();
  if (scale < 1 || scale > 10'000'000)
    return report_error(
        fail(ErrorCode::usage, "--time-scale", "expected a number from 1 to 10000000").error());

  const auto given = read_given(values["file"].as<std::string>());
  if (!given) return report_error(given.error());
  auto opened = Session::open(given->config, values["state"].as<std::string>());
  if (!opened) return report_error(opened.error());
  Session& session = **opened;
  if (auto allowed = session.migration->check_scale(scale, {}); !allowed)
    return report_error(allowed.error());
  std::vector<Finding> findings;
  if (auto chosen = choose_plan(session, *given, values.count("adopt") != 0, findings); !chosen)
    return report_error(chosen.error());
  auto& store = *session.store;
  if (auto begun = store.begin_run(*session.plan, scale); !begun)
    return report_error(begun.error());
  const auto state = store.run_state();
  if (!state) return report_error(state.error());
  if (*state == "rolled_back") {
    Error error = fail(ErrorCode::gate, "run", "RN-04: this migration was rolled back").error();
    return report_error(error.with_remedy("start another one with an id of its own"));
  }
  if (auto reopened = pipeline::reopen_steps(store, *session.plan); !reopened)
    return report_error(reopened.error());

  RunLoop loop;
  AllSlots slots(loop, session.migration->file().parallel);
  TerminalWatcher watcher(json, session.migration->clock());
  auto env = env_of(session, loop, slots, watcher);
  env.scale = scale;
  env.no_wait = values.count("no-wait") != 0;
  env.paused = *state == "paused";
  env.post = session.migration->notice_post();
  env.alerts = session.alerts ? &*session.alerts : nullptr;
  env.write_report = [&session] {
    return report::write(session.state->db(), session.report_dir());
  };
  if (!json)
    std::cerr << "mxferry " << session.plan->id << ": plan " << session.plan->hash.substr(0, 16)
              << ", state " << session.state_path.string() << '\n';
  pipeline::RunEnd end;
  loop.run([&]() -> Task<void> { end = co_await pipeline::run_plan(env); });
  watcher.finish();
  return finish_run(session, end, json);
}

int rollback_command(std::span<const std::string> args) {
  auto table = plan_file_table(
      "rollback", "FILE [OPTIONS]",
      "Puts MX and client records back to what they were before the flip, at the lowered "
      "TTL, after proving that the old side is alive. SPF keeps both sides.");
  table.options.add_options()("state", po::value<std::string>()->default_value(""),
                              "the state file")(
      "domain", po::value<std::string>()->default_value(""), "only this domain")(
      "strand-new-mail", "agree that mail that arrived on the new side stays there; it is listed")(
      "time-scale", po::value<std::int64_t>()->default_value(1), "as for run")(
      "json", "the result with the list of stranded messages as JSON on stdout");
  const auto read = read_options(table, args);
  if (const int* end = std::get_if<int>(&read)) return *end;
  const auto& values = std::get<po::variables_map>(read);
  const bool json = values.count("json") != 0;
  const auto given = read_given(values["file"].as<std::string>());
  if (!given) return report_error(given.error());
  auto opened = Session::open(given->config, values["state"].as<std::string>());
  if (!opened) return report_error(opened.error());
  Session& session = **opened;
  const auto scale = std::max<std::int64_t>(1, values["time-scale"].as<std::int64_t>());
  if (auto allowed = session.migration->check_scale(scale, {}); !allowed)
    return report_error(allowed.error());
  auto& store = *session.store;
  auto frozen = store.frozen_plan();
  if (!frozen) return report_error(frozen.error());
  if (!*frozen) {
    std::cerr << "nothing to roll back: this migration has not been run\n";
    return code(Exit::done);
  }
  session.plan = std::move(**frozen);

  RunLoop loop;
  AllSlots slots(loop, session.migration->file().parallel);
  TerminalWatcher watcher(json, session.migration->clock());
  auto env = env_of(session, loop, slots, watcher);
  env.scale = scale;
  SmtpProbe probe(session.migration->connector());
  pipeline::RollbackOptions options;
  options.strand_new_mail = values.count("strand-new-mail") != 0;
  std::optional<Error> problem;
  Json domains = Json::array();
  std::size_t flipped = 0;
  std::size_t stranded = 0;
  loop.run([&]() -> Task<void> {
    for (const auto& domain : session.plan->domains) {
      if (!values["domain"].as<std::string>().empty() &&
          values["domain"].as<std::string>() != domain.name)
        continue;
      auto result = co_await pipeline::roll_back(env, domain.name, probe, options);
      if (!result) {
        problem = result.error();
        co_return;
      }
      if (!result->flipped) continue;
      ++flipped;
      Json list = Json::array();
      for (const auto& mail : result->stranded) {
        Json item = Json::object();
        item["mailbox"] = escape_bytes(mail.mailbox);
        item["folder"] = escape_bytes(mail.folder);
        item["uid"] = mail.uid;
        item["sha256"] = mail.sha256;
        list.push_back(std::move(item));
      }
      stranded += result->stranded.size();
      Json entry = Json::object();
      entry["domain"] = domain.name;
      entry["changes"] = result->changes;
      entry["stranded"] = std::move(list);
      domains.push_back(std::move(entry));
    }
  });
  watcher.finish();
  if (problem) return report_error(*problem);
  if (flipped == 0) {
    std::cerr << "nothing to roll back: no MX was flipped\n";
    return code(Exit::done);
  }
  if (auto marked = store.set_run_state("rolled_back"); !marked)
    return report_error(marked.error());
  const Json out = {
      {"format", "mxferry-rollback/1"}, {"migration", session.plan->id}, {"domains", domains}};
  const fs::path list = session.state_path.parent_path() / "stranded.json";
  if (auto written = write_file(list, out.dump(2) + "\n"); !written)
    return report_error(written.error());
  (void)report::write(session.state->db(), session.report_dir());
  if (json)
    std::cout << canonical_json(out) << '\n';
  else
    std::cerr
        << "rolled back; " << stranded << " messages stay on the new side, listed in "
        << list.string()
        << "\nTTLs stay lowered until you are sure; mxferry dns restore puts the old ones back\n";
  log::close();
  return code(Exit::done);
}

}  // namespace mxferry::app
