// SPDX-License-Identifier: Apache-2.0
// FolderCopy, the sending: batches and streams, each under its intent; a refused batch is halved
// until the refused message stands alone.
#include <algorithm>
#include <utility>

#include "base/crash_point.hpp"
#include "copy/folder_copy.hpp"
#include "copy/messages_io.hpp"
#include "copy/started.hpp"

namespace mxferry::copy {
namespace {

Error folder_gone(Error error) {
  if (error.code == ErrorCode::not_found) error.retry = Retry::later;
  return error;
}

// Relays one message from source to destination. A destination that refuses early lets the source
// run dry instead of breaking off; one that is lost ends both. The last octet is held back until
// the source's answer is whole: a UID behind the body, or a second body, may still show that it was
// a lie, and as long as it lacks, closing the connection keeps the destination from storing it.
class Relay final : public MessageSink {
 public:
  Relay(RunContext& run, MailTarget& target, const IntentMessage& meta,
        std::optional<imap::InternalDate> date)
      : run_(run), target_(target), meta_(meta), date_(date) {}

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
    received_ += bytes.size();
    if (refusal || !begun || bytes.empty()) co_return Result<void>();
    if (received_ >= size_) {
      last_ = bytes.back();
      bytes.remove_suffix(1);
    }
    auto put = co_await send(bytes);
    co_return put;
  }
  Task<Result<void>> finish() {
    if (refusal || !begun || !last_) co_return Result<void>();
    const char octet = *last_;
    auto put = co_await send(std::string_view(&octet, 1));
    co_return put;
  }
  std::uint64_t size() const { return size_; }

  bool begun = false;
  std::optional<Error> refusal;

 private:
  Task<Result<void>> send(std::string_view bytes) {
    co_await run_.keep_pace(0, bytes.size());
    auto put = co_await target_.append_put(bytes);
    crash_point("append.streaming");
    if (!put && put.error().code == ErrorCode::refused) {
      refusal = std::move(put).error();
      co_return Result<void>();
    }
    co_return put;
  }

  RunContext& run_;
  MailTarget& target_;
  const IntentMessage& meta_;
  std::optional<imap::InternalDate> date_;
  std::uint64_t size_ = 0;
  std::uint64_t received_ = 0;
  std::optional<char> last_;
};

// Mail of unknown date goes last.
template <class Message>
void put_newest_first(std::vector<Message>& messages, const auto& info_of) {
  std::stable_sort(messages.begin(), messages.end(), [&](const Message& a, const Message& b) {
    const auto& x = info_of(a);
    const auto& y = info_of(b);
    if (x.date.has_value() != y.date.has_value()) return x.date.has_value();
    if (x.date && x.date->instant != y.date->instant) return x.date->instant > y.date->instant;
    return x.uid > y.uid;
  });
}

}  // namespace

imap::UidSet first_batch(std::vector<MessageInfo> listed, const CopyOptions& options) {
  std::erase_if(listed, [&](const MessageInfo& info) { return !options.messages.passes(info); });
  if (options.newest_first)
    put_newest_first(listed, [](const MessageInfo& m) -> const MessageInfo& { return m; });
  imap::UidSet out;
  const auto batches = cut_batches(listed);
  if (batches.empty() || batches.front().streams) return out;
  for (const auto i : batches.front().members) out.add(listed[i].uid);
  return out;
}

BatchLimits batch_limits(const Paces& paces) {
  constexpr std::uint64_t kLeastOctets = 64 * 1024;
  BatchLimits out;
  for (const auto& pace : paces) {
    if (const auto octets = pace->batch_octets())
      out.octets = std::min(out.octets, std::max(*octets, kLeastOctets));
    if (const auto messages = pace->batch_messages())
      out.messages = std::min(out.messages, static_cast<std::size_t>(*messages));
  }
  return out;
}

Task<Result<std::vector<WholeMessage>>> FolderCopy::fetch_batch(imap::UidSet uids,
                                                                std::uint64_t octets, bool last) {
  MXF_CO_CHECK(run_.allow(octets));
  co_await run_.keep_pace(uids.count(), octets);
  auto out = co_await lane_.source->fetch_messages(uids);
  if (out && last) source_is_free();
  co_return out;
}

void FolderCopy::source_is_free() {
  if (lane_.source_is_free) std::exchange(lane_.source_is_free, {})();
}

Task<Result<void>> FolderCopy::copy(std::vector<MessageInfo> fresh) {
  if (run_.job.options.newest_first)
    put_newest_first(fresh, [](const MessageInfo& m) -> const MessageInfo& { return m; });
  const auto batches = cut_batches(fresh, batch_limits(run_.job.paces));
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
  const auto fetch_ahead = [&](std::size_t b) {
    imap::UidSet set;
    std::uint64_t octets = 0;
    for (const auto i : batches[b].members) {
      set.add(fresh[i].uid);
      octets += fresh[i].size;
    }
    ahead = Started<std::vector<WholeMessage>>(
        run_.executor, fetch_batch(std::move(set), octets, b + 1 == batches.size()));
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
    if (!ahead.valid()) fetch_ahead(b);
    auto messages = co_await ahead.get();
    if (!messages) {
      done = fail(std::move(messages).error());
      break;
    }
    if (b + 1 < batches.size() && !batches[b + 1].streams) fetch_ahead(b + 1);
    done = co_await copy_whole(std::move(*messages), larger);
  }
  if (ahead.valid()) {
    if (!done) lane_.source->close();  // what it would bring is not wanted any more
    (void)co_await ahead.get();
  }
  if (done) source_is_free();
  co_return done;
}

