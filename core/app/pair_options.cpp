// SPDX-License-Identifier: Apache-2.0
#include "app/pair_options.hpp"

#include <boost/program_options.hpp>
#include <iostream>

#include "app/options.hpp"
#include "base/escape.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

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
    add("accept-quota", po::bool_switch(&o.accept_quota),
        "go on although the destination's quota does not leave room for all that is to be copied");
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
    add("max-rate", po::value(&o.max_rate)->value_name("OCTETS"),
        "at most so many octets a second: 500k, 5M");
    add("max-messages-rate", po::value(&o.max_messages_rate)->value_name("N"),
        "at most N messages a second");
    add("daily-budget", po::value(&o.daily_budget)->value_name("OCTETS"),
        "at most so many octets a day (UTC), over all runs with this state: 2G");
    add("window", po::value(&o.window)->value_name("WINDOW"),
        "copy only then: \"Mon-Fri 20:00-06:00 Europe/Berlin\", spans parted by commas");
    add("no-wait", po::bool_switch(&o.no_wait),
        "where the window is shut or the day's budget used up: exit 7 instead of waiting");
    add("newest-first", po::bool_switch(&o.newest_first),
        "in each folder the newest mail first; the destination then numbers it in that order");
  }
  if (command == "sync" || command == "retry")
    add("folder", po::value(&o.folder)->value_name("GLOB"),
        "only these folders of the source and what lies below them: *, ** and ? as in \"Work/*\"");
  if (command == "retry")
    add("uid", po::value(&o.uids)->value_name("SET"),
        "only these messages of the folder: 3,7:9; with --folder");
  if (command == "retry" || command == "undo")
    add("mailbox", po::value(&o.mailbox)->value_name("ADDRESS"),
        "with a plan: only this one of its mailboxes; may be given again");
  if (command == "undo") {
    add("accept-moved-mx", po::bool_switch(&o.accept_moved_mx),
        "with a plan: go on although the MX points to the destination, where users miss the mail "
        "that is taken back");
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
           "still. With a plan (FILE): what its run recorded.";
  if (command == "undo")
    return "Removes from the destination what sync appended there and nobody changed since, and "
           "nothing else: not what was there before, not what was moved or flagged. Only the "
           "destination is needed; the source must be named where the state knows several. What "
           "stays is listed, and is exit 1. With a plan (FILE): what its run copied; the mailboxes "
           "are parked, and the next run copies them anew.";
  if (command == "backup")
    return "Writes one mailbox into a folder of this machine: a Maildir for each folder, with a "
           "manifest of digests, dates and flags. Again: what is new. With --check it compares the "
           "files with the manifests. Back into a mailbox: mxferry sync --source maildir:DIR.";
  return "Compares a copied mailbox with its source: every message by digest, date and flags.";
}

Unexpected<Error> usage(std::string text) {
  return fail(ErrorCode::usage, "command line", std::move(text));
}

}  // namespace

Result<Choice> read_choice(const PairOptions& o) {
  Choice out;
  std::string problem;  // the first
  const auto wrong = [&](const std::string& what) {
    if (problem.empty()) problem = what;
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
  octets("--max-rate", o.max_rate, out.pace.octets_per_second);
  octets("--daily-budget", o.daily_budget, out.pace.octets_per_day);
  if (o.max_messages_rate > 0) out.pace.messages_per_second = o.max_messages_rate;
  for (const auto& limit : {out.pace.octets_per_second, out.pace.octets_per_day})
    if (limit == 0U) wrong("a limit of 0 octets would never let anything move");
  if (!o.window.empty()) {
    auto window = TimeWindow::parse(o.window);
    if (!window) {
      wrong("--window: " + window.error().text);
    } else {
      out.pace.window = *std::move(window);
    }
  }
  if (!problem.empty()) return usage(problem);
  return out;
}

Result<std::optional<PairOptions>> parse_pair_options(const std::string& command,
                                                      std::span<const std::string> args) {
  PairOptions options;
  auto description = describe(command, options);
  OptionTable table;
  table.command = command;
  const bool takes_plan = command == "undo" || command == "retry";
  table.synopsis =
      command == "undo"    ? "FILE [OPTIONS] | --dest URL --dest-secret REF --state FILE [OPTIONS]"
      : command == "retry" ? "FILE [OPTIONS] | --source URL --source-secret REF --dest URL "
                             "--dest-secret REF --state FILE [OPTIONS]"
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
    po::positional_options_description positional;
    po::options_description all;
    all.add(description);
    if (takes_plan) {
      all.add_options()("plan-file", po::value(&options.plan), "plan.toml");
      positional.add("plan-file", 1);
    }
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(words).options(all).positional(positional).style(style).run(),
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
  if (!options.plan.empty() && (!options.source.empty() || !options.dest.empty()))
    return usage("a plan names both ends itself: leave --source and --dest out");
  if (options.plan.empty() && (!options.mailbox.empty() || options.accept_moved_mx))
    return usage("--mailbox and --accept-moved-mx go with a plan");
  if (options.state.empty() && options.plan.empty()) return usage("--state is missing");
  if (options.timeout == 0) return usage("--timeout must be at least 1");
  if (auto choice = read_choice(options); !choice) return fail(std::move(choice).error());
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

}  // namespace mxferry::app
