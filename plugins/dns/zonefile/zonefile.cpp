// SPDX-License-Identifier: Apache-2.0
// DNS plugin `zonefile`: one master file, edited through the host's file service: under a lock,
// compared with what was read, replaced by a rename. The new text is read again before it is
// written. One operation at a time.
#include <mxferry/change_rules.hpp>

#include "master_file.hpp"

namespace zonefile {
namespace {

using namespace mxferry::sdk;

class ZoneFile final : public DnsPlugin {
 public:
  using DnsPlugin::DnsPlugin;

  Result<void> start() override {
    zone_ = lower(with_dot(host().config_or("zone", "")));
    file_ = host().config_or("file", "");
    return {};
  }

  Result<std::vector<Zone>> list_zones() override {
    MXF_TRY(zone, describe_zone(zone_));
    return std::vector<Zone>{zone};
  }

  Result<Zone> describe_zone(const std::string& name) override {
    MXF_TRY(sets, list_records(name));
    Zone out;
    out.name = name;
    if (const auto* servers = find_set(sets, name, "NS"))
      for (const auto& record : servers->records) out.name_servers.push_back(lower(record.rdata));
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_TRY(text, host().read_file(file_));
    MXF_CHECK(is_ours(zone));
    MXF_TRY(entries, entries_of(text, zone));
    return rrsets_of(entries);
  }

  Result<ApplyOutcome> apply(const std::string& zone, const std::vector<Change>& changes) override {
    ApplyOutcome outcome;
    std::optional<Failure> why;
    const auto change = [&](std::string_view before) -> std::optional<std::string> {
      auto after = checked_change(before, zone, changes);
      if (after) return *std::move(after);
      why = after.error();
      return {};
    };
    const auto edited = host().edit_file(file_, change);
    if (!edited) return fail(edited.error());  // replaced or not: the file shows
    if (why) {
      outcome.applied = Applied::none;
      outcome.why = std::move(why);
      return outcome;
    }
    reload();
    return outcome;
  }

 private:
  Result<void> is_ours(const std::string& zone) const {
    if (zone == zone_) return {};
    return fail(MXF_NOT_FOUND, "the file holds zone " + zone_ + ", not " + zone);
  }

  Result<std::string> checked_change(std::string_view before, const std::string& zone,
                                     const std::vector<Change>& changes) const {
    MXF_CHECK(is_ours(zone));
    MXF_TRY(entries, entries_of(before, zone));
    const auto current = rrsets_of(entries);
    ChangeRules rules;
    rules.swaps_atomically = true;
    for (const auto& change : changes) {
      MXF_CHECK(may_change(zone, change, changes, current, rules));
      if (!change.after) continue;
      for (const auto& record : change.after->records)
        if (!is_printable(record.rdata) || !is_printable(change.after->name))
          return fail(MXF_INVALID, change.after->name +
                                       ": it holds bytes that are not printable "
                                       "ASCII; write them as \\DDD");
    }
    auto after = changed(before, entries, changes);
    // What is about to be written says what is wanted, and nothing else differs.
    MXF_TRY(written, entries_of(after, zone));
    const auto now = rrsets_of(written);
    for (const auto& change : changes) {
      const auto* set = find_set(now, change.any().name, change.any().type);
      if (change.after ? set == nullptr || !same_rrset(*set, *change.after) : set != nullptr)
        return fail(MXF_INVALID, change.any().name + " " + change.any().type +
                                     " cannot be written into the zone file as it is wanted");
    }
    const auto is_wanted = [&](const RRset& set) {
      return set.type == "SOA" || std::any_of(changes.begin(), changes.end(), [&](const Change& c) {
               return c.any().name == set.name && c.any().type == set.type;
             });
    };
    const auto stays = [&](const RRset& set, const std::vector<RRset>& other) {
      const auto* found = find_set(other, set.name, set.type);
      return is_wanted(set) || (found != nullptr && same_rrset(set, *found));
    };
    const auto all_stay = [&](const std::vector<RRset>& sets, const std::vector<RRset>& other) {
      return std::all_of(sets.begin(), sets.end(),
                         [&](const RRset& set) { return stays(set, other); });
    };
    if (!all_stay(current, now) || !all_stay(now, current))
      return fail(MXF_INVALID, "the change would alter other records of the zone file");
    return after;
  }

  // The file is written either way; the checks of the name servers tell whether it is served.
  void reload() const {
    const auto program = host().config("reload");
    if (!program) return;
    const auto run = host().exec({*program}, "", std::chrono::seconds(60));
    if (!run || run->exit_code != 0)
      host().log(MXF_LOG_WARN, "the zone file is written; the program of reload failed");
  }

  std::string zone_, file_;
};

}  // namespace
}  // namespace zonefile

MXF_DNS_PLUGIN("zonefile", zonefile::ZoneFile)
