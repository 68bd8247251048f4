// SPDX-License-Identifier: Apache-2.0
#include "app/mailbox_pair.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/escape.hpp"
#include "base/log.hpp"
#include "base/read_file.hpp"
#include "copy/memory_state.hpp"
#include "copy/sync_store.hpp"
#include "credentials/secret_ref.hpp"
#include "maildir/backup.hpp"
#include "maildir/maildir_source.hpp"
#include "net/tls.hpp"

namespace mxferry::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

Unexpected<Error> usage(std::string text) {
  return fail(ErrorCode::usage, "command line", std::move(text));
}

// One line, rewritten in place; only where stderr is a terminal that can do that.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted) {
    const char* term = std::getenv("TERM");
    active_ = wanted && ::isatty(STDERR_FILENO) == 1 && term != nullptr &&
              std::string_view(term) != "dumb";
  }
  ~ProgressLine() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void show(const copy::Progress& p) {
    if (!active_) return;
    const auto now = SteadyClock::now();
    if (shown_ && now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    shown_ = true;
    const double seconds = std::max(0.001, std::chrono::duration<double>(now - start_).count());
    const double rate = static_cast<double>(p.done) / seconds;
    char figures[128];
    std::snprintf(figures, sizeof figures, "%llu/%llu  %.0f messages/s  %.1f MB/s",
                  static_cast<unsigned long long>(p.done), static_cast<unsigned long long>(p.total),
                  rate, static_cast<double>(p.bytes) / 1e6 / seconds);
    std::string line = figures;
    if (rate > 0 && p.total > p.done)
      line += "  ETA " + format_duration(Millis(static_cast<std::int64_t>(
                             static_cast<double>(p.total - p.done) / rate * 1000)));
    line += "  " + escape_line(p.folder);
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 &&
        line.size() >= size.ws_col) {
      std::size_t cut = size.ws_col - 1U;
      while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;
      line.resize(cut);
    }
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    std::fflush(stderr);
  }

 private:
  bool active_ = false;
  bool shown_ = false;
  SteadyClock::time_point start_ = SteadyClock::now();
  SteadyClock::time_point last_{};
};

// The run goes on by itself; whoever looks should know why nothing moves.
void tell_wait(const Error& why) {
  std::fprintf(stderr, "\r\033[Kmxferry: %s; waits for %s\n", escape_line(why.text).c_str(),
               format_duration(why.retry_after.value_or(Millis(0))).c_str());
}

// What names an account in the state.
std::string key_of(const std::string& user, const net::Endpoint& endpoint) {
  return escape_bytes(user) + "@" + endpoint.name();
}

struct End {
  imap::ImapAccount account;
  std::string name;
  std::string directory;  // of a Maildir; empty: it is an account

  /// How the state file calls it.
  std::string key() const {
    return directory.empty() ? key_of(account.credentials.user, account.endpoint)
                             : std::string(kMaildir) + escape_bytes(directory);
  }
};

Result<End> make_directory_end(const char* side, const std::string& url,
                               const std::string& secret) {
  if (!secret.empty())
    return usage(std::string("--") + side + "-secret does not go with " + std::string(kMaildir));
  End end;
  end.directory = url.substr(kMaildir.size());
  if (end.directory.empty())
    return usage(std::string("--") + side + ": a folder is expected behind " +
                 std::string(kMaildir));
  std::error_code ec;
  end.directory = std::filesystem::absolute(end.directory, ec).lexically_normal().string();
  end.name = url;
  return end;
}

Result<End> make_end(const char* side, const std::string& url, const std::string& secret,
                     const std::string& pin, const PairOptions& options) {
  if (url.empty()) return usage(std::string("--") + side + " is missing");
  if (url.starts_with(kMaildir)) return make_directory_end(side, url, secret);
  if (secret.empty()) return usage(std::string("--") + side + "-secret is missing");
  auto parsed = imap::parse_mail_url(url);
  if (!parsed) {
    auto error = std::move(parsed).error();
    error.operation = std::string("--") + side;
    return fail(std::move(error));
  }
  MXF_CHECK(check_secret_ref(secret));
  MXF_CHECK(net::check_pin(pin));
  End end;
  end.account.endpoint = parsed->endpoint;
  end.account.endpoint.ca_file = options.ca_file;
  end.account.endpoint.pin = pin;
  for (const auto& allowed : options.allow_plaintext)
    if (allowed == parsed->endpoint.name()) end.account.endpoint.allow_plaintext = true;
  end.account.credentials.user = parsed->user;
  end.account.options.idle = std::chrono::seconds(options.timeout);
  end.account.options.greeting = std::min(end.account.options.greeting, end.account.options.idle);
  end.name = parsed->user + "@" + parsed->endpoint.host;
  return end;
}

