// SPDX-License-Identifier: Apache-2.0
// The table of commands: adding one is a line here.
#include <array>

#include "app/backup_command.hpp"
#include "app/check_command.hpp"
#include "app/command.hpp"
#include "app/control_commands.hpp"
#include "app/debug_command.hpp"
#include "app/dmarc_command.hpp"
#include "app/dns_command.hpp"
#include "app/explain_command.hpp"
#include "app/manual.hpp"
#include "app/plugins_command.hpp"
#include "app/retry_command.hpp"
#include "app/run_command.hpp"
#include "app/spf_command.hpp"
#include "app/sync_command.hpp"
#include "app/undo_command.hpp"
#include "app/verify_command.hpp"

namespace mxferry::app {

// int sync_command(std::span<const std::string> args) and its like live in app/NAME_command.hpp.
std::span<const Command> commands() {
  static const std::array table{
      Command{"check", "say what stands in the way of a migration", check_command},
      Command{"plan", "compute and print what a migration would do", plan_command},
      Command{"run", "carry a migration out; again: go on with it", run_command},
      Command{"status", "say where a migration stands", status_command},
      Command{"pause", "ask a run to start nothing new", pause_command},
      Command{"resume", "end a pause", resume_command},
      Command{"approve", "approve a gate of a plan", approve_command},
      Command{"rollback", "put MX and client records back", rollback_command},
      Command{"report", "write the report of a migration", report_command},
      Command{"sync", "copy one mailbox; again: what is new", sync_command},
      Command{"verify", "compare a copied mailbox by digest, date and flags", verify_command},
      Command{"retry", "try again what sync could not place", retry_command},
      Command{"undo", "take back what sync appended", undo_command},
      Command{"backup", "one mailbox into files with digests; again: what is new", backup_command},
      Command{"dns", "one zone: records, plan, apply, snapshot, restore; audit", dns_command,
              dns_subcommands},
      Command{"spf", "check: what SPF makes of a sender; merge: one record for two providers",
              spf_command, spf_subcommands},
      Command{"dmarc", "say what DMARC makes of a message: check", dmarc_command,
              dmarc_subcommands},
      Command{"explain", "say what a finding means and what to do", explain_command},
      Command{"plugins", "list, explain, check and trust plugins", plugins_command,
              plugins_subcommands},
      Command{"debug", "look at what servers said: imap-parse", debug_command, debug_subcommands},
      Command{"completion", "print completions for bash, zsh or fish", completion_command},
  };
  return table;
}

}  // namespace mxferry::app
