// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
// Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace route53 {

struct SignedRequest {
  std::string method, host, path;  // the path as it is sent, already encoded
  std::string query;               // parameters in sorted order, encoded
  std::string body;
  std::string session_token;  // empty: none
};
struct SigningKey {
  std::string access_key_id, secret_access_key, region, service;
};

/// Unix milliseconds as 20150830T123600Z.
std::string amz_date(std::int64_t ms);

/// The value of the header Authorization. Signed are host, x-amz-date and, where there is one,
/// x-amz-security-token.
std::string authorization(const SignedRequest& request, const SigningKey& key,
                          const std::string& date);

}  // namespace route53
