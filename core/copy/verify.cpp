// SPDX-License-Identifier: Apache-2.0
// run_verify: every message that the source had when the verify began must be at the destination,
// octet for octet, with its date and the flags that the destination keeps. The state says which
// message is which; nothing is written.
#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "copy/brain/folder_map.hpp"
#include "copy/copy_job.hpp"
#include "copy/folder_copy.hpp"
#include "copy/leftovers.hpp"
#include "copy/messages_io.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

class AccountVerify {
 public:
  AccountVerify(CopyJob& job, boost::asio::any_io_executor executor)
      : job_(job), executor_(executor) {}
  Task<Result<VerifyReport>> run();

 private:
  Task<Result<void>> verify_folder(const FolderInfo& info, const FolderRecord* record);
  Task<Result<void>> leave_leftovers(const FolderInfo& view, const FolderRecord* record,
                                     std::vector<MessageInfo>& listed);
  Task<Result<void>> compare(const FolderRecord& record, const std::string& name,
                             const std::vector<MessageInfo>& source,
                             const std::vector<MessageInfo>& target,
                             const std::vector<MessageRecord>& records);
  void find(const std::string& folder, Uid src, const char* kind, std::string detail) {
    VerifyFinding finding;
    finding.folder = folder;
    finding.src = src;
    finding.kind = kind;
    finding.detail = std::move(detail);
    report_.findings.push_back(std::move(finding));
  }
  void tell(const std::string& folder) const {
    if (!job_.options.progress) return;
    Progress progress;
    progress.account = job_.name;
    progress.folder = folder;
    progress.done = report_.checked;
    progress.total = std::max(total_, report_.checked);
    progress.bytes = report_.bytes;
    job_.options.progress(progress);
  }

  CopyJob& job_;
  boost::asio::any_io_executor executor_;
  std::unique_ptr<MailSource> source_;
  std::unique_ptr<MailTarget> target_;
  VerifyReport report_;
  std::vector<FolderInfo> folders_;  // of the source
  std::set<std::string> left_out_;   // wire names that the copy was not asked for
  std::uint64_t total_ = 0;
};

Task<Result<VerifyReport>> AccountVerify::run() {
  auto source = co_await job_.open_source();
  if (!source) co_return fail(std::move(source).error());
  source_ = std::move(source).value();
  auto target = co_await job_.open_target();
  if (!target) co_return fail(std::move(target).error());
  target_ = std::move(target).value();
  job_.control->on_abort = [this] {
    source_->close();
    target_->close();
  };
  struct Disarm {
    CopyControl& control;
    ~Disarm() { control.on_abort = nullptr; }
  } const disarm{*job_.control};
  auto listed = co_await source_->list_folders();
  if (!listed) co_return fail(std::move(listed).error());
  folders_ = std::move(listed).value();
  MXF_CO_TRY(records, job_.state->folders());
  MXF_CO_TRY(left_out, job_.state->left_out_folders());
  const FolderChoice chosen(FolderFilter::parse(left_out));
  for (const auto& info : folders_) {
    if (!chosen.takes(info.path)) left_out_.insert(info.wire);
    if (info.selectable && !is_view(info.use) && info.state && info.state->messages)
      total_ += *info.state->messages;
  }
  std::map<std::string_view, const FolderRecord*> record_of;
  for (const auto& record : records) record_of.try_emplace(record.src_name, &record);
  bool had_all = false;
  for (const auto& info : folders_) {
    if (!info.selectable) continue;
    if (is_view(info.use) && (info.use != SpecialUse::all || std::exchange(had_all, true)))
      continue;
    if (job_.control->stopped())
      co_return fail(ErrorCode::cancelled, "verify " + job_.name, "stopped");
    const auto it = record_of.find(info.wire);
    if (it == record_of.end() && !chosen.takes(info.path)) {
      if (info.state && !is_view(info.use)) report_.filtered += info.state->messages.value_or(0);
      continue;
    }
    auto done = co_await verify_folder(info, it == record_of.end() ? nullptr : it->second);
    if (!done) co_return fail(std::move(done).error());
  }
  source_->close();
  target_->close();
  co_return report_;
}

