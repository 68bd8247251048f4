// SPDX-License-Identifier: Apache-2.0
// AccountCopy, the beginning: what both sides hold, whether it can be believed, and what is to be
// done.
#include "copy/account_copy.hpp"
#include "copy/room.hpp"

#include <algorithm>

#include "copy/messages_io.hpp"
#include "copy/started.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
bool is_of_folder(const Error& error) {
  return error.code == ErrorCode::refused || error.code == ErrorCode::denied ||
         error.code == ErrorCode::not_found || error.code == ErrorCode::exists ||
         error.code == ErrorCode::unsupported;
}

Task<Result<void>> AccountCopy::connect(Lane& lane) {
  // Both sides at the same time.
  Started<std::unique_ptr<MailTarget>> opening(run_.executor, job_.open_target());
  auto source = co_await job_.open_source();
  auto target = co_await opening.get();
  if (source) lane.source = std::make_unique<LookAhead>(run_.executor, std::move(source).value());
  if (target) lane.target = std::move(target).value();
  if (!source) co_return fail(std::move(source).error());
  if (!target) co_return fail(std::move(target).error());
  co_return Result<void>();
}

FolderSummary AccountCopy::summary_of(const FolderRecord& record) const {
  const auto it = summaries_.find(record.id);
  return it == summaries_.end() ? FolderSummary() : it->second;
}

// The destination says that its folder is another one than we copied to.
bool AccountCopy::made_anew(const FolderRecord& record) const {
  const auto it = there_at_.find(record.dst_name);
  return it != there_at_.end() && it->second->state && it->second->state->uid_validity &&
         it->second->state->uid_validity != record.dst.uid_validity;
}

// A server's statement alone destroys nothing, and a bad one stops the account before anything else
// is believed.
Result<void> AccountCopy::guard(const std::vector<FolderInfo>& listed) {
  std::vector<FolderCount> counts;
  std::uint64_t to_come = 0;
  const auto key = [](std::string_view wire) { return imap::is_inbox(wire) ? "INBOX" : wire; };
  std::map<std::string_view, const FolderInfo*> at;
  for (const auto& info : listed) {
    if (info.selectable && info.state && info.state->messages) to_come += *info.state->messages;
    at[key(info.wire)] = &info;
  }
  std::uint64_t known_total = 0;
  for (const auto& record : records_) {
    FolderCount count;
    count.name = record.src_name;
    count.is_inbox = imap::is_inbox(record.src_name);
    count.known = summary_of(record).messages;
    known_total += count.known;
    if (const auto it = at.find(key(record.src_name)); it != at.end()) {
      const auto& state = it->second->state;
      // Listed without a count: nothing is known to be gone.
      count.messages = state && state->messages ? *state->messages : count.known;
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
              path_text(listed_[mapping.source].path) + "\" " + mapping.problem;
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
  report.source = path_text(info.path);
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
      report.known = summary_of(records_[it->second]).messages;
      report.filtered -= std::min(report.filtered, report.known);
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
  if (mapping.create || !info.state || !is_unchanged(record.src, *info.state) || made_anew(record))
    return false;
  const auto summary = summary_of(record);
  if (summary.open_intents || summary.refused) return false;
  report.unchanged = true;
  report.known = summary.messages;
  if (!record.left_out.empty() && *info.state->messages > report.known)
    report.filtered = *info.state->messages - report.known;
  report.src = *info.state;
  return true;
}

std::vector<FolderPlace> AccountCopy::places_to_copy() const {
  std::vector<FolderPlace> out;
  for (const auto& unit : units_)
    for (const auto i : unit.mappings) {
      FolderPlace place;
      place.info = &listed_[mappings_[i].source];
      if (const auto it = record_of_.find(place.info->wire); it != record_of_.end())
        place.record = records_[it->second];
      out.push_back(std::move(place));
    }
  return out;
}

Result<void> AccountCopy::find_work() {
  units_.clear();
  next_unit_ = 0;
  leftovers_.reset();
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
    if (mappings_[i].leftovers) {
      leftovers_ = i;
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
  there_at_.clear();
  for (const auto& folder : there_) there_at_.try_emplace(folder.wire, &folder);
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
  MXF_CO_TRY(summaries, job_.state->summaries());
  summaries_ = std::move(summaries);
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
  const auto is_done = [this] { return units_.empty() && !leftovers_; };
  if (is_done() && !job_.options.quarantine) co_return Result<void>();
  if (job_.options.check_room && !job_.options.retry && !room_checked_) {
    const auto places = places_to_copy();
    auto room = co_await check_room(job_, *first.source, *first.target, places);
    if (!room) co_return room;
    room_checked_ = true;
  }
  if (!job_.options.dry_run && !job_.options.retry && !departures_followed_) {
    auto followed = co_await follow_departures(first);
    if (!followed) co_return followed;
    departures_followed_ = true;
  }
  if (is_done()) co_return Result<void>();

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
  if (done && leftovers_) done = co_await copy_leftovers(first);
  co_return done;
}

}  // namespace mxferry::copy
