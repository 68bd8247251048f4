// SPDX-License-Identifier: Apache-2.0
// run_copy: connects, lists both sides, asks copy/brain whether the account may be touched at all,
// copies folder by folder, and comes back after lost connections until there is no progress any
// more.
#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <list>
#include <map>
#include <set>

#include "base/crash_point.hpp"
#include "base/log.hpp"
#include "copy/brain/folder_map.hpp"
#include "copy/folder_copy.hpp"
#include "copy/moves.hpp"
#include "copy/started.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

std::string join(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& part : path) out += (out.empty() ? "" : "/") + part;
  return out;
}

// The destination says that its folder is another one than we copied to.
bool made_anew(const FolderRecord& record, const std::vector<FolderInfo>& there) {
  for (const auto& folder : there)
    if (folder.wire == record.dst_name && folder.state && folder.state->uid_validity)
      return folder.state->uid_validity != record.dst.uid_validity;
  return false;
}

// A refusal that is about one folder.
bool is_of_folder(const Error& error) {
  return error.code == ErrorCode::refused || error.code == ErrorCode::denied ||
         error.code == ErrorCode::not_found || error.code == ErrorCode::exists ||
         error.code == ErrorCode::unsupported;
}

// Folders that go to one place at the destination, in order: one lane does all of them.
struct Unit {
  std::vector<std::size_t> mappings;
};

class AccountCopy {
 public:
  AccountCopy(CopyJob& job, boost::asio::any_io_executor executor)
      : job_(job), run_{.job = job, .executor = executor} {}

  Task<Result<void>> attempt();
  RunContext& context() { return run_; }
  void close() {
    job_.control->on_abort = nullptr;
    for (auto& lane : lanes_) lane.close();
    lanes_.clear();
  }

 private:
  Task<Result<void>> connect(Lane& lane);
  Result<void> guard(const std::vector<FolderInfo>& listed);
  Result<void> check_map() const;
  Result<void> find_work();
  std::size_t lanes_wanted() const;
  /// Before the folders: what moved at the source, and what is gone from it, at the destination.
  Task<Result<void>> follow_departures(Lane& lane);
  Task<Result<void>> put_aside(Lane& lane, const std::vector<FolderPlace>& places,
                               Departures departures);
  Task<Result<void>> run_lane(Lane& lane);
  Task<Result<void>> run_units(Lane& lane);
  /// The lane begins with the folder, as far as it does not disturb the one before it.
  void look_ahead(Lane& lane, const FolderMapping& mapping) const;
  Task<Result<void>> run_more(Lane& lane);
  Result<std::vector<FolderRecord>> sharing(const Unit& unit, const FolderMapping& mapping);
  Task<Result<void>> copy_folder(Lane& lane, const FolderMapping& mapping,
                                 std::vector<FolderRecord> sharing);
  FolderReport& report_for(const FolderInfo& info);
  Result<bool> settle(const FolderInfo& info, const FolderMapping& mapping, FolderReport& report);

  CopyJob& job_;
  RunContext run_;
  std::list<Lane> lanes_;
  std::vector<FolderRecord> records_;
  std::map<std::string, std::size_t> record_of_;        // source wire -> index in records_
  std::multimap<std::string, std::size_t> records_at_;  // destination wire -> index in records_
  std::map<std::string, std::size_t> reports_;          // source wire -> index in report.folders
  std::set<std::string> finished_;                      // source wire
  bool departures_followed_ = false;
  // Of the attempt under way.
  std::vector<FolderInfo> listed_, there_;
  std::vector<FolderMapping> mappings_;
  std::optional<FolderChoice> chosen_;
  std::vector<Unit> units_;
  std::size_t next_unit_ = 0;
  std::uint64_t to_come_ = 0;  // messages that units_ will copy, as far as LIST told
};

Task<Result<void>> AccountCopy::connect(Lane& lane) {
  // Both sides at the same time.
  Started<std::unique_ptr<MailTarget>> opening(run_.executor, job_.open_target());
  auto source = co_await job_.open_source();
  auto target = co_await opening.get();
  if (source)
    lane.source = std::make_unique<LookAhead>(run_.executor, std::move(source).value());
  if (target) lane.target = std::move(target).value();
  if (!source) co_return fail(std::move(source).error());
  if (!target) co_return fail(std::move(target).error());
  co_return Result<void>();
}

