// SPDX-License-Identifier: Apache-2.0
#include "imap/client.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "imap/binary.hpp"
#include "imap/classify.hpp"
#include "imap/folder_listing.hpp"
#include "imap/special_use.hpp"
#include "protocol/imap/limits.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::imap {
namespace {

// Collects the data of one kind, no more than `most`.
template <class Data>
class Collect final : public ResponseHandler {
 public:
  explicit Collect(std::size_t most = 1000) : most_(most) {}
  void on_data(Untagged& data) override {
    auto* value = std::get_if<Data>(&data);
    if (value == nullptr) return;
    items.push_back(std::move(*value));
    ++taken;
  }
  bool overflows() const override { return items.size() > most_; }
  std::vector<Data> items;

 private:
  std::size_t most_;
};

// How many answers a FETCH of `count` messages may have: other clients change flags meanwhile.
std::uint64_t most_answers(std::uint64_t count) { return 2 * count + 1000; }

// FETCH answers with at most one body each; UID may come before or behind the body.
class CollectFetch final : public ResponseHandler {
 public:
  explicit CollectFetch(std::uint64_t count) : most_(most_answers(count)) {
    items.reserve(static_cast<std::size_t>(std::min(count, kExpected)));
  }
  struct Item {
    FetchData data;
    std::string body;
    bool has_body = false;
    std::uint64_t too_large = 0;  // its size, where it was not kept
  };
  void on_data(Untagged& data) override {
    auto* fetch = std::get_if<FetchData>(&data);
    if (fetch == nullptr) return;
    Item item;
    for (const auto& part : fetch->bodies) {
      if (part.streamed) {
        item.body = std::exchange(body_, {});
        item.too_large = keep_ ? 0 : part.size;
        item.has_body = true;
      } else if (part.inline_text) {
        item.body = *part.inline_text;
        item.has_body = true;
      }
    }
    body_.clear();
    if (!item.has_body) return;  // flags that another client changed
    kept_ += item.body.size();
    item.data = std::move(*fetch);
    items.push_back(std::move(item));
    ++taken;
  }
  void on_body_begin(LiteralBegin& begin) override {
    body_.clear();
    // A server that understated RFC822.SIZE does not fill our memory: the message streams later.
    keep_ = begin.body.size <= kKeep && kept_ + begin.body.size <= kMaxKept;
    if (keep_) body_.reserve(static_cast<std::size_t>(begin.body.size));
  }
  bool overflows() const override { return items.size() > most_; }
  void on_body(std::string_view bytes) override {
    if (keep_) body_ += bytes;
  }
  std::vector<Item> items;

 private:
  static constexpr std::uint64_t kKeep = 2 * kWholeMessage;
  static constexpr std::uint64_t kExpected = 2'000;  // what is asked for at once, at most
  std::uint64_t most_;
  std::uint64_t kept_ = 0;
  std::string body_;
  bool keep_ = true;
};

// SELECT or EXAMINE.
class OpenFolder final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    if (const auto* exists = std::get_if<ExistsData>(&data)) state.messages = exists->count;
    // Some thirty answers are of use at most.
    if (taken < 100) ++taken;
    if (const auto* status = std::get_if<StatusResponse>(&data)) on_code(status->code);
  }
  void on_code(const ResponseCode& code) {
    if (code.name == "UIDVALIDITY" && code.number && *code.number > 0)
      state.uid_validity = UidValidity(static_cast<std::uint32_t>(*code.number));
    if (code.name == "UIDNEXT" && code.number && *code.number > 0)
      state.uid_next = Uid(static_cast<std::uint32_t>(*code.number));
    if (code.name == "HIGHESTMODSEQ" && code.number) state.highest_modseq = ModSeq(*code.number);
    if (code.name == "NOMODSEQ") state.highest_modseq.reset();
    if (code.name == "UIDNOTSTICKY") state.uid_not_sticky = true;
    if (code.name == "PERMANENTFLAGS") permanent = code.words;
  }
  FolderState state;
  std::optional<std::vector<std::string>> permanent;
};

