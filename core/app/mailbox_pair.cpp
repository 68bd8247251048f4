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
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "app/options.hpp"
#include "base/escape.hpp"
#include "base/log.hpp"
#include "copy/memory_state.hpp"
#include "copy/sync_store.hpp"
#include "credentials/secret_ref.hpp"
#include "maildir/backup.hpp"
#include "maildir/maildir_source.hpp"
#include "net/tls.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;
using SteadyClock = std::chrono::steady_clock;

po::options_description describe(const std::string& command, PairOptions& o) {
  po::options_description out("options of mxferry " + command);
  auto add = out.add_options();
  add("help,h", "this text");
  add("source", po::value(&o.source)->value_name("URL"),
      "imaps://USER@HOST:PORT, or imap:// with STARTTLS; USER percent-encoded; or maildir:DIR");
  add("source-secret", po::value(&o.source_secret)->value_name("REF"),
      "its password: env:NAME or file:PATH");
  if (command == "backup") {
    add("to", po::value(&o.dest)->value_name("DIR"), "the folder of the backup, new or continued");
    add("check", po::bool_switch(&o.check),
        "no copy: compare every file of the backup with its manifest");
  } else {
    add("dest", po::value(&o.dest)->value_name("URL"), "where the mail goes; or maildir:DIR");
    add("dest-secret", po::value(&o.dest_secret)->value_name("REF"),
        "its password: env:NAME or file:PATH");
  }
  add("state", po::value(&o.state)->value_name("FILE"),
      command == "backup" ? "what was done, kept between runs (default: mxferry.state in DIR)"
                          : "what was done, kept between runs");
  add("source-provider", po::value(&o.source_provider)->value_name("ID"),
      "the source's provider plugin");
  if (command != "backup")
    add("dest-provider", po::value(&o.dest_provider)->value_name("ID"),
        "the destination's provider plugin");
  add("ca-file", po::value(&o.ca_file)->value_name("PEM"),
      "CA of both ends instead of the system's");
  add("source-pin", po::value(&o.source_pin)->value_name("sha256:BASE64"),
      "the source's public key, in addition to the chain");
  if (command != "backup")
    add("dest-pin", po::value(&o.dest_pin)->value_name("sha256:BASE64"),
        "the destination's public key");
  add("allow-plaintext", po::value(&o.allow_plaintext)->value_name("HOST:PORT"),
      "no TLS towards this host, if it offers none");
  add("timeout", po::value(&o.timeout)->value_name("SECONDS"),
      "give up a connection on which nothing moves (default 60)");
  add("json", po::bool_switch(&o.json), "the result as JSON on stdout");
  if (command == "verify") {
    add("sample", po::value(&o.sample)->value_name("N"),
        "instead of all digests, show N messages as a person would look at them: folder counts, "
        "dates, read or unread, names and sizes of attachments on both sides");
    add("seed", po::value<std::uint64_t>()->value_name("S"),
        "with --sample: the same messages again (default: drawn, and printed)");
    add("subjects", po::bool_switch(&o.subjects),
        "with --sample: subjects and senders too; they are printed and kept nowhere");
  }
  if (command == "sync" || command == "backup") {
    add("dry-run", po::bool_switch(&o.dry_run), "only count what would be copied");
    add("accept-gone", po::bool_switch(&o.accept_gone),
        "go on although most known messages are gone from the source");
  }
  if (command == "sync") {
    add("adopt-altered", po::bool_switch(&o.adopt_altered),
        "mail that is there with equal headers and other bytes counts as copied");
    add("copy", po::bool_switch(&o.copy_altered), "such mail is copied again");
    add("exclude-folder", po::value(&o.exclude_folder)->value_name("GLOB"),
        "not these folders and what lies below them; stronger than --folder");
    add("since", po::value(&o.since)->value_name("YYYY-MM-DD"),
        "only mail that arrived on that day (UTC) or later");
    add("before", po::value(&o.before)->value_name("YYYY-MM-DD"),
        "only mail that arrived before that day (UTC)");
    add("min-size", po::value(&o.min_size)->value_name("OCTETS"),
        "only mail of at least so many octets: 1000, 500k, 25M, 2G");
    add("max-size", po::value(&o.max_size)->value_name("OCTETS"),
        "only mail of at most so many octets");
    add("with-flag", po::value(&o.with_flag)->value_name("FLAG"),
        "only mail that has this flag or keyword: \\Flagged, $Label1");
    add("without-flag", po::value(&o.without_flag)->value_name("FLAG"),
        "only mail that has it not");
    add("skip-deleted", po::bool_switch(&o.skip_deleted), "as --without-flag \\Deleted");
    add("unseen", po::bool_switch(&o.unseen), "as --without-flag \\Seen");
    add("map", po::value(&o.map)->value_name("FILE"),
        "rules for where folders go, one a line: exact|prefix|glob|re2 PATTERN -> TARGET [merge], "
        "or skip ... (docs/operate/folder-map.md)");
    add("quarantine", po::value(&o.quarantine)->value_name("FOLDER"),
        "what is deleted at the source is moved into this folder of the destination, where it was "
        "copied by us and nobody changed it; never use it once new mail arrives there");
    add("quarantine-cap", po::value(&o.quarantine_cap)->value_name("N"),
        "more than N at once: none is moved, and it is told (default 100)");
    add("newest-first", po::bool_switch(&o.newest_first),
        "in each folder the newest mail first; the destination then numbers it in that order");
  }
  if (command == "sync" || command == "retry")
    add("folder", po::value(&o.folder)->value_name("GLOB"),
        "only these folders of the source and what lies below them: *, ** and ? as in \"Work/*\"");
  if (command == "retry")
    add("uid", po::value(&o.uids)->value_name("SET"),
        "only these messages of the folder: 3,7:9; with --folder");
  if (command == "undo") {
    add("dry-run", po::bool_switch(&o.dry_run),
        "only say what would be removed and what would stay");
    add("folders", po::bool_switch(&o.folders),
        "also remove folders that the copy made, where they are empty afterwards");
    add("yes,y", po::bool_switch(&o.yes), "do not ask");
    add("no-input", po::bool_switch(&o.no_input), "never ask: refuse without --yes");
  }
  return out;
}

