// SPDX-License-Identifier: Apache-2.0
#include "imap/connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "base/redact.hpp"
#include "imap/classify.hpp"
#include "net/deadline.hpp"
#include "protocol/sasl/sasl.hpp"

namespace mxferry::imap {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBuffer = std::size_t{64} << 10;
// Bytes of a streamed literal that may wait in memory for the network.
constexpr std::size_t kOutputHigh = std::size_t{256} << 10;
// What is written at a time: each piece that the network takes is progress.
constexpr std::size_t kWritePiece = std::size_t{64} << 10;
// Octets of an answer under way that are progress: one octet a second is none, 1 KiB/s is.
constexpr std::size_t kMoved = 256;
// How long, in units of `idle`, a server may say nothing but remarks ("* OK Still here").
constexpr int kPatience = 30;
// Remarks to one command.
constexpr std::size_t kMaxRemarks = 1'000'000;

void insert_upper(std::set<std::string>& into, const std::vector<std::string>& names) {
  for (const auto& name : names) into.insert(to_upper(name));
}

}  // namespace

struct Connection::Core : std::enable_shared_from_this<Core> {
  Core(asio::any_io_executor ex, net::Endpoint where, MailboxRole role, ConnectionOptions opts)
      : executor(ex),
        endpoint(std::move(where)),
        options(opts),
        session(role),
        changed(ex),
        watch(ex) {
    changed.expires_at(asio::steady_timer::time_point::max());
  }

  std::string operation(std::string_view what) const {
    return "imap " + std::string(what) + " " + endpoint.name();
  }

  // --- before login: one side speaks at a time, no coroutines of our own yet ---

  Task<Result<Event>> next_event() {
    while (true) {
      auto event = session.poll();
      if (!event) co_return named(std::move(event).error());
      if (event->has_value()) {
        Event out = std::move(**event);
        co_return out;
      }
      auto n = co_await stream->read_some(session.room(kReadBuffer));
      if (!n) co_return named(std::move(n).error());
      session.filled(*n);
    }
  }
  Unexpected<Error> named(Error error) const {
    error.operation = operation(error.operation);
    return fail(std::move(error));
  }
  Unexpected<Error> untrusted(std::string text) const {
    return fail(ErrorCode::tls, operation("starttls"), std::move(text));
  }

  Task<Result<StatusResponse>> exchange(Command command);
  Task<Result<StatusResponse>> read_greeting();
  Task<Result<void>> upgrade(net::Connector& connector);
  Task<Result<void>> establish(net::Connector& connector);

  // --- after ---

  void start_coroutines();
  static Task<void> run_reader(std::shared_ptr<Core> self);
  static Task<void> run_writer(std::shared_ptr<Core> self);
  static Task<void> run_watchdog(std::shared_ptr<Core> self);
  Result<void> dispatch(Event& event);
  MessageSink* sink_for(const Event& event) const;
  Task<Result<void>> relay(MessageSink& sink, const Event& event);
  void on_tagged(Tagged& tagged);
  void note(const StatusResponse& response);

  void notify() { changed.cancel(); }
  Task<void> wait() { (void)co_await changed.async_wait(kTuple); }
  void touch() {
    progress = SteadyClock::now();
    moved = 0;
  }
  void touch_substance() {
    touch();
    substance = progress;
    remarks = 0;
  }
  Result<void> remark();
  void die(Error error);

  asio::any_io_executor executor;
  net::Endpoint endpoint;
  ConnectionOptions options;
  std::unique_ptr<net::ByteStream> stream;
  Session session;
  std::set<std::string> capabilities;
  bool offered_tls = false;
  std::string account;

  std::deque<Handle> pending;  // oldest first
  asio::steady_timer changed;  // cancelled whenever a waiter should look again
  asio::steady_timer watch;
  SteadyClock::time_point progress = SteadyClock::now();
  SteadyClock::time_point substance = progress;  // the last progress that was no mere remark
  std::size_t moved = 0;                         // octets since `progress`
  std::size_t remarks = 0;                       // since `substance`
  std::size_t writing = 0;                       // bytes that the writer holds
  bool consumer_holds = false;  // the reader waits for a handler, not for the server
  std::optional<Error> death;
  std::optional<StatusResponse> bye;
};

