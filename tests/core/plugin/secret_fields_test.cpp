// SPDX-License-Identifier: Apache-2.0
#include "plugin/secret_fields.hpp"

#include <gtest/gtest.h>

namespace mxferry::plugin {
namespace {

constexpr const char* kForm = "application/x-www-form-urlencoded; charset=utf-8";

class SecretFieldsTest : public testing::Test {
 protected:
  SecretFieldsTest() {
    SecretSetting key;
    key.name = "key";
    key.field = "apikey";
    SecretSetting token;
    token.name = "token";  // headers only
    manifest_.secrets = {key, token};
  }
  void refuse(const Result<std::string>& filled) {
    ASSERT_FALSE(filled) << *filled;
    EXPECT_EQ(filled.error().code, ErrorCode::plugin);
    EXPECT_EQ(filled.error().message().find("hush"), std::string::npos);
  }
  Manifest manifest_;
  Secrets secrets_{{"key", Secret("hu&sh\"=")}, {"token", Secret("hush")}};
  const SecretFields fields_{manifest_, secrets_};
};

TEST_F(SecretFieldsTest, AHeaderHoldsAnySecret) {
  EXPECT_EQ(fields_.header("a ${secret:token}:${secret:key|base64} b").value(),
            "a hush:aHUmc2giPQ== b");
  refuse(fields_.header("${secret:token|rot13}"));
  refuse(fields_.header("${secret:token"));
  EXPECT_EQ(fields_.header("${secret:other}").error().code, ErrorCode::config);
}

TEST_F(SecretFieldsTest, AFieldThatTheManifestNamesIsEncodedAsItsPlaceDemands) {
  EXPECT_EQ(fields_.url("https://a.test/?x=1&apikey=${secret:key}&y=").value(),
            "https://a.test/?x=1&apikey=hu%26sh%22%3D&y=");
  EXPECT_EQ(fields_.body("apikey=${secret:key}&a=b", kForm).value(), "apikey=hu%26sh%22%3D&a=b");
  EXPECT_EQ(fields_.body(R"({"z":[1,"ä"],"apikey":"${secret:key}","a":null})", "").value(),
            R"({"z":[1,"ä"],"apikey":"hu&sh\"=","a":null})");
}

TEST_F(SecretFieldsTest, NoOtherPlaceHoldsASecret) {
  refuse(fields_.url("https://a.test/${secret:key}"));
  refuse(fields_.url("https://${secret:key}.a.test/?apikey=1"));
  refuse(fields_.url("https://a.test/?${secret:key}"));
  refuse(fields_.url("https://a.test/?value=${secret:key}"));
  refuse(fields_.url("https://a.test/?apikey=x${secret:key}"));
  refuse(fields_.body("apikey=${secret:key}&value=${secret:key}", kForm));
  refuse(fields_.body("apikey=${secret:token}", kForm));
  refuse(fields_.body("apikey=${secret:key}${secret:token}", kForm));
  for (const std::string body : {
           R"({"apikey":"${secret:key}","content":"${secret:key}"})",
           R"({"apikey":"${secret:key}","content":"a ${secret:key}"})",
           R"({"apikey":"${secret:key}","records":[{"apikey":"${secret:key}"}]})",
           R"({"${secret:key}":1})",
           R"({"apikey":"\u0024{secret:key}","content":"${secret:token}"})",
           R"(["${secret:key}"])",
           R"(<a>${secret:key}</a>)",
       })
    refuse(fields_.body(body, "application/json"));
}

TEST_F(SecretFieldsTest, ABodyWithoutASecretGoesAsItIs) {
  EXPECT_EQ(fields_.body("{ \"a\" : 1.50 }\xff", "").value(), "{ \"a\" : 1.50 }\xff");
}

TEST_F(SecretFieldsTest, ASecretLentForOneOperationIsAnyOneField) {
  secrets_["account"] = Secret("first");
  EXPECT_EQ(fields_.body(R"({"password":"${secret:account}"})", "").value(),
            R"({"password":"first"})");
  refuse(fields_.body(R"({"password":"is ${secret:account}"})", ""));
}

TEST_F(SecretFieldsTest, ASecretThatJsonCannotHoldIsAMistakeOfTheSettings) {
  secrets_["key"] = Secret("\xff");
  EXPECT_EQ(fields_.body(R"({"apikey":"${secret:key}"})", "").error().code, ErrorCode::config);
}

}  // namespace
}  // namespace mxferry::plugin
