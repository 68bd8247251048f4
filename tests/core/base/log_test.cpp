// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"

namespace mxferry {
namespace {

TEST(Log, AHostileNameIsOneLineOfValidJson) {
  const auto line =
      log::format(log::Level::info, "folder",
                  {{"name", "\x1b]0;x\x07\r\n{\"level\":\"error\"}\xff"}, {"n", 3}, {"ok", true}},
                  "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  const auto parsed = parse_json(line, "log");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(json_string(*parsed, "level", "log").value(), "info");
}

TEST(Log, FileIsPrivateUnderAnyUmask) {
  const auto dir =
      std::filesystem::temp_directory_path() / ("mxf-log-" + std::to_string(::getpid()));
  std::filesystem::create_directories(dir);
  for (const mode_t mask : {0U, 077U}) {
    const auto old = ::umask(mask);
    const auto file = dir / std::to_string(mask);
    ASSERT_TRUE(log::open(file, log::Level::info));
    log::write(log::Level::info, "x");
    log::close();
    ::umask(old);
    struct stat st {};
    ASSERT_EQ(::stat(file.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0600U);
    EXPECT_GT(st.st_size, 0);
  }
  const auto nowhere = log::open(dir / "absent" / "log", log::Level::info);
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().remedy.find("folder"), std::string::npos);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace mxferry