const char* about(const std::string& command) {
  if (command == "sync")
    return "Copies one mailbox, folders, flags and dates with it; what was copied before is not "
           "copied again. Stop it anywhere: the same command goes on.";
  if (command == "retry")
    return "Tries again what sync recorded as refused, and nothing else: all of it, or the folders "
           "and messages that are named. Says of each what became of it. Exit 1: some are refused "
           "still.";
  if (command == "undo")
    return "Removes from the destination what sync appended there and nobody changed since, and "
           "nothing else: not what was there before, not what was moved or flagged. Only the "
           "destination is needed; the source must be named where the state knows several. What "
           "stays is listed, and is exit 1.";
  if (command == "backup")
    return "Writes one mailbox into a folder of this machine: a Maildir for each folder, with a "
           "manifest of digests, dates and flags. Again: what is new. With --check it compares the "
           "files with the manifests. Back into a mailbox: mxferry sync --source maildir:DIR.";
  return "Compares a copied mailbox with its source: every message by digest, date and flags.";
}

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

// What names an account in the state.
std::string key_of(const std::string& user, const net::Endpoint& endpoint) {
  return escape_bytes(user) + "@" + endpoint.name();
}

constexpr std::string_view kMaildir = "maildir:";

// What the options say of filters, and the first that says nonsense.
struct Filters {
  MessageFilter messages{};
  FolderFilter folders{};
  std::string problem{};
  Result<void> check() const {
    if (problem.empty()) return {};
    return usage(problem);
  }
};

Filters read_filters(const PairOptions& o) {
  Filters out;
  const auto wrong = [&](const std::string& what) {
    if (out.problem.empty()) out.problem = what;
  };
  const auto day = [&](const char* name, const std::string& text, auto& into) {
    if (text.empty()) return;
    into = parse_day(text);
    if (!into) wrong(std::string(name) + " takes a day such as 2024-01-31");
  };
  const auto octets = [&](const char* name, const std::string& text, auto& into) {
    if (text.empty()) return;
    into = parse_octets(text);
    if (!into) wrong(std::string(name) + " takes octets such as 1000, 500k, 25M or 2G");
  };
  day("--since", o.since, out.messages.since);
  day("--before", o.before, out.messages.before);
  octets("--min-size", o.min_size, out.messages.min_size);
  octets("--max-size", o.max_size, out.messages.max_size);
  for (const auto* flags : {&o.with_flag, &o.without_flag})
    for (const auto& flag : *flags)
      if (!is_flag(flag)) wrong("\"" + escape_line(flag) + "\" is no flag");
  for (const auto& flag : o.with_flag) out.messages.with.add(flag);
  for (const auto& flag : o.without_flag) out.messages.without.add(flag);
  if (o.skip_deleted) out.messages.without.add("\\Deleted");
  if (o.unseen) out.messages.without.add("\\Seen");
  for (const auto* globs : {&o.folder, &o.exclude_folder})
    for (const auto& glob : *globs)
      if (!is_folder_glob(glob)) wrong("a folder's name is empty, or has a line break");
  out.folders.only = o.folder;
  out.folders.except = o.exclude_folder;
  return out;
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
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  std::error_code ec;
  if (!in || std::filesystem::is_directory(file, ec) || !(text << in.rdbuf()))
    return fail(ErrorCode::config, file, "cannot read the map, or it is empty");
  return copy::MapRules::parse(text.str(), file);
}

