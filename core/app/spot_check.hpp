// SPDX-License-Identifier: Apache-2.0
// The spot check: for some messages of a copied mailbox what a person would look at on both sides:
// when it arrived, read or not, its attachments by name and size; and how many messages each folder
// has. It proves nothing that verify does not, but a person can hold it against a mail program.
// Both sides are opened read-only; subjects are read only where they are asked for, and nothing of
// a message enters state or log. On the executor of the connections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.hpp"
#include "copy/sync_state.hpp"
#include "imap/survey.hpp"

namespace mxferry::app {

struct SpotFolder {
  std::string source, destination;  // UTF-8 paths
  std::optional<std::uint64_t> source_messages{}, destination_messages{};
  std::uint64_t copied = 0;  // known to have been copied
};

struct SpotMessage {
  std::string folder;  // of the source, UTF-8
  Uid src{}, dst{};
  std::optional<imap::Glance> source{}, destination{};  // nothing: it is gone there
  std::vector<std::string> differs{};                   // destination, date, read, attachments
};

struct SpotReport {
  std::uint64_t seed = 0;
  std::vector<SpotFolder> folders;
  std::vector<SpotMessage> messages;
  bool differs() const;
};

/// `count` of the numbers below `total`, ascending, the same for the same seed on any machine.
/// Pure.
std::vector<std::uint64_t> draw(std::uint64_t total, std::uint64_t count, std::uint64_t seed);

/// What a person would call different. A message that left the source since is no difference. Pure.
std::vector<std::string> differences(const SpotMessage& message);

Task<Result<SpotReport>> spot_check(imap::Client& source, imap::Client& destination,
                                    copy::SyncState& state, std::uint64_t count, std::uint64_t seed,
                                    bool subjects);

std::string print(const SpotReport& report, bool subjects);
Json to_json(const SpotReport& report, bool subjects);

}  // namespace mxferry::app
