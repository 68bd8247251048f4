// SPDX-License-Identifier: Apache-2.0
#include "dns/change_set.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "base/crash_point.hpp"
#include "base/escape.hpp"
#include "dns/change_dangers.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::dns {
namespace {

using Key = std::pair<std::string, std::string>;

std::vector<std::string> rdata_of(const ZoneRRset& set) {
  std::vector<std::string> out;
  for (const auto& record : set.records) out.push_back(record.rdata);
  return out;
}

// The records of `have` that say the same as `rdata` keep their id and extra; the rest is new.
ZoneRRset with_rdata(const ZoneRRset* have, const DnsEdit& edit,
                     const std::vector<std::string>& rdata, std::uint32_t ttl) {
  ZoneRRset out;
  out.name = edit.name;
  out.type = edit.type;
  out.ttl = ttl;
  if (have != nullptr) out.etag = have->etag;
  for (const auto& item : rdata) {
    ZoneRecord record{item};
    if (have != nullptr) {
      for (const auto& old : have->records)
        if (same_set(edit.type, {old.rdata}, {item})) record = old;
    }
    out.records.push_back(std::move(record));
  }
  return out;
}

bool same_image(const ZoneRRset* now, const std::optional<ZoneRRset>& image) {
  if (now == nullptr || !image) return now == nullptr && !image;
  return same_rrset(*now, *image);
}

// The image that the edits of a set begin from: what stands, unless a write that broke off left it
// half changed.
std::optional<ZoneRRset> start_of(const ZoneRRset* have, const Key& key,
                                  std::span<const ZoneChange> begun) {
  for (const auto& change : begun) {
    const auto& any = change.before ? *change.before : *change.after;
    if (Key(any.name, any.type) != key) continue;
    const bool whole = same_image(have, change.before) || same_image(have, change.after);
    if (!whole && is_between(have, change)) return change.before;
  }
  return have != nullptr ? std::optional(*have) : std::nullopt;
}

// What the API knows of the records that stand (their ids), not of those of an older image.
void take_ids(const ZoneRRset& have, ZoneRRset& target) {
  target.etag = have.etag;
  for (auto& record : target.records)
    for (const auto& old : have.records)
      if (same_set(target.type, {old.rdata}, {record.rdata})) record = old;
}

std::string name_of(const DnsEdit& edit) { return edit.name + " " + edit.type; }

Unexpected<Error> changed_by_someone(const DnsEdit& edit, const std::vector<std::string>& found) {
  std::string have;
  for (const auto& item : found) have += (have.empty() ? "" : ", ") + item;
  Error error;
  error.code = ErrorCode::conflict;
  error.operation = "change " + name_of(edit);
  error.text = "DC-02: somebody else changed it: it now holds " +
               (have.empty() ? "nothing" : escape_line(have));
  return fail(
      std::move(error.with_remedy("look at it (mxferry dns records), then make a new plan")));
}

// What the set will be, starting from `have`; nothing: deleted. `done` tells whether it stands
// already.
Result<std::optional<ZoneRRset>> target_of(const std::optional<ZoneRRset>& have,
                                           const DnsEdit& edit, bool& done) {
  const auto found = have ? rdata_of(*have) : std::vector<std::string>{};
  switch (edit.kind) {
    case DnsEdit::Kind::ttl: {
      if (!have) return changed_by_someone(edit, found);
      auto out = *have;
      out.ttl = edit.ttl.value_or(out.ttl);
      done = out.ttl == have->ttl;
      return std::optional(out);
    }
    case DnsEdit::Kind::set: {
      const bool ttl_fits = !edit.ttl || !have || have->ttl == *edit.ttl;
      done =
          edit.after.empty() ? !have : have && same_set(edit.type, found, edit.after) && ttl_fits;
      if (done) return have;
      const bool data_stands =
          have && !edit.after.empty() && same_set(edit.type, found, edit.after);
      if (!data_stands && !same_set(edit.type, found, edit.before))
        return changed_by_someone(edit, found);
      if (edit.after.empty()) return std::optional<ZoneRRset>();
      const auto ttl = edit.ttl ? *edit.ttl : have ? have->ttl : 300U;
      return std::optional(with_rdata(have ? &*have : nullptr, edit, edit.after, ttl));
    }
    case DnsEdit::Kind::string: {
      const auto holds = [&](const std::string& item) {
        return std::any_of(found.begin(), found.end(), [&](const std::string& other) {
          return same_set(edit.type, {other}, {item});
        });
      };
      const bool added = std::all_of(edit.after.begin(), edit.after.end(), holds);
      const bool removed =
          std::none_of(edit.before.begin(), edit.before.end(), [&](const std::string& item) {
            const bool stays = std::any_of(
                edit.after.begin(), edit.after.end(),
                [&](const std::string& other) { return same_set(edit.type, {other}, {item}); });
            return !stays && holds(item);
          });
      done = added && removed;
      if (done) return have;
      MXF_TRY(rdata, edit_set(edit.type, found, edit.before, edit.after));
      const auto ttl = edit.ttl ? *edit.ttl : have ? have->ttl : 300U;
      if (rdata.empty()) return std::optional<ZoneRRset>();
      return std::optional(with_rdata(have ? &*have : nullptr, edit, rdata, ttl));
    }
  }
  return fail(ErrorCode::internal, "change " + name_of(edit), "unknown kind of edit");
}

int spf_count(const ZoneRRset& set) {
  int count = 0;
  for (const auto& record : set.records) {
    const auto text = txt_text(record.rdata);
    if (text && is_spf(*text)) ++count;
  }
  return count;
}

// Waits without blocking a stop: a condition variable that the stop token wakes.
bool pause_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

std::string to_string(Probe probe) {
  switch (probe) {
    case Probe::not_done:
      return "not_done";
    case Probe::done:
      return "done";
    case Probe::partial:
      return "partial";
    case Probe::foreign:
      return "foreign";
  }
  return "foreign";
}

Result<void> audit_change(const std::string& zone, const ZoneChange& change,
                          std::span<const ZoneChange> undone) {
  const ZoneRRset& any = change.after ? *change.after : *change.before;
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorCode::gate, "change " + any.name + " " + any.type, "DC-01: " + why);
  };
  if (any.name == zone && (any.type == "NS" || any.type == "SOA"))
    return refuse("the apex NS and SOA are never changed by a migration");
  const bool empties = !change.after || change.after->records.empty();
  if (any.type == "MX" && empties && !takes_back(change, undone))
    return refuse(
        "it would leave the MX set empty: senders would then use the address record, the web "
        "server (RFC 5321 §5.1)");
  if (change.after && change.after->records.empty())
    return refuse("a set without records is a deletion and must be written as one");
  if (any.type == "TXT" && change.after && spf_count(*change.after) > 1)
    return refuse(
        "it would publish two SPF records at once: receivers answer permerror (RFC 7208 §4.5)");
  return {};
}

