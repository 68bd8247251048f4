// SPDX-License-Identifier: Apache-2.0
#include "net/endpoint_url.hpp"

#include <gtest/gtest.h>

namespace mxferry::net {
namespace {

TEST(EndpointUrl, ReadsBothSchemesAndPercentEncoding) {
  const auto a = parse_endpoint_url("imap://user%40x%3ay@host.test:1143");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->user, "user@x:y");
  EXPECT_EQ(a->endpoint.host, "host.test");
  EXPECT_EQ(a->endpoint.port, 1143);
  EXPECT_EQ(a->endpoint.security, Security::starttls);
  const auto b = parse_endpoint_url("imaps://[2001:db8::1]/");
  ASSERT_TRUE(b);
  EXPECT_EQ(b->endpoint.host, "2001:db8::1");
  EXPECT_EQ(b->endpoint.port, 993);
  EXPECT_EQ(parse_endpoint_url("imap://a@b@host").value().user, "a@b");
}

TEST(EndpointUrl, RefusesPasswordsAndNonsense) {
  for (const char* bad :
       {"", "http://x", "imap://", "imap://@x", "imap://u@", "imap://x:0", "imap://x:99999",
        "imap://x:1a", "imap://x/INBOX", "imap://%4@x", "imaps://[::1"})
    EXPECT_FALSE(parse_endpoint_url(bad)) << bad;
  const auto secret = parse_endpoint_url("imap://user:hunter2@host");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().message().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace mxferry::net