// --- Opening
// ----------------------------------------------------------------------------------------------

void Connection::Core::note(const StatusResponse& response) {
  if (response.code.name != "CAPABILITY") return;
  capabilities.clear();
  insert_upper(capabilities, response.code.words);
}

// One command, one answer; used until the coroutines run.
Task<Result<StatusResponse>> Connection::Core::exchange(Command command) {
  auto tag = session.submit(std::move(command));
  if (!tag) co_return fail(std::move(tag).error());
  while (true) {
    while (session.has_output()) {
      auto bytes = session.take_output();
      const bool secret = session.output_was_secret();
      auto written = co_await stream->write(bytes);
      if (secret) wipe(bytes);
      if (!written) co_return named(std::move(written).error());
    }
    auto event = co_await next_event();
    if (!event) co_return fail(std::move(event).error());
    if (auto* tagged = std::get_if<Tagged>(&*event)) {
      note(tagged->response);
      StatusResponse out = std::move(tagged->response);
      co_return out;
    }
    if (auto* data = std::get_if<Untagged>(&*event)) {
      if (auto* list = std::get_if<CapabilityData>(data)) {
        capabilities.clear();
        insert_upper(capabilities, list->names);
      } else if (auto* status = std::get_if<StatusResponse>(data)) {
        note(*status);
        if (status->status == Status::bye) bye = *status;
      }
    }
  }
}

Task<Result<StatusResponse>> Connection::Core::read_greeting() {
  auto event = co_await next_event();
  if (!event) co_return fail(std::move(event).error());
  auto* data = std::get_if<Untagged>(&*event);
  auto* status = data != nullptr ? std::get_if<StatusResponse>(data) : nullptr;
  if (status == nullptr)
    co_return fail(ErrorCode::protocol, operation("greeting"), "this is no IMAP server");
  if (status->status == Status::bye) co_return fail(refusal(operation("greeting"), *status));
  note(*status);
  StatusResponse out = std::move(*status);
  co_return out;
}

// RFC 9051 §6.2.1. Whatever the server says before TLS may come from somebody else: nothing of it
// is kept.
Task<Result<void>> Connection::Core::upgrade(net::Connector& connector) {
  auto greeting = co_await read_greeting();
  if (!greeting) co_return fail(std::move(greeting).error());
  // PREAUTH in plain text would let an attacker skip STARTTLS (RFC 9051 §11.1).
  if (greeting->status == Status::preauth) co_return untrusted("PREAUTH before TLS");
  auto answer = co_await exchange(ReadCommands::capability());
  if (!answer) co_return fail(std::move(answer).error());
  offered_tls = capabilities.contains("STARTTLS");
  if (!offered_tls) {
    if (endpoint.offered_tls_before)
      co_return untrusted("the server offers no STARTTLS any more, although it did before");
    if (stream->peer_is_loopback() || endpoint.allow_plaintext) co_return Result<void>();
    Error error = untrusted("the server offers no STARTTLS").error();
    error.remedy = "use imaps://; or --allow-plaintext " + endpoint.name() +
                   " if the way there is yours alone";
    co_return fail(std::move(error));
  }
  auto ready = co_await exchange(ReadCommands::starttls());
  if (!ready) co_return fail(std::move(ready).error());
  if (ready->status != Status::ok) {
    Error error = untrusted("the server refuses the STARTTLS that it offers").error();
    error.remote = ready->text;
    co_return fail(std::move(error));
  }
  if (session.buffered() > 0)
    co_return untrusted("the server sent more behind its answer to STARTTLS");
  auto secure = co_await connector.start_tls(std::move(stream), endpoint);
  if (!secure) co_return fail(std::move(secure).error());
  stream = std::move(secure).value();
  session = Session(session.role());
  capabilities.clear();
  co_return Result<void>();
}

