// SPDX-License-Identifier: Apache-2.0
#include "maildir/maildir_source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include "base/sha256.hpp"
#include "imap/special_use.hpp"
#include "maildir/manifest.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::maildir {
namespace {

constexpr std::uint64_t kLargestList = std::uint64_t{16} << 20;
constexpr std::size_t kDeepest = 32;

std::string unique_part(const std::string& file) { return file.substr(0, file.rfind(":2,")); }

// The seconds that a name begins with: the time of delivery.
std::uint64_t seconds_of(const std::string& file) {
  return std::strtoull(file.c_str(), nullptr, 10);
}

// The directory; nothing where there is none: the name is absent, a file or a link, which is not
// followed. Anything else that keeps us from looking is an error, not an absence.
Result<std::optional<Dir>> directory_in(const Dir& dir, const std::string& name) {
  auto out = dir.open_dir(name);
  if (out) return std::optional<Dir>(std::move(*out));
  const auto code = out.error().code;
  if (code == ErrorCode::not_found || code == ErrorCode::refused) return std::optional<Dir>();
  return fail(std::move(out).error());
}

}  // namespace

Result<std::unique_ptr<MaildirSource>> MaildirSource::open(const std::string& path) {
  auto out = std::make_unique<MaildirSource>();
  MXF_TRY(root, Dir::open(path));
  out->root_ = std::move(root);
  out->reader_.line_ends = LineEnds::crlf;
  MXF_CHECK(out->find_folders(out->root_, {}));
  if (out->places_.empty()) {
    Error error;
    error.code = ErrorCode::not_found;
    error.operation = "open " + path;
    error.text = "there is no Maildir: no folder named cur in it or below";
    return fail(std::move(error.with_remedy("name the folder that holds cur, new and tmp")));
  }
  return out;
}

Result<void> MaildirSource::find_folders(const Dir& dir, std::vector<std::string> directories) {
  MXF_TRY(cur, directory_in(dir, "cur"));
  if (cur) {
    Place place;
    place.directories = directories;
    if (directories.empty()) {
      place.wire = "INBOX";
      place.path = {"INBOX"};
    } else if (directories.size() == 1 && directories.front().starts_with('.')) {
      place.wire = directories.front();
      for (const auto& part : imap::split_path(std::string_view(place.wire).substr(1), '.'))
        place.path.push_back(imap::display_name(part));
    } else {
      for (const auto& part : directories) {
        place.wire += (place.wire.empty() ? "" : "/") + part;
        place.path.push_back(imap::display_name(part));
      }
    }
    places_.push_back(std::move(place));
  }
  if (directories.size() >= kDeepest) return {};
  MXF_TRY(names, dir.names());
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (name == "cur" || name == "new" || name == "tmp") continue;
    if (name.starts_with('.') && !directories.empty()) continue;
    MXF_TRY(below, directory_in(dir, name));
    if (!below) continue;
    auto deeper = directories;
    deeper.push_back(name);
    MXF_CHECK(find_folders(*below, std::move(deeper)));
  }
  return {};
}

NamespaceInfo MaildirSource::personal_namespace() const {
  NamespaceInfo out;
  out.delimiter = '.';
  return out;
}