// One message on its way through.
class StreamFetch final : public ResponseHandler {
 public:
  StreamFetch(MessageSink& sink, Uid wanted) : sink_(&sink), uid_(wanted) {}
  MessageSink* stream() override { return active_ ? sink_ : nullptr; }
  void on_body_begin(LiteralBegin& begin) override {
    // An unrequested answer about another message must not be taken for ours.
    active_ = bodies == 0 && (!begin.uid || *begin.uid == uid_);
    ++bodies;
    size = begin.body.size;
  }
  void on_data(Untagged& data) override {
    if (const auto* fetch = std::get_if<FetchData>(&data);
        fetch != nullptr && !fetch->bodies.empty()) {
      ++taken;
      uid = fetch->uid;
      if (!fetch->bodies.front().streamed) inline_text = fetch->bodies.front().inline_text;
    }
  }
  void detach() {
    sink_ = nullptr;
    active_ = false;
  }
  int bodies = 0;
  std::uint64_t size = 0;
  std::optional<Uid> uid;
  std::optional<std::string> inline_text;

 private:
  MessageSink* sink_;
  Uid uid_;
  bool active_ = false;
};

std::string range(Uid first, Uid last) {
  return std::to_string(first.value) + ":" + std::to_string(last.value);
}

constexpr std::string_view kHeaderItems =
    "UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)]";

}  // namespace

std::string Client::where(const char* what) const {
  return "imap " + std::string(what) + " " + connection_->endpoint().name();
}

Task<Result<std::unique_ptr<Client>>> Client::open(net::Connector& connector,
                                                   net::Endpoint endpoint,
                                                   const Credentials& credentials, MailboxRole role,
                                                   ConnectionOptions options) {
  auto connection =
      co_await Connection::open(connector, std::move(endpoint), credentials, role, options);
  if (!connection) co_return fail(std::move(connection).error());
  std::unique_ptr<Client> client(new Client(std::move(connection).value(), role));
  const auto asked = std::chrono::steady_clock::now();
  auto learnt = co_await client->learn_namespace();
  if (!learnt) co_return fail(std::move(learnt).error());
  client->round_trip_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - asked);
  co_return client;
}

// RFC 2342. Without it: the delimiter of LIST "" "", no prefix; a server that keeps everything
// below INBOX shows it by its folders, and CREATE then fails with its words.
Task<Result<void>> Client::learn_namespace() {
  if (connection_->has("NAMESPACE") || rev2()) {
    auto collect = std::make_shared<Collect<NamespaceData>>();
    auto done = co_await connection_->run(ReadCommands::name_space(), collect);
    if (!done && connection_->dead()) co_return fail(std::move(done).error());
    if (!collect->items.empty()) {
      const auto& data = collect->items.front();
      if (!data.personal.empty()) {
        personal_.prefix = data.personal.front().prefix;
        personal_.delimiter = data.personal.front().delimiter;
      }
      for (const auto* list : {&data.other_users, &data.shared})
        for (const auto& entry : *list) foreign_prefixes_.push_back(entry.prefix);
      if (personal_.delimiter) co_return Result<void>();
    }
  }
  auto collect = std::make_shared<Collect<ListData>>();
  auto done = co_await connection_->run(ReadCommands::list("", ""), collect);
  if (!done && connection_->dead()) co_return fail(std::move(done).error());
  if (!collect->items.empty()) personal_.delimiter = collect->items.front().delimiter;
  co_return Result<void>();
}

std::string Client::status_items() const {
  return condstore() ? "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ"
                     : "MESSAGES UIDNEXT UIDVALIDITY";
}

