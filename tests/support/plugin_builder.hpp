// SPDX-License-Identifier: Apache-2.0
// Builds a small plugin from source text into FOLDER/ID/ for tests of the loader, as an author
// with another compiler setup would: the SDK's headers and nothing else.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mxferry::test {

inline std::string sample_manifest(const std::string& id, const std::string& more = {},
                                   const std::string& abi = "0.1") {
  return "{\"schema\":1,\"id\":\"" + id + "\",\"kind\":\"dns\",\"abi\":\"" + abi +
         "\",\"name\":\"Test\",\"description\":\"For "
         "tests.\",\"traits\":{\"write_model\":\"rrset\",\"atomic\":"
         "\"batch\"},\"verified\":\"2026-11-24\"" +
         more + "}";
}

/// True if it compiled. `language` is "c" or "c++".
inline bool build_plugin(const std::filesystem::path& folder, const std::string& id,
                         const std::string& source, const std::string& manifest,
                         const std::string& language = "c++") {
  const auto dir = folder / id;
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "plugin.json") << manifest;
  const auto file = folder / (id + (language == "c" ? ".c" : ".cpp"));
  std::ofstream(file) << source;
  const std::string command = std::string(language == "c" ? "cc -std=c11" : "c++ -std=c++20") +
                              " -shared -fPIC -fvisibility=hidden -I" MXF_SOURCE_DIR
                              "/sdk/include -o " +
                              (dir / (id + ".so")).string() + " " + file.string();
  return std::system(command.c_str()) == 0;
}

}  // namespace mxferry::test
