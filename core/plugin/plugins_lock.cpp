// SPDX-License-Identifier: Apache-2.0
#include "plugin/plugins_lock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/sha256.hpp"

namespace mxferry::plugin {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLockName = "plugins.lock";

bool is_digest(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<void> write_whole(const fs::path& file, const std::string& text) {
  const std::string operation = "write " + file.string();
  std::string temporary = file.string() + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::io, operation, std::strerror(errno));
  std::size_t at = 0;
  bool good = ::fchmod(fd, 0644) == 0;
  while (good && at < text.size()) {
    const auto n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    good = n > 0;
    if (good) at += static_cast<std::size_t>(n);
  }
  good = good && ::fsync(fd) == 0;
  good = ::close(fd) == 0 && good && ::rename(temporary.c_str(), file.c_str()) == 0;
  if (good) return {};
  const int why = errno;
  ::unlink(temporary.c_str());
  return fail(ErrorCode::io, operation, std::strerror(why));
}

}  // namespace

Result<std::map<std::string, std::string>> read_plugins_lock(const fs::path& folder) {
  std::map<std::string, std::string> out;
  const fs::path file = folder / kLockName;
  std::error_code ec;
  if (!fs::exists(file, ec)) return out;
  MXF_CHECK(check_not_writable_by_others(file));
  std::ifstream in(file);
  if (!in) return fail(ErrorCode::io, "read " + file.string(), std::strerror(errno));
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const auto gap = line.find("  ");
    if (gap == std::string::npos || !is_digest(std::string_view(line).substr(0, gap)))
      return fail(ErrorCode::config, "plugins.lock",
                  file.string() + ":" + std::to_string(number) +
                      ":1: expected SHA256, two spaces, ID/ID.so");
    out[line.substr(gap + 2)] = line.substr(0, gap);
  }
  return out;
}

Result<std::string> trust_library(const fs::path& library) {
  std::error_code ec;
  const fs::path real = fs::canonical(library, ec);
  if (ec) return fail(ErrorCode::io, "trust " + library.string(), ec.message());
  MXF_CHECK(check_not_writable_by_others(real));
  std::ifstream in(real, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  if (!in) return fail(ErrorCode::io, "trust " + real.string(), "cannot be read");
  const auto digest = sha256_hex(bytes.str());
  const fs::path folder = real.parent_path().parent_path();
  MXF_TRY(lock, read_plugins_lock(folder));
  lock[real.parent_path().filename().string() + "/" + real.filename().string()] = digest;
  std::string text;
  for (const auto& [name, hash] : lock) text += hash + "  " + name + "\n";
  MXF_CHECK(write_whole(folder / kLockName, text));
  return digest;
}

Result<void> check_not_writable_by_others(const fs::path& path) {
  std::error_code ec;
  fs::path at = fs::canonical(path, ec);
  if (ec) return fail(ErrorCode::io, "plugin path " + path.string(), ec.message());
  for (;; at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) != 0)
      return fail(ErrorCode::io, "plugin path " + at.string(), std::strerror(errno));
    const auto refuse = [&](const std::string& why, const std::string& remedy) {
      return fail(Error{ErrorCode::gate,
                        "plugin path " + path.string(),
                        "PL-01: " + at.string() + " " + why,
                        {},
                        remedy});
    };
    if (info.st_uid != 0 && info.st_uid != ::geteuid())
      return refuse("belongs to another user", "chown -h $(id -u) " + at.string());
    // A sticky folder (/tmp) lets others add entries, but not replace ours.
    const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
    const bool group =
        (info.st_mode & S_IWGRP) != 0 && info.st_gid != 0 && info.st_gid != ::getegid();
    if (((info.st_mode & S_IWOTH) != 0 || group) && !sticky)
      return refuse("may be written by others; code from there is not loaded",
                    "chmod go-w " + at.string());
    if (at == at.parent_path()) return {};
  }
}

}  // namespace mxferry::plugin