Task<Result<void>> Connection::Core::establish(net::Connector& connector) {
  auto plain = co_await connector.connect(endpoint);
  if (!plain) co_return fail(std::move(plain).error());
  stream = std::move(plain).value();
  if (endpoint.security == net::Security::tls) {
    auto secure = co_await connector.start_tls(std::move(stream), endpoint);
    if (!secure) co_return fail(std::move(secure).error());
    stream = std::move(secure).value();
    offered_tls = true;
  }
  net::Deadline deadline(executor, options.greeting, [this] {
    if (stream) stream->close();
  });
  Result<void> done;
  if (endpoint.security == net::Security::tls) {
    auto greeting = co_await read_greeting();
    if (!greeting) {
      done = fail(std::move(greeting).error());
    } else if (greeting->status == Status::preauth) {
      done = fail(ErrorCode::protocol, operation("greeting"),
                  "PREAUTH: the server did not ask who we are");
    }
  } else {
    done = co_await upgrade(connector);
  }
  deadline.disarm();
  if (!done && deadline.expired())
    co_return fail(Error{
        ErrorCode::timeout, operation("greeting"), "no answer in time", {}, {}, Retry::later});
  co_return done;
}

namespace {

Result<Command> login_command(const Credentials& who, const net::Endpoint& endpoint,
                              const std::set<std::string>& capabilities) {
  const auto has = [&](const char* name) { return capabilities.contains(name); };
  const bool ir = has("SASL-IR");
  const auto secret = who.secret.reveal();
  // NUL and ^A part the fields of SASL messages (RFC 4616, RFC 7628): a value that holds one would
  // be read as another credential.
  for (const std::string_view value :
       {std::string_view(who.user), std::string_view(who.authzid), std::string_view(secret)})
    for (const char c : value)
      if (c == '\0' ||
          (who.kind == Credentials::Kind::bearer && static_cast<unsigned char>(c) < 0x20))
        return fail(ErrorCode::config, "imap login " + endpoint.name(),
                    "the user or its secret holds a control character; it was not sent");
  if (who.kind == Credentials::Kind::bearer) {
    if (has("AUTH=OAUTHBEARER"))
      return ReadCommands::authenticate(
          "OAUTHBEARER", sasl::oauthbearer(who.user, endpoint.host, endpoint.port, secret), ir);
    return ReadCommands::authenticate("XOAUTH2", sasl::xoauth2(who.user, secret), ir);
  }
  if (has("AUTH=PLAIN"))
    return ReadCommands::authenticate("PLAIN", sasl::plain(who.authzid, who.user, secret), ir);
  if (!has("LOGINDISABLED") && who.authzid.empty()) return ReadCommands::login(who.user, secret);
  if (has("AUTH=LOGIN") && who.authzid.empty())
    return ReadCommands::authenticate_login(sasl::base64(who.user), sasl::base64(secret));
  return fail(ErrorCode::auth, "imap login " + endpoint.name(),
              "the server offers no way to log in with a password");
}

}  // namespace

Task<Result<std::unique_ptr<Connection>>> Connection::open(net::Connector& connector,
                                                           net::Endpoint endpoint,
                                                           const Credentials& credentials,
                                                           MailboxRole role,
                                                           ConnectionOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  auto core = std::make_shared<Core>(executor, std::move(endpoint), role, options);
  core->account = credentials.user;
  struct CloseUnlessKept {
    std::shared_ptr<Core> core;
    ~CloseUnlessKept() {
      if (core && core->stream) core->stream->close();
    }
  } guard{core};
  auto established = co_await core->establish(connector);
  if (!established) co_return fail(std::move(established).error());
  net::Deadline deadline(executor, options.idle, [raw = core.get()] { raw->stream->close(); });
  if (core->capabilities.empty()) {
    auto answer = co_await core->exchange(ReadCommands::capability());
    if (!answer) co_return fail(std::move(answer).error());
  }
  auto command = login_command(credentials, core->endpoint, core->capabilities);
  if (!command) co_return fail(std::move(command).error());
  core->capabilities.clear();
  // Servers quote the command that they did not like: what they say here is not repeated as it is.
  const auto without_secret = [&](Error error) {
    error.text = redact(std::move(error.text), credentials.secret, "[the credential]");
    error.remote = redact(std::move(error.remote), credentials.secret, "[the credential]");
    return fail(std::move(error));
  };
  auto answer = co_await core->exchange(std::move(command).value());
  if (!answer) {
    Error error = std::move(answer).error();
    if (deadline.expired()) {
      error.code = ErrorCode::timeout;
      error.text = "no answer in time";
    }
    if (core->bye) error = refusal(core->operation("login"), *core->bye);
    co_return without_secret(std::move(error));
  }
  if (answer->status != Status::ok) {
    Error error = refusal(core->operation("login"), *answer);
    // A refusal without a code that says otherwise is about the credential. It is not tried again:
    // accounts get locked.
    if (error.code == ErrorCode::refused) error.code = ErrorCode::auth;
    if (error.code == ErrorCode::auth) {
      error.text = "the server refuses the credential of " + credentials.user;
      error.retry = Retry::never;
    }
    co_return without_secret(std::move(error));
  }
  if (core->capabilities.empty()) {
    auto again = co_await core->exchange(ReadCommands::capability());
    if (!again) co_return fail(std::move(again).error());
  }
  deadline.disarm();
  if (core->capabilities.contains("LITERAL+")) {
    core->session.set_literal_mode(LiteralMode::plus);
  } else if (core->capabilities.contains("LITERAL-") || core->capabilities.contains("IMAP4REV2")) {
    core->session.set_literal_mode(LiteralMode::minus);
  }
  core->start_coroutines();
  guard.core.reset();
  std::unique_ptr<Connection> out(new Connection(std::move(core)));
  co_return out;
}