Result<copy::MapRules> read_map(const std::string& file) {
  if (file.empty()) return copy::MapRules();
  MXF_TRY(text, read_file(file));
  if (text.empty()) return fail(ErrorCode::config, file, "the map is empty");
  return copy::MapRules::parse(text, file);
}

}  // namespace

Result<void> check_state(const std::string& file) {
  std::error_code ec;
  if (std::filesystem::exists(file, ec)) return {};
  auto error = fail(ErrorCode::not_found, "open state " + file,
                    "there is no such state file: nothing is known of what was copied")
                   .error();
  return fail(std::move(error.with_remedy("name the file that the copy was run with")));
}

Result<copy::RetryScope> retry_scope(const PairOptions& options) {
  MXF_TRY(choice, read_choice(options));
  copy::RetryScope out;
  out.folders = choice.folders;
  if (!options.uids.empty()) {
    MXF_TRY(uids, imap::UidSet::parse(options.uids));
    out.uids = std::move(uids);
  }
  return out;
}

Result<std::unique_ptr<MailboxPair>> MailboxPair::open(const PairOptions& options) {
  MXF_TRY(source,
          make_end("source", options.source, options.source_secret, options.source_pin, options));
  MXF_TRY(dest, make_end("dest", options.dest, options.dest_secret, options.dest_pin, options));
  if (source.key() == dest.key())
    return fail(ErrorCode::gate, "mxferry", "SY-01: source and destination are the same mailbox");
  if (options.state_must_exist) MXF_CHECK(check_state(options.state));
  MXF_TRY(rules, read_map(options.map));
  auto pair = std::make_unique<MailboxPair>();
  if (source.directory.empty()) {
    MXF_TRY(secret, resolve_secret(options.source_secret));
    source.account.credentials.secret = std::move(secret);
  } else {
    MXF_TRY(is_backup, maildir::BackupRoot::is_at(source.directory));
    if (is_backup) {
      MXF_TRY(root, maildir::BackupRoot::open(source.directory, maildir::Access::read));
      pair->job_.open_source = maildir::backup_source(std::move(root));
    } else {
      MXF_TRY(opened, maildir::MaildirSource::open(source.directory));
      opened.reset();  // it can be read: each run opens it anew
      pair->job_.open_source = maildir::maildir_source(source.directory);
    }
  }
  if (dest.directory.empty()) {
    MXF_TRY(secret, resolve_secret(options.dest_secret));
    dest.account.credentials.secret = std::move(secret);
  } else {
    MXF_TRY(is_backup, maildir::BackupRoot::is_at(dest.directory));
    const bool reads = options.read_only || (options.dry_run && is_backup);
    MXF_TRY(root, maildir::BackupRoot::open(
                      dest.directory, reads ? maildir::Access::read : maildir::Access::write));
    pair->look_at_dest_ = maildir::backup_source(root);
    pair->job_.open_target = maildir::backup_target(std::move(root));
  }

  MXF_TRY(file, store::StateFile::open(options.state, store::Access::act));
  pair->file_ = std::make_unique<store::StateFile>(std::move(file));
  MXF_CHECK(log::open(options.state + ".log", log::Level::info));
  MXF_TRY(state, copy::SyncStore::open(pair->file_->db(), source.key() + " " + dest.key(),
                                       source.key(), dest.key()));
  pair->state_ = std::make_unique<copy::SyncStore>(std::move(state));
  for (auto* end : {&source, &dest})
    if (end->directory.empty()) MXF_CHECK(pair->remember_tls(end->account));
  pair->source_name_ = source.name;
  pair->dest_name_ = dest.name;
  pair->job_.name = source.name;
  if (source.directory.empty())
    pair->job_.open_source = imap::source_opener(std::move(source.account));
  if (dest.directory.empty()) {
    pair->look_at_dest_ = imap::source_opener(dest.account);
    pair->job_.open_target = imap::target_opener(std::move(dest.account));
  }
  pair->job_.options.dry_run = options.dry_run;
  pair->job_.options.check_room = !options.accept_quota;
  MXF_TRY(choice, read_choice(options));
  pair->job_.options.messages = choice.messages;
  pair->job_.options.folders = choice.folders;
  if (!choice.pace.empty()) {
    pair->pace_book_ = std::make_unique<copy::StatePaceBook>(*pair->file_);
    pair->job_.paces.push_back(std::make_shared<copy::Pace>(source.name, std::move(choice.pace),
                                                            pair->clock_, pair->pace_book_.get()));
    if (!options.no_wait) pair->job_.options.on_wait = &tell_wait;
  }
  pair->job_.options.newest_first = options.newest_first;
  pair->job_.options.map = std::move(rules);
  if (!options.quarantine.empty()) {
    copy::Quarantine quarantine;
    quarantine.folder = options.quarantine;
    quarantine.most = options.quarantine_cap;
    pair->job_.options.quarantine = std::move(quarantine);
  }
  if (options.state_must_exist) {
    MXF_TRY(scope, retry_scope(options));
    pair->job_.options.retry = std::move(scope);
  }
  pair->job_.options.accept_gone = options.accept_gone;
  if (options.adopt_altered) pair->job_.options.altered = copy::AlteredPolicy::adopt;
  if (options.copy_altered) pair->job_.options.altered = copy::AlteredPolicy::copy;
  pair->finish_job();
  return pair;
}