// A server's statement alone destroys nothing, and a bad one stops the account before anything else
// is believed.
Result<void> AccountCopy::guard(const std::vector<FolderInfo>& listed) {
  std::vector<FolderCount> counts;
  std::uint64_t to_come = 0;
  for (const auto& info : listed)
    if (info.selectable && info.state && info.state->messages) to_come += *info.state->messages;
  std::uint64_t known_total = 0;
  for (const auto& record : records_) {
    FolderCount count;
    count.name = record.src_name;
    count.is_inbox = imap::is_inbox(record.src_name);
    MXF_TRY(known, job_.state->count_messages(record));
    count.known = known;
    known_total += known;
    for (const auto& info : listed) {
      if (info.wire != record.src_name && !(imap::is_inbox(info.wire) && count.is_inbox)) continue;
      // Listed without a count: nothing is known to be gone.
      count.messages = info.state && info.state->messages ? *info.state->messages : known;
    }
    counts.push_back(std::move(count));
  }
  run_.total = run_.report.copied + run_.report.adopted +
               (to_come > known_total ? to_come - known_total : 0);
  if (job_.options.accept_gone && !listed.empty()) return {};
  auto why = too_much_gone(counts, listed.empty());
  if (why.empty()) return {};
  Error error;
  error.code = ErrorCode::gate;
  error.operation = "copy " + job_.name;
  error.text = "MB-07: " + why;
  error.remedy =
      "nothing was changed; look at the source, and if this is meant, run once with --accept-gone";
  return fail(std::move(error));
}

// Every collision is told before the first byte moves.
Result<void> AccountCopy::check_map() const {
  std::string text;
  for (const auto& mapping : mappings_)
    if (!mapping.problem.empty())
      text += (text.empty() ? "" : "; ") + ("line " + std::to_string(mapping.rule)) + ": \"" +
              join(listed_[mapping.source].path) + "\" " + mapping.problem;
  if (text.empty()) return {};
  Error error;
  error.code = ErrorCode::config;
  error.operation = "map of " + job_.name;
  error.text = std::move(text);
  error.remedy = "change these rules, or add merge where folders are to become one";
  return fail(std::move(error));
}

FolderReport& AccountCopy::report_for(const FolderInfo& info) {
  const auto it = reports_.find(info.wire);
  if (it != reports_.end()) return run_.report.folders[it->second];
  reports_[info.wire] = run_.report.folders.size();
  FolderReport report;
  report.source = join(info.path);
  run_.report.folders.push_back(std::move(report));
  return run_.report.folders.back();
}

// True where nothing is left to do for this folder.
Result<bool> AccountCopy::settle(const FolderInfo& info, const FolderMapping& mapping,
                                 FolderReport& report) {
  if (!mapping.skipped.empty()) {
    report.skipped = mapping.skipped;
    return true;
  }
  report.destination = imap::display_name(mapping.wire);
  const auto it = record_of_.find(info.wire);
  if (!chosen_->takes(info.path)) {
    report.skipped = "left out: the copy was asked for other folders";
    if (info.state) report.filtered = info.state->messages.value_or(0);
    if (it != record_of_.end()) {
      MXF_TRY(known, job_.state->count_messages(records_[it->second]));
      report.known = known;
      report.filtered -= std::min(report.filtered, known);
    }
    return true;
  }
  if (job_.options.retry) {
    if (it == record_of_.end()) return true;
    MXF_TRY(refused, job_.state->exceptions(records_[it->second]));
    return refused.empty();
  }
  if (it == record_of_.end()) return false;
  const auto& record = records_[it->second];
  if (!record.left_out.empty() && record.left_out != job_.options.messages.text()) return false;
  if (mapping.create || !info.state || !is_unchanged(record.src, *info.state) ||
      made_anew(record, there_))
    return false;
  MXF_TRY(open, job_.state->open_intents(record));
  MXF_TRY(exceptions, job_.state->exceptions(record));
  const bool refused = std::any_of(exceptions.begin(), exceptions.end(),
                                   [](const ExceptionRecord& e) { return e.kind == "refused"; });
  if (!open.empty() || refused) return false;
  MXF_TRY(known, job_.state->count_messages(record));
  report.unchanged = true;
  report.known = known;
  if (!record.left_out.empty() && *info.state->messages > known)
    report.filtered = *info.state->messages - known;
  report.src = *info.state;
  return true;
}

