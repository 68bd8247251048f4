// SPDX-License-Identifier: Apache-2.0
// abi.h compiles and keeps its layout as C11, C17, C++11, C++17 and C++20 with every compiler that
// this machine has: plugin authors do not build with ours.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace {

bool runs(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

TEST(Abi, KeepsItsLayoutInEveryLanguageAndCompiler) {
  const std::string source = std::string(MXF_SOURCE_DIR) + "/tests/sdk/abi_layout.c";
  const std::string flags =
      " -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I" MXF_SOURCE_DIR "/sdk/include ";
  int tried = 0;
  for (const std::string c : {"gcc", "clang"}) {
    const std::string cpp = c == "gcc" ? "g++" : "clang++";
    for (const std::string standard : {"c11", "c17"}) {
      if (!runs("command -v " + c)) continue;
      ++tried;
      EXPECT_TRUE(runs(c + " -x c -std=" + standard + flags + source)) << c << " " << standard;
    }
    for (const std::string standard : {"c++11", "c++17", "c++20"}) {
      if (!runs("command -v " + cpp)) continue;
      ++tried;
      EXPECT_TRUE(runs(cpp + " -x c++ -std=" + standard + flags + source))
          << cpp << " " << standard;
    }
  }
  EXPECT_GE(tried, 3) << "neither gcc nor g++ was found";
}

}  // namespace
