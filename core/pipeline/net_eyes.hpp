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
  std::vector<Resolver> ask_resolvers(const dns::Question& question, std::stop_token stop) override;

  const std::vector<dns::DnsServer>& roots() const { return roots_; }
  const std::vector<dns::DnsServer>& resolvers() const { return resolvers_; }

 private:
  std::vector<dns::DnsServer> roots_;
  std::vector<dns::DnsServer> resolvers_;
};

class SmtpPost final : public CanaryPost {
 public:
  SmtpPost(net::Connector& connector, const Clock& clock) : connector_(connector), clock_(clock) {}
  Task<Result<void>> send(const std::string& mx_host, const std::string& address,
                          const std::string& to, const std::string& message_id) override;
  Task<Result<smtp::Reply>> probe(const std::string& mx_host, const std::string& address,
                                  const std::string& to) override;

 private:
  net::Connector& connector_;
  const Clock& clock_;
};

/// The canary's text: no content but what it is. Pure.
std::string canary_message(Instant now, const std::string& to, const std::string& message_id);

}  // namespace mxferry::pipeline
