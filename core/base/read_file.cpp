// SPDX-License-Identifier: Apache-2.0
#include "base/read_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/escape.hpp"

namespace mxferry {
namespace {

constexpr std::size_t kLargestFile = 256U << 20;

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::config, escape_line(path), std::strerror(errno));
  std::string text;
  std::string chunk(1U << 16, '\0');
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || file.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > kLargestFile)
      return fail(ErrorCode::config, escape_line(path), "is larger than 256 MiB");
  }
  // What broke off is no shorter file.
  if (file.bad()) return fail(ErrorCode::config, escape_line(path), std::strerror(errno));
  return text;
}

}  // namespace mxferry
