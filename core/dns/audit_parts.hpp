// SPDX-License-Identifier: Apache-2.0
// What the parts of an audit share: the questions, each asked once, and the findings. Internal to
// dns/audit*.cpp. One thread.
#pragma once

#include <set>
#include <utility>

#include "dns/audit.hpp"

namespace mxferry::dns {

/// Remembers answers, and counts what was asked.
class AskedOnce : public Lookups {
 public:
  explicit AskedOnce(Lookups& lookups) : lookups_(lookups) {}
  Answer ask(const Question& question) override;
  int questions() const { return static_cast<int>(answers_.size()); }

 private:
  Lookups& lookups_;
  std::map<std::pair<std::string, std::string>, Answer> answers_;
};

struct AuditState {
  const AuditRequest& request;
  AskedOnce lookups;
  Audit out{};
  std::stop_token stop{};
  std::vector<std::string> exchanges{};  // canonical, by preference
  std::vector<DnsServer> authorities{};  // of out.zone, that answer

  void find(const char* id, Severity severity, std::string text, std::string remedy,
            std::string subject = "");
  void unknown(const char* id, const Question& question, const Answer& answer);
  /// The texts of the TXT records at a name that `is` takes; nothing where the lookup fails, which
  /// is told under `id`.
  std::optional<std::vector<std::string>> texts(const char* id, const std::string& name,
                                                bool (*is)(std::string_view));
  /// A and AAAA; nothing where a lookup fails, which is told under `id`.
  std::optional<std::vector<std::string>> addresses(const char* id, const std::string& host);
};

/// Without the final dot, escaped.
std::string shown(const std::string& name);

void audit_zone(AuditState& state);  // name servers, DNSSEC
void audit_mx(AuditState& state);    // MX, DANE
void audit_spf(AuditState& state);
void audit_dkim(AuditState& state);
void audit_dmarc(AuditState& state);
void audit_transport(AuditState& state);  // MTA-STS, TLS-RPT, CAA
void audit_clients(AuditState& state);    // SRV, autodiscover, autoconfig

}  // namespace mxferry::dns