// --- Reader, writer, watchdog
// -----------------------------------------------------------------------------

void Connection::Core::start_coroutines() {
  touch_substance();
  asio::co_spawn(executor, run_reader(shared_from_this()), asio::detached);
  asio::co_spawn(executor, run_writer(shared_from_this()), asio::detached);
  asio::co_spawn(executor, run_watchdog(shared_from_this()), asio::detached);
}

void Connection::Core::die(Error error) {
  if (death) return;
  // The server's last words say more than the end of the stream.
  if (bye && error.code == ErrorCode::network) error = refusal(error.operation, *bye);
  death = std::move(error);
  if (stream) stream->close();
  for (const auto& waiter : std::exchange(pending, {})) {
    Error mine = *death;
    mine.operation = operation(waiter->name);
    waiter->outcome = fail(std::move(mine));
    waiter->handler.reset();
  }
  watch.cancel();
  notify();
}

Task<void> Connection::Core::run_reader(std::shared_ptr<Core> self) {
  while (!self->death) {
    auto n = co_await self->stream->read_some(self->session.room(kReadBuffer));
    if (!n) {
      Error error = std::move(n).error();
      error.operation = self->operation(error.operation);
      self->die(std::move(error));
      break;
    }
    self->moved += *n;
    if (self->moved >= kMoved) self->touch();
    self->session.filled(*n);
    while (!self->death) {
      auto event = self->session.poll();
      if (!event) {
        Error error = std::move(event).error();
        error.operation = self->operation("read");
        self->die(std::move(error));
        break;
      }
      if (!event->has_value()) break;
      auto done = self->dispatch(**event);
      if (auto* sink = done ? self->sink_for(**event) : nullptr)
        done = co_await self->relay(*sink, **event);
      if (!done) self->die(std::move(done).error());
    }
  }
}

// An answer that nobody has a use for.
Result<void> Connection::Core::remark() {
  if (++remarks <= kMaxRemarks) return {};
  return fail(ErrorCode::protocol, operation("read"),
              "more than " + std::to_string(kMaxRemarks) + " answers that nobody asked for");
}

// Who takes this piece of a message as it comes, if anybody does.
MessageSink* Connection::Core::sink_for(const Event& event) const {
  const bool of_body =
      std::holds_alternative<LiteralBegin>(event) || std::holds_alternative<LiteralChunk>(event);
  return of_body && !pending.empty() && pending.front()->handler
             ? pending.front()->handler->stream()
             : nullptr;
}

Task<Result<void>> Connection::Core::relay(MessageSink& sink, const Event& event) {
  // The command may be answered with an error meanwhile.
  const auto keep = pending.front()->handler;
  const auto held_from = SteadyClock::now();
  consumer_holds = true;
  Result<void> done;
  if (const auto* begin = std::get_if<LiteralBegin>(&event)) {
    done = co_await sink.begin(begin->body.size);
  } else if (const auto* chunk = std::get_if<LiteralChunk>(&event)) {
    done = co_await sink.write(chunk->bytes);
  }
  consumer_holds = false;
  // The time that the sink took does not count against the server.
  const auto held = SteadyClock::now() - held_from;
  progress += held;
  substance += held;
  co_return done;
}

