// SPDX-License-Identifier: Apache-2.0
#include "copy/undo.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/crash_point.hpp"
#include "copy/folder_copy.hpp"
#include "copy/messages_io.hpp"
#include "protocol/imap/limits.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

bool is_of_folder(const Error& error) {
  return error.code == ErrorCode::refused || error.code == ErrorCode::denied ||
         error.code == ErrorCode::not_found || error.code == ErrorCode::unsupported;
}

class AccountUndo {
 public:
  AccountUndo(CopyJob& job, const UndoOptions& options, boost::asio::any_io_executor executor)
      : options_(options), state_(*job.state), run_{.job = job, .executor = executor} {}
  Task<Result<UndoReport>> run();

 private:
  Task<Result<void>> undo_folder(FolderRecord& record, UndoFolder& report);
  Task<Result<void>> look_up(const FolderRecord& record, const FolderState& there,
                             UndoFolder& report);
  Task<Result<void>> match_intent(const FolderRecord& record, const Intent& intent,
                                  const std::vector<Candidate>& have, BatchResult& result,
                                  UndoFolder& report);
  Task<Result<std::vector<MessageRecord>>> removable(const FolderRecord& record,
                                                     std::vector<MessageRecord> batch,
                                                     std::vector<Uid>& already, UndoFolder& report);
  Task<Result<void>> remove(const FolderRecord& record, std::vector<MessageRecord> batch,
                            UndoFolder& report);
  Task<Result<void>> remove_folders(std::vector<FolderRecord>& records);
  void leave(UndoFolder& report, Uid dst, std::string why) {
    UndoLeft entry;
    entry.folder = report.destination;
    entry.dst = dst;
    entry.why = std::move(why);
    report_.left.push_back(std::move(entry));
    ++report.left;
  }

  UndoOptions options_;
  SyncState& state_;
  RunContext run_;
  std::unique_ptr<MailTarget> target_;
  UndoReport report_;
};

Task<Result<UndoReport>> AccountUndo::run() {
  MXF_CO_TRY(records, state_.folders());
  auto opened = co_await run_.job.open_target();
  if (!opened) co_return fail(std::move(opened).error());
  target_ = std::move(opened).value();
  auto& control = *run_.job.control;
  control.on_abort = [this] { target_->close(); };
  struct Disarm {
    CopyControl& control;
    ~Disarm() { control.on_abort = nullptr; }
  } const disarm{control};
  report_.folders.resize(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto& report = report_.folders[i];
    report.source = imap::display_name(records[i].src_name);
    report.destination = imap::display_name(records[i].dst_name);
    auto done = co_await undo_folder(records[i], report);
    if (!done) co_return fail(std::move(done).error());
    report_.removed += report.removed;
    report_.adopted += report.adopted;
    report_.gone += report.gone;
  }
  if (options_.folders) {
    auto done = co_await remove_folders(records);
    if (!done) co_return fail(std::move(done).error());
  }
  target_->close();
  if (!options_.dry_run) MXF_CO_CHECK(state_.set_undo_open(false));
  co_return report_;
}

