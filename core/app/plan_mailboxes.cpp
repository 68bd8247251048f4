// SPDX-License-Identifier: Apache-2.0
#include "app/plan_mailboxes.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "app/mailbox_pair.hpp"
#include "app/migration.hpp"
#include "app/run_loop.hpp"
#include "base/escape.hpp"
#include "base/log.hpp"

namespace mxferry::app {

Result<std::unique_ptr<PlanMailboxes>> PlanMailboxes::open(const PairOptions& options) {
  auto out = std::make_unique<PlanMailboxes>();
  MXF_TRY(given, read_given(options.plan));
  MXF_TRY(file, config::read_plan_file(given.config));
  out->file_ = std::move(file);
  std::filesystem::path state = options.state;
  if (state.empty()) state = store::default_state_dir(out->file_.id) / "state.db";
  MXF_CHECK(check_state(state.string()));
  for (const auto& box : out->file_.mailboxes) {
    const auto is_meant = [&](const std::string& name) {
      return name == box.dest || name == box.source;
    };
    if (options.mailbox.empty() ||
        std::any_of(options.mailbox.begin(), options.mailbox.end(), is_meant))
      out->chosen_.push_back(&box);
  }
  for (const auto& name : options.mailbox) {
    const auto is_it = [&](const config::Mailbox* box) {
      return name == box->dest || name == box->source;
    };
    if (std::none_of(out->chosen_.begin(), out->chosen_.end(), is_it))
      return fail(ErrorCode::usage, "--mailbox",
                  "\"" + escape_line(name) + "\" is not in the plan's list of mailboxes");
  }
  MXF_TRY(opened, store::StateFile::open(state, store::Access::act));
  out->state_.emplace(std::move(opened));
  MXF_CHECK(log::open(state.parent_path() / "run.log", log::Level::info));
  out->store_.emplace(*out->state_, out->clock_);
  MXF_TRY(plan, out->store_->frozen_plan());
  if (!plan)
    return fail(ErrorCode::not_found, "open state " + state.string(),
                "no run of this plan was begun: nothing is known of what was copied");
  out->plan_ = std::move(plan);
  out->mail_.emplace(out->file_, &*out->store_, out->connector_, out->clock_);
  return out;
}

void PlanMailboxes::each(const std::function<Task<void>(const config::Mailbox&, Control)>& work) {
  RunLoop loop;
  auto control = std::make_shared<copy::CopyControl>();
  loop.on_stop = [&] { control->stop(); };
  loop.run([&]() -> Task<void> {
    for (const auto* box : chosen_) {
      if (control->stopped()) break;
      co_await work(*box, control);
    }
  });
  log::close();
}

void PlanOutcome::done(const std::string& mailbox, Json body, Exit exit) {
  body["mailbox"] = mailbox;
  mailboxes_.push_back(std::move(body));
  if (exit == Exit::findings) findings_ = true;
  if (exit != Exit::findings && exit != Exit::done && !error_) error_ = code(exit);
}

void PlanOutcome::failed(const std::string& mailbox, const Error& error) {
  const int exit = report_error(error);
  if (!error_) error_ = exit;
  mailboxes_.push_back({{"mailbox", mailbox},
                        {"exit", exit},
                        {"error", std::string(to_string(error.code))},
                        {"message", error.message()}});
}

int PlanOutcome::finish(std::size_t asked) const {
  const bool stopped = mailboxes_.size() < asked;
  const int exit = error_      ? *error_
                   : stopped   ? code(Exit::interrupted)
                   : findings_ ? code(Exit::findings)
                               : code(Exit::done);
  if (json_) {
    const Json out = {{"plan", plan_}, {"exit", exit}, {"mailboxes", mailboxes_}};
    std::cout << out.dump() << '\n';
  } else if (stopped) {
    std::cerr << "stopped; the same command goes on\n";
  }
  return exit;
}

}  // namespace mxferry::app
