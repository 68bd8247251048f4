// SPDX-License-Identifier: Apache-2.0
// NetEyes and SmtpPost: the DnsEyes and CanaryPost of real runs: c-ares and SMTP. NetEyes is used
// by several workers at once (each call walks for itself); SmtpPost on the run's thread.
#pragma once

#include <string>
#include <vector>

#include "net/connector.hpp"
#include "pipeline/env.hpp"

namespace mxferry::pipeline {

class NetEyes final : public DnsEyes {
 public:
  NetEyes(std::vector<dns::DnsServer> roots, std::vector<dns::DnsServer> resolvers)
      : roots_(std::move(roots)), resolvers_(std::move(resolvers)) {}
  Result<dns::Delegation> delegation(const std::string& name, std::stop_token stop) override;
  dns::Round round(const dns::Delegation& delegation, const std::vector<dns::Question>& questions,
                   std::stop_token stop) override;
  Assertion confirmed(const dns::Delegation& delegation, const std::vector<dns::Expected>& expected,
                      std::stop_token stop) override;
  Result<std::uint32_t> negative_ttl(const dns::Delegation& delegation,
                                     std::stop_token stop) override;
  Result<std::vector<std::string>> addresses(const std::string& host,
                                             std::stop_token stop) override;
  Result<dns::Seen> lookup(const dns::Question& question, std::stop_token stop) override;
  Result<bool> has_ds(const std::string& zone, std::stop_token stop) override;
  Assertion signatures(const dns::Delegation& delegation,
                       const std::vector<dns::Question>& questions, std::stop_token stop) override;
  std::vector<Resolver> ask_resolvers(const dns::Question& question, std::stop_token stop) override;

  const std::vector<dns::DnsServer>& roots() const { return roots_; }
  const std::vector<dns::DnsServer>& resolvers() const { return resolvers_; }

 private:
  std::vector<dns::DnsServer> roots_;
  std::vector<dns::DnsServer> resolvers_;
};

/// How policy files are fetched.
struct PolicyFetch {
  std::string ca_file{};        // PEM; empty: the system's CAs
  bool allow_loopback = false;  // labs
  std::uint16_t port = 443;     // tests
};
/// RFC 8461 §3.3: HTTPS under the right name, no redirect, text/plain, at most 64 KiB, 10 s; asked
/// at every address of the host, which must all serve the same policy. An address that is not
/// public is refused as it is connected to. Blocking; any thread.
Result<std::string> fetch_policy(DnsEyes& eyes, const std::string& domain, const PolicyFetch& fetch,
                                 std::stop_token stop);
/// The same at addresses that are known.
Result<std::string> fetch_policy_at(const std::vector<std::string>& addresses,
                                    const std::string& domain, const PolicyFetch& fetch,
                                    std::stop_token stop);

class SmtpPost final : public CanaryPost {
 public:
  /// `ca_file`: proves MX hosts whose CA the system does not know; empty: the system's.
  SmtpPost(net::Connector& connector, const Clock& clock, std::string ca_file = {})
      : connector_(connector), clock_(clock), ca_file_(std::move(ca_file)) {}
  Task<Result<void>> send(const std::string& mx_host, const std::string& address,
                          const std::string& to, const std::string& message_id) override;
  Task<Result<smtp::Reply>> probe(const std::string& mx_host, const std::string& address,
                                  const std::string& to) override;
  Task<Result<TlsView>> look_at_tls(const std::string& mx_host, const std::string& address,
                                    const std::vector<std::string>& tlsa) override;

 private:
  net::Connector& connector_;
  const Clock& clock_;
  std::string ca_file_;
};

/// The canary's text: no content but what it is. Pure.
std::string canary_message(Instant now, const std::string& to, const std::string& message_id);

}  // namespace mxferry::pipeline