Result<std::vector<std::string>> MaildirSource::lines_of(const Dir& dir,
                                                         const std::string& name) const {
  std::vector<std::string> out;
  auto file = dir.open_file(name);
  if (!file && file.error().code == ErrorCode::not_found) return out;
  if (!file) return fail(std::move(file).error());
  MXF_TRY(text, read_all(*file, name, kLargestList));
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Result<MaildirSource::Scan> MaildirSource::scan(const Place& place) const {
  MXF_TRY(dir, Dir::open(root_.path()));
  for (const auto& name : place.directories) {
    MXF_TRY(below, dir.open_dir(name));
    dir = std::move(below);
  }
  Scan out;
  MXF_TRY(cur, dir.open_dir("cur"));
  out.cur = std::move(cur);
  MXF_TRY(fresh, directory_in(dir, "new"));
  if (fresh) out.fresh = std::move(*fresh);
  std::vector<std::string> keywords;
  MXF_TRY(lines, lines_of(dir, "dovecot-keywords"));
  for (const auto& line : lines) {  // "0 $Forwarded"
    const auto blank = line.find(' ');
    const auto number = std::strtoull(line.c_str(), nullptr, 10);
    if (blank == std::string::npos || number > 25) continue;
    if (keywords.size() <= number) keywords.resize(number + 1);
    keywords[number] = line.substr(blank + 1);
  }
  for (const bool in_new : {false, true}) {
    if (in_new && out.fresh.fd() < 0) continue;
    MXF_TRY(names, (in_new ? out.fresh : out.cur).names());
    for (auto& name : names) {
      if (name.starts_with('.')) continue;
      StoredMessage message;
      message.info.flags = in_new ? imap::Flags() : flags_of_name(name, keywords);
      message.file = std::move(name);
      message.in_new = in_new;
      out.messages.push_back(std::move(message));
    }
  }
  std::sort(out.messages.begin(), out.messages.end(),
            [](const StoredMessage& a, const StoredMessage& b) {
              const auto when_a = seconds_of(a.file);
              const auto when_b = seconds_of(b.file);
              return when_a != when_b ? when_a < when_b : unique_part(a.file) < unique_part(b.file);
            });
  Sha256 all;
  std::uint32_t uid = 0;
  for (auto& message : out.messages) {
    message.info.uid = Uid(++uid);
    all.update(unique_part(message.file) + '\n');
  }
  const auto digest = all.finish();
  std::uint32_t validity = 0;
  for (std::size_t i = 0; i < 4; ++i)
    validity = validity << 8 | static_cast<unsigned char>(digest[i]);
  out.state.uid_validity = UidValidity(std::max(1U, validity));
  out.state.uid_next = Uid(uid + 1);
  out.state.messages = out.messages.size();
  return out;
}

Task<Result<std::vector<FolderInfo>>> MaildirSource::list_folders() {
  // Dovecot lists the names it knows, Courier with INBOX before them.
  std::set<std::string> subscribed;
  for (const char* file : {"subscriptions", "courierimapsubscribed"}) {
    MXF_CO_TRY(lines, lines_of(root_, file));
    for (auto line : lines) {
      std::replace(line.begin(), line.end(), '\t', '.');
      std::replace(line.begin(), line.end(), '/', '.');
      if (line.starts_with("INBOX.")) line.erase(0, 6);
      subscribed.insert(line);
    }
  }
  std::vector<FolderInfo> out;
  for (const auto& place : places_) {
    FolderInfo info;
    info.wire = place.wire;
    info.path = place.path;
    info.delimiter = '.';
    MXF_CO_TRY(found, scan(place));
    info.state = found.state;
    std::string dotted;
    for (const auto& part : place.path)
      dotted += (dotted.empty() ? "" : ".") + imap::encode_mutf7(part);
    info.subscribed = subscribed.contains(dotted);
    if (place.wire == "INBOX") {
      info.use = SpecialUse::inbox;
    } else if (place.path.size() == 1) {
      info.use = imap::use_by_name(place.path.front());
    }
    out.push_back(std::move(info));
  }
  co_return out;
}

Task<Result<FolderState>> MaildirSource::open_folder(const std::string& wire) {
  const auto place =
      std::find_if(places_.begin(), places_.end(), [&](const Place& p) { return p.wire == wire; });
  if (place == places_.end())
    co_return fail(ErrorCode::not_found, "open " + root_.path(), "there is no such folder");
  MXF_CO_TRY(found, scan(*place));
  reader_.cur = std::move(found.cur);
  reader_.fresh = std::move(found.fresh);
  reader_.messages.clear();
  for (auto& message : found.messages) {
    auto opened = reader_.open(message);
    if (!opened && opened.error().code == ErrorCode::not_found) continue;  // went away meanwhile
    if (!opened) co_return fail(std::move(opened).error());
    struct stat st {};
    if (::fstat(opened->get(), &st) != 0)
      co_return fail(ErrorCode::io, "read " + message.file, std::strerror(errno));
    imap::InternalDate date;
    date.instant = std::chrono::sys_seconds(std::chrono::seconds(st.st_mtim.tv_sec));
    message.info.date = date;
    MXF_CO_TRY(size, reader_.measure(message));
    message.info.size = size;
    const auto uid = message.info.uid.value;
    reader_.messages.emplace(uid, std::move(message));
  }
  co_return found.state;
}

std::function<Task<Result<std::unique_ptr<MailSource>>>()> maildir_source(std::string path) {
  return [path]() -> Task<Result<std::unique_ptr<MailSource>>> {
    auto opened = MaildirSource::open(path);
    if (!opened) co_return fail(std::move(opened).error());
    std::unique_ptr<MailSource> out = std::move(*opened);
    co_return out;
  };
}

}  // namespace mxferry::maildir
