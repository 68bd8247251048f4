// SPDX-License-Identifier: Apache-2.0
// plan.toml as plain structs. Reading it never touches the network; every error names
// file:line:column, what was expected and what was found (ErrorCode::config). Secrets are
// references (env:NAME, file:PATH), never values. Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "model/copy_filter.hpp"
#include "model/pace_limits.hpp"

namespace mxferry::config {

/// One side: where its IMAP service is, what provider it is, and how to talk to the provider's
/// admin API.
struct Side {
  std::string endpoint;  // imap://HOST[:PORT] (STARTTLS) or imaps://HOST[:PORT]
  std::string provider = "generic-imap";
  std::string address{};  // pins the host to this address
  std::string ca_file{};
  std::string pin{};
  std::map<std::string, std::string> set{};     // the provider plugin's configuration
  std::map<std::string, std::string> secret{};  // its secrets: name -> reference
  PaceLimits limits{};                          // of all copies together, towards this side
};

struct DkimKey {
  std::string selector;
  std::string type = "TXT";  // or CNAME
  std::string data;          // the record's text, unquoted, or the CNAME's target
};

struct ClientRecord {
  std::string name;  // relative to the domain ("autoconfig") or absolute with a final dot
  std::string type;  // CNAME, SRV, A, AAAA, TXT
  std::vector<std::string> data;
};

struct DnsAccess {
  std::string plugin;
  std::string zone;  // example.com.
  std::map<std::string, std::string> set{};
  std::map<std::string, std::string> secret{};
};

struct Domain {
  std::string name;             // example.com
  std::vector<std::string> mx;  // "10 mx.example.net."
  std::string spf{};            // the new provider's record, "v=spf1 include:… -all"
  std::vector<DkimKey> dkim{};
  std::vector<ClientRecord> client{};
  std::vector<std::string> verification{};  // apex TXT strings that the new provider asks for
  std::string tls_rpt{};                    // the text of _smtp._tls, if it is to be added
  bool dmarc_stage = false;
  std::string
      canary{};  // the mailbox that canaries are sent to; the first of the domain by default
  DnsAccess dns;
};

/// Mail that mxferry itself writes: to whom and through which server.
struct Notice {
  std::string smtp{};  // smtp://HOST[:PORT] or smtps://…; empty: no notices
  std::string address{};
  std::string ca_file{};
  std::string pin{};
  std::string from{};
  std::string user{};    // empty: without a login
  std::string secret{};  // reference
  bool users = true;     // write to the mailboxes of each domain
  std::vector<std::string> operators{};
  Millis lead{std::chrono::hours(48)};  // between the notice before the flip and the flip
  std::map<std::string, std::string>
      templates{};  // "before-users.txt" -> its text, where overridden
  bool enabled() const { return !smtp.empty(); }
};

/// Where what a person must look at goes, beside the run's own words.
struct AlertTargets {
  std::vector<std::string> mail{};  // through [notice] smtp
  std::string webhook{};            // https://…; http:// on loopback
  std::string webhook_ca_file{};
  std::string webhook_secret{};        // reference: key of the signature
  std::vector<std::string> command{};  // argv, no shell
  bool enabled() const { return !mail.empty() || !webhook.empty() || !command.empty(); }
};

/// What the copies of the plan leave out, their order, and how fast and when each may go.
struct CopySettings {
  MessageFilter messages{};
  FolderFilter folders{};
  bool newest_first = false;
  PaceLimits limits{};  // of one mailbox
  /// Octets from which on a mailbox does not take one of the places of the others.
  std::uint64_t large_mailbox = 10'000'000'000;
  std::filesystem::path map_file{};  // of folder rules; empty: there is none
  std::string map{};                 // its text
};

struct Accept {
  std::string id;
  std::string reason;
};

/// An address of a domain of the plan that needs no mailbox.
struct IgnoredAddress {
  std::string address;  // lower case
  std::string reason;
};

/// A mailbox of mailboxes.csv.
struct Mailbox {
  std::string source;         // login name at the source, usually the address
  std::string dest;           // the same at the destination
  std::string source_secret;  // reference
  std::string dest_secret;
  std::string wave{};
  std::string lane{};
  std::optional<std::uint64_t> quota_bytes{};
  std::vector<std::string> aliases{};
};

struct PlanFile {
  std::filesystem::path file;
  std::string sha256;  // of plan.toml and mailboxes.csv
  std::string id;
  std::string tenant{};
  Side source, dest;
  std::filesystem::path mailboxes_csv;
  std::vector<Mailbox> mailboxes;
  std::vector<std::string> pilot;
  std::vector<Domain> domains;
  std::uint32_t ttl_lowered = 300;  // seconds
  Millis delta_every{std::chrono::hours(2)};
  Millis delta_for{std::chrono::hours(48)};
  Millis delta_max_age{std::chrono::minutes(30)};
  Millis mta_sts_hold{std::chrono::hours(24)};
  std::string mta_sts_ca_file{};  // of the policy host and, under an enforced policy, of MX hosts
  Millis monitor_for{std::chrono::hours(72)};
  Millis stragglers_every{std::chrono::minutes(5)};
  Millis spf_overlap{std::chrono::hours(24 * 7)};
  Millis retain_for{std::chrono::hours(24 * 14)};
  int approve_flip = 1;  // 0: "auto"
  std::string window = "always";
  std::vector<std::string> resolve_root;  // ADDR[:PORT] of root servers; empty: the public ones
  std::vector<std::string> resolvers;     // ADDR[:PORT]
  bool allow_loopback = false;
  std::vector<Accept> accept;
  std::vector<IgnoredAddress> addresses_ignore;
  std::uint32_t line_mbit = 0;  // [estimate] line_mbit; 0: not known
  std::vector<std::filesystem::path> plugins_path;
  Notice notice;
  AlertTargets alert;
  CopySettings copy;
  int parallel = 4;  // mailboxes copied at the same time
};

/// Does the mailbox live in the domain, on either side? Names compare in lower case.
bool belongs_to(const Mailbox& box, const std::string& domain);

/// Reads plan.toml and the CSV it names (relative to its folder).
Result<PlanFile> read_plan_file(const std::filesystem::path& file);

}  // namespace mxferry::config