Result<IntentMessage> FolderCopy::describe(const MessageInfo& info, const Fingerprint& print,
                                           const Fingerprint& content) {
  IntentMessage out;
  out.src = info.uid;
  out.fingerprint = print;
  out.content = content;
  out.src_flags = info.flags;
  out.flags = lane_.target->permanent_flags().kept(info.flags).minus(refused_flags_);
  const auto not_kept = info.flags.minus(out.flags);
  for (const auto& dropped : not_kept.names()) note_dropped(dropped);
  if (!info.date)
    note_source_altered(info.uid, "undated",
                        "the source gives no INTERNALDATE that can be read: the destination puts "
                        "the time of arrival");
  return out;
}

Task<Result<void>> FolderCopy::copy_whole(std::vector<WholeMessage> messages,
                                          std::vector<MessageInfo>& larger) {
  Intent intent;
  std::vector<OutgoingMessage> bodies;
  std::vector<IntentMessage> too_large;
  std::map<std::uint32_t, mime::Digest> odd;
  std::uint64_t bytes = 0;
  intent.messages.reserve(messages.size());
  bodies.reserve(messages.size());
  const auto limit = lane_.target->append_limit();
  if (run_.job.options.newest_first)
    put_newest_first(messages, [](const WholeMessage& m) -> const MessageInfo& { return m.info; });
  for (auto& message : messages) {
    if (message.too_large) {
      larger.push_back(message.info);
      continue;
    }
    MXF_CO_TRY(meta, describe(message.info, mime::fingerprint(message.body),
                              mime::content_hash(message.body)));
    if (message.nul_lost)
      note_source_altered(message.info.uid, "nul", "the source holds NUL and gives other octets");
    if (limit && message.body.size() > *limit) {
      too_large.push_back(std::move(meta));
      continue;
    }
    bytes += message.body.size();
    if (is_often_altered(message.body)) odd.emplace(meta.src.value, mime::sha256(message.body));
    OutgoingMessage out;
    out.flags = meta.flags;
    out.date = message.info.date;
    out.body = std::move(message.body);
    intent.messages.push_back(std::move(meta));
    bodies.push_back(std::move(out));
  }
  BatchResult result;
  if (!intent.messages.empty()) {
    auto written = co_await write_intent(intent);
    if (!written) co_return written;
    result.intent = intent.id;
    auto metas = std::exchange(intent.messages, {});  // they are in the state now
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
  if (!odd.empty()) {
    auto read = co_await read_back(odd, result);
    if (!read) co_return lost(std::move(read).error());
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
  std::vector<std::pair<IntentMessage, Error>> suspects;  // refused alone: for their keywords?
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
        if (!keywords_of(metas[i].flags).empty()) {
          suspects.emplace_back(std::move(refused.back()), *each.why);
        } else {
          refuse(metas[i], *each.why, result);
        }
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
  for (auto& [message, reason] : suspects) {
    auto sent = co_await append_without_keywords(intent, std::move(message), reason, result);
    if (!sent) co_return sent;
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

Task<Result<void>> FolderCopy::copy_streamed(MessageInfo info, bool without_keywords) {
  MXF_CO_CHECK(run_.allow(info.size));
  co_await run_.keep_pace(1, 0);
  // Who it is must be known before it is sent: that is what a lost answer is looked up by.
  imap::UidSet set(info.uid);
  auto prints = co_await fingerprints(*lane_.source, set);
  if (!prints) co_return fail(std::move(prints).error());
  if (prints->empty()) co_return Result<void>();  // gone meanwhile
  MXF_CO_TRY(meta, describe(info, prints->front().fingerprint, kUnread));
  const auto keywords = keywords_of(meta.flags);
  if (without_keywords) meta.flags = meta.flags.minus(keywords);
  Intent intent;
  intent.messages.push_back(meta);
  auto written = co_await write_intent(intent);
  if (!written) co_return written;
  BatchResult result;
  result.intent = intent.id;
  Relay relay(run_, *lane_.target, meta, info.date);
  auto streamed = co_await lane_.source->stream_message(info.uid, relay);
  if (streamed) streamed = co_await relay.finish();
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
      if (without_keywords) {
        auto refused = co_await store_accepted(imap::UidSet(*ended->uid), keywords, imap::Flags());
        if (!refused) co_return lost(std::move(refused).error());
        meta.flags = meta.flags.plus(keywords.minus(*refused));
      }
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
    if (relay.begun && !without_keywords && !keywords.empty()) {
      // For its keywords? The intent is closed: nothing was stored.
      MXF_CO_CHECK(state().put_result(record_, result));
      auto again = co_await copy_streamed(std::move(info), true);
      co_return again;
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

}  // namespace mxferry::copy
