// SPDX-License-Identifier: Apache-2.0
#include "copy/folder_copy.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/crash_point.hpp"
#include "copy/brain/folder_map.hpp"
#include "copy/messages_io.hpp"
#include "copy/started.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {

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

Result<void> RunContext::allow(std::uint64_t octets) const {
  for (const auto& pace : job.paces) MXF_CHECK(pace->allow(octets, job.options.urgent));
  return {};
}

Task<void> RunContext::keep_pace(std::uint64_t messages, std::uint64_t octets) {
  Millis wait{};
  for (const auto& pace : job.paces) wait = std::max(wait, pace->take(messages, octets));
  co_await sleep(wait);
}

Task<Result<void>> RunContext::durable() {
  const auto round = sync_round ? sync_round : std::make_shared<SyncRound>(executor);
  if (round == sync_round) {
    while (!round->result)
      (void)co_await round->done.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  } else {
    sync_round = round;
    // Twice: the sockets are looked at, and those who were answered come here, too.
    for (int turn = 0; turn < 2; ++turn)
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
    sync_round.reset();
    round->result = job.state->settle();
    round->done.cancel();
  }
  Result<void> out = *round->result;
  co_return out;
}

// --- The folder as a whole
// --------------------------------------------------------------------------------

Task<Result<void>> FolderCopy::run(bool create, bool subscribe) {
  auto opened = co_await open(create, subscribe);
  if (!opened) co_return opened;
  if (!report_.stopped.empty()) co_return Result<void>();
  auto resolved = co_await resolve_open_intents();
  if (!resolved) co_return resolved;
  if (part_ && (!before_.uid_next || *before_.uid_next > part_->until)) {
    before_.uid_next = part_->until;
    before_.messages.reset();  // it counts what came later, too
  }
  auto fresh = co_await list_new();
  if (!fresh) co_return fail(std::move(fresh).error());
  if (part_ && !fresh->empty()) {
    auto kept = co_await part_->keep(*fresh, from_the_start_ && records_.empty());
    if (!kept) co_return kept;
  }
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
  // A listing with fewer messages than the server counts is none: the next run lists all again.
  if (listed_short_) record_.src.uid_next.reset();
  record_.dst = dst_;
  record_.adopt_below.reset();
  // What stands below the watermark and was left out is still left out, unless all was listed.
  if (from_the_start_ || left_out_ > 0)
    record_.left_out = left_out_ > 0 ? run_.job.options.messages.text() : "";
  MXF_CO_CHECK(state().put_folder(record_));
  report_.known = records_.size();
  report_.filtered = left_out_;
  if (!from_the_start_ && !record_.left_out.empty())
    report_.filtered =
        std::max(left_out_, before_.messages.value_or(0) -
                                std::min<std::uint64_t>(before_.messages.value_or(0),
                                                        records_.size() + excepted_.size()));
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::retry() {
  const auto& scope = *run_.job.options.retry;
  auto opened = co_await open(false, false);
  if (!opened) co_return opened;
  if (!report_.stopped.empty()) co_return Result<void>();
  auto resolved = co_await resolve_open_intents();
  if (!resolved) co_return resolved;
  MXF_CO_TRY(exceptions, state().exceptions(record_));
  std::erase_if(exceptions, [&](const ExceptionRecord& e) {
    return known_.contains(e.src.value) || (!scope.uids.empty() && !scope.uids.contains(e.src));
  });
  std::vector<MessageInfo> wanted;
  for (const auto& exception : exceptions) {
    auto again = co_await lane_.source->list_messages(exception.src, exception.src);
    if (!again) co_return fail(std::move(again).error());
    wanted.insert(wanted.end(), again->begin(), again->end());
  }
  const auto first_line = run_.report.exceptions.size();
  auto copied = co_await copy(std::move(wanted));
  if (!copied) co_return copied;
  for (const auto& exception : exceptions) {
    Retried line;
    line.folder = report_.source;
    line.src = exception.src;
    line.words = exception.words;
    line.outcome = known_.contains(exception.src.value)      ? Retried::Outcome::copied
                   : excepted_.contains(exception.src.value) ? Retried::Outcome::refused
                                                             : Retried::Outcome::gone;
    for (auto i = first_line; i < run_.report.exceptions.size(); ++i)
      if (run_.report.exceptions[i].folder == line.folder &&
          run_.report.exceptions[i].src == line.src)
        line.words = run_.report.exceptions[i].words;
    run_.report.retried.push_back(std::move(line));
  }
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
  std::erase_if(*listed, [&](const MessageInfo& info) { return known_.contains(info.uid.value); });
  report_.filtered = leave_out(*listed);
  run_.report.to_copy += listed->size();
  for (const auto& info : *listed) run_.report.bytes += info.size;
  report_.known = records_.size();
  co_return Result<void>();
}

// Servers refuse names that others take. Only where one does is the folder called otherwise, and
// never like another one.
Task<Result<void>> FolderCopy::create_destination() {
  Result<bool> created = fail(ErrorCode::internal, "create", "not asked");
  if (lane_.creating.valid() && lane_.creating_name == record_.dst_name) {
    created = co_await lane_.creating.get();
  } else {
    created = co_await lane_.target->create_folder(record_.dst_name, record_.use);
  }
  std::string tried = record_.dst_name;
  for (const auto spelling : {Spelling::without_wildcards, Spelling::plain, Spelling::plain_bmp}) {
    if (created || created.error().code != ErrorCode::refused || record_.id != 0) break;
    std::string name =
        respelled(record_.dst_name, spelling, lane_.target->personal_namespace().delimiter);
    if (name == tried) continue;
    tried = name;
    for (int n = 2; run_.names.contains(name); ++n) name = tried + "_" + std::to_string(n);
    auto again = co_await lane_.target->create_folder(name, record_.use);
    if (!again && again.error().code == ErrorCode::refused) continue;  // the first words count
    created = std::move(again);
    if (!created) break;
    run_.names.insert(name);
    record_.dst_name = name;
    report_.destination = imap::display_name(name);
  }
  if (!created) co_return fail(std::move(created).error());
  record_.created = record_.created || *created;
  co_return Result<void>();
}

// CREATE, then SUBSCRIBE and SELECT.
Task<Result<FolderState>> FolderCopy::open_destination(bool create, bool subscribe) {
  if (create) {
    auto created = co_await create_destination();
    if (!created) co_return fail(std::move(created).error());
    crash_point("folder.created");
  }
  // On a long line each command costs a round trip.
  Started<void> subscribing;
  if (subscribe)
    subscribing = Started<void>(run_.executor, lane_.target->subscribe(record_.dst_name));
  auto dst = co_await lane_.target->open_folder(record_.dst_name);
  if (subscribe) {
    // A destination without subscriptions does not stop mail.
    auto subscribed = co_await subscribing.get();
    if (!subscribed && subscribed.error().code != ErrorCode::refused &&
        subscribed.error().code != ErrorCode::not_found &&
        subscribed.error().code != ErrorCode::denied)
      co_return fail(std::move(subscribed).error());
  }
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

Uid first_to_list(const FolderRecord& record, const MessageFilter& filter) {
  if (!record.left_out.empty() && (record.left_out != filter.text() || filter.by_flags()))
    return Uid(1);
  return record.src.uid_next.value_or(Uid(1));
}

std::uint64_t FolderCopy::leave_out(std::vector<MessageInfo>& fresh) const {
  const auto& filter = run_.job.options.messages;
  if (filter.empty()) return 0;
  return std::erase_if(fresh, [&](const MessageInfo& info) { return !filter.passes(info); });
}

Task<Result<std::vector<MessageInfo>>> FolderCopy::list_new() {
  const Uid last = before_.uid_next ? Uid(before_.uid_next->value - 1) : kLastUid;
  Uid first = first_to_list(record_, run_.job.options.messages);
  // UIDNEXT never falls (RFC 9051 §2.3.1.1): where it did, the old one was a lie or this one is,
  // and everything is listed.
  if (before_.uid_next && first > *before_.uid_next) first = Uid(1);
  from_the_start_ = first.value <= 1;
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
  left_out_ = leave_out(fresh);
  auto merged = co_await merge_known_flags(first);
  if (!merged) co_return fail(std::move(merged).error());
  // What the server counts beyond the new ones it must still have of the known ones.
  const std::uint64_t unknown = fresh.size() + left_out_;
  const std::uint64_t at_source = before_.messages.value_or(records_.size() + unknown);
  // How many a filter left out below the watermark is not known without listing them.
  listed_short_ = (from_the_start_ || (record_.left_out.empty() && !part_)) &&
                  at_source > records_.size() + unknown;
  const std::uint64_t known_there = at_source > unknown ? at_source - unknown : 0;
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
    auto refused = co_await store_accepted(uids, add, remove);
    if (!refused) co_return fail(std::move(refused).error());
    if (!refused->empty()) {
      // The base says what is there: verify names the difference.
      for (auto& record : records) {
        MXF_CO_TRY(there, state().flags_of(record_, record.dst_flags));
        MXF_CO_TRY(id, state().intern_flags(record_, there.minus(*refused)));
        record.dst_flags = id;
      }
    }
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
  if (auto altered = source_altered_.extract(message.src.value))
    except(std::move(altered.mapped()), result);
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
  excepted_.insert(message.src.value);
  except(std::move(exception), result);
}

void FolderCopy::except(ExceptionRecord exception, BatchResult& result) {
  Exception line;
  line.folder = report_.source;
  line.src = exception.src;
  line.kind = exception.kind;
  line.code = exception.code;
  line.words = exception.words;
  run_.report.exceptions.push_back(std::move(line));
  result.exceptions.push_back(std::move(exception));
}

void FolderCopy::note_counts(const BatchResult& result) {
  report_.copied += result.stored.size();
  run_.report.copied += result.stored.size();
  for (const auto& exception : result.exceptions) {
    const bool refused = exception.kind == "refused";
    const bool by_source = exception.kind == "altered_by_source";
    ++(refused ? report_.refused : by_source ? report_.altered_by_source : report_.altered);
    ++(refused     ? run_.report.refused
       : by_source ? run_.report.altered_by_source
                   : run_.report.altered);
  }
  if (!result.stored.empty()) run_.progressed = true;
  for (const auto& record : result.stored) {
    known_[record.src.value] = records_.size();
    records_.push_back(record);
  }
}

Task<Result<void>> FolderCopy::write_intent(Intent& intent) {
  intent.at = now();
  intent.dst_uid_validity = dst_.uid_validity;
  intent.dst_uid_next = dst_next_;
  MXF_CO_CHECK(state().put_intent(record_, previous_, intent));
  previous_.reset();
  auto durable = co_await run_.durable();
  if (!durable) co_return durable;
  crash_point("append.intent");
  co_return Result<void>();
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
