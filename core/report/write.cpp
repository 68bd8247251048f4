// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/escape.hpp"
#include "report/report.hpp"
#include "store/state_file.hpp"

namespace mxferry::report {
namespace {

Unexpected<Error> failed(const std::filesystem::path& file, const char* what) {
  return fail(ErrorCode::io, "report",
              std::string(what) + " " + escape_line(file.string()) + ": " + std::strerror(errno));
}

// A new file beside the old one, then rename: a reader never sees half a report. O_EXCL and
// O_NOFOLLOW: nothing that somebody put there is written through.
Result<void> replace_file(const std::filesystem::path& file, const std::string& bytes) {
  auto fresh = file;
  fresh += ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return failed(fresh, "cannot create");
  std::size_t at = 0;
  bool good = ::fchmod(fd, 0600) == 0;
  while (good && at < bytes.size()) {
    const auto n = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    good = n > 0;
    if (good) at += static_cast<std::size_t>(n);
  }
  good = good && ::fsync(fd) == 0;
  const int why = errno;
  ::close(fd);
  if (good && ::rename(fresh.c_str(), file.c_str()) == 0) return {};
  if (!good) errno = why;
  const auto error = failed(file, "cannot write");
  ::unlink(fresh.c_str());
  return error;
}

}  // namespace

Result<void> write(store::Db& db, const std::filesystem::path& dir) {
  MXF_TRY(data, collect(db));
  MXF_CHECK(store::make_private_dir(dir));
  MXF_CHECK(replace_file(dir / "report.json", to_json(data)));
  MXF_CHECK(replace_file(dir / "mailboxes.csv", to_csv(data)));
  return replace_file(dir / "report.html", to_html(data));
}

}  // namespace mxferry::report
