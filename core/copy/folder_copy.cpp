// SPDX-License-Identifier: Apache-2.0
#include "copy/folder_copy.hpp"

#include "copy/brain/folder_map.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/crash_point.hpp"
#include "copy/messages_io.hpp"
#include "copy/started.hpp"
#include "protocol/imap/limits.hpp"

namespace mxferry::copy {
namespace {

constexpr Fingerprint kUnread{};

// A refusal that is about the account or the moment, not about the message.
bool is_about_account(const Error& error) {
  switch (error.code) {
    case ErrorCode::quota:
    case ErrorCode::rate_limited:
    case ErrorCode::auth:
    case ErrorCode::denied:
    case ErrorCode::not_found:  // the folder is gone: TRYCREATE
      return true;
    default:
      return false;
  }
}

Error folder_gone(Error error) {
  if (error.code == ErrorCode::not_found) error.retry = Retry::later;
  return error;
}

// Relays one message from source to destination. A destination that refuses early lets the source
// run dry instead of breaking off; one that is lost ends both.
class Relay final : public MessageSink {
 public:
  Relay(MailTarget& target, const IntentMessage& meta, std::optional<imap::InternalDate> date)
      : target_(target), meta_(meta), date_(date) {}

  Task<Result<void>> begin(std::uint64_t size) override {
    size_ = size;
    if (const auto limit = target_.append_limit(); limit && size > *limit) {
      Error error;
      error.code = ErrorCode::refused;
      error.operation = "imap APPEND";
      error.text = "the destination takes messages up to " + std::to_string(*limit) + " octets";
      error.remote = "[APPENDLIMIT]";
      refusal = std::move(error);
      co_return Result<void>();
    }
    auto opened = co_await target_.append_begin(meta_.flags, date_, size);
    begun = opened.has_value();
    co_return opened;
  }
  Task<Result<void>> write(std::string_view bytes) override {
    if (refusal || !begun) co_return Result<void>();
    auto put = co_await target_.append_put(bytes);
    crash_point("append.streaming");
    if (!put && put.error().code == ErrorCode::refused) {
      refusal = std::move(put).error();
      co_return Result<void>();
    }
    co_return put;
  }
  std::uint64_t size() const { return size_; }

  bool begun = false;
  std::optional<Error> refusal;

