// SPDX-License-Identifier: Apache-2.0
#include "maildir/dir.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace mxferry::maildir {
namespace {

constexpr int kDir = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

bool is_single_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Unexpected<Error> io_error(const char* what, const std::string& where) {
  return fail(ErrorCode::io, std::string(what) + ' ' + where, std::strerror(errno));
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Unexpected<Error> Dir::why(const char* what, const std::string& name) const {
  const std::string where = path_ + "/" + name;
  Error error;
  error.operation = std::string(what) + ' ' + where;
  error.text = std::strerror(errno);
  error.code = errno == ENOENT                                         ? ErrorCode::not_found
               : errno == ELOOP || errno == ENOTDIR || errno == EMLINK ? ErrorCode::refused
                                                                       : ErrorCode::io;
  if (error.code == ErrorCode::refused) {
    error.text = "is a symbolic link or not what belongs there";
    error.remedy = "find out who put it there; move it away";
  }
  return fail(std::move(error));
}

Result<Dir> Dir::open(const std::string& path) {
  Fd fd(::open(path.c_str(), kDir));
  if (!fd) {
    if (errno == ENOENT)
      return fail(ErrorCode::not_found, "open " + path, "there is no such folder");
    return io_error("open", path);
  }
  return Dir(std::move(fd), path);
}

Result<Dir> Dir::open_dir(const std::string& name) const {
  if (!is_single_name(name)) return fail(ErrorCode::refused, "open " + path_, "not a single name");
  Fd fd(::openat(fd_.get(), name.c_str(), kDir | O_NOFOLLOW));
  if (!fd) return why("open", name);
  return Dir(std::move(fd), path_ + "/" + name);
}

Result<Dir> Dir::make_dir(const std::string& name) const {
  if (!is_single_name(name)) return fail(ErrorCode::refused, "make " + path_, "not a single name");
  if (::mkdirat(fd_.get(), name.c_str(), 0700) != 0 && errno != EEXIST) return why("make", name);
  return open_dir(name);
}

Result<std::vector<std::string>> Dir::names() const {
  // A descriptor of its own: reading moves its position.
  const int copy = ::openat(fd_.get(), ".", kDir);
  if (copy < 0) return io_error("list", path_);
  DIR* dir = ::fdopendir(copy);
  if (dir == nullptr) {
    ::close(copy);
    return io_error("list", path_);
  }
  std::vector<std::string> out;
  errno = 0;
  while (const auto* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") out.emplace_back(name);
    errno = 0;
  }
  const int failed = errno;
  ::closedir(dir);
  errno = failed;
  if (failed != 0) return io_error("list", path_);
  return out;
}

Result<Fd> Dir::open_file(const std::string& name) const {
  if (!is_single_name(name)) return fail(ErrorCode::refused, "open " + path_, "not a single name");
  // Not to wait for the other end of a FIFO that somebody put there.
  Fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return why("open", name);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return why("open", name);
  if (!S_ISREG(st.st_mode)) {
    errno = ENOTDIR;
    return why("open", name);
  }
  return fd;
}

Result<Fd> Dir::append_file(const std::string& name) const {
  Fd fd(::openat(fd_.get(), name.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                 0600));
  if (!fd) return why("open", name);
  return fd;
}

Result<Fd> Dir::create_file(const std::string& name, mode_t mode) const {
  if (!is_single_name(name))
    return fail(ErrorCode::refused, "create " + path_, "not a single name");
  Fd fd(::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 mode));
  if (!fd) return why("create", name);
  return fd;
}

Result<void> Dir::move_to(const std::string& name, const Dir& other,
                          const std::string& free) const {
  if (::renameat2(fd_.get(), name.c_str(), other.fd_.get(), free.c_str(), RENAME_NOREPLACE) == 0)
    return {};
  // Some file systems (NFS) do not know NOREPLACE: a link refuses a name that is taken.
  if (errno != EINVAL) return why("move", name);
  if (::linkat(fd_.get(), name.c_str(), other.fd_.get(), free.c_str(), 0) != 0)
    return why("move", name);
  if (::unlinkat(fd_.get(), name.c_str(), 0) != 0) return why("move", name);
  return {};
}

Result<void> Dir::remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return why("remove", name);
  return {};
}

Result<void> Dir::sync() const {
  if (::fsync(fd_.get()) != 0) return io_error("sync", path_);
  return {};
}

Result<void> Dir::sync_file_system() const {
  if (::syncfs(fd_.get()) != 0) return io_error("sync", path_);
  return {};
}

Result<std::string> read_all(const Fd& file, const std::string& name, std::uint64_t limit) {
  std::string out;
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return io_error("read", name);
  out.reserve(static_cast<std::size_t>(
      std::min<std::uint64_t>(limit, static_cast<std::uint64_t>(st.st_size))));
  std::string piece(std::size_t{64} << 10, '\0');
  for (;;) {
    const auto got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", name);
    if (got == 0) return out;
    out.append(piece, 0, static_cast<std::size_t>(got));
    if (out.size() > limit)
      return fail(ErrorCode::io, "read " + name,
                  "larger than " + std::to_string(limit) + " octets");
  }
}

Result<void> write_all(const Fd& file, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const auto put = ::write(file.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return io_error("write", name);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> sync_file(const Fd& file, const std::string& name) {
  if (::fdatasync(file.get()) != 0) return io_error("sync", name);
  return {};
}

}  // namespace mxferry::maildir