Task<Result<void>> AccountVerify::verify_folder(const FolderInfo& info,
                                                const FolderRecord* record) {
  const std::string name = path_text(info.path);
  auto at_source = co_await source_->open_folder(info.wire);
  if (!at_source) co_return fail(std::move(at_source).error());
  // What arrives from now on is pending, not missing.
  const Uid last = at_source->uid_next ? Uid(at_source->uid_next->value - 1) : kLastUid;
  auto listed = co_await list_range(*source_, Uid(1), last);
  if (!listed) co_return fail(std::move(listed).error());
  if (is_view(info.use)) {
    auto kept = co_await leave_leftovers(info, record, *listed);
    if (!kept) co_return kept;
  }
  if (record == nullptr || record->src.uid_validity != at_source->uid_validity) {
    for (const auto& message : *listed) {
      ++report_.checked;
      find(name, message.uid, "missing",
           record == nullptr ? (is_view(info.use) ? "it lies in no other folder, and was not copied"
                                                  : "the folder was never copied")
                             : "the source has a new UIDVALIDITY: copy first");
    }
    co_return Result<void>();
  }
  auto at_target = co_await target_->open_folder(record->dst_name);
  if (!at_target && at_target.error().code != ErrorCode::refused &&
      at_target.error().code != ErrorCode::not_found)
    co_return fail(std::move(at_target).error());
  std::vector<MessageInfo> there;
  const bool same_life = at_target && record->dst.uid_validity == at_target->uid_validity;
  if (same_life) {
    auto target_list = co_await list_range(*target_, Uid(1), kLastUid);
    if (!target_list) co_return fail(std::move(target_list).error());
    there = std::move(*target_list);
  }
  MXF_CO_TRY(records, job_.state->messages(*record));
  auto compared = co_await compare(*record, name, *listed, there, records);
  if (!compared) co_return compared;
  tell(name);
  // How much came in meanwhile is said, not judged.
  auto again = co_await source_->open_folder(info.wire);
  if (!again) co_return fail(std::move(again).error());
  if (again->uid_next && at_source->uid_next && again->uid_next->value > at_source->uid_next->value)
    report_.pending += again->uid_next->value - at_source->uid_next->value;
  co_return Result<void>();
}

// Of the view of all mail only what lies nowhere else is to be at the destination, and what was
// copied from it before it got another place.
Task<Result<void>> AccountVerify::leave_leftovers(const FolderInfo& view,
                                                  const FolderRecord* record,
                                                  std::vector<MessageInfo>& listed) {
  std::unordered_set<std::uint32_t> copied;
  if (record != nullptr) {
    MXF_CO_TRY(records, job_.state->messages(*record));
    for (const auto& message : records) copied.insert(message.src.value);
  }
  auto leftovers = listed;
  auto kept =
      co_await keep_leftovers(*source_, *job_.state, view, folders_, left_out_, true, leftovers);
  if (!kept) co_return kept;
  for (const auto& message : leftovers) copied.insert(message.uid.value);
  std::erase_if(listed,
                [&](const MessageInfo& message) { return !copied.contains(message.uid.value); });
  auto again = co_await source_->open_folder(view.wire);
  if (!again) co_return fail(std::move(again).error());
  co_return Result<void>();
}