Task<Result<std::vector<FolderInfo>>> Client::list_folders() {
  const bool extended = connection_->has("LIST-EXTENDED") || rev2();
  const bool special = connection_->has("SPECIAL-USE") || rev2();
  const bool with_status = extended && (connection_->has("LIST-STATUS") || rev2());
  auto listing = std::make_shared<FolderListing>(personal_, foreign_prefixes_);
  bool subscribed_known = false;
  bool listed = false;
  if (extended) {
    std::string options = "SUBSCRIBED";
    if (special) options += " SPECIAL-USE";
    if (with_status) options += " STATUS (" + status_items() + ")";
    auto done = co_await connection_->run(ReadCommands::list_return("*", options), listing);
    if (!done && connection_->dead()) co_return fail(std::move(done).error());
    // Proton answers BAD to what it announces: fall back to the plain LIST.
    listed = done.has_value();
    subscribed_known = listed;
  }
  if (!listed) {
    listing = std::make_shared<FolderListing>(personal_, foreign_prefixes_);
    auto done = co_await connection_->run(ReadCommands::list("", "*"), listing);
    if (!done) co_return fail(std::move(done).error());
  }
  std::set<std::string> subscriptions;
  if (!subscribed_known) {
    auto lsub = std::make_shared<Collect<ListData>>(kMaxFolders);
    auto done = co_await connection_->run(ReadCommands::lsub("*"), lsub);
    if (!done && connection_->dead()) co_return fail(std::move(done).error());
    for (const auto& entry : lsub->items)
      if (!entry.has("\\Noselect")) subscriptions.insert(entry.name);
  }

  auto out = listing->take();
  if (!subscribed_known)
    for (auto& folder : out) folder.subscribed = subscriptions.contains(folder.wire);
  auto states = co_await add_states(out);
  if (!states) co_return fail(std::move(states).error());
  co_return out;
}

// STATUS for folders whose state LIST did not tell, pipelined. A refusal leaves it unknown.
Task<Result<void>> Client::add_states(std::vector<FolderInfo>& folders) {
  std::vector<std::pair<FolderInfo*, Connection::Handle>> asked;
  std::vector<std::shared_ptr<Collect<StatusData>>> answers;
  for (auto& folder : folders) {
    if (!folder.selectable || folder.state) continue;
    auto collect = std::make_shared<Collect<StatusData>>();
    auto handle = connection_->start(ReadCommands::status(folder.wire, status_items()), collect);
    if (!handle && !connection_->dead()) continue;  // a name that cannot be said
    if (!handle) co_return fail(std::move(handle).error());
    asked.emplace_back(&folder, std::move(handle).value());
    answers.push_back(std::move(collect));
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto answer = co_await connection_->answer(asked[i].second);
    if (!answer) co_return fail(std::move(answer).error());
    if (answer->status == Status::ok && !answers[i]->items.empty())
      asked[i].first->state = to_state(answers[i]->items.front());
  }
  co_return Result<void>();
}

Task<Result<FolderState>> Client::open_folder(const std::string& wire) {
  auto handler = std::make_shared<OpenFolder>();
  auto command = role_ == MailboxRole::ReadOnly ? ReadCommands::examine(wire, condstore())
                                                : AppendCommands::select(wire, condstore());
  auto answer = co_await connection_->run(std::move(command), handler);
  if (!answer) co_return fail(std::move(answer).error());
  if (role_ != MailboxRole::ReadOnly && answer->code.name == "READ-ONLY")
    co_return fail(ErrorCode::denied, where("select"),
                   "the folder " + display_name(wire) + " is read-only");
  folder_ = wire;
  state_ = handler->state;
  permanent_ = handler->permanent ? PermanentFlags(*handler->permanent) : PermanentFlags();
  if (!state_.uid_next || !state_.messages) {
    // Old servers leave UIDNEXT out of SELECT.
    auto status = std::make_shared<Collect<StatusData>>();
    auto more = co_await connection_->run(
        ReadCommands::status(wire, "MESSAGES UIDNEXT UIDVALIDITY"), status);
    if (!more && connection_->dead()) co_return fail(std::move(more).error());
    if (!status->items.empty()) {
      const auto told = to_state(status->items.front());
      if (!state_.uid_next) state_.uid_next = told.uid_next;
      if (!state_.messages) state_.messages = told.messages;
      if (!state_.uid_validity) state_.uid_validity = told.uid_validity;
    }
  }
  co_return state_;
}

