// SPDX-License-Identifier: Apache-2.0
// A library for LD_PRELOAD that stands between a program and its file system. What the program does to files below some
// folders is written to a log, with its octets, so that a test can rebuild the disk as a power cut could have left it; and the
// program can be killed, or be told that the disk failed, at the n-th such act. Any thread.
//
//   MXF_DISK_ROOTS=DIR[:DIR]   the folders, as realpath gives them
//   MXF_DISK_LOG=FILE          the log
//   MXF_DISK_STOP=N            SIGKILL once N acts are in the log
//   MXF_DISK_FAIL=N:ERRNO[:on] act N fails with ERRNO and is not done; `on`: so do all later ones
//
// The log: per act one line `act id offset size path[ TAB path]`, behind a write its octets. An id is a file's for as long as it
// lives, under any name. SQLite's -shm is left out: it is mapped, and made anew by whoever comes next.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

class Disk {
 public:
  Disk() {
    if (const char* text = std::getenv("MXF_DISK_ROOTS")) {
      std::string_view left(text);
      while (!left.empty()) {
        const auto end = std::min(left.find(':'), left.size());
        roots_.emplace_back(left.substr(0, end));
        left.remove_prefix(std::min(end + 1, left.size()));
      }
    }
    if (const char* file = std::getenv("MXF_DISK_LOG"))
      log_ = real<int(const char*, int, ...)>("open")(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (const char* text = std::getenv("MXF_DISK_STOP")) stop_ = std::atol(text);
    if (const char* text = std::getenv("MXF_DISK_FAIL")) {
      char* rest = nullptr;
      fail_ = std::strtol(text, &rest, 10);
      if (*rest == ':') errno_ = static_cast<int>(std::strtol(rest + 1, &rest, 10));
      on_ = std::string_view(rest) == ":on";
    }
  }

  bool watches(const std::string& path) const {
    if (path.ends_with("-shm")) return false;
    for (const auto& root : roots_)
      if (path == root || (path.starts_with(root) && path[root.size()] == '/')) return true;
    return false;
  }

  /// True where this act must fail; errno is set.
  bool fails() {
    ++acts_;
    if (fail_ == 0 || !(acts_ == fail_ || (on_ && acts_ > fail_))) return false;
    errno = errno_;
    return true;
  }
  void tell(const char* act, long id, off_t offset, std::string_view octets, std::size_t size, const std::string& paths) {
    const int saved = errno;
    if (log_ >= 0) {
      std::string line = std::string(act) + ' ' + std::to_string(id) + ' ' + std::to_string(offset) + ' ' +
                         std::to_string(size) + ' ' + paths + '\n';
      line += octets;
      (void)!real<ssize_t(int, const void*, std::size_t)>("write")(log_, line.data(), line.size());
    }
    errno = saved;
  }
  /// Behind each act, whatever came of it.
  void ended() const {
    if (stop_ > 0 && acts_ == stop_) (void)::raise(SIGKILL);
  }

  struct File {
    long id = 0;
    dev_t device = 0;
    ino_t inode = 0;
    std::string path{};
  };
  const File& opened(int fd, bool fresh, std::string path) {
    struct stat st {};
    (void)::fstat(fd, &st);
    auto& id = ids_[{st.st_dev, st.st_ino}];
    if (id == 0 || fresh) id = ++last_;
    return files_[fd] = File{id, st.st_dev, st.st_ino, std::move(path)};
  }
  /// The file behind a descriptor; nothing where another one has the number by now.
  const File* file_of(int fd) const {
    const auto found = files_.find(fd);
    struct stat st {};
    if (found == files_.end() || ::fstat(fd, &st) != 0) return nullptr;
    return st.st_dev == found->second.device && st.st_ino == found->second.inode ? &found->second : nullptr;
  }
  void closed(int fd) { files_.erase(fd); }

  std::recursive_mutex mutex;

 private:
  std::map<int, File> files_;
  std::map<std::pair<dev_t, ino_t>, long> ids_;
  std::vector<std::string> roots_;
  int log_ = -1;
  long stop_ = 0, fail_ = 0, acts_ = 0, last_ = 0;
  int errno_ = EIO;
  bool on_ = false;
};

Disk& disk() {
  static Disk* const it = new Disk;  // outlives every destructor of the program
  return *it;
}
using Hold = std::lock_guard<std::recursive_mutex>;

std::string of_descriptor(int fd) {
  char link[64], out[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const auto size = ::readlink(link, out, sizeof out);
  return size > 0 ? std::string(out, static_cast<std::size_t>(size)) : std::string();
}

std::string absolute(int dir, const char* path) {
  if (path[0] == '/') return path;
  if (dir != AT_FDCWD) return of_descriptor(dir) + '/' + path;
  char here[4096];
  return std::string(::getcwd(here, sizeof here) != nullptr ? here : "") + '/' + path;
}

int open_at(int dir, const char* path, int flags, mode_t mode) {
  const auto go = [&] { return real<int(int, const char*, int, ...)>("openat")(dir, path, flags, mode); };
  const auto name = absolute(dir, path);
  if (!disk().watches(name)) return go();
  const Hold hold(disk().mutex);
  const bool fresh = (flags & O_CREAT) != 0 && ::faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
  if (fresh && disk().fails()) return -1;
  const int fd = go();
  if (fd < 0) return fd;
  const auto& file = disk().opened(fd, fresh, of_descriptor(fd));
  disk().tell(fresh ? "create" : "open", file.id, 0, {}, 0, file.path);
  if (fresh) disk().ended();
  return fd;
}

/// An act on an open file: `go` does it, `tell` says what was done.
template <class Go, class Tell>
auto act_on(int fd, Go go, Tell tell) -> decltype(go()) {
  const Hold hold(disk().mutex);
  const auto* file = disk().file_of(fd);
  if (file == nullptr) return go();
  if (disk().fails()) return -1;
  const auto done = go();
  if (done >= 0) tell(*file, done);
  disk().ended();
  return done;
}

template <class Go>
int act_on_name(const char* act, const std::string& name, const std::string& other, Go go) {
  if (!disk().watches(name) && !disk().watches(other)) return go();
  const Hold hold(disk().mutex);
  if (disk().fails()) return -1;
  const int done = go();
  if (done == 0) disk().tell(act, 0, 0, {}, 0, other.empty() ? name : name + '\t' + other);
  disk().ended();
  return done;
}

ssize_t put(int fd, const void* octets, std::size_t size, off_t at, const char* name) {
  return act_on(
      fd, [&] { return real<ssize_t(int, const void*, std::size_t, off_t)>(name)(fd, octets, size, at); },
      [&](const auto& file, ssize_t done) {
        const auto count = static_cast<std::size_t>(done);
        disk().tell("write", file.id, at, {static_cast<const char*>(octets), count}, count, "");
      });
}

int cut(int fd, off_t size, const char* name) {
  return act_on(
      fd, [&] { return real<int(int, off_t)>(name)(fd, size); },
      [&](const auto& file, int) { disk().tell("truncate", file.id, size, {}, 0, ""); });
}

int sync(int fd, const char* name, const char* act) {
  return act_on(
      fd, [&] { return real<int(int)>(name)(fd); },
      [&](const auto& file, int) { disk().tell(act, file.id, 0, {}, 0, file.path); });
}

mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
}

}  // namespace

