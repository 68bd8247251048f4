// SPDX-License-Identifier: Apache-2.0
// The options of `sync`, `verify`, `backup`, `retry` and `undo`: two ends, a state, and what is to
// be copied, how fast and when.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/copy_filter.hpp"
#include "model/pace_limits.hpp"

namespace mxferry::app {

inline constexpr std::string_view kMaildir = "maildir:";

struct PairOptions {
  std::string source, dest;                // URLs, or maildir:PATH
  std::string source_secret, dest_secret;  // references
  std::string state;
  std::string plan;                  // retry, undo: a plan instead of a pair
  std::vector<std::string> mailbox;  // of the plan; none: all
  bool accept_moved_mx = false;      // undo of a plan
  std::string source_provider, dest_provider;
  std::string ca_file;
  std::string source_pin, dest_pin;
  std::vector<std::string> allow_plaintext;  // HOST:PORT
  unsigned timeout = 60;                     // seconds without movement
  bool json = false;
  bool dry_run = false;
  bool yes = false;
  bool no_input = false;
  bool folders = false;                             // undo: folders that the copy made go too
  std::vector<std::string> folder, exclude_folder;  // globs
  std::string uids;                                 // retry
  std::string since, before, min_size, max_size;
  std::vector<std::string> with_flag, without_flag;
  bool skip_deleted = false;
  bool unseen = false;
  std::string max_rate, daily_budget, window;
  std::uint64_t max_messages_rate = 0;  // 0: not limited
  bool no_wait = false;
  bool newest_first = false;
  std::string map;  // a file of rules
  std::string quarantine;
  std::uint64_t quarantine_cap = 100;
  bool state_must_exist = false;
  bool accept_gone = false;
  bool accept_quota = false;
  bool adopt_altered = false;
  bool copy_altered = false;
  std::uint64_t sample = 0;  // verify: so many messages for a person to look at; 0: all by digest
  std::optional<std::uint64_t> seed{};
  bool subjects = false;
  bool check = false;      // backup: its manifests against its files
  bool read_only = false;  // nothing is written at the destination
};

/// Reads the options; nothing when help was asked for and printed. `command` is "sync", "verify",
/// "backup", "retry" or "undo".
Result<std::optional<PairOptions>> parse_pair_options(const std::string& command,
                                                      std::span<const std::string> args);

/// What of the mail is copied, and how fast.
struct Choice {
  MessageFilter messages{};
  FolderFilter folders{};
  PaceLimits pace{};
};

/// Refuses the first option that says nonsense.
Result<Choice> read_choice(const PairOptions& options);

}  // namespace mxferry::app
