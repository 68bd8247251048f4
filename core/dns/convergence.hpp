// SPDX-License-Identifier: Apache-2.0
// Who does not yet show what is to be seen: every authoritative server of a zone, found by a walk
// from the root and confirmed over TCP, and then the resolvers that somebody named. Resolvers are
// asked only when every authoritative server agrees: an earlier question would plant an old or a
// negative answer. Where name servers cannot be asked, resolvers over HTTPS are, and none of them
// before every secondary must have the zone (dns/indirect.hpp). Blocking; one thread, which asks on
// several.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "dns/authoritative.hpp"
#include "dns/indirect.hpp"

namespace mxferry::dns {

/// One server that holds a wait up, and over which set.
struct Behind {
  enum class Kind { authoritative, resolver };
  Kind kind = Kind::authoritative;
  std::string who;  // "ns1.example. (192.0.2.1:53)"; "192.0.2.53:53"
  Question question;
  bool answered = true;  // false: it gave no answer that counts, so nothing is known
  std::string why;
  /// A resolver's: the seconds until what it holds has run out.
  std::optional<std::uint32_t> ttl_left{};
};

/// What one resolver's answer says of it; nothing: it shows what is to be seen. Pure.
std::optional<Behind> check_resolver(const std::string& who, const Seen& seen,
                                     const Expected& expected);

class Convergence {
 public:
  struct Network {
    std::vector<DnsServer> roots{};      // where the walk begins; empty: the public ones
    std::uint16_t authority_port = 53;   // of all that are found on the way
    std::vector<DnsServer> resolvers{};  // none: only the zone's own servers are asked
    Millis overlap{0};                   // how long older answers may be cached
    DohServers doh{};                    // not empty: only these are asked, an indirect proof
    Instant published{};                 // indirect: when the API was last seen to hold it
    Millis publish_delay{0};             // indirect: until the API's own servers serve it
  };
  /// `zone` canonical; the answers of the zone's servers to `expected` are what is waited for.
  Convergence(std::string zone, std::vector<Expected> expected, Network network,
              const Clock& clock);

  /// One look: nothing where all agree. ErrorCode::network where the servers cannot be found,
  /// ErrorCode::not_found where no such zone is delegated.
  Result<std::vector<Behind>> look(std::stop_token stop);

  /// Resolvers that keep an answer longer than its TTL, as was seen: each is named once.
  const std::vector<std::string>& floors() const { return floors_; }

 private:
  std::vector<Behind> ask_authorities(const Delegation& delegation, bool tcp,
                                      std::stop_token stop) const;
  Result<std::vector<Behind>> look_indirectly(std::stop_token stop);
  std::vector<Behind> ask_resolvers(std::stop_token stop);
  bool has_floor(const Behind& behind, const Seen& seen, const Expected& expected);

  std::string zone_;
  std::vector<Expected> expected_;
  Network network_;
  const Clock& clock_;
  std::optional<Instant> everywhere_;        // indirect: when every server must have the zone
  std::map<std::string, Instant> runs_out_;  // by resolver and set: what it held when first met
  std::vector<std::string> floors_;
};

}  // namespace mxferry::dns
