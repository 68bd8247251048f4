// SPDX-License-Identifier: Apache-2.0
// FolderCopy, odd mail: what the destination refuses for its keywords goes without them; what it is
// known to alter is read back; what the source does not give as it is, is listed.
#include <algorithm>
#include <utility>

#include "copy/folder_copy.hpp"
#include "copy/messages_io.hpp"

namespace mxferry::copy {

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

imap::Flags keywords_of(const imap::Flags& flags) {
  imap::Flags out;
  for (const auto& name : flags.names())
    if (!name.starts_with('\\')) out.add(name);
  return out;
}

// What servers were seen to alter (docs/architecture/servers.md): NUL, line ends that are not CRLF,
// no line end behind the last line, octets above 0x7F in the header. Read back wherever it is sent.
//
// Every octet of all mail goes through here: pieces of a fixed size without a branch, so that the
// compiler makes vector code of them.
bool is_often_altered(std::string_view body) {
  if (!body.ends_with("\r\n") || body.front() == '\n') return true;
  const char* const data = body.data();
  constexpr std::size_t kPiece = 64;
  std::size_t at = 1;
  for (; at + kPiece <= body.size(); at += kPiece) {
    unsigned char odd = 0;
    for (std::size_t i = 0; i < kPiece; ++i)
      odd |= static_cast<unsigned char>((data[at + i] == '\n') != (data[at + i - 1] == '\r')) |
             static_cast<unsigned char>(data[at + i] == '\0');
    if (odd != 0) return true;
  }
  for (; at < body.size(); ++at)
    if ((data[at] == '\n') != (data[at - 1] == '\r') || data[at] == '\0') return true;
  if (body.front() == '\0') return true;
  const auto head = body.substr(0, mime::header_size(body));
  return std::any_of(head.begin(), head.end(),
                     [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

void FolderCopy::note_source_altered(Uid src, const char* code, const std::string& words) {
  auto& exception = source_altered_[src.value];
  exception.src = src;
  exception.kind = "altered_by_source";
  if (exception.code.empty()) exception.code = code;
  exception.words += (exception.words.empty() ? "" : "; ") + words;
}

Task<Result<void>> FolderCopy::read_back(const std::map<std::uint32_t, mime::Digest>& odd,
                                         BatchResult& result) {
  std::map<std::uint32_t, Uid> sources;  // by destination UID
  imap::UidSet there;
  for (const auto& record : result.stored) {
    if (!odd.contains(record.src.value)) continue;
    sources.emplace(record.dst.value, record.src);
    there.add(record.dst);
  }
  if (there.empty()) co_return Result<void>();
  auto stored = co_await lane_.target->fetch_messages(there);
  if (!stored) co_return fail(std::move(stored).error());
  for (const auto& message : *stored) {
    const auto src = sources.find(message.info.uid.value);
    if (src == sources.end() || message.too_large) continue;
    const auto& sent = odd.at(src->second.value);
    const auto got = mime::sha256(message.body);
    if (sent == got) continue;
    ExceptionRecord exception;
    exception.src = src->second;
    exception.kind = "altered";
    exception.code = "altered";
    exception.words = "the destination gives back other octets: SHA-256 " + text_of(got) +
                      " instead of " + text_of(sent);
    except(std::move(exception), result);
  }
  co_return Result<void>();
}

// A keyword that the server does not take is no reason to leave the mail behind: it goes without
// its keywords, then gets each that the server takes. `why`: of the refusal with them.
Task<Result<void>> FolderCopy::append_without_keywords(const Intent& intent, IntentMessage message,
                                                       Error why, BatchResult& result) {
  auto again = co_await lane_.source->fetch_messages(imap::UidSet(message.src));
  if (!again) co_return fail(std::move(again).error());
  if (again->empty() || again->front().too_large) {
    refuse(message, why, result);
    co_return Result<void>();
  }
  const auto keywords = keywords_of(message.flags);
  message.flags = message.flags.minus(keywords);
  std::vector<OutgoingMessage> one(1);
  one.front().flags = message.flags;
  one.front().date = again->front().info.date;
  one.front().body = std::move(again->front().body);
  auto outcome = co_await lane_.target->append(std::move(one));
  if (!outcome) co_return fail(std::move(outcome).error());
  const auto& stored = outcome->each.front();
  if (!stored.stored) {
    // Not for its keywords, then.
    if (stored.why && is_about_account(*stored.why)) co_return fail(*stored.why);
    refuse(message, why, result);
    co_return Result<void>();
  }
  std::optional<Uid> uid = stored.uid;
  if (!uid) {
    auto there = co_await window(intent.dst_uid_next);
    if (!there) co_return fail(std::move(there).error());
    const std::vector<Fingerprint> wanted{message.fingerprint};
    uid = match(wanted, *there).front();
  }
  if (!uid) {
    why.remote.clear();
    why.text = "the destination said OK and the message is not there";
    refuse(message, why, result);
    co_return Result<void>();
  }
  auto taken = co_await store_accepted(imap::UidSet(*uid), keywords, imap::Flags());
  if (!taken) co_return fail(std::move(taken).error());
  message.flags = message.flags.plus(keywords.minus(*taken));
  MXF_CO_CHECK(bind(message, *uid, result));
  co_return Result<void>();
}

// STORE of all, and where the server refuses that, of each alone; what it refuses then is named in
// the report.
Task<Result<imap::Flags>> FolderCopy::store_accepted(imap::UidSet uids, imap::Flags add,
                                                     imap::Flags remove) {
  imap::Flags refused;
  auto all = co_await lane_.target->store_flags(uids, add, remove);
  if (all) co_return refused;
  if (all.error().code != ErrorCode::refused) co_return fail(std::move(all).error());
  const auto one_by_one = [&](const std::string& name, bool adds) -> Task<Result<void>> {
    const imap::Flags one{name};
    const imap::Flags none;
    auto stored = co_await lane_.target->store_flags(uids, adds ? one : none, adds ? none : one);
    if (stored || stored.error().code != ErrorCode::refused) co_return stored;
    refused.add(name);
    if (adds) refused_flags_.add(name);
    note_dropped(name);
    co_return Result<void>();
  };
  for (const auto& name : add.names()) {
    auto done = co_await one_by_one(name, true);
    if (!done) co_return fail(std::move(done).error());
  }
  for (const auto& name : remove.names()) {
    auto done = co_await one_by_one(name, false);
    if (!done) co_return fail(std::move(done).error());
  }
  co_return refused;
}

void FolderCopy::note_dropped(const std::string& flag) {
  auto& dropped = report_.dropped_flags;
  if (std::find(dropped.begin(), dropped.end(), flag) == dropped.end()) dropped.push_back(flag);
}

}  // namespace mxferry::copy
