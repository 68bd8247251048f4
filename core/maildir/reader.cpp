// SPDX-License-Identifier: Apache-2.0
#include "maildir/reader.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "protocol/mime/fingerprint.hpp"

namespace mxferry::maildir {
namespace {
constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::size_t kLargestHeader = std::size_t{4} << 20;
}  // namespace

std::string_view LineEndFixer::operator()(std::string_view piece) {
  if (ends_ == LineEnds::as_they_are) return piece;
  out_.clear();
  for (const char c : piece) {
    if (c == '\n' && !after_cr_) out_ += '\r';
    out_ += c;
    after_cr_ = c == '\r';
  }
  return out_;
}

Result<std::string> next_piece(const Fd& file, const std::string& name) {
  std::string piece(kPiece, '\0');
  for (;;) {
    const auto got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::io, "read " + name, std::strerror(errno));
    piece.resize(static_cast<std::size_t>(got));
    return piece;
  }
}

Result<Fd> FolderReader::open(const StoredMessage& message) const {
  return (message.in_new ? fresh : cur).open_file(message.file);
}

Result<std::optional<std::string>> FolderReader::read(const StoredMessage& message,
                                                      std::uint64_t limit) const {
  MXF_TRY(file, open(message));
  LineEndFixer fix(line_ends);
  std::string out;
  for (;;) {
    MXF_TRY(piece, next_piece(file, message.file));
    if (piece.empty()) return std::optional<std::string>(std::move(out));
    out += fix(piece);
    if (out.size() > limit) return std::optional<std::string>();
  }
}

Result<std::string> FolderReader::read_header(const StoredMessage& message) const {
  MXF_TRY(file, open(message));
  LineEndFixer fix(line_ends);
  std::string out;
  while (out.size() < kLargestHeader) {
    MXF_TRY(piece, next_piece(file, message.file));
    if (piece.empty()) break;
    out += fix(piece);
    if (mime::header_size(out) < out.size()) break;
  }
  out.resize(mime::header_size(out));
  return out;
}

Result<std::uint64_t> FolderReader::measure(const StoredMessage& message) const {
  MXF_TRY(file, open(message));
  LineEndFixer fix(line_ends);
  std::uint64_t size = 0;
  for (;;) {
    MXF_TRY(piece, next_piece(file, message.file));
    if (piece.empty()) return size;
    size += fix(piece).size();
  }
}

std::vector<MessageInfo> list(const FolderReader& reader, Uid first, Uid last,
                              std::optional<ModSeq> since) {
  std::vector<MessageInfo> out;
  for (auto it = reader.messages.lower_bound(first.value);
       it != reader.messages.end() && it->first <= last.value; ++it)
    if (!since || it->second.changed == 0 || it->second.changed > since->value)
      out.push_back(it->second.info);
  return out;
}

Result<std::vector<std::pair<Uid, std::string>>> headers(const FolderReader& reader,
                                                         const imap::UidSet& uids) {
  std::vector<std::pair<Uid, std::string>> out;
  for (const auto uid : uids.uids()) {
    const auto found = reader.messages.find(uid.value);
    if (found == reader.messages.end()) continue;
    auto header = reader.read_header(found->second);
    if (!header && header.error().code == ErrorCode::not_found) continue;
    if (!header) return fail(std::move(header).error());
    out.emplace_back(uid, std::move(*header));
  }
  return out;
}

Result<std::vector<WholeMessage>> whole(const FolderReader& reader, const imap::UidSet& uids) {
  std::vector<WholeMessage> out;
  for (const auto uid : uids.uids()) {
    const auto found = reader.messages.find(uid.value);
    if (found == reader.messages.end()) continue;
    auto body = reader.read(found->second, found->second.info.size);
    if (!body && body.error().code == ErrorCode::not_found) continue;
    if (!body) return fail(std::move(body).error());
    WholeMessage message;
    message.info = found->second.info;
    message.too_large = !body->has_value();
    if (*body) message.body = std::move(**body);
    out.push_back(std::move(message));
  }
  return out;
}

}  // namespace mxferry::maildir
