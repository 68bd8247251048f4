// SPDX-License-Identifier: Apache-2.0
// Dir: an open directory below which single names are opened, made, renamed and removed, never a
// path and never through a symbolic link: what somebody plants beside us while we run leads
// nowhere. Blocking; one thread.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::maildir {

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd();
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

class Dir {
 public:
  Dir() = default;
  /// `path` itself may be reached through links (the operator named it); nothing below may.
  static Result<Dir> open(const std::string& path);

  /// A directory of this one. not_found if it is absent; refused where it is a link or no
  /// directory.
  Result<Dir> open_dir(const std::string& name) const;
  /// The same, made (0700) if it is absent.
  Result<Dir> make_dir(const std::string& name) const;
  /// The names in it, without `.` and `..`, in no order.
  Result<std::vector<std::string>> names() const;

  /// A regular file, to read. not_found if it is absent, refused where it is anything else.
  Result<Fd> open_file(const std::string& name) const;
  /// A file of ours (0600), to append to; made if it is absent.
  Result<Fd> append_file(const std::string& name) const;
  /// A file that was not there.
  Result<Fd> create_file(const std::string& name, mode_t mode) const;
  /// Moves a file to a name that is free.
  Result<void> move_to(const std::string& name, const Dir& other, const std::string& free) const;
  /// Removes a file or a link, never what it points to; one that is absent is success.
  Result<void> remove(const std::string& name) const;
  /// What the directory lists is durable.
  Result<void> sync() const;
  /// Everything written to its file system is durable.
  Result<void> sync_file_system() const;

  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }

 private:
  Dir(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Unexpected<Error> why(const char* what, const std::string& name) const;

  Fd fd_;
  std::string path_;  // for messages
};

/// The rest of the file. ErrorCode::io; more than `limit` octets is ErrorCode::io too.
Result<std::string> read_all(const Fd& file, const std::string& name, std::uint64_t limit);
/// Every octet, or ErrorCode::io.
Result<void> write_all(const Fd& file, std::string_view bytes, const std::string& name);
Result<void> sync_file(const Fd& file, const std::string& name);

}  // namespace mxferry::maildir