Task<Result<void>> AccountVerify::compare(const FolderRecord& record, const std::string& name,
                                          const std::vector<MessageInfo>& source,
                                          const std::vector<MessageInfo>& target,
                                          const std::vector<MessageRecord>& records) {
  std::unordered_map<std::uint32_t, const MessageRecord*> place;
  for (const auto& entry : records) place[entry.src.value] = &entry;
  std::unordered_map<std::uint32_t, const MessageInfo*> at_target;
  for (const auto& message : target) at_target[message.uid.value] = &message;
  MXF_CO_TRY(exceptions, job_.state->exceptions(record));
  std::unordered_map<std::uint32_t, const ExceptionRecord*> refused;
  for (const auto& exception : exceptions) refused[exception.src.value] = &exception;

  struct Pair {
    const MessageInfo* src;
    const MessageInfo* dst;
    const MessageRecord* record;
  };
  std::vector<Pair> pairs;
  MXF_CO_TRY(filter, MessageFilter::parse(record.left_out));
  for (const auto& message : source) {
    const auto known = place.find(message.uid.value);
    if (known == place.end()) {
      if (!filter.passes(message) && !refused.contains(message.uid.value)) {
        ++report_.filtered;
        continue;
      }
      // It has come to pass since: the next copy's work.
      if (filter.by_flags() && !refused.contains(message.uid.value)) {
        ++report_.pending;
        continue;
      }
      // Newer than the last listing that was copied in full: the next copy's work, not a loss.
      if (record.src.uid_next && message.uid >= *record.src.uid_next &&
          !refused.contains(message.uid.value)) {
        ++report_.pending;
        continue;
      }
      ++report_.checked;
      if (const auto it = refused.find(message.uid.value); it != refused.end()) {
        ++report_.refused;
        find(name, message.uid, "refused", it->second->words);
      } else {
        find(name, message.uid, "missing", "not copied");
      }
      continue;
    }
    const auto there = at_target.find(known->second->dst.value);
    if (there == at_target.end()) {
      ++report_.checked;
      find(name, message.uid, "missing", "it was copied, and is not at the destination any more");
      continue;
    }
    pairs.push_back(Pair{&message, there->second, known->second});
  }
  std::vector<MessageInfo> infos;
  for (const auto& pair : pairs) infos.push_back(*pair.src);
  for (const auto& batch : cut_batches(infos)) {
    if (job_.control->stopped())
      co_return fail(ErrorCode::cancelled, "verify " + job_.name, "stopped");
    std::vector<MessageInfo> ours;
    std::vector<MessageInfo> theirs;
    for (const auto i : batch.members) {
      ours.push_back(*pairs[i].src);
      theirs.push_back(*pairs[i].dst);
    }
    auto ours_read = co_await digests(*source_, std::move(ours));
    if (!ours_read) co_return fail(std::move(ours_read).error());
    auto theirs_read = co_await digests(*target_, std::move(theirs));
    if (!theirs_read) co_return fail(std::move(theirs_read).error());
    std::unordered_map<std::uint32_t, const DigestOf*> theirs_by_uid;
    for (const auto& digest : *theirs_read) theirs_by_uid[digest.uid.value] = &digest;
    std::unordered_map<std::uint32_t, const DigestOf*> ours_by_uid;
    for (const auto& digest : *ours_read) ours_by_uid[digest.uid.value] = &digest;
    for (const auto i : batch.members) {
      const auto& pair = pairs[i];
      const auto a = ours_by_uid.find(pair.src->uid.value);
      if (a == ours_by_uid.end()) continue;  // expunged at the source meanwhile
      ++report_.checked;
      report_.bytes += a->second->size;
      const auto findings_before = report_.findings.size();
      const auto b = theirs_by_uid.find(pair.dst->uid.value);
      if (b == theirs_by_uid.end()) {
        find(name, pair.src->uid, "missing", "it went away while it was read");
        continue;
      }
      if (a->second->sha256 != b->second->sha256)
        find(name, pair.src->uid, "altered",
             "destination UID " + std::to_string(pair.dst->uid.value) + ": " +
                 std::to_string(b->second->size) + " octets, SHA-256 " +
                 text_of(b->second->sha256) + ", instead of " + std::to_string(a->second->size) +
                 ", " + text_of(a->second->sha256));
      if (a->second->nul_lost)
        find(name, pair.src->uid, "altered_by_source",
             "the source holds NUL and gives other octets");
      if (!pair.src->date && pair.dst->date)
        find(name, pair.src->uid, "altered_by_source",
             "the source gives no INTERNALDATE that can be read; the destination has " +
                 imap::format_internal_date(*pair.dst->date));
      if (pair.src->date && pair.dst->date && pair.src->date != pair.dst->date)
        find(name, pair.src->uid, "date",
             imap::format_internal_date(*pair.dst->date) + " instead of " +
                 imap::format_internal_date(*pair.src->date));
      const auto expected = target_->permanent_flags().kept(pair.src->flags);
      if (expected != pair.dst->flags) {
        // What the destination's user changed since we last looked is theirs.
        MXF_CO_TRY(last_src, job_.state->flags_of(record, pair.record->src_flags));
        MXF_CO_TRY(last_dst, job_.state->flags_of(record, pair.record->dst_flags));
        if (last_src == pair.src->flags && last_dst != pair.dst->flags) {
          ++report_.changed_at_destination;
        } else {
          find(name, pair.src->uid, "flags",
               "(" + pair.dst->flags.text() + ") instead of (" + expected.text() + ")");
        }
      }
      if (report_.findings.size() == findings_before) ++report_.equal;
    }
    tell(name);
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<VerifyReport>> run_verify(CopyJob& job) {
  const auto executor = co_await boost::asio::this_coro::executor;
  AccountVerify verify(job, executor);
  auto report = co_await verify.run();
  if (!report && job.control->stopped())
    co_return fail(ErrorCode::cancelled, "verify " + job.name, "stopped");
  co_return report;
}

}  // namespace mxferry::copy