Task<Result<std::vector<MessageInfo>>> Client::fetch_infos(std::string set, std::string items,
                                                           std::string modifier, Uid first,
                                                           Uid last) {
  class Infos final : public ResponseHandler {
   public:
    Infos(Uid f, Uid l) : first(f), last(l) {}
    void on_data(Untagged& data) override {
      auto* fetch = std::get_if<FetchData>(&data);
      // Unrequested FETCH answers tell of other messages, or lack a UID or the flags.
      if (fetch == nullptr || !fetch->uid || !fetch->flags) return;
      if (*fetch->uid < first || *fetch->uid > last) return;
      MessageInfo info;
      info.uid = *fetch->uid;
      info.flags = std::move(*fetch->flags);
      info.date = fetch->internal_date;
      info.size = fetch->size.value_or(0);
      infos.push_back(std::move(info));
      ++taken;
    }
    bool overflows() const override {
      return infos.size() > most_answers(std::uint64_t{last.value} - first.value + 1);
    }
    Uid first;
    Uid last;
    std::vector<MessageInfo> infos;
  };
  auto handler = std::make_shared<Infos>(first, last);
  auto answer = co_await connection_->run(ReadCommands::uid_fetch(set, items, modifier), handler);
  if (!answer) co_return fail(std::move(answer).error());
  auto out = std::move(handler->infos);
  std::stable_sort(out.begin(), out.end(),
                   [](const MessageInfo& a, const MessageInfo& b) { return a.uid < b.uid; });
  // Twice the same UID: the later answer is the newer one, but only the complete one has the date.
  std::vector<MessageInfo> unique;
  for (auto& info : out) {
    if (!unique.empty() && unique.back().uid == info.uid) {
      unique.back().flags = std::move(info.flags);
      if (info.date) unique.back().date = info.date;
      if (info.size > 0) unique.back().size = info.size;
    } else {
      unique.push_back(std::move(info));
    }
  }
  co_return unique;
}

Task<Result<std::vector<MessageInfo>>> Client::list_messages(Uid first, Uid last) {
  if (first > last) co_return std::vector<MessageInfo>();
  auto out = co_await fetch_infos(range(first, last), "UID FLAGS INTERNALDATE RFC822.SIZE", "",
                                  first, last);
  co_return out;
}

Task<Result<std::vector<MessageInfo>>> Client::list_flags(Uid first, Uid last,
                                                          std::optional<ModSeq> since) {
  if (first > last) co_return std::vector<MessageInfo>();
  std::string modifier;
  if (condstore() && since && since->value > 0)
    modifier = "(CHANGEDSINCE " + std::to_string(since->value) + ")";
  auto out = co_await fetch_infos(range(first, last), "UID FLAGS", modifier, first, last);
  co_return out;
}

Task<Result<std::vector<std::pair<Uid, std::string>>>> Client::fetch_headers(const UidSet& uids) {
  std::vector<std::shared_ptr<CollectFetch>> handlers;
  std::vector<Connection::Handle> handles;
  for (const auto& piece : uids.split(kMaxCommandLine - 120)) {
    auto handler = std::make_shared<CollectFetch>(piece.count());
    auto handle = connection_->start(ReadCommands::uid_fetch(piece.text(), kHeaderItems), handler);
    if (!handle) co_return fail(std::move(handle).error());
    handlers.push_back(std::move(handler));
    handles.push_back(std::move(handle).value());
  }
  std::vector<std::pair<Uid, std::string>> out;
  std::set<std::uint32_t> seen;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    auto done = co_await connection_->finish(handles[i]);
    if (!done) co_return fail(std::move(done).error());
    for (auto& item : handlers[i]->items) {
      if (item.too_large > 0)
        co_return fail(ErrorCode::protocol, where("UID FETCH"), "the headers are too large");
      if (item.data.uid && uids.contains(*item.data.uid) &&
          seen.insert(item.data.uid->value).second)
        out.emplace_back(*item.data.uid, std::move(item.body));
    }
  }
  co_return out;
}

