// SPDX-License-Identifier: Apache-2.0
#include "app/write_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mxferry::app {
namespace fs = std::filesystem;

Result<void> write_file(const fs::path& file, const std::string& text) {
  const fs::path next = file.string() + ".new";
  {
    const int fd =
        ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return fail(ErrorCode::io, "write " + file.string(), std::strerror(errno));
    std::size_t done = 0;
    while (done < text.size()) {
      const auto n = ::write(fd, text.data() + done, text.size() - done);
      if (n < 0) {
        const std::string why = std::strerror(errno);
        ::close(fd);
        return fail(ErrorCode::io, "write " + file.string(), why);
      }
      done += static_cast<std::size_t>(n);
    }
    (void)::fsync(fd);
    ::close(fd);
  }
  std::error_code ec;
  fs::rename(next, file, ec);
  if (ec) return fail(ErrorCode::io, "write " + file.string(), ec.message());
  return {};
}

}  // namespace mxferry::app
