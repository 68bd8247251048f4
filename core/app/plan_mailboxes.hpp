// SPDX-License-Identifier: Apache-2.0
// PlanMailboxes: mailboxes of a plan, and the state of its run, for the commands that go on with
// what the run has copied (retry, undo). While it lives no run can begin. Main thread.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/command.hpp"
#include "app/pair_options.hpp"
#include "base/json_reader.hpp"
#include "config/plan_file.hpp"
#include "net/connector.hpp"
#include "pipeline/imap_engine.hpp"
#include "pipeline/run_store.hpp"

namespace mxferry::app {

class PlanMailboxes {
 public:
  /// options.plan, options.state (empty: the plan's own) and options.mailbox (empty: all). usage
  /// where a mailbox is not in the plan; not_found where no run of it was ever begun.
  static Result<std::unique_ptr<PlanMailboxes>> open(const PairOptions& options);

  const Plan& plan() const { return *plan_; }
  pipeline::RunStore& store() { return *store_; }
  pipeline::ImapEngine& mail() { return *mail_; }
  const std::vector<const config::Mailbox*>& chosen() const { return chosen_; }

  using Control = std::shared_ptr<copy::CopyControl>;
  /// `work` for one mailbox after the other; after SIGINT or SIGTERM for no further one.
  void each(const std::function<Task<void>(const config::Mailbox&, Control)>& work);

 private:
  config::PlanFile file_;
  SystemClock clock_;
  net::NetConnector connector_;
  std::optional<store::StateFile> state_;
  std::optional<pipeline::RunStore> store_;
  std::optional<pipeline::ImapEngine> mail_;
  std::optional<Plan> plan_;
  std::vector<const config::Mailbox*> chosen_;
};

/// What became of each mailbox, for people as it happens, or as one JSON document at the end.
class PlanOutcome {
 public:
  PlanOutcome(std::string plan, bool json) : plan_(std::move(plan)), json_(json) {}
  /// `body` gets the mailbox's name.
  void done(const std::string& mailbox, Json body, Exit exit);
  /// The other mailboxes go on.
  void failed(const std::string& mailbox, const Error& error);
  /// Prints the document; the exit code: of the first error, else findings, else done. `asked`:
  /// fewer than these were dealt with where it was stopped.
  int finish(std::size_t asked) const;

 private:
  std::string plan_;
  bool json_;
  Json mailboxes_ = Json::array();
  std::optional<int> error_;
  bool findings_ = false;
};

}  // namespace mxferry::app
