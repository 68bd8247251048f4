// SPDX-License-Identifier: Apache-2.0
#include "support/fake_mailbox.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::test {

Uid FakeServer::add(const std::string& wire, std::string body, imap::Flags flags,
                    std::int64_t date) {
  auto& f = folder(wire);
  FakeMessage message;
  message.uid = Uid(f.uid_next++);
  message.flags = std::move(flags);
  imap::InternalDate when;
  when.instant = std::chrono::sys_seconds(std::chrono::seconds(date));
  message.date = when;
  message.body = std::move(body);
  message.modseq = ++f.modseq;
  f.messages.push_back(std::move(message));
  return f.messages.back().uid;
}

std::vector<std::string> FakeServer::bodies(const std::string& wire) const {
  std::vector<std::string> out;
  if (const auto it = folders.find(wire); it != folders.end())
    for (const auto& message : it->second.messages) out.push_back(message.body);
  std::sort(out.begin(), out.end());
  return out;
}

Unexpected<Error> FakeMailbox::lost() {
  dead_ = true;
  Error error;
  error.code = ErrorCode::network;
  error.operation = "fake";
  error.text = "the connection is lost";
  error.retry = Retry::later;
  return fail(std::move(error));
}

namespace {
FolderState state_of(const FakeServer& server, const FakeFolder& folder) {
  FolderState state;
  state.uid_validity = folder.validity;
  state.uid_next = Uid(folder.uid_next);
  state.messages = folder.messages.size();
  state.uid_not_sticky = !server.sticky;
  if (server.condstore) state.highest_modseq = ModSeq(folder.modseq);
  return state;
}
MessageInfo info_of(const FakeMessage& message) {
  MessageInfo info;
  info.uid = message.uid;
  info.flags = message.flags;
  info.date = message.date;
  info.size = message.body.size();
  return info;
}
}  // namespace

NamespaceInfo FakeMailbox::personal_namespace() const {
  NamespaceInfo out;
  out.delimiter = server_.delimiter;
  return out;
}

