// SPDX-License-Identifier: Apache-2.0
#include "credentials/secret_ref.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace mxferry {
namespace {

constexpr std::size_t kMaxSecret = 64 * 1024;

// What was read from the environment: the variable itself is overwritten, so a second endpoint with
// the same reference is served from here. The environment is the process's, hence so is this.
struct Taken {
  std::mutex mutex;
  std::map<std::string, Secret, std::less<>> values;
};
Taken& taken() {
  static Taken instance;
  return instance;
}

Result<Secret> from_environment(const std::string& name) {
  auto& store = taken();
  const std::lock_guard lock(store.mutex);
  char* value = std::getenv(name.c_str());
  const auto known = store.values.find(name);
  if (value == nullptr || (*value == '\0' && known != store.values.end())) {
    if (known != store.values.end()) return known->second;
    return fail(Error{ErrorCode::not_found,
                      "secret env:" + name,
                      "the environment variable is not set",
                      {},
                      "export " + name + "=…"});
  }
  const std::size_t length = std::strlen(value);
  Secret secret(std::string(value, length));
  // unsetenv() would leave the bytes in /proc/PID/environ.
  for (volatile char* p = value; *p != '\0'; ++p) *p = '\0';
  store.values.insert_or_assign(name, secret);
  return secret;
}

Result<Secret> from_file(const std::string& path) {
  const std::string operation = "secret file:" + path;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::io;
    return fail(code, operation, std::strerror(errno));
  }
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } const closer{fd};
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail(ErrorCode::io, operation, std::strerror(errno));
  if (S_ISREG(info.st_mode) && (info.st_mode & S_IWOTH) != 0)
    return fail(Error{
        ErrorCode::config, operation, "everybody may write this file", {}, "chmod 600 " + path});
  std::string content;
  char chunk[4096];
  for (;;) {
    const auto n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorCode::io, operation, std::strerror(errno));
    if (n == 0) break;
    content.append(chunk, static_cast<std::size_t>(n));
    if (content.size() > kMaxSecret) {
      wipe(content);
      return fail(ErrorCode::config, operation, "longer than 64 KiB: not a secret");
    }
  }
  for (std::size_t i = 0; i < sizeof chunk; ++i) static_cast<volatile char*>(chunk)[i] = 0;
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  Secret secret(content);
  wipe(content);
  return secret;
}

}  // namespace

Result<void> check_secret_ref(std::string_view reference) {
  for (const std::string_view scheme : {"env:", "file:"})
    if (reference.starts_with(scheme) && reference.size() > scheme.size()) return {};
  for (const std::string_view later : {"vault:", "exec:"})
    if (reference.starts_with(later))
      return fail(ErrorCode::unsupported, "secret reference",
                  std::string(later) + " references are not supported yet: use env: or file:");
  return fail(ErrorCode::config, "secret reference",
              "expected env:NAME or file:PATH, never the secret itself");
}

Result<Secret> resolve_secret(std::string_view reference) {
  MXF_CHECK(check_secret_ref(reference));
  const auto colon = reference.find(':');
  const std::string name(reference.substr(colon + 1));
  return reference.starts_with("env:") ? from_environment(name) : from_file(name);
}

}  // namespace mxferry
