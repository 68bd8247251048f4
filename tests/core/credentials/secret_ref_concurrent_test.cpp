// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "credentials/secret_ref.hpp"
#include "support/temp_dir.hpp"

namespace mxferry {
namespace {

TEST(SecretRefConcurrent, EveryThreadGetsTheValueAlthoughTheFirstOverwritesIt) {
  ::setenv("MXF_SHARED", "the shared value", 1);
  for (int t = 0; t < 8; ++t)
    ::setenv(("MXF_OWN_" + std::to_string(t)).c_str(), ("own " + std::to_string(t)).c_str(), 1);
  const test::TempDir dir;
  std::ofstream(dir / "secret") << "from the file\n";
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          const auto shared = resolve_secret("env:MXF_SHARED");
          const auto own = resolve_secret("env:MXF_OWN_" + std::to_string(t));
          const auto file = resolve_secret("file:" + (dir / "secret").string());
          const auto missing = resolve_secret("env:MXF_MISSING");
          if (!shared || shared->reveal() != "the shared value" || !own ||
              own->reveal() != "own " + std::to_string(t) || !file ||
              file->reveal() != "from the file" || missing)
            ++wrong;
        }
      });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_STREQ(std::getenv("MXF_SHARED"), "");
}

}  // namespace
}  // namespace mxferry
