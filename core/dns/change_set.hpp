// SPDX-License-Identifier: Apache-2.0
// DNS change sets: edits of a plan -> changes of RRsets against what stands there now -> one write,
// read back. Every write re-reads first and refuses what somebody else changed; an MX set is never
// left empty; a name never has two SPF records; the apex's NS and SOA are never touched. A write
// whose outcome is not known is read again, never repeated blindly.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"
#include "ports/dns_api.hpp"

namespace mxferry::dns {

/// What a resume finds after an intent without a result.
enum class Probe { not_done, done, partial, foreign };
std::string to_string(Probe probe);

/// The changes that carry the edits out against `now`; edits that stand already need none.
/// ErrorCode::conflict where an edit's `before` does not hold, ErrorCode::gate where the result
/// would break a rule above. Pure.
/// `begun`: the changes of a write that broke off. A set that it left half changed is nobody else's
/// change: the edits are carried out from its before-image.
Result<std::vector<ZoneChange>> resolve_edits(const ZoneSnapshot& now,
                                              std::span<const DnsEdit> edits,
                                              std::span<const ZoneChange> begun = {});

/// Could a write of `change` that broke off in the set have left it so? Each record is one of the
/// images', and so is the TTL; a set that is gone, too. Pure.
bool is_between(const ZoneRRset* now, const ZoneChange& change);

/// Do the edits stand in `now`? Pure.
Probe probe_edits(const ZoneSnapshot& now, std::span<const DnsEdit> edits);

struct ChangeHooks {
  /// Called with the changes, with before-images, before the write: must be durable when it
  /// returns.
  std::function<Result<void>(const std::vector<ZoneChange>&)> intent{};
  /// Called with the API's change ids as soon as it gave them, before they are live.
  std::function<Result<void>(const std::vector<std::string>&)> accepted{};
  /// Called when the write is known to stand, with the API's change ids.
  std::function<Result<void>(const std::vector<ZoneChange>&, const std::vector<std::string>&)>
      result{};
};

/// Reads, resolves, journals, writes, waits for the provider's own word, reads back. Blocking: a
/// worker thread. Returns the changes made (none: everything stood already).
Result<std::vector<ZoneChange>> apply_edits(DnsApi& api, const std::string& zone,
                                            std::span<const DnsEdit> edits,
                                            const ChangeHooks& hooks, std::stop_token stop,
                                            std::span<const ZoneChange> begun = {});

/// Waits until the provider says that each of these changes is live. ErrorCode::timeout after five
/// minutes.
Result<void> await_live(DnsApi& api, const std::string& zone, const std::vector<std::string>& ids,
                        std::stop_token stop);

/// Changes that bring `now` back to `snapshot` (SOA, apex NS and DNSSEC's own sets left alone), not
/// judged. Pure.
std::vector<ZoneChange> differences(const ZoneSnapshot& now, const ZoneSnapshot& snapshot);

/// The same, all of them, within the safety rules. Pure.
Result<std::vector<ZoneChange>> restore_changes(const ZoneSnapshot& now,
                                                const ZoneSnapshot& snapshot);

/// The last step of apply_edits alone: writes these changes and proves by reading back that they
/// stand. `undone`: as in audit_change.
Result<void> write_changes(DnsApi& api, const std::string& zone,
                           const std::vector<ZoneChange>& changes, const ChangeHooks& hooks,
                           std::stop_token stop, std::span<const ZoneChange> undone = {});

/// Equal data and TTL, however they are spelled. Pure.
bool same_rrset(const ZoneRRset& a, const ZoneRRset& b);

/// The safety rules on a change. `undone`: earlier changes that are being taken back; an MX set
/// that one of them created may go, for the zone stood without it. Pure.
Result<void> audit_change(const std::string& zone, const ZoneChange& change,
                          std::span<const ZoneChange> undone = {});

}  // namespace mxferry::dns
