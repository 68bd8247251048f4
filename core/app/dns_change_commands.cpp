// SPDX-License-Identifier: Apache-2.0
#include "app/dns_change_commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "app/command.hpp"
#include "app/dns_command.hpp"
#include "app/dns_journal.hpp"
#include "app/dns_snapshot_file.hpp"
#include "app/dns_snapshot_folder.hpp"
#include "app/dns_want.hpp"
#include "app/options.hpp"
#include "app/write_file.hpp"
#include "base/clock.hpp"
#include "base/crash_point.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "base/read_file.hpp"
#include "dns/change_dangers.hpp"
#include "dns/change_set.hpp"
#include "plan/plan_json.hpp"

namespace mxferry::app {
namespace {

namespace po = boost::program_options;

Json side_json(const std::optional<ZoneRRset>& set) {
  if (!set) return Json();
  Json data = Json::array();
  for (const auto& record : set->records) data.push_back(record.rdata);
  return {{"ttl", set->ttl}, {"data", std::move(data)}};
}

Json changes_json(const std::vector<ZoneChange>& changes) {
  Json out = Json::array();
  for (const auto& change : changes) {
    const auto& any = change.after ? *change.after : *change.before;
    out.push_back({{"name", any.name},
                   {"type", any.type},
                   {"before", side_json(change.before)},
                   {"after", side_json(change.after)}});
  }
  return out;
}

std::string diff_text(const std::vector<ZoneChange>& changes) {
  std::string out;
  const auto lines = [&](char sign, const ZoneRRset& set, const std::optional<ZoneRRset>& other) {
    for (const auto& record : set.records) {
      const bool stays = other && other->ttl == set.ttl &&
                         std::any_of(other->records.begin(), other->records.end(),
                                     [&](const auto& r) { return r.rdata == record.rdata; });
      if (stays && sign == '-') continue;
      out += (stays ? ' ' : sign);
      out += escape_line(" " + set.name + " " + std::to_string(set.ttl) + " " + set.type + " " +
                         record.rdata) +
             "\n";
    }
  };
  for (const auto& change : changes) {
    if (change.before) lines('-', *change.before, change.after);
    if (change.after) lines('+', *change.after, change.before);
  }
  return out;
}

// The data that somebody saw, against what a second reading gives; etags may move on their own.
bool same_changes(const std::vector<ZoneChange>& a, const std::vector<ZoneChange>& b) {
  return changes_json(a) == changes_json(b);
}

struct Options {
  DnsTarget target;
  std::string file;              // --want or --desired, or the snapshot
  std::string desired;           // --desired
  std::string snapshot;          // --snapshot
  std::filesystem::path folder;  // where the snapshot comes that nobody named
  std::string kept;              // where the snapshot of this change lies, once it is on disk
  std::size_t max_changes = 0;   // of sets that nobody named
  bool all = false;              // restore: what others changed, too
  bool json = false, yes = false, no_input = false, dry_run = false;
};

using Compute = std::function<Result<std::vector<ZoneChange>>(const ZoneSnapshot&)>;

void print(const Options& o, const std::vector<ZoneChange>& changes, const std::string& state) {
  if (o.json) {
    const Json out = {{"format", "mxferry-dns-plan/1"},
                      {"zone", o.target.zone},
                      {"state", state},
                      {"snapshot", o.kept.empty() ? Json() : Json(o.kept)},
                      {"changes", changes_json(changes)}};
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    return;
  }
  if (changes.empty())
    std::cout << "nothing to do: " << escape_line(o.target.zone) << " is as wanted\n";
  else
    std::cout << diff_text(changes);
}

// True: go on. Only a terminal can be asked.
Result<bool> confirmed(const Options& o, std::size_t count) {
  if (o.yes) return true;
  if (o.no_input || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) {
    auto error = fail(ErrorCode::usage, "dns", "nobody is there to confirm the changes").error();
    return fail(std::move(error.with_remedy("add --yes once you have seen them (--dry-run)")));
  }
  std::cerr << "write " << count << (count == 1 ? " change" : " changes") << " to "
            << escape_line(o.target.zone) << "? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// What a change leaves on disk before anything is written, so that it can be gone on with.
struct Records {
  std::string way = "apply";
  /// Durable when it returns. Nothing where there is nothing to keep.
  std::function<Result<void>(const ZoneSnapshot& before, const std::vector<ZoneChange>& changes)>
      keep{};
  std::optional<DnsJournal> journal{};
  std::vector<ZoneChange> undone{};  // a restore: what it takes back
};

// Others' changes of sets that this one does not name, between two readings.
Result<void> check_others(const Options& o, const ZoneSnapshot& before, const ZoneSnapshot& after,
                          const std::vector<ZoneChange>& changes, const std::string& remedy) {
  const auto others = dns::changed_besides(before, after, changes);
  for (const auto& set : others)
    std::cerr << "changed meanwhile, and named by nobody: " << escape_line(set.name) << " "
              << set.type << '\n';
  if (others.size() <= o.max_changes) return {};
  auto error = fail(ErrorCode::gate, "change " + o.target.zone,
                    "DC-05: " + std::to_string(others.size()) +
                        " sets changed meanwhile that this change does not name, more than "
                        "--max-changes " +
                        std::to_string(o.max_changes))
                   .error();
  return fail(std::move(error.with_remedy(remedy)));
}

dns::ChangeHooks hooks_of(Records& records) {
  dns::ChangeHooks hooks;
  if (!records.journal) return hooks;
  auto* journal = &*records.journal;
  hooks.intent = [journal, way = records.way](const auto& changes) {
    return journal->intent(way, changes);
  };
  hooks.accepted = [journal](const auto& ids) { return journal->accepted(ids); };
  hooks.result = [journal](const auto&, const auto&) { return journal->result(); };
  return hooks;
}

// What a write that was cut off may have left: its changes stand; are they live?
Result<void> close_journal(DnsApi& api, const std::string& zone, Records& records) {
  if (!records.journal || !records.journal->is_open()) return {};
  MXF_CHECK(dns::await_live(api, zone, records.journal->ids(), {}));
  return records.journal->result();
}

Result<int> change_zone(Options& o, DnsApi& api, const Compute& compute, Records& records) {
  MXF_TRY(now, api.list_records(o.target.zone, {}));
  MXF_TRY(changes, compute(now));
  if (changes.empty()) {
    if (!o.dry_run) MXF_CHECK(close_journal(api, o.target.zone, records));
    print(o, changes, "stands");
    return static_cast<int>(Exit::done);
  }
  if (o.dry_run) {
    print(o, changes, "planned");
    return static_cast<int>(Exit::done);
  }
  // With --json stdout holds the outcome alone; the person who is asked still sees the difference.
  if (o.json)
    std::cerr << diff_text(changes);
  else
    print(o, changes, "planned");
  std::cout << std::flush;
  MXF_TRY(go, confirmed(o, changes.size()));
  if (!go) {
    std::cerr << "nothing was written\n";
    return static_cast<int>(Exit::interrupted);
  }
  MXF_TRY(again, api.list_records(o.target.zone, {}));
  MXF_TRY(fresh, compute(again));
  if (!same_changes(changes, fresh)) {
    auto error = fail(ErrorCode::conflict, "change " + o.target.zone,
                      "DC-02: somebody else changed the zone meanwhile; nothing was written")
                     .error();
    return fail(
        std::move(error.with_remedy("look at it again: the same command shows the new "
                                    "difference")));
  }
  MXF_CHECK(check_others(o, now, again, fresh,
                         "nothing was written; look at the zone, then run the same command again"));
  if (records.keep) MXF_CHECK(records.keep(again, fresh));
  crash_point("zone.kept");
  MXF_CHECK(dns::write_changes(api, o.target.zone, fresh, hooks_of(records), {}, records.undone));
  crash_point("zone.written");
  // Nothing may be left: what stands now is what was asked for.
  MXF_TRY(after, api.list_records(o.target.zone, {}));
  MXF_TRY(left, compute(after));
  if (!left.empty())
    return fail(ErrorCode::conflict, "change " + o.target.zone,
                "DC-03: " + std::to_string(left.size()) + " changes are left after the write");
  MXF_CHECK(check_others(o, again, after, fresh,
                         "what was asked for is written; look at these sets (dns restore --all "
                         "brings all of the snapshot back)"));
  if (o.json) print(o, fresh, "applied");
  std::cerr << fresh.size() << (fresh.size() == 1 ? " RRset" : " RRsets")
            << " written and read back\n";
  if (!o.kept.empty() && records.way == "apply")
    std::cerr << "back to before it: mxferry dns restore --snapshot " << escape_line(o.kept)
              << '\n';
  return static_cast<int>(Exit::done);
}

int ended(Result<int> exit) { return exit ? *exit : report_error(exit.error()); }

void add_change_options(OptionTable& table, Options& o) {
  auto add = table.options.add_options();
  add("json", po::bool_switch(&o.json), "print JSON");
  add("yes,y", po::bool_switch(&o.yes), "do not ask");
  add("no-input", po::bool_switch(&o.no_input), "never ask: refuse without --yes");
  add("dry-run", po::bool_switch(&o.dry_run), "show the changes, write nothing");
  add("max-changes", po::value(&o.max_changes)->value_name("N"),
      "how many sets that the change does not name may change while it is made (0)");
}

// Was that snapshot taken for the very change that is wanted now?
bool is_of(const AppliedSnapshot& kept, const Want& want, std::uint32_t floor) {
  const auto wanted = changes_for(want, kept.before, floor);
  return wanted && same_changes(*wanted, kept.changes);
}

// The snapshot of an apply that was cut off before its end: this one goes on, and the file stays
// what it is. Nothing where there is no such file; a file of anything else is refused.
Result<std::optional<AppliedSnapshot>> unfinished(const Options& o, const Want& want,
                                                  std::uint32_t floor) {
  std::error_code ec;
  if (!std::filesystem::exists(o.snapshot, ec)) return std::optional<AppliedSnapshot>();
  MXF_TRY(text, read_file(o.snapshot));
  MXF_TRY(kept, read_applied_snapshot(text, escape_line(o.snapshot)));
  if (kept.plugin == o.target.plugin && kept.before.zone == o.target.zone &&
      is_of(kept, want, floor))
    return std::optional<AppliedSnapshot>(std::move(kept));
  auto error =
      fail(ErrorCode::usage, escape_line(o.snapshot), "is the snapshot of another change").error();
  return fail(std::move(error.with_remedy("name another file; this one may still be needed")));
}

// Nobody named a file: the snapshot goes into the state folder. An apply of the same change that
// was cut off is gone on with from where it lies.
Result<void> choose_snapshot(Options& o, const Want& want, std::uint32_t floor) {
  const auto folder = snapshot_folder(o.target.zone);
  MXF_TRY(begun, newest_unfinished(folder, o.target.plugin, o.target.zone));
  if (begun && is_of(begun->snapshot, want, floor)) {
    o.snapshot = begun->file.string();
    return {};
  }
  if (begun)
    std::cerr << "another change was cut off before its end; mxferry dns restore --snapshot "
              << escape_line(begun->file.string()) << " takes it back\n";
  o.snapshot = new_snapshot_name(folder, SystemClock().now()).string();
  o.folder = folder;
  return {};
}

// The journal beside the snapshot.
Result<void> open_journal(const std::string& file, const AppliedSnapshot& snapshot,
                          Records& records) {
  MXF_TRY(journal, DnsJournal::open(file + ".journal", snapshot_digest(snapshot)));
  if (journal.is_open())
    std::cerr << "a write was cut off: going on from what stands (" << escape_line(file)
              << ".journal)\n";
  records.journal = std::move(journal);
  return {};
}

void add_want_options(OptionTable& table, Options& o) {
  auto add = table.options.add_options();
  add("desired", po::value(&o.desired)->value_name("FILE"),
      "the RRsets that are to stand (docs/operate/dns.md)");
  add("want", po::value(&o.file)->value_name("FILE"), "the same in mxferry's own formats");
}

Result<int> towards_want(Options& o) {
  if (o.file.empty() == o.desired.empty())
    return fail(ErrorCode::usage, "--desired", "either this or --want is needed");
  if (o.file.empty()) o.file = o.desired;
  MXF_TRY(api, open_dns_target(o.target));
  MXF_TRY(text, read_file(o.file));
  MXF_TRY(want, parse_want(text, o.target.zone, escape_line(o.file)));
  MXF_TRY(info, api->describe_zone(o.target.zone, {}));
  const auto floor = std::max(info.min_ttl, api->traits().min_ttl);
  Records records;
  std::vector<ZoneChange> begun;  // what a write that was cut off was about
  if (!o.dry_run || !o.snapshot.empty()) {
    if (o.snapshot.empty()) MXF_CHECK(choose_snapshot(o, want, floor));
    MXF_TRY(kept, unfinished(o, want, floor));
    if (kept) {
      MXF_CHECK(open_journal(o.snapshot, *kept, records));
      o.kept = o.snapshot;
      if (records.journal->is_open()) begun = kept->changes;
    } else {
      records.keep = [&](const ZoneSnapshot& before,
                         const std::vector<ZoneChange>& changes) -> Result<void> {
        if (!o.folder.empty()) MXF_CHECK(make_snapshot_folder(o.folder));
        const AppliedSnapshot snapshot{o.target.plugin, before, changes};
        MXF_CHECK(write_new_file(o.snapshot, snapshot_text(snapshot)));
        o.kept = o.snapshot;
        return open_journal(o.snapshot, snapshot, records);
      };
    }
  }
  return change_zone(
      o, *api, [&](const ZoneSnapshot& now) { return changes_for(want, now, floor, begun); },
      records);
}

}  // namespace

int dns_plan(std::span<const std::string> args) {
  Options o;
  OptionTable table;
  table.command = "dns plan";
  table.synopsis = "--provider ID --zone ZONE --desired FILE [OPTIONS]";
  table.about =
      "Shows what would have to change for the zone to be as FILE says, and writes nothing.";
  add_dns_options(table.options, o.target);
  add_want_options(table, o);
  table.options.add_options()("json", po::bool_switch(&o.json), "print JSON");
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  o.dry_run = true;
  return ended(towards_want(o));
}

int dns_apply(std::span<const std::string> args) {
  Options o;
  OptionTable table;
  table.command = "dns apply";
  table.synopsis = "--provider ID --zone ZONE --desired FILE [OPTIONS]";
  table.about =
      "Makes the zone as FILE says: shows the changes, asks, reads the zone once more, writes, and "
      "reads back until nothing is left to do.";
  add_dns_options(table.options, o.target);
  add_want_options(table, o);
  table.options.add_options()("snapshot", po::value(&o.snapshot)->value_name("FILE"),
                              "before anything is written, the zone and the changes go into this "
                              "new file, each write into FILE.journal: from them a second "
                              "apply goes on and dns restore goes back. Default: a file below "
                              "$XDG_STATE_HOME/mxferry/dns.snapshots, whose name is told");
  add_change_options(table, o);
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  return ended(towards_want(o));
}

int dns_snapshot(std::span<const std::string> args) {
  Options o;
  bool force = false;
  OptionTable table;
  table.command = "dns snapshot";
  table.synopsis = "--provider ID --zone ZONE [-o FILE] [OPTIONS]";
  table.about = "Writes every record of the zone as JSON, for mxferry dns restore.";
  add_dns_options(table.options, o.target);
  auto add = table.options.add_options();
  add("output,o", po::value(&o.file)->value_name("FILE"), "a new file (0600) instead of stdout");
  add("force", po::bool_switch(&force), "replace FILE if it exists");
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  const auto work = [&]() -> Result<int> {
    MXF_TRY(api, open_dns_target(o.target));
    MXF_TRY(zone, api->list_records(o.target.zone, {}));
    std::sort(zone.rrsets.begin(), zone.rrsets.end(), [](const auto& a, const auto& b) {
      return std::tie(a.name, a.type) < std::tie(b.name, b.type);
    });
    const auto text =
        plan::to_json(zone).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (o.file.empty() || o.file == "-") {
      std::cout << text;
    } else {
      MXF_CHECK(force ? write_file(o.file, text) : write_new_file(o.file, text));
      std::cerr << zone.rrsets.size() << " RRsets of " << escape_line(zone.zone) << " in "
                << escape_line(o.file) << '\n';
    }
    return static_cast<int>(Exit::done);
  };
  return ended(work());
}

namespace {

Result<void> of_zone(const ZoneSnapshot& snapshot, const Options& o) {
  if (snapshot.zone == o.target.zone) return {};
  return fail(ErrorCode::config, escape_line(o.file),
              "is a snapshot of " + escape_line(snapshot.zone) + ", not of " + o.target.zone);
}

// Back to before an apply.
Result<int> take_back(Options& o, DnsApi& api, const AppliedSnapshot& snapshot) {
  if (snapshot.plugin != o.target.plugin)
    return fail(ErrorCode::config, escape_line(o.file),
                "is of the plugin " + escape_line(snapshot.plugin) + ", not " + o.target.plugin);
  Records records;
  records.way = "restore";
  records.undone = snapshot.changes;
  MXF_CHECK(open_journal(o.file, snapshot, records));
  bool told = false;
  const auto compute = [&](const ZoneSnapshot& now) -> Result<std::vector<ZoneChange>> {
    MXF_TRY(back, restoration(snapshot, now, o.all));
    for (const auto& set : back.left)
      if (!told)
        std::cerr << "left as it is, for somebody else changed it: " << escape_line(set.name) << " "
                  << set.type << "; --all brings it back too\n";
    for (const auto& change : back.changes)
      if (!told && !change.after && change.before->type == "MX")
        std::cerr << escape_line(change.before->name)
                  << " MX goes, for there was none before the apply; without it senders use the "
                     "name's address records (RFC 5321 §5.1)\n";
    told = true;
    return std::move(back.changes);
  };
  return change_zone(o, api, compute, records);
}

}  // namespace

int dns_restore(std::span<const std::string> args) {
  Options o;
  OptionTable table;
  table.command = "dns restore";
  table.synopsis = "--snapshot FILE --provider ID --zone ZONE [OPTIONS]";
  table.about =
      "Brings the zone back. From the snapshot of an apply: the sets that it changed, and what it "
      "created goes; what others changed since is printed and left, unless --all. From one of dns "
      "snapshot: every set. SOA, the apex NS and DNSSEC's own stay. Shows the changes and asks "
      "first.";
  add_dns_options(table.options, o.target);
  table.options.add_options()(
      "snapshot", po::value(&o.snapshot)->value_name("FILE"),
      "the file that apply or dns snapshot wrote; the word FILE alone does");
  table.options.add_options()("all", po::bool_switch(&o.all),
                              "whatever differs from the snapshot of an apply");
  add_change_options(table, o);
  table.hidden.add_options()("file", po::value(&o.file));
  table.positional.add("file", 1);
  auto read = read_options(table, args);
  if (const int* exit = std::get_if<int>(&read)) return *exit;
  const auto work = [&]() -> Result<int> {
    if (o.file.empty() == o.snapshot.empty())
      return fail(ErrorCode::usage, "--snapshot", "one snapshot is needed");
    if (o.file.empty()) o.file = o.snapshot;
    MXF_TRY(api, open_dns_target(o.target));
    MXF_TRY(text, read_file(o.file));
    if (text.find("\"mxferry-zone/1\"") == text.npos) {
      MXF_TRY(applied, read_applied_snapshot(text, escape_line(o.file)));
      MXF_CHECK(of_zone(applied.before, o));
      return take_back(o, *api, applied);
    }
    auto snapshot = plan::snapshot_from_json(text, escape_line(o.file));
    if (!snapshot) {
      auto error = snapshot.error();
      error.code = ErrorCode::config;
      return fail(std::move(error));
    }
    MXF_CHECK(of_zone(*snapshot, o));
    Records records;
    return change_zone(
        o, *api, [&](const ZoneSnapshot& now) { return dns::restore_changes(now, *snapshot); },
        records);
  };
  return ended(work());
}

}  // namespace mxferry::app
