// SPDX-License-Identifier: Apache-2.0
#include "credentials/secret_ref.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "support/temp_dir.hpp"

namespace mxferry {
namespace {

TEST(SecretRef, TheEnvironmentIsOverwrittenInPlaceAndReadAgainFromMemory) {
  ::setenv("MXF_TEST_SECRET", "marker-in-the-environment", 1);
  const char* where = std::getenv("MXF_TEST_SECRET");
  const auto first = resolve_secret("env:MXF_TEST_SECRET");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->reveal(), "marker-in-the-environment");
  for (int i = 0; i < 25; ++i) EXPECT_EQ(where[i], '\0');
  EXPECT_EQ(resolve_secret("env:MXF_TEST_SECRET")->reveal(), "marker-in-the-environment");
  ::setenv("MXF_TEST_SECRET", "changed", 1);
  EXPECT_EQ(resolve_secret("env:MXF_TEST_SECRET")->reveal(), "changed");
  EXPECT_EQ(resolve_secret("env:MXF_TEST_NOT_THERE").error().code, ErrorCode::not_found);
}

TEST(SecretRef, AFileLosesOneFinalNewline) {
  const test::TempDir dir;
  std::ofstream(dir / "s") << "two\nlines\n\n";
  EXPECT_EQ(resolve_secret("file:" + (dir / "s").string())->reveal(), "two\nlines\n");
  ::chmod((dir / "s").c_str(), 0666);
  EXPECT_EQ(resolve_secret("file:" + (dir / "s").string()).error().code, ErrorCode::config);
  EXPECT_EQ(resolve_secret("file:" + (dir / "gone").string()).error().code, ErrorCode::not_found);
}

TEST(SecretRef, ALiteralIsRefusedAndNotRepeated) {
  for (const std::string literal : {"hunter2", "env:", "file:", "", "vault:x"}) {
    const auto result = resolve_secret(literal);
    ASSERT_FALSE(result) << literal;
    EXPECT_EQ(result.error().message().find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace mxferry