Task<Result<std::vector<WholeMessage>>> Client::fetch_messages(const UidSet& uids) {
  std::vector<std::shared_ptr<CollectFetch>> handlers;
  std::vector<Connection::Handle> handles;
  for (const auto& piece : uids.split(kMaxCommandLine - 120)) {
    auto handler = std::make_shared<CollectFetch>(piece.count());
    auto handle = connection_->start(
        ReadCommands::uid_fetch(piece.text(), "UID FLAGS INTERNALDATE BODY.PEEK[]"), handler);
    if (!handle) co_return fail(std::move(handle).error());
    handlers.push_back(std::move(handler));
    handles.push_back(std::move(handle).value());
  }
  std::vector<WholeMessage> out;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    auto done = co_await connection_->answer(handles[i]);
    if (!done) co_return fail(std::move(done).error());
    // NO "some of the messages no longer exist" (Exchange) still answers for the others.
    if (done->status != Status::ok && handlers[i]->items.empty())
      co_return fail(refusal(where("UID FETCH"), *done));
    for (auto& item : handlers[i]->items) {
      if (!item.data.uid || !uids.contains(*item.data.uid)) continue;
      WholeMessage message;
      message.info.uid = *item.data.uid;
      if (item.data.flags) message.info.flags = std::move(*item.data.flags);
      message.info.date = item.data.internal_date;
      message.info.size = item.too_large > 0 ? item.too_large : item.body.size();
      message.too_large = item.too_large > 0;
      message.body = std::move(item.body);
      out.push_back(std::move(message));
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const WholeMessage& a, const WholeMessage& b) {
    return a.info.uid < b.info.uid;
  });
  // Twice the same message is one; two messages under one UID are a lie, and none of them is
  // copied.
  for (std::size_t i = 1; i < out.size(); ++i)
    if (out[i].info.uid == out[i - 1].info.uid && out[i].body != out[i - 1].body)
      co_return fail(
          ErrorCode::protocol, where("UID FETCH"),
          "the server gave two messages for UID " + std::to_string(out[i].info.uid.value));
  out.erase(std::unique(out.begin(), out.end(),
                        [](const WholeMessage& a, const WholeMessage& b) {
                          return a.info.uid == b.info.uid;
                        }),
            out.end());
  if (has_binary()) {
    auto restored = co_await restore_nul(*connection_, out);
    if (!restored) co_return fail(std::move(restored).error());
  }
  co_return out;
}

Task<Result<void>> Client::stream_message(Uid uid, MessageSink& sink) {
  auto handler = std::make_shared<StreamFetch>(sink, uid);
  // The sink is the caller's: should the caller go, the connection must not reach for it.
  struct Detach {
    std::shared_ptr<StreamFetch> handler;
    ~Detach() { handler->detach(); }
  } const guard{handler};
  auto done = co_await connection_->run(
      ReadCommands::uid_fetch(std::to_string(uid.value), "UID BODY.PEEK[]"), handler);
  if (!done) co_return fail(std::move(done).error());
  if (handler->bodies == 0 && handler->inline_text) {
    auto begun = co_await sink.begin(handler->inline_text->size());
    if (!begun) co_return begun;
    auto written = co_await sink.write(*handler->inline_text);
    co_return written;
  }
  if (handler->bodies == 0)
    co_return fail(ErrorCode::not_found, where("UID FETCH"), "the message is gone");
  if (handler->bodies > 1 || (handler->uid && *handler->uid != uid))
    co_return fail(ErrorCode::protocol, where("UID FETCH"),
                   "the server answered about another message");
  co_return Result<void>();
}

// --- Target
// -----------------------------------------------------------------------------------------------

