// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mxferry {
namespace {

TEST(JsonReader, RefusesWhatNlohmannLetsPass) {
  EXPECT_FALSE(parse_json(R"({"a":1,"a":2})", "t"));
  EXPECT_FALSE(parse_json(R"({"a":1} x)", "t"));
  EXPECT_FALSE(parse_json(std::string(65, '[') + std::string(65, ']'), "t"));
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']'), "t"));
  EXPECT_FALSE(parse_json("\"\xff\"", "t"));
  EXPECT_FALSE(parse_json("", "t"));
}

TEST(JsonReader, BuildsNestedDocuments) {
  const auto doc = parse_json(R"({"a":[{"b":1},{"b":[2,3]}],"c":{"d":null,"e":true}})", "t");
  ASSERT_TRUE(doc);
  EXPECT_EQ(canonical_json(*doc), R"({"a":[{"b":1},{"b":[2,3]}],"c":{"d":null,"e":true}})");
}

TEST(JsonReader, NumbersDoNotNarrow) {
  const auto doc = parse_json(
      R"({"max":9223372036854775807,"big":9223372036854775808,"real":1.5,"s":"x"})", "t");
  ASSERT_TRUE(doc);
  EXPECT_EQ(json_int(*doc, "max", "t").value(), INT64_MAX);
  EXPECT_FALSE(json_int(*doc, "big", "t"));
  EXPECT_FALSE(json_int(*doc, "real", "t"));
  EXPECT_FALSE(json_int(*doc, "s", "t"));
  EXPECT_FALSE(json_string(*doc, "gone", "t"));
  EXPECT_EQ(json_string_or(*doc, "gone", "f", "t").value(), "f");
}

}  // namespace
}  // namespace mxferry