Task<Result<void>> AccountUndo::undo_folder(FolderRecord& record, UndoFolder& report) {
  MXF_CO_TRY(open, state_.open_intents(record));
  MXF_CO_TRY(count, state_.count_messages(record));
  if (open.empty() && count == 0) co_return Result<void>();
  auto there = co_await target_->open_folder(record.dst_name);
  if (!there && is_of_folder(there.error())) {
    leave(report, Uid(0), "the folder cannot be opened: " + there.error().message());
    co_return Result<void>();
  }
  if (!there) co_return fail(std::move(there).error());
  if (!there->uid_validity || there->uid_validity != record.dst.uid_validity ||
      there->uid_not_sticky) {
    leave(report, Uid(0),
          there->uid_not_sticky
              ? "the server says that UIDs do not last in this folder (UIDNOTSTICKY)"
              : "the folder has another UIDVALIDITY: it is not the one that was copied to");
    co_return Result<void>();
  }
  auto looked = co_await look_up(record, *there, report);
  if (!looked) co_return looked;

  MXF_CO_TRY(records, state_.messages(record));
  std::sort(records.begin(), records.end(),
            [](const MessageRecord& a, const MessageRecord& b) { return a.dst < b.dst; });
  std::uint64_t unknown = 0;
  std::erase_if(records, [&](const MessageRecord& r) {
    if (r.origin == Origin::adopted) ++report.adopted;
    if (r.origin == Origin::unknown) ++unknown;
    return r.origin == Origin::adopted || r.origin == Origin::unknown;
  });
  if (unknown > 0)
    leave(report, Uid(0),
          std::to_string(unknown) +
              " messages were recorded by an older version, which did not "
              "keep whether they were appended");
  if (!records.empty() && !target_->has_uidplus()) {
    leave(report, Uid(0),
          "the server has no UIDPLUS: " + std::to_string(records.size()) +
              " appended messages cannot be removed one by one");
    co_return Result<void>();
  }
  for (std::size_t from = 0; from < records.size(); from += imap::kBatchMessages) {
    if (run_.ending()) co_return fail(ErrorCode::cancelled, "undo", "stopped");
    const auto to = std::min(records.size(), from + imap::kBatchMessages);
    std::vector<MessageRecord> batch(records.begin() + static_cast<std::ptrdiff_t>(from),
                                     records.begin() + static_cast<std::ptrdiff_t>(to));
    std::vector<Uid> already;
    auto ours = co_await removable(record, std::move(batch), already, report);
    if (!ours) co_return fail(std::move(ours).error());
    report.removed += already.size();
    if (options_.dry_run) {
      report.removed += ours->size();
      continue;
    }
    MXF_CO_CHECK(state_.remove_messages(record, already));
    auto removed = co_await remove(record, std::move(*ours), report);
    if (!removed) co_return removed;
    Progress progress;
    progress.account = run_.job.name;
    progress.folder = report.destination;
    progress.done = report_.removed + report.removed;
    progress.total = report_.removed + report.removed + (records.size() - to);
    if (run_.job.options.progress) run_.job.options.progress(progress);
  }
  if (report.removed > 0 && !options_.dry_run) {
    // A later copy lists the folder from its beginning.
    record.src = FolderState{.uid_validity = record.src.uid_validity};
    MXF_CO_CHECK(state_.put_folder(record));
  }
  co_return Result<void>();
}

// Batches that were sent and never answered for: what arrived of them is ours where every octet
// says so. The old session gets its time to store them.
Task<Result<void>> AccountUndo::look_up(const FolderRecord& record, const FolderState& there,
                                        UndoFolder& report) {
  MXF_CO_TRY(open, state_.open_intents(record));
  if (open.empty()) co_return Result<void>();
  if (options_.dry_run) {
    leave(report, Uid(0),
          std::to_string(open.size()) + " batches were never answered for: they will be looked up");
    co_return Result<void>();
  }
  std::unordered_set<std::uint32_t> bound;
  MXF_CO_TRY(all, state_.folders());
  for (const auto& other : all) {
    if (other.dst_name != record.dst_name) continue;
    MXF_CO_TRY(theirs, state_.messages(other));
    for (const auto& message : theirs) bound.insert(message.dst.value);
  }
  for (const auto& intent : open) {
    BatchResult result;
    result.intent = intent.id;
    if (intent.dst_uid_validity == there.uid_validity) {
      const auto due = intent.at + run_.job.options.append_settle;
      co_await run_.sleep(
          std::chrono::duration_cast<std::chrono::milliseconds>(due - run_.job.clock->now()));
      if (run_.ending()) co_return fail(ErrorCode::cancelled, "undo", "stopped");
      // Opened again: a session need not see what another one has stored since.
      auto again = co_await target_->open_folder(record.dst_name);
      if (!again) co_return fail(std::move(again).error());
      auto listed = co_await list_range(*target_, intent.dst_uid_next, kLastUid);
      if (!listed) co_return fail(std::move(listed).error());
      imap::UidSet free;
      for (const auto& info : *listed)
        if (!bound.contains(info.uid.value)) free.add(info.uid);
      auto have = co_await fingerprints(*target_, std::move(free));
      if (!have) co_return fail(std::move(have).error());
      auto matched = co_await match_intent(record, intent, *have, result, report);
      if (!matched) co_return matched;
      for (const auto& message : result.stored) bound.insert(message.dst.value);
    }
    MXF_CO_CHECK(state_.put_result(record, result));
  }
  co_return Result<void>();
}