Task<Result<bool>> Client::create_folder(const std::string& wire, SpecialUse use) {
  const auto attribute = use_attribute(use);
  if (connection_->has("CREATE-SPECIAL-USE") && !attribute.empty()) {
    auto done = co_await connection_->run(AppendCommands::create_use(wire, attribute));
    if (done || done.error().code == ErrorCode::exists) co_return done.has_value();
    if (connection_->dead()) co_return fail(std::move(done).error());
  }
  auto done = co_await connection_->run(AppendCommands::create(wire));
  if (!done && done.error().code != ErrorCode::exists) co_return fail(std::move(done).error());
  co_return done.has_value();
}

Task<Result<void>> Client::remove_folder(const std::string& wire) {
  // A subscription that cannot be ended does not keep the folder.
  auto ended = co_await connection_->run(DestinationCommands::unsubscribe(wire));
  if (!ended && connection_->dead()) co_return fail(std::move(ended).error());
  auto done = co_await connection_->run(DestinationCommands::remove(wire));
  if (!done) co_return fail(std::move(done).error());
  co_return Result<void>();
}

Task<Result<void>> Client::subscribe(const std::string& wire) {
  auto done = co_await connection_->run(AppendCommands::subscribe(wire));
  if (!done) co_return fail(std::move(done).error());
  co_return Result<void>();
}