Result<std::vector<ZoneChange>> resolve_edits(const ZoneSnapshot& now,
                                              std::span<const DnsEdit> edits,
                                              std::span<const ZoneChange> begun) {
  std::map<Key, std::pair<std::optional<ZoneRRset>, std::optional<ZoneRRset>>>
      work;  // before, after
  std::vector<Key> order;
  for (const auto& edit : edits) {
    const Key key{edit.name, edit.type};
    if (!work.contains(key)) {
      const auto* have = now.find(edit.name, edit.type);
      work[key] = {have != nullptr ? std::optional(*have) : std::nullopt,
                   start_of(have, key, begun)};
      order.push_back(key);
    }
    bool done = false;
    MXF_TRY(target, target_of(work[key].second, edit, done));
    if (!done) work[key].second = std::move(target);
  }
  std::vector<ZoneChange> out;
  for (const auto& key : order) {
    auto& [before, after] = work[key];
    const bool nothing =
        before.has_value() == after.has_value() && (!before || same_rrset(*before, *after));
    if (nothing) continue;
    if (before && after) take_ids(*before, *after);
    ZoneChange change{before, after};
    MXF_CHECK(audit_change(now.zone, change));
    out.push_back(std::move(change));
  }
  MXF_CHECK(check_dangers(now, out));
  return out;
}

bool is_between(const ZoneRRset* now, const ZoneChange& change) {
  if (now == nullptr) return true;
  const auto has_ttl = [&](const auto& image) { return image && image->ttl == now->ttl; };
  if (!has_ttl(change.before) && !has_ttl(change.after)) return false;
  return std::all_of(now->records.begin(), now->records.end(), [&](const ZoneRecord& record) {
    const auto holds = [&](const std::optional<ZoneRRset>& image) {
      return image && std::any_of(image->records.begin(), image->records.end(),
                                  [&](const ZoneRecord& other) {
                                    return same_set(now->type, {other.rdata}, {record.rdata});
                                  });
    };
    return holds(change.before) || holds(change.after);
  });
}

Probe probe_edits(const ZoneSnapshot& now, std::span<const DnsEdit> edits) {
  std::size_t done_count = 0;
  std::size_t open = 0;
  for (const auto& edit : edits) {
    const auto* have = now.find(edit.name, edit.type);
    bool done = false;
    const auto target =
        target_of(have != nullptr ? std::optional(*have) : std::nullopt, edit, done);
    if (!target) return Probe::foreign;
    ++(done ? done_count : open);
  }
  if (open == 0) return Probe::done;
  return done_count == 0 ? Probe::not_done : Probe::partial;
}