Result<void> Connection::Core::dispatch(Event& event) {
  if (auto* tagged = std::get_if<Tagged>(&event)) {
    touch_substance();
    on_tagged(*tagged);
    return {};
  }
  ResponseHandler* handler = pending.empty() ? nullptr : pending.front()->handler.get();
  if (auto* data = std::get_if<Untagged>(&event)) {
    if (auto* status = std::get_if<StatusResponse>(data)) {
      note(*status);
      if (status->status == Status::bye) bye = *status;
    } else if (auto* list = std::get_if<CapabilityData>(data)) {
      capabilities.clear();
      insert_upper(capabilities, list->names);
    }
    touch();
    if (handler == nullptr) return remark();
    const auto taken = handler->taken;
    if (handler->wants_text()) handler->on_text(session.response_text());
    handler->on_data(*data);
    if (handler->overflows())
      return fail(ErrorCode::protocol, operation(pending.front()->name),
                  "the server's answer is longer than it can be");
    if (handler->taken == taken) return remark();
    touch_substance();
    return {};
  }
  if (std::holds_alternative<Continuation>(event)) {
    touch();
    notify();  // the session goes on sending
    return remark();
  }
  if (handler == nullptr) return {};
  if (auto* begin = std::get_if<LiteralBegin>(&event)) {
    handler->on_body_begin(*begin);
  } else if (const auto* chunk = std::get_if<LiteralChunk>(&event)) {
    if (handler->stream() == nullptr) handler->on_body(chunk->bytes);
    // Octets of a message are substance once enough of them came.
    if (moved == 0) substance = progress;
  }
  return {};
}

void Connection::Core::on_tagged(Tagged& tagged) {
  note(tagged.response);
  const auto it = std::find_if(pending.begin(), pending.end(),
                               [&](const Handle& h) { return h->tag == tagged.tag; });
  if (it == pending.end()) return;
  (*it)->outcome = std::move(tagged.response);
  pending.erase(it);
  notify();
}

Task<void> Connection::Core::run_writer(std::shared_ptr<Core> self) {
  while (!self->death) {
    if (!self->session.has_output()) {
      co_await self->wait();
      continue;
    }
    auto bytes = self->session.take_output();
    const bool secret = self->session.output_was_secret();
    self->writing = bytes.size();
    Result<void> done;
    for (std::size_t at = 0; at < bytes.size() && done; at += kWritePiece) {
      const auto piece = std::string_view(bytes).substr(at, kWritePiece);
      done = co_await self->stream->write(piece);
      self->writing -= piece.size();
      if (done) self->touch_substance();
    }
    if (secret) wipe(bytes);
    self->writing = 0;
    if (!done) {
      Error error = std::move(done).error();
      error.operation = self->operation(error.operation);
      self->die(std::move(error));
      break;
    }
    self->notify();
  }
}

Task<void> Connection::Core::run_watchdog(std::shared_ptr<Core> self) {
  while (!self->death) {
    const auto due = self->progress + self->options.idle;
    self->watch.expires_at(std::max(due, SteadyClock::now() + milliseconds(10)));
    (void)co_await self->watch.async_wait(kTuple);
    if (self->death) break;
    // Idle counts only on the side that should move: not while a handler holds the reader, not
    // while nothing is due.
    const bool due_from_peer =
        (!self->pending.empty() && !self->consumer_holds && self->session.literal_wanted() == 0) ||
        self->writing > 0;
    if (!due_from_peer) self->touch_substance();
    const auto now = SteadyClock::now();
    const bool still = now - self->progress >= self->options.idle;
    const bool talk = now - self->substance >= kPatience * self->options.idle;
    if (!still && !talk) continue;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(self->options.idle).count();
    Error error;
    error.code = ErrorCode::timeout;
    error.operation = self->operation("wait");
    error.text = still ? "nothing moved for " + std::to_string(seconds) + " s"
                       : "only remarks came for " + std::to_string(kPatience * seconds) + " s";
    error.retry = Retry::later;
    self->die(std::move(error));
  }
}

