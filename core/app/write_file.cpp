// SPDX-License-Identifier: Apache-2.0
#include "app/write_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/escape.hpp"
#include "base/file_remedy.hpp"

namespace mxferry::app {
namespace fs = std::filesystem;
namespace {

Unexpected<Error> failed(const fs::path& file) {
  const int cause = errno;
  const auto name = escape_line(file.string());
  auto error = fail(ErrorCode::io, "write " + name, std::strerror(cause)).error();
  return fail(std::move(error.with_remedy(remedy_for(cause, name))));
}

int open_to_write(const fs::path& file, int how) {
  return ::open(file.c_str(), O_WRONLY | O_CREAT | how | O_CLOEXEC | O_NOFOLLOW, 0600);
}

// All of it, and on disk.
bool write_all(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto n = ::write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return ::fsync(fd) == 0;
}

// `how`: O_EXCL or O_TRUNC. What is half written goes away again.
Result<void> put(const fs::path& file, const std::string& text, int how) {
  const int fd = open_to_write(file, how);
  if (fd < 0) return failed(file);
  const bool good = write_all(fd, text);
  auto result = good ? Result<void>() : failed(file);
  ::close(fd);
  if (!good) ::unlink(file.c_str());
  return result;
}

// The name, too, outlasts a power cut; file systems that know no such thing say EINVAL.
Result<void> sync_folder(const fs::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(folder);
  auto result = ::fsync(fd) == 0 || errno == EINVAL ? Result<void>() : failed(folder);
  ::close(fd);
  return result;
}

}  // namespace

Result<void> write_file(const fs::path& file, const std::string& text) {
  const fs::path next = file.string() + ".new";
  MXF_CHECK(put(next, text, O_TRUNC));
  if (::rename(next.c_str(), file.c_str()) != 0) return failed(file);
  return sync_folder(file);
}

Result<void> write_new_file(const fs::path& file, const std::string& text) {
  auto written = put(file, text, O_EXCL);
  if (written) return sync_folder(file);
  std::error_code ec;
  if (!fs::exists(fs::symlink_status(file, ec))) return written;
  auto error = fail(ErrorCode::usage, escape_line(file.string()), "exists already").error();
  return fail(std::move(error.with_remedy("name another file")));
}

Result<void> write_behind(const fs::path& file, std::uintmax_t offset, const std::string& text) {
  std::error_code ec;
  const bool is_new = !fs::exists(fs::symlink_status(file, ec));
  const int fd = open_to_write(file, 0);
  if (fd < 0) return failed(file);
  const auto at = static_cast<off_t>(offset);
  const bool good =
      ::ftruncate(fd, at) == 0 && ::lseek(fd, at, SEEK_SET) == at && write_all(fd, text);
  auto result = good ? Result<void>() : failed(file);
  ::close(fd);
  return good && is_new ? sync_folder(file) : result;
}

}  // namespace mxferry::app
