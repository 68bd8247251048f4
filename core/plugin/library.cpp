// SPDX-License-Identifier: Apache-2.0
#include "plugin/library.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>

#include "base/sha256.hpp"
#include "plugin/plugins_lock.hpp"

namespace mxferry::plugin {
namespace {

constexpr std::size_t kMaxLibrary = 256ULL << 20U;

Unexpected<Error> refuse(const Manifest& m, ErrorCode code, std::string why,
                         std::string remedy = {}) {
  return fail(Error{code,
                    "plugin " + m.id + " (" + m.library().string() + ")",
                    std::move(why),
                    {},
                    std::move(remedy)});
}

Result<std::string> read_bytes(const Manifest& m) {
  const auto path = m.library();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return refuse(m, ErrorCode::plugin,
                  std::string("cannot open the library: ") + std::strerror(errno));
  std::string bytes;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    bytes.reserve(static_cast<std::size_t>(info.st_size));
  std::string chunk(1U << 16U, '\0');
  ssize_t n = 0;
  while ((n = ::read(fd, chunk.data(), chunk.size())) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || bytes.size() > kMaxLibrary) break;
    bytes.append(chunk.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  if (n != 0)
    return refuse(m, ErrorCode::plugin, "the library cannot be read or is larger than 256 MiB");
  return bytes;
}

// A file that lives in memory only and can no longer be changed. The descriptor stays open for the
// life of the process: the dynamic linker knows a library by its name, and the name is the
// descriptor's number.
Result<int> sealed_copy(const Manifest& m, const std::string& bytes) {
  const int fd = ::memfd_create(m.id.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return refuse(m, ErrorCode::io, std::string("memfd_create: ") + std::strerror(errno));
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto n = ::write(fd, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(fd);
      return refuse(m, ErrorCode::io, std::string("memory file: ") + std::strerror(errno));
    }
    at += static_cast<std::size_t>(n);
  }
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    ::close(fd);
    return refuse(m, ErrorCode::io, std::string("sealing: ") + std::strerror(errno));
  }
  return fd;
}

std::string abi_text(std::uint32_t major, std::uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

Result<const mxf_plugin*> check_entry(const Manifest& m, const mxf_plugin* entry) {
  const auto ours = abi_text(MXF_ABI_MAJOR, MXF_ABI_MINOR);
  if (entry == nullptr)
    return refuse(m, ErrorCode::plugin, "it refuses this host (ABI " + ours + ")");
  if (entry->size < sizeof(std::uint32_t) * 2 || entry->abi_major != MXF_ABI_MAJOR)
    return refuse(
        m, ErrorCode::plugin,
        "built for plugin ABI " + std::to_string(entry->abi_major) + ".x, this mxferry has " + ours,
        "rebuild it with this mxferry's SDK");
  if (!MXF_HAS(entry, mxf_plugin, kind) || entry->id == nullptr || entry->kind == nullptr)
    return refuse(m, ErrorCode::plugin, "its entry structure is too small");
  if (entry->abi_minor > MXF_ABI_MINOR)
    return refuse(m, ErrorCode::plugin,
                  "built for plugin ABI " + abi_text(entry->abi_major, entry->abi_minor) +
                      ", newer than this mxferry's " + ours,
                  "update mxferry, or rebuild the plugin with this mxferry's SDK");
  if (m.id != entry->id)
    return refuse(m, ErrorCode::plugin,
                  "its library calls itself \"" + std::string(entry->id) + "\"");
  const char* kind = m.kind == Kind::dns ? MXF_KIND_DNS : MXF_KIND_PROVIDER;
  try {
    if (entry->kind(kind) == nullptr)
      return refuse(m, ErrorCode::plugin, std::string("it is not of kind ") + kind);
  } catch (...) {
    return refuse(m, ErrorCode::plugin, "an exception came out of kind()");
  }
  return entry;
}

Result<const mxf_plugin*> map_and_enter(const Manifest& m, const std::string& bytes) {
  MXF_TRY(fd, sealed_copy(m, bytes));
  std::error_code ec;
  // Never unloaded, on purpose: the list is reachable for ever and never destroyed.
  static auto* kept = new std::deque<boost::dll::shared_library>;  // NOLINT
  static std::mutex mutex;
  const std::lock_guard guard(mutex);
  auto* library = &kept->emplace_back();
  library->load("/proc/self/fd/" + std::to_string(fd),
                boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local, ec);
  if (ec || !library->is_loaded())
    return refuse(m, ErrorCode::plugin, "not a library that can be loaded here: " + ec.message());
  if (!library->has("mxf_plugin_entry"))
    return refuse(m, ErrorCode::plugin, "it does not export mxf_plugin_entry");
  try {
    const auto entry =
        library->get<const mxf_plugin*(std::uint32_t, std::uint32_t)>("mxf_plugin_entry");
    return check_entry(m, entry(MXF_ABI_MAJOR, MXF_ABI_MINOR));
  } catch (const std::exception& e) {
    return refuse(m, ErrorCode::plugin,
                  std::string("an exception came out of its entry: ") + e.what());
  } catch (...) {
    return refuse(m, ErrorCode::plugin, "an exception came out of its entry");
  }
}

Result<void> check_declared_abi(const Manifest& m) {
  if (!m.has_library()) return refuse(m, ErrorCode::unsupported, "this plugin is data only");
  const auto dot = m.abi.find('.');
  const std::string major = m.abi.substr(0, dot);
  if (dot == std::string::npos || major != std::to_string(MXF_ABI_MAJOR))
    return refuse(m, ErrorCode::plugin,
                  "its plugin.json says plugin ABI " + m.abi + ", this mxferry has " +
                      abi_text(MXF_ABI_MAJOR, MXF_ABI_MINOR),
                  "rebuild it with this mxferry's SDK");
  return {};
}

}  // namespace

Result<const mxf_plugin*> load_library(const Manifest& m) {
  MXF_CHECK(check_declared_abi(m));
  MXF_CHECK(check_not_writable_by_others(m.library()));
  MXF_CHECK(check_not_writable_by_others(m.file));
  MXF_TRY(lock, read_plugins_lock(m.file.parent_path().parent_path()));
  const auto line = lock.find(m.id + "/" + m.id + ".so");
  const std::string remedy = "mxferry plugins trust " + m.library().string();
  if (line == lock.end())
    return refuse(m, ErrorCode::gate, "PL-02: it has no line in plugins.lock: not trusted", remedy);
  MXF_TRY(bytes, read_bytes(m));
  const auto digest = sha256_hex(bytes);
  if (digest != line->second)
    return refuse(m, ErrorCode::gate,
                  "PL-03: its sha256 is " + digest + ", plugins.lock says " + line->second +
                      ": it was changed",
                  remedy);

  // The same bytes are mapped once per process.
  static std::mutex mutex;
  static std::map<std::string, const mxf_plugin*> loaded;
  const std::lock_guard guard(mutex);
  const std::string key = m.id + " " + digest;
  if (const auto it = loaded.find(key); it != loaded.end()) return it->second;
  MXF_TRY(entry, map_and_enter(m, bytes));
  loaded[key] = entry;
  return entry;
}

Result<const mxf_plugin*> load_untrusted_library(const Manifest& m) {
  MXF_CHECK(check_declared_abi(m));
  MXF_TRY(bytes, read_bytes(m));
  return map_and_enter(m, bytes);
}

}  // namespace mxferry::plugin