// --- Callers
// ----------------------------------------------------------------------------------------------

Connection::Connection(std::shared_ptr<Core> core) : core_(std::move(core)) {}
Connection::~Connection() { close(); }

void Connection::close() {
  Error error;
  error.code = ErrorCode::cancelled;
  error.operation = core_->operation("close");
  error.text = "closed by us";
  core_->bye.reset();
  core_->die(std::move(error));
}

Result<Connection::Handle> Connection::start(Command command,
                                             std::shared_ptr<ResponseHandler> handler) {
  if (core_->death) return fail(*core_->death);
  auto pending = std::make_shared<Pending>();
  pending->name = command.name;
  pending->handler = std::move(handler);
  if (core_->pending.empty()) core_->touch_substance();
  auto tag = core_->session.submit(std::move(command));
  if (!tag) {
    Error error = std::move(tag).error();
    error.operation = core_->operation(pending->name);
    return fail(std::move(error));
  }
  pending->tag = std::move(tag).value();
  core_->pending.push_back(pending);
  core_->notify();
  return pending;
}

Task<Result<StatusResponse>> Connection::answer(Handle pending) {
  const auto core = core_;
  while (!pending->outcome) co_await core->wait();
  Result<StatusResponse> out = *pending->outcome;
  co_return out;
}

Task<Result<StatusResponse>> Connection::finish(Handle pending) {
  const auto core = core_;
  while (!pending->outcome) co_await core->wait();
  Result<StatusResponse> out = *pending->outcome;
  if (out && out->status != Status::ok) {
    Error error = refusal(core->operation(pending->name), *out);
    co_return fail(std::move(error));
  }
  co_return out;
}

Task<Result<StatusResponse>> Connection::run(Command command,
                                             std::shared_ptr<ResponseHandler> handler) {
  auto pending = start(std::move(command), std::move(handler));
  if (!pending) co_return fail(std::move(pending).error());
  Handle handle = std::move(pending).value();
  auto out = co_await finish(std::move(handle));
  co_return out;
}

Task<Result<void>> Connection::put_literal(std::string_view bytes) {
  const auto core = core_;
  if (core->pending.empty() && !core->death)
    co_return fail(ErrorCode::refused, core->operation("literal"),
                   "the command is answered already");
  const Handle target = core->pending.empty() ? nullptr : core->pending.back();
  while (!bytes.empty()) {
    while (!core->death && !target->outcome &&
           (core->session.literal_wanted() == 0 || core->writing >= kOutputHigh))
      co_await core->wait();
    if (core->death) co_return fail(*core->death);
    // A NO in the middle of a {n+} literal: the rest must still be sent.
    if (core->session.literal_wanted() == 0)
      co_return fail(ErrorCode::refused, core->operation("literal"),
                     "the server did not wait for the message");
    const auto n = static_cast<std::size_t>(
        std::min<std::uint64_t>({bytes.size(), core->session.literal_wanted(), kOutputHigh}));
    auto put = core->session.put_literal(bytes.substr(0, n));
    if (!put) co_return put;
    bytes.remove_prefix(n);
    core->notify();
    // Wait until the network has taken it: memory stays at one chunk.
    while (!core->death && (core->session.has_output() || core->writing > 0)) co_await core->wait();
  }
  if (core->death) co_return fail(*core->death);
  co_return Result<void>();
}

bool Connection::has(std::string_view capability) const {
  return core_->capabilities.contains(std::string(capability));
}

std::optional<std::string> Connection::capability_value(std::string_view name) const {
  const std::string prefix = std::string(name) + "=";
  const auto it = core_->capabilities.lower_bound(prefix);
  if (it == core_->capabilities.end() || !it->starts_with(prefix)) return std::nullopt;
  return it->substr(prefix.size());
}

bool Connection::offered_tls() const { return core_->offered_tls; }
bool Connection::dead() const { return core_->death.has_value(); }
const net::Endpoint& Connection::endpoint() const { return core_->endpoint; }
const std::string& Connection::account() const { return core_->account; }

}  // namespace mxferry::imap
