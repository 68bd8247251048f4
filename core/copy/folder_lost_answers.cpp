// SPDX-License-Identifier: Apache-2.0
// FolderCopy, answers that never came: what is at the destination is looked up by fingerprint with
// multiplicity before anything is sent again.
#include <algorithm>
#include <utility>

#include "copy/folder_copy.hpp"
#include "copy/messages_io.hpp"

namespace mxferry::copy {

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

}  // namespace mxferry::copy