Result<void> AccountCopy::find_work() {
  units_.clear();
  next_unit_ = 0;
  to_come_ = 0;
  record_of_.clear();
  records_at_.clear();
  for (std::size_t i = 0; i < records_.size(); ++i) {
    record_of_[records_[i].src_name] = i;
    records_at_.emplace(records_[i].dst_name, i);
  }
  run_.report.folders.reserve(run_.report.folders.size() + mappings_.size());
  std::map<std::string, std::size_t> unit_of;  // destination wire -> index in units_
  for (std::size_t i = 0; i < mappings_.size(); ++i) {
    const auto& info = listed_[mappings_[i].source];
    if (finished_.contains(info.wire)) continue;
    MXF_TRY(settled, settle(info, mappings_[i], report_for(info)));
    if (settled) {
      finished_.insert(info.wire);
      continue;
    }
    const auto [it, fresh] = unit_of.try_emplace(mappings_[i].wire, units_.size());
    if (fresh) units_.emplace_back();
    units_[it->second].mappings.push_back(i);
    const auto known = record_of_.find(info.wire);
    const auto from =
        known == record_of_.end() ? std::optional<Uid>() : records_[known->second].src.uid_next;
    // By UIDNEXT: deletions make it an upper bound, which is all that is needed here.
    if (info.state && info.state->messages)
      to_come_ += from && info.state->uid_next
                      ? std::min<std::uint64_t>(*info.state->messages,
                                                info.state->uid_next->value - from->value)
                      : *info.state->messages;
  }
  return {};
}

std::size_t AccountCopy::lanes_wanted() const {
  const auto& first = lanes_.front();
  const auto round_trip = std::max(first.source->round_trip(), first.target->round_trip());
  const std::size_t most = job_.options.lanes > 0 ? job_.options.lanes : lanes_for(round_trip);
  return std::min({most, units_.size(), lanes_worth(units_.size(), to_come_)});
}

// What is stored of the folder and of others that go to the same place. Read again where several of
// them are copied now: one that comes later must see what an earlier one has stored.
Result<std::vector<FolderRecord>> AccountCopy::sharing(const Unit& unit,
                                                       const FolderMapping& mapping) {
  std::vector<FolderRecord> out;
  if (unit.mappings.size() > 1) {
    MXF_TRY(all, job_.state->folders());
    for (auto& record : all)
      if (record.dst_name == mapping.wire || record.src_name == listed_[mapping.source].wire)
        out.push_back(std::move(record));
    return out;
  }
  const auto own = record_of_.find(listed_[mapping.source].wire);
  if (own != record_of_.end()) out.push_back(records_[own->second]);
  const auto [begin, end] = records_at_.equal_range(mapping.wire);
  for (auto it = begin; it != end; ++it)
    if (own == record_of_.end() || it->second != own->second) out.push_back(records_[it->second]);
  return out;
}

Task<Result<void>> AccountCopy::copy_folder(Lane& lane, const FolderMapping& mapping,
                                            std::vector<FolderRecord> sharing) {
  const auto& info = listed_[mapping.source];
  auto& report = report_for(info);
  FolderRecord record;
  std::vector<FolderRecord> siblings;
  for (auto& other : sharing) {
    if (other.src_name == info.wire) {
      record = std::move(other);
    } else {
      siblings.push_back(std::move(other));
    }
  }
  if (record.id == 0) {
    record.src_name = info.wire;
    record.dst_name = mapping.wire;
    record.use = info.use;
  }
  FolderCopy copy(run_, lane, record, report, std::move(siblings));
  if (job_.options.dry_run) {
    auto counted = co_await copy.dry_run();
    co_return counted;
  }
  auto work = job_.options.retry ? copy.retry() : copy.run(mapping.create, mapping.subscribe);
  auto done = co_await std::move(work);
  if (done) co_return done;
  // The servers' refusal of one folder leaves the others.
  if (!is_of_folder(done.error()) || done.error().retry != Retry::never) co_return done;
  report.failed = done.error().message();
  co_return Result<void>();
}