 private:
  MailTarget& target_;
  const IntentMessage& meta_;
  std::optional<imap::InternalDate> date_;
  std::uint64_t size_ = 0;
};

}  // namespace

void RunContext::tell(const std::string& folder) const {
  if (!job.options.progress) return;
  Progress progress;
  progress.account = job.name;
  progress.folder = folder;
  progress.done = report.copied + report.adopted;
  progress.total = std::max(total, progress.done);
  progress.bytes = report.bytes;
  job.options.progress(progress);
}

// Ends early when the run is stopped.
Task<void> RunContext::sleep(std::chrono::milliseconds how_long) {
  if (how_long.count() <= 0 || ending()) co_return;
  auto timer = std::make_shared<boost::asio::steady_timer>(executor);
  timer->expires_after(how_long);
  const auto waker = job.control->add_waker([timer] { timer->cancel(); });
  (void)co_await timer->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  job.control->remove_waker(waker);
}

// --- The folder as a whole
// --------------------------------------------------------------------------------

Task<Result<void>> FolderCopy::run(bool create, bool subscribe) {
  auto opened = co_await open(create, subscribe);
  if (!opened) co_return opened;
  if (!report_.stopped.empty()) co_return Result<void>();
  auto resolved = co_await resolve_open_intents();
  if (!resolved) co_return resolved;
  auto fresh = co_await list_new();
  if (!fresh) co_return fail(std::move(fresh).error());
  auto adopted = co_await adopt(*fresh);
  if (!adopted) co_return adopted;
  if (!report_.stopped.empty()) co_return Result<void>();
  auto copied = co_await copy(std::move(*fresh));
  if (!copied) co_return copied;
  auto merged = co_await apply_flag_changes();
  if (!merged) co_return merged;
  // All that the listing named is durable: what the server said before it may be believed next
  // time.
  record_.src = before_;
  record_.dst = dst_;
  record_.adopt_below.reset();
  MXF_CO_CHECK(state().put_folder(record_));
  report_.known = records_.size();
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::dry_run() {
  auto before = co_await lane_.source->open_folder(record_.src_name);
  if (!before) co_return fail(std::move(before).error());
  before_ = *before;
  if (record_.id != 0 && record_.src.uid_validity == before_.uid_validity) MXF_CO_CHECK(load());
  auto listed = co_await list_range(*lane_.source, Uid(1),
                                    before_.uid_next ? Uid(before_.uid_next->value - 1) : kLastUid);
  if (!listed) co_return fail(std::move(listed).error());
  for (const auto& info : *listed) {
    if (known_.contains(info.uid.value)) continue;
    ++run_.report.to_copy;
    run_.report.bytes += info.size;
  }
  report_.known = records_.size();
  co_return Result<void>();
}

// CREATE, SUBSCRIBE, SELECT.
Task<Result<FolderState>> FolderCopy::open_destination(bool create, bool subscribe) {
  if (create) {
    auto created = co_await lane_.target->create_folder(record_.dst_name, record_.use);
    const std::string plain = without_wildcards(record_.dst_name);
    if (!created && created.error().code == ErrorCode::refused && record_.id == 0 &&
        plain != record_.dst_name) {
      // Dovecot takes % and *, Cyrus does not: the respelled name only where the server refuses.
      record_.dst_name = plain;
      report_.destination = plain;
      created = co_await lane_.target->create_folder(record_.dst_name, record_.use);
    }
    if (!created) co_return fail(std::move(created).error());
    crash_point("folder.created");
  }
  if (subscribe) {
    // A destination without subscriptions does not stop mail.
    auto subscribed = co_await lane_.target->subscribe(record_.dst_name);
    if (!subscribed && subscribed.error().code != ErrorCode::refused &&
        subscribed.error().code != ErrorCode::not_found &&
        subscribed.error().code != ErrorCode::denied)
      co_return fail(std::move(subscribed).error());
  }
  auto dst = co_await lane_.target->open_folder(record_.dst_name);
  co_return dst;
}

Task<Result<void>> FolderCopy::open(bool create, bool subscribe) {
  // Both sides at the same time: on a long line each command costs a round trip.
  Started<FolderState> there(run_.executor, open_destination(create, subscribe));
  auto before = co_await lane_.source->open_folder(record_.src_name);
  auto dst = co_await there.get();
  if (!before) co_return fail(std::move(before).error());
  if (!dst) co_return fail(std::move(dst).error());
  before_ = *before;
  report_.src = before_;
  if (!before_.uid_validity)
    co_return fail(ErrorCode::refused, "imap examine",
                   "the source keeps no UIDVALIDITY for this folder");
  dst_ = *dst;
  dst_next_ = dst_.uid_next.value_or(Uid(1));

  if (record_.id == 0) {
    record_.src = FolderState();
    record_.src.uid_validity = before_.uid_validity;
    record_.dst.uid_validity = dst_.uid_validity;
    // Mail that is there before our first append may be the same mail.
    if (dst_.messages.value_or(1) > 0) record_.adopt_below = dst_.uid_next.value_or(kLastUid);
    MXF_CO_CHECK(state().put_folder(record_));
  } else if (record_.dst.uid_validity != dst_.uid_validity) {
    // The destination was made anew: nothing that we know of its UIDs holds. Content decides what
    // is still there.
    MXF_CO_CHECK(state().forget_messages(record_));
    record_.dst = FolderState();
    record_.dst.uid_validity = dst_.uid_validity;
    record_.src.uid_next.reset();
    record_.adopt_below = dst_.uid_next.value_or(kLastUid);
    MXF_CO_CHECK(state().put_folder(record_));
  }
  MXF_CO_CHECK(load());
  if (record_.src.uid_validity != before_.uid_validity) {
    // Open intents name messages by their old UIDs: they are looked up (never repeated) before
    // those end.
    auto resolved = co_await resolve_open_intents();
    if (!resolved) co_return resolved;
    auto rematched = co_await rematch();
    if (!rematched) co_return rematched;
  }
  co_return Result<void>();
}

Result<void> FolderCopy::load() {
  MXF_TRY(records, state().messages(record_));
  records_ = std::move(records);
  known_.clear();
  bound_.clear();
  for (std::size_t i = 0; i < records_.size(); ++i) {
    known_[records_[i].src.value] = i;
    bound_.insert(records_[i].dst.value);
  }
  // Several source folders may go to one destination folder: what the others own is not ours.
  for (const auto& sibling : siblings_) {
    MXF_TRY(theirs, state().messages(sibling));
    for (const auto& record : theirs) bound_.insert(record.dst.value);
  }
  return {};
}

// RFC 9051 §2.3.1.1: the source numbers its messages anew. They are the same mail if their content
// says so.
Task<Result<void>> FolderCopy::rematch() {
  auto listed = co_await list_range(*lane_.source, Uid(1),
                                    before_.uid_next ? Uid(before_.uid_next->value - 1) : kLastUid);
  if (!listed) co_return fail(std::move(listed).error());
  if (listed->empty() && !records_.empty()) {
    report_.stopped =
        "the source has a new UIDVALIDITY and says that the folder is empty; nothing is removed";
    co_return Result<void>();
  }
  imap::UidSet uids;
  for (const auto& info : *listed) uids.add(info.uid);
  auto prints = co_await fingerprints(*lane_.source, std::move(uids));
  if (!prints) co_return fail(std::move(prints).error());
  std::vector<Fingerprint> wanted;
  for (const auto& record : records_) wanted.push_back(record.fingerprint);
  const auto matches = match(wanted, *prints);
  std::vector<MessageRecord> renewed;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (!matches[i]) continue;
    auto record = records_[i];
    record.src = *matches[i];
    renewed.push_back(record);
  }
  if (!rematch_is_good(records_.size(), listed->size(), renewed.size())) {
    report_.stopped = "the source has a new UIDVALIDITY and only " +
                      std::to_string(renewed.size()) + " of " + std::to_string(records_.size()) +
                      " known messages are found again by content";
    co_return Result<void>();
  }
  std::sort(renewed.begin(), renewed.end(),
            [](const MessageRecord& a, const MessageRecord& b) { return a.src < b.src; });
  ++record_.epoch;
  record_.src = FolderState();
  record_.src.uid_validity = before_.uid_validity;
  MXF_CO_CHECK(state().begin_epoch(record_, renewed));
  MXF_CO_CHECK(load());
  co_return Result<void>();
}

// --- What is new, what changed
// ----------------------------------------------------------------------------

Task<Result<std::vector<MessageInfo>>> FolderCopy::list_new() {
  const Uid last = before_.uid_next ? Uid(before_.uid_next->value - 1) : kLastUid;
  // Everything below the old UIDNEXT was copied in full, or is an exception.
  const Uid first = record_.src.uid_next.value_or(Uid(1));
  auto listed = co_await list_range(*lane_.source, first, last);
  if (!listed) co_return fail(std::move(listed).error());
  MXF_CO_TRY(exceptions, state().exceptions(record_));
  std::vector<MessageInfo> fresh;
  for (const auto& exception : exceptions) {
    if (exception.src >= first || exception.src > last || known_.contains(exception.src.value))
      continue;
    auto again = co_await lane_.source->list_messages(exception.src, exception.src);
    if (!again) co_return fail(std::move(again).error());
    fresh.insert(fresh.end(), again->begin(), again->end());
  }
  for (auto& info : *listed) {
    if (known_.contains(info.uid.value)) {
      MXF_CO_CHECK(plan_flag_change(info));
    } else {
      fresh.push_back(std::move(info));
    }
  }
  auto merged = co_await merge_known_flags(first);
  if (!merged) co_return fail(std::move(merged).error());
  // What the server counts beyond the new ones it must still have of the known ones.
  const std::uint64_t at_source = before_.messages.value_or(records_.size() + fresh.size());
  const std::uint64_t known_there = at_source > fresh.size() ? at_source - fresh.size() : 0;
  report_.gone = records_.size() > known_there ? records_.size() - known_there : 0;
  co_return fresh;
}

Task<Result<void>> FolderCopy::merge_known_flags(Uid below) {
  if (below.value <= 1 || records_.empty()) co_return Result<void>();
  const auto then = record_.src.highest_modseq;
  if (then && then->value > 0 && then == before_.highest_modseq) co_return Result<void>();
  const Uid last(below.value - 1);
  auto changed = co_await lane_.source->list_flags(Uid(1), last, then);
  if (!changed) co_return fail(std::move(changed).error());
  for (const auto& info : *changed) MXF_CO_CHECK(plan_flag_change(info));
  co_return Result<void>();
}

Result<void> FolderCopy::plan_flag_change(const MessageInfo& info) {
  const auto it = known_.find(info.uid.value);
  if (it == known_.end()) return {};
  auto& record = records_[it->second];
  MXF_TRY(base, state().flags_of(record_, record.src_flags));
  if (base == info.flags) return {};
  const auto change = merge_flags(base, info.flags, lane_.target->permanent_flags());
  MXF_TRY(id, state().intern_flags(record_, info.flags));
  record.src_flags = id;
  if (change.empty()) {
    flags_seen_.push_back(record);
    return {};
  }
  MXF_TRY(there, state().flags_of(record_, record.dst_flags));
  MXF_TRY(there_id, state().intern_flags(record_, there.minus(change.remove).plus(change.add)));
  record.dst_flags = there_id;
  flag_changes_[{change.add.text(), change.remove.text()}].push_back(it->second);
  return {};
}

// One STORE for all messages that change in the same way; the base moves once it is done.
Task<Result<void>> FolderCopy::apply_flag_changes() {
  for (const auto& [change, members] : flag_changes_) {
    imap::UidSet uids;
    std::vector<MessageRecord> records;
    for (const auto i : members) {
      uids.add(records_[i].dst);
      records.push_back(records_[i]);
    }
    const auto add = imap::Flags::parse(change.first);
    const auto remove = imap::Flags::parse(change.second);
    auto stored = co_await lane_.target->store_flags(uids, add, remove);
    if (!stored) co_return stored;
    crash_point("flags.stored");
    MXF_CO_CHECK(state().put_messages(record_, records));
    report_.flags_changed += members.size();
    run_.report.flags_changed += members.size();
    run_.progressed = true;
  }
  flag_changes_.clear();
  if (!flags_seen_.empty())
    MXF_CO_CHECK(state().put_messages(record_, std::exchange(flags_seen_, {})));
  co_return Result<void>();
}

// --- Mail that is at the destination already
// --------------------------------------------------------------

Task<Result<void>> FolderCopy::adopt(std::vector<MessageInfo>& fresh) {
  if (!record_.adopt_below || fresh.empty() || record_.adopt_below->value <= 1)
    co_return Result<void>();
  const Uid last(record_.adopt_below->value - 1);
  auto there = co_await list_range(*lane_.target, Uid(1), last);
  if (!there) co_return fail(std::move(there).error());
  std::erase_if(*there, [&](const MessageInfo& info) { return bound_.contains(info.uid.value); });
  if (there->empty()) co_return Result<void>();

  // Fingerprints preselect ...
  imap::UidSet ours;
  imap::UidSet theirs;
  std::unordered_map<std::uint32_t, const MessageInfo*> source_info;
  std::unordered_map<std::uint32_t, const MessageInfo*> target_info;
  for (const auto& info : fresh) {
    ours.add(info.uid);
    source_info[info.uid.value] = &info;
  }
  for (const auto& info : *there) {
    theirs.add(info.uid);
    target_info[info.uid.value] = &info;
  }
  auto have = co_await fingerprints(*lane_.target, std::move(theirs));
  if (!have) co_return fail(std::move(have).error());
  auto want = co_await fingerprints(*lane_.source, std::move(ours));
  if (!want) co_return fail(std::move(want).error());
  std::map<Fingerprint, std::pair<std::vector<Uid>, std::vector<Uid>>> groups;
  for (const auto& candidate : *want) groups[candidate.fingerprint].first.push_back(candidate.uid);
  for (const auto& candidate : *have) {
    const auto it = groups.find(candidate.fingerprint);
    if (it != groups.end()) it->second.second.push_back(candidate.uid);
  }
  std::vector<MessageInfo> read_source;
  std::vector<MessageInfo> read_target;
  std::unordered_map<std::uint32_t, Fingerprint> print_of;
  for (const auto& [print, group] : groups) {
    if (group.second.empty()) continue;
    for (const auto uid : group.first) {
      read_source.push_back(*source_info.at(uid.value));
      print_of[uid.value] = print;
    }
    for (const auto uid : group.second) read_target.push_back(*target_info.at(uid.value));
  }
  // ... SHA-256 of what both sides give back decides.
  auto source_digests = co_await digests(*lane_.source, std::move(read_source));
  if (!source_digests) co_return fail(std::move(source_digests).error());
  auto target_digests = co_await digests(*lane_.target, std::move(read_target));
  if (!target_digests) co_return fail(std::move(target_digests).error());
  std::map<mime::Digest, std::vector<Uid>> by_digest;
  for (const auto& digest : *target_digests) by_digest[digest.sha256].push_back(digest.uid);
  std::unordered_map<std::uint32_t, Uid> pairs;
  std::vector<Uid> unpaired;
  for (const auto& digest : *source_digests) {
    const auto it = by_digest.find(digest.sha256);
    if (it == by_digest.end() || it->second.empty()) {
      unpaired.push_back(digest.uid);
      continue;
    }
    pairs.emplace(digest.uid.value, it->second.front());
    it->second.erase(it->second.begin());
  }
  // Same headers and date, one to one, other bytes: the destination may have rewritten it on an
  // earlier migration.
  std::unordered_set<std::uint32_t> taken;
  for (const auto& [src, dst] : pairs) taken.insert(dst.value);
  std::uint64_t altered = 0;
  std::unordered_map<std::uint32_t, Uid> altered_pairs;
  for (const auto uid : unpaired) {
    const auto& group = groups.at(print_of.at(uid.value));
    if (group.first.size() != 1 || group.second.size() != 1) continue;
    const Uid other = group.second.front();
    if (taken.contains(other.value) ||
        source_info.at(uid.value)->date != target_info.at(other.value)->date)
      continue;
    ++altered;
    altered_pairs.emplace(uid.value, other);
  }
  if (run_.job.options.altered == AlteredPolicy::ask &&
      destination_rewrites(fresh.size(), altered)) {
    report_.stopped = std::to_string(altered) +
                      " messages are at the destination with equal headers and dates but " +
                      "other bytes: it rewrites mail; decide with --adopt-altered or --copy";
    co_return Result<void>();
  }
  if (run_.job.options.altered == AlteredPolicy::adopt)
    pairs.insert(altered_pairs.begin(), altered_pairs.end());

  std::vector<MessageRecord> records;
  for (const auto& info : fresh) {
    const auto pair = pairs.find(info.uid.value);
    if (pair == pairs.end()) continue;
    MessageRecord record;
    record.src = info.uid;
    record.dst = pair->second;
    record.fingerprint = print_of.at(info.uid.value);
    // The base is what both hold: the merge below adds what the source has beyond it and removes
    // nothing.
    const auto& flags_there = target_info.at(pair->second.value)->flags;
    MXF_CO_TRY(there_id, state().intern_flags(record_, flags_there));
    MXF_CO_TRY(both_id,
               state().intern_flags(record_, flags_there.minus(flags_there.minus(info.flags))));
    record.dst_flags = there_id;
    record.src_flags = both_id;
    records.push_back(record);
  }
  if (records.empty()) co_return Result<void>();
  MXF_CO_CHECK(state().put_messages(record_, records));
  const std::uint64_t adopted = records.size();
  MXF_CO_CHECK(load());
  for (const auto& info : fresh) MXF_CO_CHECK(plan_flag_change(info));
  std::erase_if(fresh, [&](const MessageInfo& info) { return known_.contains(info.uid.value); });
  report_.adopted += adopted;
  run_.report.adopted += adopted;
  run_.progressed = true;
  run_.tell(report_.source);
  co_return Result<void>();
}

// --- Copying
// ----------------------------------------------------------------------------------------------

Task<Result<std::vector<WholeMessage>>> FolderCopy::fetch(imap::UidSet uids) {
  auto out = co_await lane_.source->fetch_messages(uids);
  co_return out;
}

Task<Result<void>> FolderCopy::copy(std::vector<MessageInfo> fresh) {
  const auto batches = cut_batches(fresh);
  std::vector<MessageInfo> larger;  // than the source had said
  auto copied = co_await copy_batches(fresh, batches, larger);
  for (std::size_t i = 0; copied && i < larger.size(); ++i)
    copied = co_await copy_streamed(larger[i]);
  // What was answered is recorded, whatever happened after it.
  auto flushed = flush();
  if (!copied) co_return copied;
  if (!flushed) co_return flushed;
  auto accounted = co_await account_for(fresh);
  co_return accounted;
}

Task<Result<void>> FolderCopy::account_for(const std::vector<MessageInfo>& fresh) {
  imap::UidSet open;
  for (const auto& info : fresh)
    if (!known_.contains(info.uid.value) && !excepted_.contains(info.uid.value)) open.add(info.uid);
  if (open.empty()) co_return Result<void>();
  // Opened again: what another session has expunged is not listed any more.
  auto opened = co_await lane_.source->open_folder(record_.src_name);
  if (!opened) co_return fail(std::move(opened).error());
  BatchResult result;
  for (const auto uid : open.uids()) {
    auto still = co_await lane_.source->list_messages(uid, uid);
    if (!still) co_return fail(std::move(still).error());
    if (still->empty()) continue;
    IntentMessage message;
    message.src = uid;
    Error why;
    why.code = ErrorCode::refused;
    why.text = "the source lists this message and does not give it";
    refuse(message, why, result);
  }
  if (result.exceptions.empty()) co_return Result<void>();
  note_counts(result);
  co_return state().put_result(record_, result);
}

Task<Result<void>> FolderCopy::copy_batches(const std::vector<MessageInfo>& fresh,
                                            const std::vector<Batch>& batches,
                                            std::vector<MessageInfo>& larger) {
  // While one batch is appended the next is fetched.
  Started<std::vector<WholeMessage>> ahead;
  const auto set_of = [&](const Batch& batch) {
    imap::UidSet set;
    for (const auto i : batch.members) set.add(fresh[i].uid);
    return set;
  };
  Result<void> done;
  for (std::size_t b = 0; b < batches.size() && done; ++b) {
    if (run_.ending()) {
      done = fail(ErrorCode::cancelled, "copy " + report_.source, "stopped");
      break;
    }
    const auto& batch = batches[b];
    if (batch.streams) {
      done = co_await copy_streamed(fresh[batch.members.front()]);
      continue;
    }
    if (!ahead.valid())
      ahead = Started<std::vector<WholeMessage>>(run_.executor, fetch(set_of(batch)));
    auto messages = co_await ahead.get();
    if (!messages) {
      done = fail(std::move(messages).error());
      break;
    }
    if (b + 1 < batches.size() && !batches[b + 1].streams)
      ahead = Started<std::vector<WholeMessage>>(run_.executor, fetch(set_of(batches[b + 1])));
    done = co_await copy_whole(std::move(*messages), larger);
  }
  if (ahead.valid()) {
    if (!done) lane_.source->close();  // what it would bring is not wanted any more
    (void)co_await ahead.get();
  }
  co_return done;
}

Result<IntentMessage> FolderCopy::describe(const MessageInfo& info, const Fingerprint& print,
                                           const Fingerprint& content) {
  IntentMessage out;
  out.src = info.uid;
  out.fingerprint = print;
  out.content = content;
  out.src_flags = info.flags;
  out.flags = lane_.target->permanent_flags().kept(info.flags);
  const auto not_kept = info.flags.minus(out.flags);
  for (const auto& dropped : not_kept.names())
    if (std::find(report_.dropped_flags.begin(), report_.dropped_flags.end(), dropped) ==
        report_.dropped_flags.end())
      report_.dropped_flags.push_back(dropped);
  return out;
}

Task<Result<void>> FolderCopy::copy_whole(std::vector<WholeMessage> messages,
                                          std::vector<MessageInfo>& larger) {
  Intent intent;
  std::vector<OutgoingMessage> bodies;
  std::vector<IntentMessage> too_large;
  std::uint64_t bytes = 0;
  const auto limit = lane_.target->append_limit();
  for (auto& message : messages) {
    if (message.too_large) {
      larger.push_back(message.info);
      continue;
    }
    MXF_CO_TRY(meta, describe(message.info, mime::fingerprint(message.body),
                              mime::content_hash(message.body)));
    if (limit && message.body.size() > *limit) {
      too_large.push_back(std::move(meta));
      continue;
    }
    bytes += message.body.size();
    OutgoingMessage out;
    out.flags = meta.flags;
    out.date = message.info.date;
    out.body = std::move(message.body);
    intent.messages.push_back(std::move(meta));
    bodies.push_back(std::move(out));
  }
  BatchResult result;
  if (!intent.messages.empty()) {
    MXF_CO_CHECK(write_intent(intent));
    result.intent = intent.id;
    auto metas = intent.messages;
    auto appended = co_await append_under(intent, std::move(metas), std::move(bodies), result);
    crash_point("append.answered");
    if (!appended) {
      if (!is_about_account(appended.error())) co_return lost(std::move(appended).error());
      // Answered, with a reason that holds for the rest too: what is known is recorded.
      MXF_CO_CHECK(state().put_result(record_, result));
      note_counts(result);
      co_return fail(folder_gone(std::move(appended).error()));
    }
  }
  for (const auto& message : too_large) {
    Error why;
    why.code = ErrorCode::refused;
    why.text = "larger than the destination takes";
    why.remote = "[APPENDLIMIT=" + std::to_string(*limit) + "]";
    refuse(message, why, result);
  }
  run_.report.bytes += bytes;
  report_.bytes += bytes;
  note_counts(result);
  if (result.intent == 0) {
    // Nothing was sent; refusals still count.
    MXF_CO_CHECK(state().put_result(record_, result));
    co_return Result<void>();
  }
  previous_ = std::move(result);
  run_.tell(report_.source);
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::append_under(const Intent& intent, std::vector<IntentMessage> metas,
                                            std::vector<OutgoingMessage> bodies,
                                            BatchResult& result) {
  auto outcome = co_await lane_.target->append(std::move(bodies));
  if (!outcome) co_return fail(std::move(outcome).error());
  std::vector<IntentMessage> unplaced;  // stored, and the server did not say where
  std::vector<IntentMessage> refused;
  std::optional<Error> why;
  for (std::size_t i = 0; i < metas.size(); ++i) {
    const auto& each = outcome->each[i];
    if (each.stored && each.uid) {
      MXF_CO_CHECK(bind(metas[i], *each.uid, result));
    } else if (each.stored) {
      unplaced.push_back(metas[i]);
    } else {
      refused.push_back(metas[i]);
      if (!why) why = each.why;
      if (!outcome->as_one && each.why && !is_about_account(*each.why)) {
        refuse(metas[i], *each.why, result);
        refused.pop_back();
      }
    }
  }
  if (!unplaced.empty()) {
    auto looked = co_await bind_by_lookup(intent, unplaced, result);
    if (!looked) co_return looked;
    // OK without effect (seen with a folder that files its own copies): it is not there, and we say
    // so.
    for (const auto& message : unplaced) {
      Error lost_one;
      lost_one.code = ErrorCode::refused;
      lost_one.text = "the destination said OK and the message is not there";
      refuse(message, lost_one, result);
    }
  }
  if (refused.empty() || !why) co_return Result<void>();
  if (!outcome->as_one || is_about_account(*why)) {
    if (outcome->as_one) {
      auto looked = co_await bind_by_lookup(intent, refused, result);
      if (!looked) co_return looked;
      if (refused.empty()) co_return Result<void>();
    }
    co_return fail(*why);
  }
  // RFC 3502 is atomic, servers are not all: look before halving.
  auto looked = co_await bind_by_lookup(intent, refused, result);
  if (!looked) co_return looked;
  if (refused.empty()) co_return Result<void>();
  auto halved = co_await append_halved(intent, std::move(refused), *why, result);
  co_return halved;
}

// Isolates the message that the server does not take. Bodies are read again: this is rare.
Task<Result<void>> FolderCopy::append_halved(const Intent& intent, std::vector<IntentMessage> metas,
                                             Error why, BatchResult& result) {
  if (metas.size() == 1) {
    // Alone it may pass: a batch is also refused for its size.
    imap::UidSet set(metas.front().src);
    auto again = co_await lane_.source->fetch_messages(set);
    if (!again) co_return fail(std::move(again).error());
    if (again->empty() || again->front().too_large) {
      refuse(metas.front(), why, result);
      co_return Result<void>();
    }
    std::vector<OutgoingMessage> one(1);
    one.front().flags = metas.front().flags;
    one.front().date = again->front().info.date;
    one.front().body = std::move(again->front().body);
    auto sent = co_await append_under(intent, std::move(metas), std::move(one), result);
    co_return sent;
  }
  const auto half = static_cast<std::ptrdiff_t>(metas.size() / 2);
  for (int side = 0; side < 2; ++side) {
    std::vector<IntentMessage> part(side == 0 ? metas.begin() : metas.begin() + half,
                                    side == 0 ? metas.begin() + half : metas.end());
    if (part.size() == 1) {
      auto sent = co_await append_halved(intent, std::move(part), why, result);
      if (!sent) co_return sent;
      continue;
    }
    imap::UidSet set;
    for (const auto& meta : part) set.add(meta.src);
    auto again = co_await lane_.source->fetch_messages(set);
    if (!again) co_return fail(std::move(again).error());
    std::vector<OutgoingMessage> bodies;
    std::vector<IntentMessage> there;
    for (auto& meta : part) {
      const auto it = std::find_if(again->begin(), again->end(),
                                   [&](const WholeMessage& m) { return m.info.uid == meta.src; });
      if (it == again->end() || it->too_large) continue;
      OutgoingMessage out;
      out.flags = meta.flags;
      out.date = it->info.date;
      out.body = std::move(it->body);
      bodies.push_back(std::move(out));
      there.push_back(std::move(meta));
    }
    if (there.empty()) continue;
    auto sent = co_await append_under(intent, std::move(there), std::move(bodies), result);
    if (!sent) co_return sent;
  }
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::copy_streamed(MessageInfo info) {
  // Who it is must be known before it is sent: that is what a lost answer is looked up by.
  imap::UidSet set(info.uid);
  auto prints = co_await fingerprints(*lane_.source, set);
  if (!prints) co_return fail(std::move(prints).error());
  if (prints->empty()) co_return Result<void>();  // gone meanwhile
  MXF_CO_TRY(meta, describe(info, prints->front().fingerprint, kUnread));
  Intent intent;
  intent.messages.push_back(meta);
  MXF_CO_CHECK(write_intent(intent));
  BatchResult result;
  result.intent = intent.id;
  Relay relay(*lane_.target, meta, info.date);
  auto streamed = co_await lane_.source->stream_message(info.uid, relay);
  if (!streamed && !relay.begun && streamed.error().code == ErrorCode::not_found) {
    previous_ = std::move(result);
    co_return Result<void>();
  }
  if (!streamed) {
    // Half a literal is on its way: only closing the connection keeps the destination from storing
    // it.
    lane_.target->close();
    co_return lost(std::move(streamed).error());
  }
  std::optional<Error> why = relay.refusal;
  crash_point("append.streamed");
  if (relay.begun) {
    auto ended = co_await lane_.target->append_end();
    crash_point("append.answered");
    if (!ended) co_return lost(std::move(ended).error());
    if (ended->stored && ended->uid) {
      MXF_CO_CHECK(bind(meta, *ended->uid, result));
    } else if (ended->stored) {
      std::vector<IntentMessage> wanted;
      wanted.push_back(meta);
      auto looked = co_await bind_by_lookup(intent, wanted, result);
      if (!looked) co_return lost(std::move(looked).error());
      Error lost_one;
      lost_one.code = ErrorCode::refused;
      lost_one.text = "the destination said OK and the message is not there";
      for (const auto& message : wanted) refuse(message, lost_one, result);
    }
    why = ended->why;
  }
  if (why) {
    if (is_about_account(*why)) {
      MXF_CO_CHECK(state().put_result(record_, result));
      co_return fail(folder_gone(std::move(*why)));
    }
    refuse(meta, *why, result);
  }
  run_.report.bytes += relay.size();
  report_.bytes += relay.size();
  note_counts(result);
  previous_ = std::move(result);
  run_.tell(report_.source);
  co_return Result<void>();
}

// --- Lost answers
// -----------------------------------------------------------------------------------------

Task<Result<std::vector<Candidate>>> FolderCopy::window(Uid first) {
  // Opened again: a session need not see what another one has stored since.
  auto opened = co_await lane_.target->open_folder(record_.dst_name);
  if (!opened) co_return fail(std::move(opened).error());
  auto listed = co_await list_range(*lane_.target, first, kLastUid);
  if (!listed) co_return fail(std::move(listed).error());
  imap::UidSet free;
  for (const auto& info : *listed)
    if (!bound_.contains(info.uid.value)) free.add(info.uid);
  if (free.empty()) co_return std::vector<Candidate>();
  auto out = co_await fingerprints(*lane_.target, std::move(free));
  co_return out;
}

// Binds what is found; `wanted` keeps what is not.
Task<Result<void>> FolderCopy::bind_by_lookup(const Intent& intent,
                                              std::vector<IntentMessage>& wanted,
                                              BatchResult& result) {
  auto there = co_await window(intent.dst_uid_next);
  if (!there) co_return fail(std::move(there).error());
  std::vector<Fingerprint> prints;
  for (const auto& message : wanted) prints.push_back(message.fingerprint);
  const auto found = match(prints, *there);
  std::vector<IntentMessage> missing;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (found[i]) {
      MXF_CO_CHECK(bind(wanted[i], *found[i], result));
    } else {
      missing.push_back(std::move(wanted[i]));
    }
  }
  wanted = std::move(missing);
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::resolve_open_intents() {
  MXF_CO_TRY(open, state().open_intents(record_));
  for (auto& intent : open) {
    auto resolved = co_await resolve(std::move(intent));
    if (!resolved) co_return resolved;
  }
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::resolve(Intent intent) {
  BatchResult result;
  result.intent = intent.id;
  if (intent.dst_uid_validity != dst_.uid_validity) {
    // The folder was made anew: whatever the lost append did is gone, or is adopted by content.
    MXF_CO_CHECK(state().put_result(record_, result));
    co_return Result<void>();
  }
  std::vector<IntentMessage> missing;
  for (const auto& message : intent.messages)
    if (!known_.contains(message.src.value)) missing.push_back(message);
  auto looked = co_await bind_by_lookup(intent, missing, result);
  if (!looked) co_return looked;
  if (!missing.empty()) {
    // The old session may still store it: it gets its time, then everything is read once more.
    const auto lost_at = run_.lost_at.find(record_.id);
    const Instant since =
        lost_at != run_.lost_at.end() ? std::max(lost_at->second, intent.at) : intent.at;
    const auto due = since + run_.job.options.append_settle;
    co_await run_.sleep(std::chrono::duration_cast<std::chrono::milliseconds>(due - now()));
    if (run_.ending()) co_return fail(ErrorCode::cancelled, "copy " + report_.source, "stopped");
    looked = co_await bind_by_lookup(intent, missing, result);
    if (!looked) co_return looked;
  }
  if (!missing.empty() && record_.src.uid_validity == before_.uid_validity) {
    MXF_CO_CHECK(state().renew_intent(intent.id, now()));
    imap::UidSet set;
    for (const auto& message : missing)
      if (message.content != kUnread) set.add(message.src);
    if (!set.empty()) {
      auto again = co_await lane_.source->fetch_messages(set);
      if (!again) co_return fail(std::move(again).error());
      std::vector<IntentMessage> metas;
      std::vector<OutgoingMessage> bodies;
      for (auto& message : *again) {
        const auto it = std::find_if(missing.begin(), missing.end(), [&](const IntentMessage& m) {
          return m.src == message.info.uid;
        });
        if (it == missing.end() || message.too_large) continue;
        OutgoingMessage out;
        out.flags = it->flags;
        out.date = message.info.date;
        out.body = std::move(message.body);
        metas.push_back(*it);
        bodies.push_back(std::move(out));
      }
      if (!metas.empty()) {
        auto repeated = metas;
        auto sent = co_await append_under(intent, std::move(metas), std::move(bodies), result);
        if (!sent) co_return lost(std::move(sent).error());
        auto removed = co_await remove_surplus(intent, std::move(repeated));
        if (!removed) co_return removed;
      }
    }
    // Large ones are copied as new messages once the intent is closed.
  }
  MXF_CO_CHECK(state().put_result(record_, result));
  note_counts(result);
  MXF_CO_CHECK(load());
  co_return Result<void>();
}

// The lost append may have come through after all, late: then there is one more of ours than the
// source has. Only bytes that are ours and flags that nobody changed make it removable; anything
// else stays and is reported.
Task<Result<void>> FolderCopy::remove_surplus(const Intent& intent,
                                              std::vector<IntentMessage> repeated) {
  auto there = co_await window(intent.dst_uid_next);
  if (!there) co_return fail(std::move(there).error());
  std::vector<Fingerprint> prints;
  for (const auto& message : repeated) prints.push_back(message.fingerprint);
  const auto found = match(prints, *there);
  imap::UidSet removable;
  for (std::size_t i = 0; i < repeated.size(); ++i) {
    if (!found[i]) continue;
    imap::UidSet one(*found[i]);
    auto body = co_await lane_.target->fetch_messages(one);
    if (!body) co_return fail(std::move(body).error());
    const bool ours = !body->empty() && !body->front().too_large &&
                      mime::content_hash(body->front().body) == repeated[i].content &&
                      body->front().info.flags == repeated[i].flags && lane_.target->has_uidplus();
    if (ours) {
      removable.add(*found[i]);
    } else if (!body->empty()) {
      ++report_.surplus;
    }
  }
  if (removable.empty()) co_return Result<void>();
  auto gone = co_await lane_.target->expunge(removable);
  if (!gone &&
      (gone.error().code == ErrorCode::denied || gone.error().code == ErrorCode::unsupported)) {
    report_.surplus += removable.count();
    co_return Result<void>();
  }
  co_return gone;
}

// --- Bookkeeping
// ------------------------------------------------------------------------------------------

Result<void> FolderCopy::bind(const IntentMessage& message, Uid dst, BatchResult& result) {
  MessageRecord record;
  record.src = message.src;
  record.dst = dst;
  record.fingerprint = message.fingerprint;
  MXF_TRY(src_flags, state().intern_flags(record_, message.src_flags));
  MXF_TRY(dst_flags, state().intern_flags(record_, message.flags));
  record.src_flags = src_flags;
  record.dst_flags = dst_flags;
  result.stored.push_back(record);
  bound_.insert(dst.value);
  if (dst >= dst_next_ && dst.value < kLastUid.value) dst_next_ = Uid(dst.value + 1);
  return {};
}

void FolderCopy::refuse(const IntentMessage& message, const Error& why, BatchResult& result) {
  ExceptionRecord exception;
  exception.src = message.src;
  exception.kind = "refused";
  exception.code = std::string(to_string(why.code));
  exception.words = why.remote.empty() ? why.text : why.remote;
  result.exceptions.push_back(exception);
  excepted_.insert(message.src.value);
  Exception line;
  line.folder = report_.source;
  line.src = message.src;
  line.kind = exception.kind;
  line.code = exception.code;
  line.words = exception.words;
  run_.report.exceptions.push_back(std::move(line));
}

void FolderCopy::note_counts(const BatchResult& result) {
  report_.copied += result.stored.size();
  report_.refused += result.exceptions.size();
  run_.report.copied += result.stored.size();
  run_.report.refused += result.exceptions.size();
  if (!result.stored.empty()) run_.progressed = true;
  for (const auto& record : result.stored) {
    known_[record.src.value] = records_.size();
    records_.push_back(record);
  }
}

Result<void> FolderCopy::write_intent(Intent& intent) {
  intent.at = now();
  intent.dst_uid_validity = dst_.uid_validity;
  intent.dst_uid_next = dst_next_;
  MXF_CHECK(state().put_intent(record_, previous_, intent));
  crash_point("append.intent");
  previous_.reset();
  return {};
}

Result<void> FolderCopy::flush() {
  if (!previous_) return {};
  const auto result = std::exchange(previous_, std::nullopt);
  return state().put_result(record_, *result);
}

Unexpected<Error> FolderCopy::lost(Error error) {
  run_.lost_at[record_.id] = now();
  return fail(std::move(error));
}

}  // namespace mxferry::copy