// Others get their turn before and after, as on a network.
Task<void> FakeMailbox::breathe() {
  if (!server_.yields) co_return;
  const auto executor = co_await boost::asio::this_coro::executor;
  for (int i = 0; i < 1 + ++server_.operations % 3; ++i)
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

Task<Result<std::vector<FolderInfo>>> FakeMailbox::list_folders() {
  co_await breathe();
  if (dead_) co_return lost();
  std::vector<FolderInfo> out;
  for (const auto& [wire, folder] : server_.folders) {
    FolderInfo info;
    info.wire = wire;
    info.path = imap::split_path(wire, server_.delimiter);
    info.delimiter = server_.delimiter;
    info.use = imap::is_inbox(wire) ? SpecialUse::inbox : folder.use;
    info.subscribed = folder.subscribed;
    info.state = state_of(server_, folder);
    out.push_back(std::move(info));
  }
  co_return out;
}

Task<Result<FolderState>> FakeMailbox::open_folder(const std::string& wire) {
  co_await breathe();
  if (dead_) co_return lost();
  if (!server_.folders.contains(wire))
    co_return fail(ErrorCode::not_found, "fake select", "no such folder");
  if (server_.refuses_open && server_.refuses_open(wire))
    co_return fail(ErrorCode::refused, "fake select", "not permitted");
  open_ = wire;
  if (!server_.late.empty() && --server_.opens_until_late <= 0) {
    for (auto& [folder, message] : std::exchange(server_.late, {}))
      server_.add(folder, message.body, message.flags,
                  message.date->instant.time_since_epoch().count());
  }
  permanent_ = imap::PermanentFlags(open()->permanent);
  co_return state_of(server_, *open());
}

Task<Result<std::vector<MessageInfo>>> FakeMailbox::list_messages(Uid first, Uid last) {
  co_await breathe();
  if (dead_) co_return lost();
  std::vector<MessageInfo> out;
  for (const auto& message : open()->messages)
    if (message.uid >= first && message.uid <= last) out.push_back(info_of(message));
  co_return out;
}

Task<Result<std::vector<MessageInfo>>> FakeMailbox::list_flags(Uid first, Uid last,
                                                               std::optional<ModSeq> since) {
  co_await breathe();
  if (dead_) co_return lost();
  std::vector<MessageInfo> out;
  for (const auto& message : open()->messages) {
    if (message.uid < first || message.uid > last) continue;
    if (server_.condstore && since && message.modseq <= since->value) continue;
    out.push_back(info_of(message));
  }
  co_return out;
}

Task<Result<std::vector<std::pair<Uid, std::string>>>> FakeMailbox::fetch_headers(
    const imap::UidSet& uids) {
  co_await breathe();
  if (dead_) co_return lost();
  std::vector<std::pair<Uid, std::string>> out;
  for (const auto& message : open()->messages)
    if (uids.contains(message.uid) && !(server_.keeps_header && server_.keeps_header(message.uid)))
      out.emplace_back(message.uid, message.body.substr(0, mime::header_size(message.body)));
  co_return out;
}

Task<Result<std::vector<WholeMessage>>> FakeMailbox::fetch_messages(const imap::UidSet& uids) {
  co_await breathe();
  if (dead_ || (server_.breaks_on_fetch && server_.breaks_on_fetch())) co_return lost();
  std::vector<WholeMessage> out;
  for (const auto& message : open()->messages) {
    if (!uids.contains(message.uid)) continue;
    if (server_.keeps_back && server_.keeps_back(message.uid)) continue;
    ++server_.fetched;
    WholeMessage whole;
    whole.info = info_of(message);
    whole.body = message.body;
    whole.nul_lost = server_.loses_nul && server_.loses_nul(message.body);
    out.push_back(std::move(whole));
  }
  co_return out;
}

Task<Result<void>> FakeMailbox::stream_message(Uid uid, MessageSink& sink) {
  co_await breathe();
  if (dead_) co_return lost();
  for (const auto& message : open()->messages) {
    if (message.uid != uid) continue;
    const std::string body = message.body;
    auto begun = co_await sink.begin(body.size());
    if (!begun) co_return begun;
    for (std::size_t at = 0; at < body.size(); at += 60'000) {
      if (server_.breaks_on_fetch && server_.breaks_on_fetch()) co_return lost();
      auto written = co_await sink.write(std::string_view(body).substr(at, 60'000));
      if (!written) co_return written;
    }
    co_return Result<void>();
  }
  co_return fail(ErrorCode::not_found, "fake fetch", "gone");
}

Task<Result<bool>> FakeMailbox::create_folder(const std::string& wire, SpecialUse use) {
  co_await breathe();
  if (dead_) co_return lost();
  if (server_.refuses_name && server_.refuses_name(wire)) {
    Error no;
    no.code = ErrorCode::refused;
    no.operation = "fake create";
    no.remote = "Invalid mailbox name";
    co_return fail(std::move(no));
  }
  const bool made = !server_.folders.contains(wire);
  server_.folders[wire].use = use;
  co_return made;
}

Task<Result<void>> FakeMailbox::remove_folder(const std::string& wire) {
  co_await breathe();
  if (dead_) co_return lost();
  server_.folders.erase(wire);
  co_return Result<void>();
}

Task<Result<void>> FakeMailbox::subscribe(const std::string& wire) {
  co_await breathe();
  if (dead_) co_return lost();
  server_.folders[wire].subscribed = true;
  co_return Result<void>();
}

bool FakeMailbox::refuses(const OutgoingMessage& message) const {
  const auto& names = message.flags.names();
  return (server_.refuses && server_.refuses(message.body)) ||
         (server_.refuses_flag && std::any_of(names.begin(), names.end(), server_.refuses_flag));
}

Uid FakeMailbox::store(OutgoingMessage message) {
  if (server_.alters) message.body = server_.alters(std::move(message.body));
  return server_.add(open_, std::move(message.body), std::move(message.flags),
                     message.date ? message.date->instant.time_since_epoch().count() : 0);
}

Task<Result<AppendOutcome>> FakeMailbox::append(std::vector<OutgoingMessage> batch) {
  co_await breathe();
  if (dead_) co_return lost();
  ++server_.appends;
  const Fault fault = server_.on_append ? server_.on_append() : Fault::none;
  if (fault == Fault::lost_before) co_return lost();
  if (fault == Fault::lost_late) {
    for (auto& message : batch) {
      FakeMessage late;
      late.flags = message.flags;
      late.date = message.date;
      late.body = std::move(message.body);
      server_.late.emplace_back(open_, std::move(late));
    }
    co_return lost();
  }
  if (fault == Fault::half) {
    for (std::size_t i = 0; i < batch.size() / 2; ++i) store(std::move(batch[i]));
    co_return lost();
  }
  AppendOutcome out;
  out.each.resize(batch.size());
  out.as_one = server_.as_one && batch.size() > 1;
  Error no;
  no.code = ErrorCode::refused;
  no.remote = "I do not like it";
  const auto refused = [&](const OutgoingMessage& m) { return refuses(m); };
  if (out.as_one && std::any_of(batch.begin(), batch.end(), refused)) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!server_.atomic && i < batch.size() / 2 && !refused(batch[i])) store(std::move(batch[i]));
      out.each[i].why = no;
    }
    co_return out;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (refused(batch[i])) {
      out.each[i].why = no;
      continue;
    }
    const Uid uid = store(std::move(batch[i]));
    out.each[i].stored = true;
    if (server_.uidplus) out.each[i].uid = uid;
  }
  if (fault == Fault::lost_after) co_return lost();
  co_return out;
}