// One lane, before the others start: a move reaches into two folders.
Task<Result<void>> AccountCopy::follow_departures(Lane& lane) {
  const auto& wanted = job_.options.quarantine;
  const bool moves = job_.options.follow_moves && lane.target->has_move();
  if (records_.empty() || (!moves && !wanted)) co_return Result<void>();
  std::vector<FolderPlace> places;
  std::vector<const FolderMapping*> mapping_of;
  for (const auto& mapping : mappings_) {
    const auto& info = listed_[mapping.source];
    if (!mapping.skipped.empty() || !chosen_->takes(info.path)) continue;
    FolderPlace place;
    place.info = &info;
    if (const auto it = record_of_.find(info.wire); it != record_of_.end())
      place.record = records_[it->second];
    places.push_back(std::move(place));
    mapping_of.push_back(&mapping);
  }
  auto found = co_await find_departures(run_, *lane.source, places, wanted.has_value());
  if (!found) co_return fail(std::move(found).error());
  std::map<std::size_t, std::vector<ArrivedMove>> arrived;
  for (auto& message : found->moved) {
    ArrivedMove one;
    one.from = places[message.from].record;
    one.record = message.record;
    one.now = std::move(message.now);
    arrived[message.to].push_back(std::move(one));
  }
  for (auto& [to, messages] : arrived) {
    if (!moves) break;
    if (run_.ending()) co_return fail(ErrorCode::cancelled, "copy " + job_.name, "stopped");
    const auto& mapping = *mapping_of[to];
    Unit unit;
    unit.mappings.resize(2);  // read anew: an earlier move may have changed it
    MXF_CO_TRY(stored, sharing(unit, mapping));
    FolderRecord record;
    std::vector<FolderRecord> siblings;
    for (auto& other : stored)
      if (other.src_name == places[to].info->wire) {
        record = std::move(other);
      } else {
        siblings.push_back(std::move(other));
      }
    if (record.id == 0) {
      record.src_name = places[to].info->wire;
      record.dst_name = mapping.wire;
      record.use = places[to].info->use;
    }
    FolderCopy copy(run_, lane, record, report_for(*places[to].info), std::move(siblings));
    auto taken = co_await copy.take_moves(mapping.create, mapping.subscribe, std::move(messages));
    // What cannot be moved is copied; a refusal is told when the folder's turn comes.
    if (!taken && (taken.error().retry != Retry::never || !is_of_folder(taken.error())))
      co_return taken;
  }
  if (wanted) {
    auto done = co_await put_aside(lane, places, std::move(*found));
    if (!done) co_return done;
  }
  // Folders that were made and records that moved are known to the lanes.
  MXF_CO_TRY(records, job_.state->folders());
  records_ = std::move(records);
  MXF_CO_CHECK(find_work());
  co_return Result<void>();
}

// Nothing is deleted: what is gone from the source goes into one folder, under the same conditions
// as a move, and only so many at once.
Task<Result<void>> AccountCopy::put_aside(Lane& lane, const std::vector<FolderPlace>& places,
                                          Departures departures) {
  const auto& wanted = *job_.options.quarantine;
  if (departures.gone.empty()) co_return Result<void>();
  const auto told = [&](const std::string& why) {
    for (const auto& [place, record] : departures.gone) {
      auto& report = report_for(*places[place].info);
      if (report.failed.empty()) report.failed = why;
    }
  };
  if (departures.gone.size() > wanted.most) {
    told(std::to_string(departures.gone.size()) +
         " messages are gone from the source at once, more than the " +
         std::to_string(wanted.most) + " that may be put aside: none was");
    co_return Result<void>();
  }
  if (!lane.target->has_move()) {
    told("the destination has no MOVE: nothing that is gone from the source is put aside");
    co_return Result<void>();
  }
  const auto wire = spell_path(wanted.folder, lane.target->personal_namespace());
  auto made = co_await lane.target->create_folder(wire, SpecialUse::none);
  if (!made) co_return fail(std::move(made).error());
  std::map<std::size_t, std::vector<MessageRecord>> by_place;
  for (auto& [place, record] : departures.gone) by_place[place].push_back(record);
  for (auto& [place, records] : by_place) {
    if (run_.ending()) co_return fail(ErrorCode::cancelled, "copy " + job_.name, "stopped");
    const auto& folder = places[place].record;
    auto there = co_await lane.target->open_folder(folder.dst_name);
    if (!there && is_of_folder(there.error())) continue;
    if (!there) co_return fail(std::move(there).error());
    if (there->uid_validity != folder.dst.uid_validity || there->uid_not_sticky) continue;
    auto ours = co_await still_as_left(*job_.state, *lane.target, folder, std::move(records));
    if (!ours) co_return fail(std::move(ours).error());
    for (const auto& record : *ours) {
      auto moved = co_await lane.target->move_message(record.dst, wire);
      if (!moved && is_of_folder(moved.error())) continue;  // it stays
      if (!moved) co_return fail(std::move(moved).error());
      crash_point("quarantine.moved");
      // Cut off here, the message is looked for at its old place and not found: nothing is lost.
      std::vector<Uid> old;
      old.push_back(record.src);
      MXF_CO_CHECK(job_.state->remove_messages(folder, old));
      ++report_for(*places[place].info).quarantined;
      run_.progressed = true;
    }
  }
  co_return Result<void>();
}