extern "C" {

#define OPEN(NAME, PARAMETERS, DIR)             \
  int NAME PARAMETERS {                         \
    va_list more;                               \
    va_start(more, flags);                      \
    const auto mode = mode_of(flags, more);     \
    va_end(more);                               \
    return open_at(DIR, path, flags, mode);     \
  }
OPEN(open, (const char* path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char* path, int flags, ...), AT_FDCWD)
OPEN(openat, (int dir, const char* path, int flags, ...), dir)
OPEN(openat64, (int dir, const char* path, int flags, ...), dir)
#undef OPEN

int close(int fd) {
  const Hold hold(disk().mutex);
  disk().closed(fd);
  return real<int(int)>("close")(fd);
}

ssize_t write(int fd, const void* octets, std::size_t size) {
  return act_on(
      fd, [&] { return real<ssize_t(int, const void*, std::size_t)>("write")(fd, octets, size); },
      [&](const auto& file, ssize_t done) {
        const auto count = static_cast<std::size_t>(done);
        disk().tell("write", file.id, ::lseek(fd, 0, SEEK_CUR) - done, {static_cast<const char*>(octets), count}, count, "");
      });
}
ssize_t pwrite(int fd, const void* octets, std::size_t size, off_t at) { return put(fd, octets, size, at, "pwrite"); }
ssize_t pwrite64(int fd, const void* octets, std::size_t size, off_t at) { return put(fd, octets, size, at, "pwrite64"); }
int ftruncate(int fd, off_t size) noexcept { return cut(fd, size, "ftruncate"); }
int ftruncate64(int fd, off_t size) noexcept { return cut(fd, size, "ftruncate64"); }
int fsync(int fd) { return sync(fd, "fsync", "sync"); }
int fdatasync(int fd) { return sync(fd, "fdatasync", "sync"); }
int syncfs(int fd) noexcept { return sync(fd, "syncfs", "sync-all"); }

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  return act_on_name("rename", absolute(from_dir, from), absolute(to_dir, to), [&] {
    return real<int(int, const char*, int, const char*, unsigned)>("renameat2")(from_dir, from, to_dir, to, flags);
  });
}
int renameat(int from_dir, const char* from, int to_dir, const char* to) noexcept { return renameat2(from_dir, from, to_dir, to, 0); }
int rename(const char* from, const char* to) noexcept { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dir, const char* path, int flags) noexcept {
  return act_on_name("unlink", absolute(dir, path), "", [&] { return real<int(int, const char*, int)>("unlinkat")(dir, path, flags); });
}
int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }

int mkdirat(int dir, const char* path, mode_t mode) noexcept {
  return act_on_name("mkdir", absolute(dir, path), "", [&] { return real<int(int, const char*, mode_t)>("mkdirat")(dir, path, mode); });
}
int mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }

}  // extern "C"