Task<Result<void>> AccountUndo::match_intent(const FolderRecord& record, const Intent& intent,
                                             const std::vector<Candidate>& have,
                                             BatchResult& result, UndoFolder& report) {
  std::vector<Fingerprint> wanted;
  for (const auto& message : intent.messages) wanted.push_back(message.fingerprint);
  const auto found = match(wanted, have);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) continue;
    const auto& message = intent.messages[i];
    bool ours = false;
    if (message.content != kUnread) {
      const imap::UidSet one(*found[i]);
      auto body = co_await target_->fetch_messages(one);
      if (!body) co_return fail(std::move(body).error());
      ours = !body->empty() && !body->front().too_large &&
             mime::content_hash(body->front().body) == message.content;
    }
    if (!ours) {
      leave(report, *found[i],
            "it looks like one that was sent and never answered for; not proven");
      continue;
    }
    MessageRecord stored;
    stored.src = message.src;
    stored.dst = *found[i];
    stored.fingerprint = message.fingerprint;
    MXF_CO_TRY(src_flags, state_.intern_flags(record, message.src_flags));
    MXF_CO_TRY(dst_flags, state_.intern_flags(record, message.flags));
    stored.src_flags = src_flags;
    stored.dst_flags = dst_flags;
    result.stored.push_back(stored);
  }
  co_return Result<void>();
}

// Those of `batch` (ascending by destination UID) that are there as we left them. `already`: source
// UIDs of those that an undo before this one has expunged.
Task<Result<std::vector<MessageRecord>>> AccountUndo::removable(const FolderRecord& record,
                                                                std::vector<MessageRecord> batch,
                                                                std::vector<Uid>& already,
                                                                UndoFolder& report) {
  auto listed = co_await list_range(*target_, batch.front().dst, batch.back().dst);
  if (!listed) co_return fail(std::move(listed).error());
  std::unordered_map<std::uint32_t, const MessageInfo*> there;
  for (const auto& info : *listed) there[info.uid.value] = &info;
  std::vector<MessageRecord> ours;
  imap::UidSet uids;
  for (const auto& entry : batch) {
    const auto it = there.find(entry.dst.value);
    if (it == there.end()) {
      if (entry.origin == Origin::removing) {
        already.push_back(entry.src);
      } else {
        ++report.gone;
      }
      continue;
    }
    MXF_CO_TRY(expected, state_.flags_of(record, entry.dst_flags));
    const auto& now = it->second->flags;
    const imap::Flags deleted{"\\Deleted"};
    const bool as_left =
        now == expected || (entry.origin == Origin::removing && now == expected.plus(deleted));
    if (!as_left) {
      leave(report, entry.dst,
            "its flags were changed: (" + now.text() + ") instead of (" + expected.text() + ")");
      continue;
    }
    ours.push_back(entry);
    uids.add(entry.dst);
  }
  if (ours.empty()) co_return ours;
  auto prints = co_await fingerprints(*target_, std::move(uids));
  if (!prints) co_return fail(std::move(prints).error());
  std::unordered_map<std::uint32_t, Fingerprint> print_of;
  for (const auto& candidate : *prints) print_of[candidate.uid.value] = candidate.fingerprint;
  std::erase_if(ours, [&](const MessageRecord& entry) {
    const auto it = print_of.find(entry.dst.value);
    if (it != print_of.end() && it->second == entry.fingerprint) return false;
    leave(report, entry.dst, "its header is not what was copied there");
    return true;
  });
  co_return ours;
}

