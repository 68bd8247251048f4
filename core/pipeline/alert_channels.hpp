// SPDX-License-Identifier: Apache-2.0
// The channels of [alert]: mail through [notice] smtp, a webhook (JSON by POST, signed where a key
// is given) and a command (no shell, only MXFERRY_ALERT_* in its environment, 30 s). And the one
// that takes notices to the same server. The thread of the run; what blocks goes to workers.
#pragma once

#include <memory>
#include <vector>

#include "base/secret.hpp"
#include "net/connector.hpp"
#include "pipeline/alerts.hpp"
#include "smtp/submission.hpp"

namespace mxferry::pipeline {

/// The server of [notice], its secret read. ErrorCode::config, before any connection.
Result<smtp::Submission> submission_of(const config::Notice& notice);

/// MailPost over SMTP.
class SubmissionPost final : public MailPost {
 public:
  SubmissionPost(net::Connector& connector, smtp::Submission submission)
      : connector_(connector), submission_(std::move(submission)) {}
  Task<Result<smtp::Submitted>> send(std::vector<std::string> to, std::string message) override;

 private:
  net::Connector& connector_;
  smtp::Submission submission_;
};

/// Every channel that `file` names, each secret read; `post` (of [notice]) outlives them.
Result<std::vector<std::unique_ptr<AlertChannel>>> alert_channels(const config::PlanFile& file,
                                                                  MailPost* post);

/// `sha256=` and HMAC-SHA256 (RFC 2104) of `body` in hexadecimal.
std::string webhook_signature(const Secret& key, const std::string& body);

}  // namespace mxferry::pipeline
