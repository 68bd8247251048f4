// SPDX-License-Identifier: Apache-2.0
// AccountCopy, before the folders: what moved at the source moves at the destination, and what is
// gone from it is put aside where that is asked for.
#include <algorithm>
#include <set>

#include "base/crash_point.hpp"
#include "copy/account_copy.hpp"
#include "copy/leftovers.hpp"

namespace mxferry::copy {

// One lane, before the others start: a move reaches into two folders.
Task<Result<void>> AccountCopy::follow_departures(Lane& lane) {
  const auto& wanted = job_.options.quarantine;
  const bool moves = job_.options.follow_moves && lane.target->has_move();
  if (records_.empty() || (!moves && !wanted)) co_return Result<void>();
  std::vector<FolderPlace> places;
  std::vector<const FolderMapping*> mapping_of;
  for (const auto& mapping : mappings_) {
    const auto& info = listed_[mapping.source];
    if (!mapping.skipped.empty() || mapping.leftovers || !chosen_->takes(info.path)) continue;
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
    auto kept = co_await keep_archived(lane, places, *found);
    if (!kept) co_return kept;
    auto done = co_await put_aside(lane, places, std::move(*found));
    if (!done) co_return done;
  }
  // Folders that were made and records that moved are known to the lanes.
  MXF_CO_TRY(records, job_.state->folders());
  records_ = std::move(records);
  MXF_CO_CHECK(find_work());
  co_return Result<void>();
}

// What left its folder and is still in the source's view of all mail was archived, not deleted: it
// stays where it is.
Task<Result<void>> AccountCopy::keep_archived(Lane& lane, const std::vector<FolderPlace>& places,
                                              Departures& departures) {
  for (const auto& view : listed_) {
    if (departures.gone.empty()) co_return Result<void>();
    if (view.use != SpecialUse::all || !view.selectable) continue;
    std::set<Fingerprint> wanted;
    for (const auto& [place, record] : departures.gone) wanted.insert(record.fingerprint);
    auto held = co_await held_by_view(*lane.source, view, wanted);
    if (!held && !is_of_folder(held.error())) co_return fail(std::move(held).error());
    if (!held) {
      // Unknown is not "deleted".
      for (const auto& [place, record] : departures.gone) {
        auto& report = report_for(*places[place].info);
        if (report.failed.empty())
          report.failed = "the source's view of all mail is not readable (" +
                          held.error().message() + "): nothing that is gone is put aside";
      }
      departures.gone.clear();
      co_return Result<void>();
    }
    std::erase_if(departures.gone,
                  [&](const auto& one) { return held->contains(one.second.fingerprint); });
  }
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

}  // namespace mxferry::copy
