// SPDX-License-Identifier: Apache-2.0
// DnsApi: what the engines need of a DNS provider. Blocking, for worker threads; one operation at a
// time per object. Implemented by plugin/dns_adapter over the C ABI, and by fakes in tests. A
// failed read is an Error, never an empty zone.
#pragma once

#include <mxferry/result.hpp>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/zone.hpp"

namespace mxferry {

/// What the plugin's manifest says about how the API writes (docs/plugins): data, not behaviour.
struct DnsTraits {
  std::string plugin;                 // its id
  std::string write_model = "rrset";  // record | rrset | zone | staged | async
  std::string atomic = "rrset";     // none | rrset | batch: what one apply() changes all-or-nothing
  bool compare_and_swap = false;    // the server itself refuses when `before` no longer holds
  std::uint32_t min_ttl = 0;        // seconds
  std::uint32_t publish_delay = 0;  // seconds until the name servers serve what the API accepted
};

class DnsApi {
 public:
  virtual ~DnsApi() = default;
  virtual const DnsTraits& traits() const = 0;
  virtual Result<std::vector<ZoneInfo>> list_zones(std::stop_token stop) = 0;
  virtual Result<ZoneInfo> describe_zone(const std::string& zone, std::stop_token stop) = 0;
  virtual Result<ZoneSnapshot> list_records(const std::string& zone, std::stop_token stop) = 0;
  /// Applies the changes. An Error means that nothing can be said (read again before anything
  /// else); an ApplyOutcome says.
  virtual Result<ApplyOutcome> apply(const std::string& zone, std::span<const ZoneChange> changes,
                                     std::stop_token stop) = 0;
  /// Asks once whether the change is live at the provider. True where the API has no such notion.
  virtual Result<bool> change_live(const std::string& zone, const std::string& change_id,
                                   std::stop_token stop) = 0;
};

}  // namespace mxferry