Task<Result<void>> AccountUndo::remove(const FolderRecord& record, std::vector<MessageRecord> batch,
                                       UndoFolder& report) {
  if (batch.empty()) co_return Result<void>();
  imap::UidSet uids;
  for (auto& entry : batch) {
    entry.origin = Origin::removing;
    uids.add(entry.dst);
  }
  MXF_CO_CHECK(state_.set_undo_open(true));
  MXF_CO_CHECK(state_.put_messages(record, batch));
  MXF_CO_CHECK(state_.settle());
  crash_point("undo.intent");
  auto expunged = co_await target_->expunge(uids);
  crash_point("undo.expunged");
  std::string words = "the server kept it";
  if (!expunged) {
    if (!is_of_folder(expunged.error())) co_return fail(std::move(expunged).error());
    words = expunged.error().message();
  }
  // What the server says it did is looked at before it is believed.
  auto still = co_await list_range(*target_, batch.front().dst, batch.back().dst);
  if (!still) co_return fail(std::move(still).error());
  std::unordered_map<std::uint32_t, const MessageInfo*> kept;
  for (const auto& info : *still)
    if (uids.contains(info.uid)) kept[info.uid.value] = &info;
  std::vector<Uid> gone;
  std::vector<MessageRecord> stays;
  for (auto& entry : batch) {
    const auto it = kept.find(entry.dst.value);
    if (it == kept.end()) {
      gone.push_back(entry.src);
      continue;
    }
    entry.origin = Origin::appended;
    MXF_CO_TRY(flags, state_.intern_flags(record, it->second->flags));
    entry.dst_flags = flags;
    stays.push_back(entry);
    leave(report, entry.dst, words);
  }
  MXF_CO_CHECK(state_.remove_messages(record, gone));
  if (!stays.empty()) MXF_CO_CHECK(state_.put_messages(record, stays));
  report.removed += gone.size();
  crash_point("undo.recorded");
  co_return Result<void>();
}

// Deepest first, so that a folder whose children were ours too is empty when its turn comes.
Task<Result<void>> AccountUndo::remove_folders(std::vector<FolderRecord>& records) {
  auto listed = co_await target_->list_folders();
  if (!listed) co_return fail(std::move(listed).error());
  std::set<std::string> names;
  std::map<std::string, std::optional<char>> delimiters;
  for (const auto& info : *listed) {
    names.insert(info.wire);
    delimiters[info.wire] = info.delimiter;
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (records[i].created && !imap::is_inbox(records[i].dst_name)) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return records[a].dst_name.size() > records[b].dst_name.size();
  });
  for (const auto i : order) {
    auto& record = records[i];
    auto& report = report_.folders[i];
    if (run_.ending()) co_return fail(ErrorCode::cancelled, "undo", "stopped");
    if (names.contains(record.dst_name)) {
      auto there = co_await target_->open_folder(record.dst_name);
      if (!there && !is_of_folder(there.error())) co_return fail(std::move(there).error());
      if (!there || there->uid_validity != record.dst.uid_validity) continue;  // not ours any more
      const auto delimiter = delimiters[record.dst_name];
      const std::string below = record.dst_name + delimiter.value_or('\0');
      const bool parent = delimiter && std::any_of(names.begin(), names.end(), [&](const auto& n) {
                            return n.starts_with(below);
                          });
      std::uint64_t would_go = 0;
      for (std::size_t k = 0; options_.dry_run && k < records.size(); ++k)
        if (records[k].dst_name == record.dst_name) would_go += report_.folders[k].removed;
      const bool emptied = there->messages == std::optional<std::uint64_t>(would_go);
      if (parent || !emptied) {
        leave(report, Uid(0),
              parent ? "the folder stays: it has folders below it"
                     : "the folder stays: it is not empty");
        continue;
      }
      if (!options_.dry_run) {
        // Some servers do not delete the folder that is open.
        auto inbox = co_await target_->open_folder("INBOX");
        if (!inbox && !is_of_folder(inbox.error())) co_return fail(std::move(inbox).error());
        auto removed = co_await target_->remove_folder(record.dst_name);
        if (!removed && !is_of_folder(removed.error())) co_return fail(std::move(removed).error());
        if (!removed) {
          leave(report, Uid(0), "the folder stays: " + removed.error().message());
          continue;
        }
      }
      names.erase(record.dst_name);
      report.folder_removed = true;
      ++report_.folders_removed;
    }
    if (options_.dry_run) continue;
    record.created = false;
    MXF_CO_CHECK(state_.put_folder(record));
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<UndoReport>> run_undo(CopyJob& job, const UndoOptions& options) {
  const auto executor = co_await boost::asio::this_coro::executor;
  AccountUndo undo(job, options, executor);
  auto report = co_await undo.run();
  if (auto settled = job.state->settle(); !settled && report) co_return fail(settled.error());
  if (!report && job.control->stopped())
    co_return fail(ErrorCode::cancelled, "undo " + job.name, "stopped; the same command goes on");
  co_return report;
}

}  // namespace mxferry::copy