void AccountCopy::look_ahead(Lane& lane, const FolderMapping& mapping) const {
  const auto& info = listed_[mapping.source];
  LookAhead::Next next;
  next.wire = info.wire;
  const auto known = record_of_.find(info.wire);
  if (known == record_of_.end()) {
    next.first = Uid(1);
    // What is there already is looked for first: nothing may be left to fetch.
    if (mapping.create)
      next.batch = [this](std::vector<MessageInfo> listed) {
        return first_batch(std::move(listed), job_.options);
      };
  } else if (const auto& record = records_[known->second];
             info.state && info.state->uid_validity == record.src.uid_validity) {
    next.first = first_to_list(record, job_.options.messages);
    if (record.src.uid_next == next.first)
      next.batch = [this](std::vector<MessageInfo> listed) {
        return first_batch(std::move(listed), job_.options);
      };
  }
  lane.source->begin(std::move(next));
  if (mapping.create) {
    lane.creating_name = mapping.wire;
    lane.creating = Started<bool>(run_.executor, lane.target->create_folder(mapping.wire, info.use));
  }
}

Task<Result<void>> AccountCopy::run_units(Lane& lane) {
  std::optional<std::size_t> claimed;  // by looking ahead
  const auto claim = [&]() -> std::optional<std::size_t> {
    if (claimed) return std::exchange(claimed, std::nullopt);
    if (next_unit_ == units_.size()) return std::nullopt;
    return next_unit_++;
  };
  while (const auto number = claim()) {
    const auto& unit = units_[*number];
    for (std::size_t at = 0; at < unit.mappings.size(); ++at) {
      if (run_.ending()) co_return fail(ErrorCode::cancelled, "copy " + job_.name, "stopped");
      const auto& mapping = mappings_[unit.mappings[at]];
      lane.source_is_free = [&, at] {
        if (run_.ending() || job_.options.dry_run || job_.options.retry) return;
        if (at + 1 == unit.mappings.size()) claimed = claim();
        if (at + 1 < unit.mappings.size()) {
          look_ahead(lane, mappings_[unit.mappings[at + 1]]);
        } else if (claimed) {
          look_ahead(lane, mappings_[units_[*claimed].mappings.front()]);
        }
      };
      MXF_CO_TRY(stored, sharing(unit, mapping));
      auto copied = co_await copy_folder(lane, mapping, std::move(stored));
      lane.source_is_free = {};
      if (!copied) co_return copied;
      finished_.insert(listed_[mapping.source].wire);
    }
  }
  co_return Result<void>();
}

Task<Result<void>> AccountCopy::run_lane(Lane& lane) {
  auto done = co_await run_units(lane);
  if (!done) {
    run_.halted = true;
    job_.control->wake();
    lane.close();  // what is under way is not wanted any more
  }
  lane.source_is_free = {};
  co_await lane.source->end();
  if (lane.creating.valid()) (void)co_await lane.creating.get();
  co_return done;
}

// A lane beside the first. A server that does not let it in costs speed, no more.
Task<Result<void>> AccountCopy::run_more(Lane& lane) {
  auto connected = co_await connect(lane);
  if (!connected) {
    log::write(log::Level::info, "lane_refused",
               {{"account", job_.name}, {"why", connected.error().message()}});
    lane.close();
    co_return Result<void>();
  }
  auto done = co_await run_lane(lane);
  co_return done;
}

