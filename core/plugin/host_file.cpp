// SPDX-License-Identifier: Apache-2.0
// The host service `file`: only files that a setting of type file names; an edit is atomic and
// survives a power cut.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/crash_point.hpp"
#include "plugin/host.hpp"

namespace mxferry::plugin {
namespace {

constexpr std::size_t kMaxFile = 64ULL << 20U;

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int f) : fd(f) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

Unexpected<Error> system_error(const std::string& what) {
  const int why = errno;
  const ErrorCode code = why == ENOENT   ? ErrorCode::not_found
                         : why == EACCES ? ErrorCode::denied
                                         : ErrorCode::io;
  return fail(code, what, std::strerror(why));
}

Result<std::string> read_whole(int fd, const std::string& path) {
  std::string out;
  char chunk[1U << 15U];
  for (;;) {
    const auto n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read " + path);
    if (n == 0) return out;
    out.append(chunk, static_cast<std::size_t>(n));
    if (out.size() > kMaxFile)
      return fail(ErrorCode::refused, "read " + path, "larger than 64 MiB");
  }
}

// Owner and mode of `like` (null: 0600 and ours), then fsync, rename, fsync of the folder.
Result<void> replace_file(const std::string& path, std::string_view content,
                          const struct stat* like, int folder) {
  const auto name = path.rfind('/') + 1;
  std::string temporary = path.substr(0, name);
  temporary.append(".").append(path, name).append(".mxferry-XXXXXX");
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600
  if (file.fd < 0) return system_error("write " + path);
  const auto written = [&]() -> bool {
    std::size_t at = 0;
    while (at < content.size()) {
      const auto n = ::write(file.fd, content.data() + at, content.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
    }
    if (like != nullptr && (::fchown(file.fd, like->st_uid, like->st_gid) != 0 ||
                            ::fchmod(file.fd, like->st_mode & 07777U) != 0))
      return false;
    if (::fsync(file.fd) != 0) return false;
    crash_point("file.written");
    if (::rename(temporary.c_str(), path.c_str()) != 0) return false;
    crash_point("file.renamed");
    return ::fsync(folder) == 0;
  };
  if (written()) return {};
  auto error = system_error("write " + path);
  ::unlink(temporary.c_str());
  return error;
}

}  // namespace

mxf_status HostSession::read_file(const std::string& path, mxf_str* out) {
  if (!is_setting_of("file", path))
    return record(MXF_PLUGIN_BUG,
                  Error{ErrorCode::plugin, "", "it asked for a file that no setting names"});
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  auto content =
      file.fd < 0 ? Result<std::string>(system_error("read " + path)) : read_whole(file.fd, path);
  if (!content) return record(status_of(content.error().code), std::move(content).error());
  *out = keep(*std::move(content));
  return MXF_OK;
}

mxf_status HostSession::edit_file(const std::string& path,
                                  std::int32_t (*change)(void*, mxf_str, mxf_str*), void* ctx) {
  if (!is_setting_of("file", path))
    return record(MXF_PLUGIN_BUG,
                  Error{ErrorCode::plugin, "", "it asked for a file that no setting names"});
  const auto edit = [&]() -> Result<void> {
    // The lock is on the folder: one on the file would stay with the old inode after the rename.
    const std::string parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.fd < 0) return system_error("open " + parent);
    while (::flock(folder.fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return system_error("lock " + parent);
      if (stop_.stop_requested()) return fail(ErrorCode::cancelled, "", "cancelled");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    struct stat info {};
    std::string before;
    bool exists = false;
    {
      const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (file.fd < 0 && errno == ELOOP)
        return fail(ErrorCode::refused, "edit " + path,
                    "it is a symbolic link: name the file itself");
      if (file.fd < 0 && errno != ENOENT) return system_error("edit " + path);
      if (file.fd >= 0) {
        if (::fstat(file.fd, &info) != 0) return system_error("edit " + path);
        MXF_TRY(content, read_whole(file.fd, path));
        before = std::move(content);
        exists = true;
      }
    }
    mxf_str after{};
    const std::int32_t answer = change(ctx, to_str(before), &after);
    wipe(before);
    if (answer != 1) return {};
    return replace_file(path, {after.data, after.len}, exists ? &info : nullptr, folder.fd);
  };
  if (auto done = edit(); !done)
    return record(status_of(done.error().code), std::move(done).error());
  return MXF_OK;
}

}  // namespace mxferry::plugin
