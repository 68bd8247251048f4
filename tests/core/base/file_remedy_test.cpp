// SPDX-License-Identifier: Apache-2.0
#include "base/file_remedy.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace mxferry {
namespace {

TEST(FileRemedy, IsKnownForWhatBefallsADisk) {
  EXPECT_NE(remedy_for(ENOSPC, "/s").find("free space on the file system of /s"),
            std::string::npos);
  EXPECT_NE(remedy_for(EROFS, "/s").find("writable"), std::string::npos);
  EXPECT_NE(remedy_for(EMFILE, "/s").find("ulimit -n"), std::string::npos);
  EXPECT_NE(remedy_for(EIO, "/s").find("dmesg"), std::string::npos);
  EXPECT_NE(remedy_for(ENOENT, "/s").find("folder of /s"), std::string::npos);
  EXPECT_EQ(remedy_for(EINVAL, "/s"), "");
}

}  // namespace
}  // namespace mxferry
