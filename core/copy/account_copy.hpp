// SPDX-License-Identifier: Apache-2.0
// AccountCopy: one attempt to copy an account: connects, lists both sides, asks copy/brain whether
// the account may be touched at all, and lets lanes copy its folders. What is done stays known from
// one attempt to the next. One run, on its executor.
//
//   account_copy.cpp        what is to be done
//   account_departures.cpp  what moved or went away at the source, before the folders
//   account_lanes.cpp       the folders, several at a time
#pragma once

#include <list>
#include <map>
#include <set>

#include "copy/brain/folder_map.hpp"
#include "copy/folder_copy.hpp"
#include "copy/moves.hpp"

namespace mxferry::copy {

/// A refusal that is about one folder.
bool is_of_folder(const Error& error);

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
  /// The folders that units_ will copy.
  std::vector<FolderPlace> places_to_copy() const;
  std::size_t lanes_wanted() const;
  /// Before the folders: what moved at the source, and what is gone from it, at the destination.
  Task<Result<void>> follow_departures(Lane& lane);
  Task<Result<void>> keep_archived(Lane& lane, const std::vector<FolderPlace>& places,
                                   Departures& departures);
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
  /// Behind all other folders: what the view \All holds and none of them.
  Task<Result<void>> copy_leftovers(Lane& lane);
  PartOfView part_of(Lane& lane, const FolderInfo& view);
  FolderReport& report_for(const FolderInfo& info);
  FolderSummary summary_of(const FolderRecord& record) const;
  bool made_anew(const FolderRecord& record) const;
  Result<bool> settle(const FolderInfo& info, const FolderMapping& mapping, FolderReport& report);

  CopyJob& job_;
  RunContext run_;
  std::list<Lane> lanes_;
  std::vector<FolderRecord> records_;
  std::map<std::int64_t, FolderSummary> summaries_;     // by the id of a record
  std::map<std::string, std::size_t> record_of_;        // source wire -> index in records_
  std::multimap<std::string, std::size_t> records_at_;  // destination wire -> index in records_
  std::map<std::string, std::size_t> reports_;          // source wire -> index in report.folders
  std::set<std::string> finished_;                      // source wire
  bool departures_followed_ = false;
  bool room_checked_ = false;
  // Of the attempt under way.
  std::vector<FolderInfo> listed_, there_;
  std::map<std::string_view, const FolderInfo*> there_at_;  // by its name in there_
  std::vector<FolderMapping> mappings_;
  std::optional<FolderChoice> chosen_;
  std::vector<Unit> units_;
  std::size_t next_unit_ = 0;
  std::optional<std::size_t> leftovers_;  // index in mappings_, where there is such a view to copy
  std::uint64_t to_come_ = 0;             // messages that units_ will copy, as far as LIST told
};

}  // namespace mxferry::copy