// For commands that go on with what an earlier one did.
Result<void> check_state(const std::string& file) {
  std::error_code ec;
  if (std::filesystem::exists(file, ec)) return {};
  auto error = fail(ErrorCode::not_found, "open state " + file,
                    "there is no such state file: nothing is known of what was copied")
                   .error();
  return fail(std::move(error.with_remedy("name the file that the copy was run with")));
}

}  // namespace

Result<std::optional<PairOptions>> parse_pair_options(const std::string& command,
                                                      std::span<const std::string> args) {
  PairOptions options;
  auto description = describe(command, options);
  OptionTable table;
  table.command = command;
  table.synopsis = command == "undo" ? "--dest URL --dest-secret REF --state FILE [OPTIONS]"
                   : command == "backup"
                       ? "--source URL --source-secret REF --to DIR [OPTIONS]"
                       : "--source URL --source-secret REF --dest URL --dest-secret REF --state "
                         "FILE [OPTIONS]";
  table.about = about(command);
  for (const auto& option : description.options()) table.options.add(option);
  if (hand_over(table)) return std::optional<PairOptions>();
  po::variables_map values;
  try {
    const std::vector<std::string> words(args.begin(), args.end());
    const po::positional_options_description none;
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(
        po::command_line_parser(words).options(description).positional(none).style(style).run(),
        values);
    po::notify(values);
  } catch (const po::error& e) {
    return usage(std::string(e.what()) + "; mxferry " + command + " --help lists the options");
  }
  if (values.count("help") > 0) {
    std::cout << "usage: mxferry " << command << ' ' << table.synopsis << "\n\n"
              << table.about << "\n\n"
              << description;
    return std::optional<PairOptions>();
  }
  if (values.count("seed") > 0) options.seed = values["seed"].as<std::uint64_t>();
  if (options.sample == 0 && (options.seed || options.subjects))
    return usage("--seed and --subjects go with --sample N");
  if (options.sample > 10'000) return usage("--sample takes up to 10000");
  options.read_only = command == "verify";
  if (command == "backup") {
    if (options.dest.empty()) return usage("--to is missing");
    if (options.check && !options.source.empty()) return usage("--check goes without --source");
    if (options.state.empty()) options.state = options.dest + "/mxferry.state";
    options.dest.insert(0, kMaildir);
  }
  if (options.state.empty()) return usage("--state is missing");
  if (options.timeout == 0) return usage("--timeout must be at least 1");
  MXF_CHECK(read_filters(options).check());
  if (!options.quarantine.empty() &&
      ("/" + options.quarantine + "/").find("//") != std::string::npos)
    return usage("--quarantine takes a folder: parts joined by /, none empty");
  if (!options.uids.empty()) {
    if (options.folder.size() != 1) return usage("--uid goes with one --folder");
    if (!imap::UidSet::parse(options.uids)) return usage("--uid takes UIDs: 3,7:9");
  }
  options.state_must_exist = command == "retry";
  if (options.adopt_altered && options.copy_altered)
    return usage("--adopt-altered and --copy exclude each other");
  return std::optional<PairOptions>(std::move(options));
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
  const auto filters = read_filters(options);
  pair->job_.options.messages = filters.messages;
  pair->job_.options.folders = filters.folders;
  pair->job_.options.newest_first = options.newest_first;
  pair->job_.options.map = std::move(rules);
  if (!options.quarantine.empty()) {
    copy::Quarantine quarantine;
    quarantine.folder = options.quarantine;
    quarantine.most = options.quarantine_cap;
    pair->job_.options.quarantine = std::move(quarantine);
  }
  if (options.state_must_exist) {
    copy::RetryScope scope;
    scope.folders = filters.folders;
    if (!options.uids.empty()) {
      MXF_TRY(uids, imap::UidSet::parse(options.uids));
      scope.uids = std::move(uids);
    }
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