Result<void> await_live(DnsApi& api, const std::string& zone, const std::vector<std::string>& ids,
                        std::stop_token stop) {
  for (const auto& id : ids) {
    for (int ask = 0;; ++ask) {
      MXF_TRY(live, api.change_live(zone, id, stop));
      if (live) break;
      if (ask < 300 && pause_for(std::chrono::seconds(1), stop)) continue;
      Error error =
          fail(ErrorCode::timeout, "write to " + zone, "the DNS API has not published it yet")
              .error();
      return fail(std::move(error.with_retry(Retry::later)));
    }
  }
  return {};
}

Result<void> write_changes(DnsApi& api, const std::string& zone,
                           const std::vector<ZoneChange>& changes, const ChangeHooks& hooks,
                           std::stop_token stop, std::span<const ZoneChange> undone) {
  if (changes.empty()) return {};
  for (const auto& change : changes) MXF_CHECK(audit_change(zone, change, undone));
  if (hooks.intent) MXF_CHECK(hooks.intent(changes));
  crash_point("zone.intent");
  const auto outcome = api.apply(zone, changes, stop);
  crash_point("zone.sent");
  // An error, `partial` and `unknown` alike: only what the API shows now tells what stands.
  if (outcome && outcome->applied == Applied::none)
    return fail(ErrorCode::conflict, "write to " + zone, "DC-02: the DNS API applied nothing");
  if (outcome) {
    if (hooks.accepted) MXF_CHECK(hooks.accepted(outcome->change_ids));
    crash_point("zone.accepted");
    MXF_CHECK(await_live(api, zone, outcome->change_ids, stop));
  }
  MXF_TRY(now, api.list_records(zone, stop));
  std::size_t standing = 0;
  for (const auto& change : changes) {
    const ZoneRRset& any = change.after ? *change.after : *change.before;
    const auto* have = now.find(any.name, any.type);
    const bool stands =
        change.after ? have != nullptr && same_rrset(*have, *change.after) : have == nullptr;
    if (stands) ++standing;
  }
  if (standing != changes.size()) {
    if (!outcome) return fail(outcome.error());
    Error error;
    error.code = ErrorCode::conflict;
    error.operation = "write to " + zone;
    error.text = "DC-03: " + std::to_string(changes.size() - standing) + " of " +
                 std::to_string(changes.size()) + " changes do not stand after the write";
    return fail(
        std::move(error.with_remedy("look at the zone (mxferry dns records) and run the same "
                                    "command again: it goes on from what stands")));
  }
  // What a staged API shows may be its draft: only its own word says that the draft is published.
  if (api.traits().write_model == "staged" && !(outcome && outcome->applied == Applied::all)) {
    Error error = outcome ? Error{ErrorCode::conflict, "write to " + zone, ""} : outcome.error();
    error.text =
        "DC-03: the changes stand in the API's draft, and whether they are published is "
        "not known" +
        (error.text.empty() ? "" : ": " + error.text);
    return fail(std::move(error.with_remedy(
        "publish or drop the draft at the provider, then run the same command again")));
  }
  if (hooks.result)
    MXF_CHECK(hooks.result(changes, outcome ? outcome->change_ids : std::vector<std::string>{}));
  return {};
}

Result<std::vector<ZoneChange>> apply_edits(DnsApi& api, const std::string& zone,
                                            std::span<const DnsEdit> edits,
                                            const ChangeHooks& hooks, std::stop_token stop,
                                            std::span<const ZoneChange> begun) {
  MXF_TRY(now, api.list_records(zone, stop));
  MXF_TRY(changes, resolve_edits(now, edits, begun));
  MXF_CHECK(write_changes(api, zone, changes, hooks, stop));
  return changes;
}

bool same_rrset(const ZoneRRset& a, const ZoneRRset& b) {
  return a.ttl == b.ttl && same_set(a.type, rdata_of(a), rdata_of(b));
}

std::vector<ZoneChange> differences(const ZoneSnapshot& now, const ZoneSnapshot& snapshot) {
  std::vector<ZoneChange> out;
  const auto managed = [&](const ZoneRRset& set) { return !is_servers_own(now.zone, set); };
  for (const auto& want : snapshot.rrsets) {
    if (!managed(want)) continue;
    const auto* have = now.find(want.name, want.type);
    if (have == nullptr)
      out.push_back({std::nullopt, want});
    else if (!same_rrset(*have, want))
      out.push_back({*have, want});
  }
  for (const auto& have : now.rrsets)
    if (managed(have) && snapshot.find(have.name, have.type) == nullptr)
      out.push_back({have, std::nullopt});
  return out;
}

Result<std::vector<ZoneChange>> restore_changes(const ZoneSnapshot& now,
                                                const ZoneSnapshot& snapshot) {
  auto out = differences(now, snapshot);
  for (const auto& change : out) MXF_CHECK(audit_change(now.zone, change));
  return out;
}

}  // namespace mxferry::dns