std::optional<std::uint64_t> Client::append_limit() const {
  const auto text = connection_->capability_value("APPENDLIMIT");
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

// APPENDUID counts only for the life of the folder that is open (RFC 4315 §3).
std::optional<Uid> Client::appended_uid(const StatusResponse& answer) const {
  const auto& code = answer.code;
  if (code.name != "APPENDUID" || code.uid_validity != state_.uid_validity ||
      code.first.count() != 1)
    return std::nullopt;
  return Uid(code.first.intervals().front().first);
}

Task<Result<AppendOutcome>> Client::append(std::vector<OutgoingMessage> batch) {
  AppendOutcome out;
  out.each.resize(batch.size());
  const bool binary = has_binary();
  const auto describe = [binary](const OutgoingMessage& message) {
    AppendMessage meta;
    meta.flags = message.flags;
    meta.date = message.date;
    meta.size = message.body.size();
    meta.binary = binary && message.body.find('\0') != message.body.npos;
    return meta;
  };
  if (has_batches() && batch.size() > 1) {
    out.as_one = true;
    std::vector<AppendMessage> metas;
    std::vector<std::string> bodies;
    metas.reserve(batch.size());
    bodies.reserve(batch.size());
    for (auto& message : batch) {
      metas.push_back(describe(message));
      bodies.push_back(std::move(message.body));
    }
    auto handle = connection_->start(AppendCommands::append(folder_, metas, std::move(bodies)));
    if (!handle) co_return fail(std::move(handle).error());
    auto answer = co_await connection_->answer(std::move(handle).value());
    if (!answer) co_return fail(std::move(answer).error());
    if (answer->status != Status::ok) {
      const Error why = refusal(where("APPEND"), *answer);
      for (auto& result : out.each) result.why = why;
      co_return out;
    }
    for (auto& result : out.each) result.stored = true;
    const auto& code = answer->code;
    if (code.name == "APPENDUID" && code.uid_validity == state_.uid_validity &&
        code.first.count() == batch.size()) {
      const auto uids = code.first.uids();
      for (std::size_t i = 0; i < uids.size(); ++i) out.each[i].uid = uids[i];
    }
    co_return out;
  }
  // Single APPENDs, all on their way before the first answer (with LITERAL+; else the session waits
  // for each `+`).
  std::vector<Connection::Handle> handles;
  for (auto& message : batch) {
    std::vector<AppendMessage> metas;
    metas.push_back(describe(message));
    std::vector<std::string> bodies;
    bodies.push_back(std::move(message.body));
    auto handle = connection_->start(AppendCommands::append(folder_, metas, std::move(bodies)));
    if (!handle) co_return fail(std::move(handle).error());
    handles.push_back(std::move(handle).value());
  }
  for (std::size_t i = 0; i < handles.size(); ++i) {
    auto answer = co_await connection_->answer(handles[i]);
    if (!answer) co_return fail(std::move(answer).error());
    if (answer->status == Status::ok) {
      out.each[i].stored = true;
      out.each[i].uid = appended_uid(*answer);
    } else {
      out.each[i].why = refusal(where("APPEND"), *answer);
    }
  }
  co_return out;
}

Task<Result<void>> Client::append_begin(const Flags& flags, const std::optional<InternalDate>& date,
                                        std::uint64_t size) {
  AppendMessage meta;
  meta.flags = flags;
  meta.date = date;
  meta.size = size;
  auto handle = connection_->start(AppendCommands::append_stream(folder_, meta));
  if (!handle) co_return fail(std::move(handle).error());
  streaming_ = std::move(handle).value();
  co_return Result<void>();
}

Task<Result<void>> Client::append_put(std::string_view bytes) {
  auto done = co_await connection_->put_literal(bytes);
  co_return done;
}

Task<Result<AppendResult>> Client::append_end() {
  auto handle = std::exchange(streaming_, nullptr);
  auto answer = co_await connection_->answer(std::move(handle));
  if (!answer) co_return fail(std::move(answer).error());
  AppendResult out;
  if (answer->status == Status::ok) {
    out.stored = true;
    out.uid = appended_uid(*answer);
  } else {
    out.why = refusal(where("APPEND"), *answer);
  }
  co_return out;
}

Task<Result<void>> Client::store_flags(const UidSet& uids, const Flags& add, const Flags& remove) {
  for (const auto& piece : uids.split(kMaxCommandLine / 2)) {
    if (!add.empty()) {
      auto done = co_await connection_->run(AppendCommands::uid_store(piece, "+FLAGS.SILENT", add));
      if (!done) co_return fail(std::move(done).error());
    }
    if (!remove.empty()) {
      auto done =
          co_await connection_->run(AppendCommands::uid_store(piece, "-FLAGS.SILENT", remove));
      if (!done) co_return fail(std::move(done).error());
    }
  }
  co_return Result<void>();
}

Task<Result<std::optional<Uid>>> Client::move_message(Uid uid, const std::string& to) {
  if (!has_move())
    co_return fail(ErrorCode::unsupported, where("UID MOVE"), "the server has no MOVE");
  // RFC 6851 §4.3: COPYUID may come untagged, before the EXPUNGE, or in the tagged answer.
  class Told final : public ResponseHandler {
   public:
    void on_data(Untagged& data) override {
      if (auto* status = std::get_if<StatusResponse>(&data);
          status && status->code.name == "COPYUID")
        code = status->code;
    }
    ResponseCode code;
  };
  auto told = std::make_shared<Told>();
  auto answer = co_await connection_->run(DestinationCommands::uid_move(uid, to), told);
  if (!answer) co_return fail(std::move(answer).error());
  const auto& code = answer->code.name == "COPYUID" ? answer->code : told->code;
  std::optional<Uid> out;
  if (code.name == "COPYUID" && code.first == UidSet(uid) && code.second.count() == 1)
    out = Uid(code.second.intervals().front().first);
  co_return out;
}

Task<Result<void>> Client::expunge(const UidSet& uids) {
  if (!has_uidplus())
    co_return fail(ErrorCode::unsupported, where("UID EXPUNGE"), "the server has no UIDPLUS");
  Flags deleted;
  deleted.add("\\Deleted");
  for (const auto& piece : uids.split(kMaxCommandLine / 2)) {
    auto marked =
        co_await connection_->run(AppendCommands::uid_store(piece, "+FLAGS.SILENT", deleted));
    if (!marked) co_return fail(std::move(marked).error());
    auto gone = co_await connection_->run(DestinationCommands::uid_expunge(piece));
    if (!gone) co_return fail(std::move(gone).error());
  }
  co_return Result<void>();
}

}  // namespace mxferry::imap
