// SPDX-License-Identifier: Apache-2.0
// ImapEngine: the MailEngine of real runs: IMAP on both sides, the copy engine between them, its
// memory in the state file. The source is opened read-only, always. On the run's thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "copy/state_pace_book.hpp"
#include "copy/sync_store.hpp"
#include "copy/undo.hpp"
#include "imap/client.hpp"
#include "net/connector.hpp"
#include "pipeline/env.hpp"

namespace mxferry::pipeline {

class ImapEngine final : public MailEngine {
 public:
  /// Without a store (before a run) only inventory() and seen_addresses() may be called.
  ImapEngine(const config::PlanFile& file, RunStore* store, net::Connector& connector,
             const Clock& clock);

  Task<Result<MailboxInventory>> inventory(const config::Mailbox& box,
                                           bool at_destination) override;
  Task<Result<void>> source_answers(const config::Mailbox& box) override;
  Task<Result<SeenAddresses>> seen_addresses(const config::Mailbox& box, Instant since) override;
  Task<Result<copy::CopyReport>> copy(const config::Mailbox& box, CopyKind kind,
                                      std::shared_ptr<copy::CopyControl> control,
                                      std::function<void(const copy::Progress&)> progress) override;
  Task<Result<copy::VerifyReport>> verify(const config::Mailbox& box,
                                          std::shared_ptr<copy::CopyControl> control) override;
  Task<Result<bool>> find_canary(const config::Mailbox& box, const std::string& token,
                                 bool remove) override;
  Task<Result<std::vector<NewMail>>> arrived_since_flip(const config::Mailbox& box) override;
  Result<SourceMarks> source_marks(const config::Mailbox& box) override;
  Task<Result<std::vector<Sender>>> senders(const config::Mailbox& box,
                                            const SourceMarks& marks) override;
  Task<Result<QuotaState>> quota(const config::Mailbox& box) override;
  Task<Result<void>> mark_flip(const config::Mailbox& box) override;

  /// Only what earlier copies could not place, within `scope`; no pace holds it.
  Task<Result<copy::CopyReport>> retry(const config::Mailbox& box, copy::RetryScope scope,
                                       std::shared_ptr<copy::CopyControl> control);
  /// Takes back what the copies appended and nobody changed since.
  Task<Result<copy::UndoReport>> undo(const config::Mailbox& box, copy::UndoOptions options,
                                      std::shared_ptr<copy::CopyControl> control);

  /// One client of one side; the role decides what it may do.
  Task<Result<std::unique_ptr<imap::Client>>> open(const config::Side& side,
                                                   const config::Mailbox& box, bool source,
                                                   imap::MailboxRole role);

 private:
  Result<copy::CopyJob> job_of(const config::Mailbox& box, copy::SyncState& state,
                               std::shared_ptr<copy::CopyControl> control);
  /// What holds a copy of the mailbox: its own limits and those of the two sides.
  copy::Paces paces_of(const config::Mailbox& box);
  Result<copy::SyncStore> state_of(const config::Mailbox& box);

  const config::PlanFile& file_;
  Task<void> ask_destination(const config::Mailbox& box, const std::vector<FolderInfo>& source,
                             MailboxInventory& out);

  RunStore* store_;
  net::Connector& connector_;
  const Clock& clock_;
  std::unique_ptr<copy::StatePaceBook> pace_book_;
  copy::Paces sides_;                                       // what all copies together may do
  std::map<std::string, std::shared_ptr<copy::Pace>> own_;  // by mailbox
};

/// The endpoint of a side of the plan, with its pin, CA file and address.
Result<net::Endpoint> endpoint_of(const config::Side& side);

}  // namespace mxferry::pipeline
