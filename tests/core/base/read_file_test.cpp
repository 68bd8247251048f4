// SPDX-License-Identifier: Apache-2.0
#include "base/read_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace mxferry {
namespace {

TEST(ReadFile, GivesAllOctetsOrSaysWhyNot) {
  const test::TempDir dir;
  const std::string octets = std::string(200'000, 'x') + '\0' + "\xff end";
  std::ofstream(dir / "file", std::ios::binary) << octets;
  EXPECT_EQ(read_file((dir / "file").string()).value(), octets);
  std::ofstream(dir / "empty", std::ios::binary).flush();
  EXPECT_EQ(read_file((dir / "empty").string()).value(), "");
  EXPECT_FALSE(read_file((dir / "absent").string()));
  // It can be opened, and no read succeeds: that is no empty file.
  const auto folder = read_file(dir.path().string());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::config);
}

}  // namespace
}  // namespace mxferry
