// SPDX-License-Identifier: Apache-2.0
// AccountCopy, the lanes: each is a pair of connections that takes one unit of folders after the
// other, and begins with the next while the last batch of the one before is under way.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "copy/account_copy.hpp"
#include "copy/leftovers.hpp"

namespace mxferry::copy {

std::size_t AccountCopy::lanes_wanted() const {
  if (units_.empty()) return 1;
  const auto& first = lanes_.front();
  const auto round_trip = std::max(first.source->round_trip(), first.target->round_trip());
  const std::size_t most = job_.options.lanes > 0 ? job_.options.lanes : lanes_for(round_trip);
  return std::min(
      {most, units_.size(), lanes_worth(units_.size(), to_come_, first.target->has_batches())});
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
    record.use = mapping.leftovers ? SpecialUse::archive : info.use;
  }
  FolderCopy copy(run_, lane, record, report, std::move(siblings));
  if (mapping.leftovers) copy.take_only(part_of(lane, info));
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

PartOfView AccountCopy::part_of(Lane& lane, const FolderInfo& view) {
  // Folders whose records do not stand for all their mail.
  std::set<std::string> left_out;
  for (const auto& mapping : mappings_)
    if (const auto& info = listed_[mapping.source];
        !mapping.skipped.empty() || !chosen_->takes(info.path))
      left_out.insert(info.wire);
  PartOfView part;
  // All other folders were listed later: what they had not yet is not in the view below this.
  part.until = *view.state->uid_next;
  part.keep = [this, &lane, &view, left_out = std::move(left_out)](
                  std::vector<MessageInfo>& fresh, bool complete) -> Task<Result<void>> {
    auto kept = co_await keep_leftovers(*lane.source, *job_.state, view, listed_, left_out,
                                        complete, fresh);
    if (!kept) co_return kept;
    auto again = co_await lane.source->open_folder(view.wire);
    if (!again) co_return fail(std::move(again).error());
    co_return Result<void>();
  };
  return part;
}

Task<Result<void>> AccountCopy::copy_leftovers(Lane& lane) {
  const auto& mapping = mappings_[*leftovers_];
  const auto& info = listed_[mapping.source];
  auto& report = report_for(info);
  if (job_.options.dry_run) {
    report.skipped = "what lies only here is found when the other folders were copied";
    co_return Result<void>();
  }
  if (!info.state || !info.state->uid_next) {
    report.failed = "the source gives no UIDNEXT of it: what lies only here is not copied";
    co_return Result<void>();
  }
  // What they hold and could not be copied would be taken for mail that lies only here.
  for (const auto& folder : run_.report.folders)
    if (!folder.failed.empty() || !folder.stopped.empty()) {
      report.failed = "waits until \"" + folder.source + "\" can be copied";
      co_return Result<void>();
    }
  Unit unit;
  unit.mappings.resize(2);  // the state is read anew: other folders were copied meanwhile
  MXF_CO_TRY(stored, sharing(unit, mapping));
  auto copied = co_await copy_folder(lane, mapping, std::move(stored));
  if (copied) finished_.insert(info.wire);
  co_return copied;
}

void AccountCopy::look_ahead(Lane& lane, const FolderMapping& mapping) const {
  const auto& info = listed_[mapping.source];
  LookAhead::Next next;
  next.wire = info.wire;
  bool all_is_new = false;  // what is listed, so that it will be fetched
  const auto known = record_of_.find(info.wire);
  if (known == record_of_.end()) {
    next.first = Uid(1);
    all_is_new = mapping.create;  // else what is there is looked at first
  } else if (const auto& record = records_[known->second];
             info.state && info.state->uid_validity == record.src.uid_validity) {
    next.first = first_to_list(record, job_.options.messages);
    all_is_new = record.src.uid_next == next.first;
  }
  if (all_is_new && job_.paces.empty())  // else it is fetched when its pace allows
    next.batch = [this](std::vector<MessageInfo> listed) {
      return first_batch(std::move(listed), job_.options);
    };
  lane.source->begin(std::move(next));
  if (mapping.create && !lane.creating.valid()) {
    lane.creating_name = mapping.wire;
    lane.creating =
        Started<bool>(run_.executor, lane.target->create_folder(mapping.wire, info.use));
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

}  // namespace mxferry::copy