Task<Result<void>> AccountCopy::attempt() {
  run_.halted = false;
  auto& first = lanes_.emplace_back();
  auto connected = co_await connect(first);
  if (!connected) co_return connected;
  job_.control->on_abort = [this] {
    for (auto& lane : lanes_) lane.close();
  };
  Started<std::vector<FolderInfo>> asked(run_.executor, first.target->list_folders());
  auto listed = co_await first.source->list_folders();
  auto there = co_await asked.get();
  if (!listed) co_return fail(std::move(listed).error());
  if (!there) co_return fail(std::move(there).error());
  listed_ = std::move(listed).value();
  there_ = std::move(there).value();
  MXF_CO_TRY(undoing, job_.state->undo_is_open());
  if (undoing) {
    Error error;
    error.code = ErrorCode::gate;
    error.operation = "copy " + job_.name;
    error.text = "UN-01: an undo of this mailbox was begun and is not at its end";
    error.remedy = "run mxferry undo again; then copy";
    co_return fail(std::move(error));
  }
  MXF_CO_TRY(records, job_.state->folders());
  records_ = std::move(records);
  MXF_CO_CHECK(guard(listed_));
  std::map<std::string, std::string> fixed;
  for (const auto& record : records_) fixed[record.src_name] = record.dst_name;
  mappings_ =
      map_folders(listed_, there_, first.target->personal_namespace(), fixed, job_.options.map);
  MXF_CO_CHECK(check_map());
  const auto& asked_for = job_.options.retry ? job_.options.retry->folders : job_.options.folders;
  chosen_.emplace(asked_for);
  if (!job_.options.retry && !job_.options.dry_run) {
    MXF_CO_TRY(before, job_.state->left_out_folders());
    if (before != asked_for.text())
      MXF_CO_CHECK(job_.state->set_left_out_folders(asked_for.text()));
  }
  for (const auto& folder : there_) run_.names.insert(folder.wire);
  for (const auto& mapping : mappings_) run_.names.insert(mapping.wire);
  MXF_CO_CHECK(find_work());
  if (units_.empty() && !job_.options.quarantine) co_return Result<void>();
  if (!job_.options.dry_run && !job_.options.retry && !departures_followed_) {
    auto followed = co_await follow_departures(first);
    if (!followed) co_return followed;
    departures_followed_ = true;
  }
  if (units_.empty()) co_return Result<void>();

  std::vector<Started<void>> beside;
  const auto lanes = job_.options.dry_run ? std::size_t{1} : lanes_wanted();
  for (std::size_t i = 1; i < lanes; ++i)
    beside.emplace_back(run_.executor, run_more(lanes_.emplace_back()));
  auto done = co_await run_lane(first);
  // The first real reason counts; a lane that only ended because of it has none of its own.
  for (auto& lane : beside) {
    auto other = co_await lane.get();
    if (!other && (done || done.error().code == ErrorCode::cancelled)) done = std::move(other);
  }
  co_return done;
}

bool comes_back(const Error& error) {
  switch (error.code) {
    case ErrorCode::network:
    case ErrorCode::timeout:
    case ErrorCode::protocol:
    case ErrorCode::rate_limited:
      return true;
    case ErrorCode::refused:
    case ErrorCode::not_found:
      return error.retry != Retry::never;
    default:
      return false;
  }
}

}  // namespace

Task<Result<CopyReport>> run_copy(CopyJob& job) {
  const auto executor = co_await boost::asio::this_coro::executor;
  AccountCopy account(job, executor);
  auto& run = account.context();
  unsigned failures = 0;
  while (true) {
    run.progressed = false;
    auto done = co_await account.attempt();
    account.close();
    // Whoever reads the report may rely on it.
    if (auto settled = job.state->settle(); !settled && done) done = std::move(settled);
    if (done) {
      for (const auto& folder : run.report.folders) {
        run.report.known += folder.known;
        run.report.gone += folder.gone;
        run.report.filtered += folder.filtered;
        run.report.quarantined += folder.quarantined;
      }
      co_return run.report;
    }
    Error error = std::move(done).error();
    if (job.control->stopped())
      co_return fail(ErrorCode::cancelled, "copy " + job.name, "stopped; the same command goes on");
    if (!comes_back(error)) co_return fail(std::move(error));
    // A folder that is never there is a refusal in the end, not a wrong command line.
    if (error.code == ErrorCode::not_found) error.code = ErrorCode::refused;
    failures = run.progressed ? 1 : failures + 1;
    if (failures >= job.options.attempts) co_return fail(std::move(error));
    auto wait = std::min(job.options.backoff * (1U << std::min(failures - 1, 16U)),
                         job.options.longest_backoff);
    if (error.retry_after) wait = std::max(wait, *error.retry_after);
    // More patience than a run has: whoever called decides when to come back.
    if (wait > job.options.longest_backoff) co_return fail(std::move(error));
    ++run.report.reconnects;
    co_await run.sleep(wait);
    if (job.control->stopped())
      co_return fail(ErrorCode::cancelled, "copy " + job.name, "stopped; the same command goes on");
  }
}

}  // namespace mxferry::copy