Result<std::unique_ptr<MailboxPair>> MailboxPair::open_dest(const PairOptions& options) {
  MXF_TRY(dest, make_end("dest", options.dest, options.dest_secret, options.dest_pin, options));
  if (!dest.directory.empty())
    return usage("--dest: undo works on an account; a backup is a folder that can be removed");
  std::string key;
  std::string source_name;
  if (!options.source.empty()) {
    auto parsed = imap::parse_mail_url(options.source);
    if (!parsed) {
      auto error = std::move(parsed).error();
      error.operation = "--source";
      return fail(std::move(error));
    }
    key = key_of(parsed->user, parsed->endpoint) + " " +
          key_of(dest.account.credentials.user, dest.account.endpoint);
    source_name = parsed->user + "@" + parsed->endpoint.host;
  }
  MXF_CHECK(check_state(options.state));
  MXF_TRY(dest_secret, resolve_secret(options.dest_secret));
  dest.account.credentials.secret = std::move(dest_secret);
  auto pair = std::make_unique<MailboxPair>();
  MXF_TRY(file, store::StateFile::open(options.state, store::Access::act));
  pair->file_ = std::make_unique<store::StateFile>(std::move(file));
  MXF_CHECK(log::open(options.state + ".log", log::Level::info));
  MXF_TRY(state, copy::SyncStore::find(pair->file_->db(), key,
                                       key_of(dest.account.credentials.user, dest.account.endpoint),
                                       escape_bytes(dest.account.credentials.user)));
  pair->state_ = std::make_unique<copy::SyncStore>(std::move(state));
  MXF_CHECK(pair->remember_tls(dest.account));
  pair->source_name_ = source_name;
  pair->dest_name_ = dest.name;
  pair->job_.name = dest.name;
  pair->job_.open_target = imap::target_opener(std::move(dest.account));
  pair->finish_job();
  return pair;
}

// Once an endpoint has offered TLS, plain text towards it is refused: that is remembered.
Result<void> MailboxPair::remember_tls(imap::ImapAccount& account) {
  auto* file = file_.get();
  const std::string meta = "tls:" + account.endpoint.name();
  MXF_TRY(seen, file->meta(meta));
  account.endpoint.offered_tls_before = seen == "offered";
  account.on_tls_offered = [file, meta](const net::Endpoint&) {
    (void)file->set_meta(meta, "offered");
  };
  return {};
}

void MailboxPair::finish_job() {
  job_.state = state_.get();
  job_.clock = &clock_;
  auto line = std::make_shared<ProgressLine>(true);
  job_.options.progress = [line](const copy::Progress& progress) { line->show(progress); };
}

void MailboxPair::run_until_done(const std::function<Task<void>()>& work) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  boost::asio::io_context io;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  boost::asio::steady_timer patience(io);
  auto control = job_.control;
  // The first signal ends after the batch in hand, at the latest in 3 s; the second one at once.
  std::function<void(boost::system::error_code, int)> on_signal =
      [&](boost::system::error_code error, int) {
        if (error) return;
        if (control->stopped()) {
          control->abort();
          return;
        }
        control->stop();
        patience.expires_after(std::chrono::seconds(3));
        patience.async_wait([&](boost::system::error_code e) {
          if (!e) control->abort();
        });
        signals.async_wait(on_signal);
      };
  signals.async_wait(on_signal);
  boost::asio::co_spawn(io, work(), [&](std::exception_ptr broken) {
    signals.cancel();
    patience.cancel();
    if (broken) std::rethrow_exception(broken);
  });
  // A connection being made is not ours to abort: the loop itself ends 4.5 s after a stop.
  while (!io.stopped()) {
    io.run_for(std::chrono::milliseconds(100));
    if (!control->stopped()) continue;
    io.run_for(std::chrono::milliseconds(4400));
    break;
  }
  job_.options.progress = nullptr;  // takes the progress line off the terminal
  log::close();
}

}  // namespace mxferry::app