Task<Result<void>> FakeMailbox::append_begin(const imap::Flags& flags,
                                             const std::optional<imap::InternalDate>& date,
                                             std::uint64_t size) {
  co_await breathe();
  if (dead_) co_return lost();
  streaming_ = OutgoingMessage();
  streaming_.flags = flags;
  streaming_.date = date;
  wanted_ = size;
  co_return Result<void>();
}

Task<Result<void>> FakeMailbox::append_put(std::string_view bytes) {
  co_await breathe();
  if (dead_) co_return lost();
  streaming_.body += bytes;
  co_return Result<void>();
}

Task<Result<AppendResult>> FakeMailbox::append_end() {
  co_await breathe();
  if (dead_) co_return lost();
  ++server_.appends;
  if (streaming_.body.size() != wanted_)
    co_return fail(ErrorCode::internal, "fake append", "short");
  const Fault fault = server_.on_append ? server_.on_append() : Fault::none;
  if (fault == Fault::lost_before) co_return lost();
  AppendResult out;
  if (refuses(streaming_)) {
    Error no;
    no.code = ErrorCode::refused;
    no.remote = "I do not like it";
    out.why = no;
    co_return out;
  }
  const Uid uid = store(std::move(streaming_));
  if (fault != Fault::none) co_return lost();
  out.stored = true;
  if (server_.uidplus) out.uid = uid;
  co_return out;
}

Task<Result<void>> FakeMailbox::store_flags(const imap::UidSet& uids, const imap::Flags& add,
                                            const imap::Flags& remove) {
  co_await breathe();
  if (dead_) co_return lost();
  if (server_.refuses_flag &&
      std::any_of(add.names().begin(), add.names().end(), server_.refuses_flag)) {
    Error no;
    no.code = ErrorCode::refused;
    no.operation = "fake store";
    no.remote = "[CANNOT] Invalid keyword";
    co_return fail(std::move(no));
  }
  auto& folder = *open();
  for (auto& message : folder.messages) {
    if (!uids.contains(message.uid)) continue;
    message.flags = message.flags.minus(remove).plus(add);
    message.modseq = ++folder.modseq;
  }
  co_return Result<void>();
}

Task<Result<std::optional<Uid>>> FakeMailbox::move_message(Uid uid, const std::string& to) {
  co_await breathe();
  if (dead_) co_return lost();
  const Fault fault = server_.on_move ? server_.on_move() : Fault::none;
  if (fault == Fault::lost_before) co_return lost();
  std::optional<Uid> out;
  if (!server_.folders.contains(to))
    co_return fail(ErrorCode::not_found, "fake move", "no such folder");
  auto& from = *open();
  const auto it = std::find_if(from.messages.begin(), from.messages.end(),
                               [&](const FakeMessage& m) { return m.uid == uid; });
  if (it != from.messages.end()) {
    const FakeMessage message = *it;
    from.messages.erase(it);
    ++from.modseq;
    ++server_.moved;
    const Uid there = server_.add(to, message.body, message.flags,
                                  message.date->instant.time_since_epoch().count());
    if (server_.uidplus) out = there;
  }
  if (fault != Fault::none) co_return lost();
  co_return out;
}

Task<Result<void>> FakeMailbox::expunge(const imap::UidSet& uids) {
  co_await breathe();
  if (dead_) co_return lost();
  auto& folder = *open();
  const Fault fault = server_.on_expunge ? server_.on_expunge() : Fault::none;
  if (fault != Fault::none) {
    // As a STORE that came through before the line broke.
    for (auto& message : folder.messages)
      if (uids.contains(message.uid)) message.flags.add("\\Deleted");
    if (fault == Fault::lost_before) co_return lost();
  }
  server_.expunged += static_cast<int>(
      std::erase_if(folder.messages, [&](const FakeMessage& m) { return uids.contains(m.uid); }));
  ++folder.modseq;
  if (fault != Fault::none) co_return lost();
  co_return Result<void>();
}

}  // namespace mxferry::test
