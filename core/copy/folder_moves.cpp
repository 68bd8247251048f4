// SPDX-License-Identifier: Apache-2.0
// FolderCopy, mail that was moved into this folder at the source: it is moved here at the
// destination too, where it is ours, its flags are those that we last saw, and SHA-256 of both
// sides agrees. Anything else is copied as new mail, and what is at the old place stays.
//
//   intent (as of an append, durable) ─► UID MOVE ─► bound by COPYUID or looked up ─► result ─► the
//   old record goes
//
// Killed between them the look-up of open intents finds the message in its new folder.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/crash_point.hpp"
#include "copy/folder_copy.hpp"
#include "copy/messages_io.hpp"
#include "copy/moves.hpp"

namespace mxferry::copy {

Task<Result<void>> FolderCopy::take_moves(bool create, bool subscribe,
                                          std::vector<ArrivedMove> moved) {
  auto opened = co_await open(create, subscribe);
  if (!opened) co_return opened;
  if (!report_.stopped.empty() || record_.adopt_below) co_return Result<void>();
  auto resolved = co_await resolve_open_intents();
  if (!resolved) co_return resolved;
  std::map<std::int64_t, std::vector<ArrivedMove>> by_folder;
  for (auto& one : moved) by_folder[one.from.id].push_back(std::move(one));
  for (auto& [id, group] : by_folder) {
    if (run_.ending()) co_return fail(ErrorCode::cancelled, "copy " + report_.source, "stopped");
    auto done = co_await take_from(std::move(group));
    if (!done) co_return done;
  }
  co_return Result<void>();
}

// All of one folder.
Task<Result<void>> FolderCopy::take_from(std::vector<ArrivedMove> group) {
  const FolderRecord from = group.front().from;
  auto there = co_await lane_.target->open_folder(from.dst_name);
  if (!there && there.error().retry == Retry::never &&
      (there.error().code == ErrorCode::not_found || there.error().code == ErrorCode::refused))
    co_return Result<void>();
  if (!there) co_return fail(std::move(there).error());
  if (there->uid_validity != from.dst.uid_validity || there->uid_not_sticky)
    co_return Result<void>();
  std::vector<MessageRecord> records;
  std::unordered_map<std::uint32_t, MessageInfo> now_of;  // by UID at the destination
  for (const auto& one : group) {
    if (known_.contains(one.now.uid.value)) {
      // It came to its new place before a run was cut off: only the old record may be left.
      auto still = co_await lane_.target->list_flags(one.record.dst, one.record.dst, std::nullopt);
      if (!still) co_return fail(std::move(still).error());
      std::vector<Uid> old;
      old.push_back(one.record.src);
      if (still->empty()) MXF_CO_CHECK(state().remove_messages(from, old));
      continue;
    }
    records.push_back(one.record);
    now_of[one.record.dst.value] = one.now;
  }
  auto ours = co_await still_as_left(state(), *lane_.target, from, std::move(records));
  if (!ours) co_return fail(std::move(ours).error());
  std::vector<MessageInfo> at_target;
  std::vector<MessageInfo> at_source;
  for (const auto& record : *ours) {
    at_source.push_back(now_of.at(record.dst.value));
    at_target.push_back(at_source.back());
    at_target.back().uid = record.dst;
  }
  auto target_digests = co_await digests(*lane_.target, std::move(at_target));
  if (!target_digests) co_return fail(std::move(target_digests).error());
  auto source_digests = co_await digests(*lane_.source, std::move(at_source));
  if (!source_digests) co_return fail(std::move(source_digests).error());
  std::unordered_map<std::uint32_t, mime::Digest> source_of;
  for (const auto& digest : *source_digests) source_of[digest.uid.value] = digest.sha256;
  std::unordered_map<std::uint32_t, mime::Digest> target_of;
  for (const auto& digest : *target_digests) target_of[digest.uid.value] = digest.sha256;

  for (const auto& record : *ours) {
    const auto& now = now_of.at(record.dst.value);
    const auto here = source_of.find(now.uid.value);
    const auto dst = target_of.find(record.dst.value);
    if (here == source_of.end() || dst == target_of.end() || here->second != dst->second) continue;
    auto done = co_await move_one(from, record, now);
    if (!done) co_return done;
  }
  co_return Result<void>();
}

Task<Result<void>> FolderCopy::move_one(const FolderRecord& from, const MessageRecord& record,
                                        const MessageInfo& now) {
  IntentMessage message;
  message.src = now.uid;
  message.fingerprint = record.fingerprint;
  message.content =
      kUnread;  // it is looked up where the answer is lost, never sent again from here
  MXF_CO_TRY(base, state().flags_of(from, record.src_flags));
  MXF_CO_TRY(left, state().flags_of(from, record.dst_flags));
  message.src_flags = base;
  message.flags = left;
  BatchResult result;
  if (from.dst_name == record_.dst_name) {
    // Both folders are one at the destination: only the record moves.
    MXF_CO_CHECK(bind(message, record.dst, result));
    MXF_CO_CHECK(state().put_result(record_, result));
  } else {
    Intent intent;
    intent.messages.push_back(message);
    auto written = co_await write_intent(intent);
    if (!written) co_return written;
    result.intent = intent.id;
    auto moved = co_await lane_.target->move_message(record.dst, record_.dst_name);
    crash_point("move.answered");
    if (!moved &&
        (moved.error().code == ErrorCode::refused || moved.error().code == ErrorCode::denied ||
         moved.error().code == ErrorCode::not_found ||
         moved.error().code == ErrorCode::unsupported)) {
      // It stays where it is; here it is copied.
      MXF_CO_CHECK(state().put_result(record_, result));
      co_return Result<void>();
    }
    if (!moved) co_return lost(std::move(moved).error());
    // A UID that cannot be new is no answer.
    if (*moved && **moved >= intent.dst_uid_next && !bound_.contains((*moved)->value)) {
      MXF_CO_CHECK(bind(message, **moved, result));
    } else {
      std::vector<IntentMessage> wanted;
      wanted.push_back(message);
      auto looked = co_await bind_by_lookup(intent, wanted, result);
      if (!looked) co_return lost(std::move(looked).error());
      // The look-up has opened this folder; the next move is out of the other one.
      auto back = co_await lane_.target->open_folder(from.dst_name);
      if (!back) co_return fail(std::move(back).error());
    }
    MXF_CO_CHECK(state().put_result(record_, result));
    crash_point("move.recorded");
  }
  std::vector<Uid> old;
  old.push_back(record.src);
  MXF_CO_CHECK(state().remove_messages(from, old));
  for (const auto& stored : result.stored) {
    known_[stored.src.value] = records_.size();
    records_.push_back(stored);
  }
  report_.moved += result.stored.size();
  run_.report.moved += result.stored.size();
  if (!result.stored.empty()) run_.progressed = true;
  co_return Result<void>();
}

}  // namespace mxferry::copy
