// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/escape.hpp"

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

// As `mxferry sync --json` writes them; the store's half is in store/ and copy/.
TEST(JsonReader, TheLargestNumbersOfImapAndANameOfAnyBytesComeBackFromJson) {
  std::string name;
  for (int byte = 1; byte < 256; ++byte) name += static_cast<char>(byte);
  constexpr std::uint32_t kUid = 4294967295U;
  constexpr std::uint64_t kModSeq = 9223372036854775807U;  // RFC 7162 §3.1: 63 bits
  const Json written = {{"folder", escape_bytes(name)},
                        {"uid", kUid},
                        {"uidvalidity", kUid},
                        {"highestmodseq", kModSeq}};
  for (const auto& text : {written.dump(), written.dump(2), canonical_json(written)}) {
    const auto read = parse_json(text, "t");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(unescape_bytes(json_string(*read, "folder", "t").value()), name);
    EXPECT_EQ(json_int(*read, "uid", "t").value(), std::int64_t{4294967295});
    EXPECT_EQ(json_int(*read, "uidvalidity", "t").value(), std::int64_t{4294967295});
    EXPECT_EQ(json_int(*read, "highestmodseq", "t").value(), INT64_MAX);
    EXPECT_NE(text.find("9223372036854775807"), std::string::npos) << "digits, no exponent";
  }
}

}  // namespace
}  // namespace mxferry
