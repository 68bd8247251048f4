// SPDX-License-Identifier: Apache-2.0
#include "imap/account.hpp"

#include <gtest/gtest.h>

#include "imap/classify.hpp"

namespace mxferry::imap {
namespace {

TEST(MailUrl, ReadsBothSchemesAndPercentEncodedUsers) {
  auto url = parse_mail_url("imap://anna%40x.test@mail.x.test:1143");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->user, "anna@x.test");
  EXPECT_EQ(url->endpoint.name(), "mail.x.test:1143");
  EXPECT_EQ(url->endpoint.security, net::Security::starttls);
  EXPECT_EQ(parse_mail_url("imaps://a@b")->endpoint.port, 993);
  EXPECT_EQ(parse_mail_url("imaps://a@[::1]:99")->endpoint.host, "::1");
  EXPECT_EQ(parse_mail_url("imaps://a@[::1]:99")->endpoint.port, 99);
}

TEST(MailUrl, RefusesWhatIsWrongAndNeverRepeatsAPassword) {
  for (const auto* url : {"", "http://a@b", "imap://b", "imap://@b", "imap://a@", "imap://a@b:0",
                          "imap://a@b:65536", "imap://a@b:x", "imap://a@b:", "imap://a%4@b",
                          "imap://a%00@b", "imap://a@b/folder", "imap://a@[::1"})
    EXPECT_FALSE(parse_mail_url(url)) << url;
  auto with_password = parse_mail_url("imap://a:topsecret@b");
  ASSERT_FALSE(with_password);
  EXPECT_EQ(with_password.error().message().find("topsecret"), std::string::npos);
}

TEST(Classify, KnowsCodesAndWords) {
  const auto code_of = [](const char* code, const char* text) {
    StatusResponse response;
    response.status = Status::no;
    response.code.name = code;
    response.text = text;
    return refusal("x", response);
  };
  EXPECT_EQ(code_of("AUTHENTICATIONFAILED", "").code, ErrorCode::auth);
  EXPECT_EQ(code_of("THROTTLED", "").code, ErrorCode::rate_limited);
  EXPECT_EQ(code_of("OVERQUOTA", "").code, ErrorCode::quota);
  EXPECT_EQ(code_of("OVERQUOTA", "Account exceeded command or bandwidth limits").code,
            ErrorCode::rate_limited);
  EXPECT_EQ(
      code_of("", "Request is throttled. Suggested Backoff Time: 299961 milliseconds").retry_after,
      std::chrono::milliseconds(299961));
  EXPECT_EQ(code_of("", "Mailbox already exists").code, ErrorCode::exists);
  EXPECT_EQ(code_of("", "I do not like it").code, ErrorCode::refused);
  EXPECT_EQ(code_of("", "I do not like it").remote, "I do not like it");
}

}  // namespace
}  // namespace mxferry::imap
