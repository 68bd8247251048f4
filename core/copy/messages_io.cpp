// SPDX-License-Identifier: Apache-2.0
#include "copy/messages_io.hpp"

#include <algorithm>

#include "base/escape.hpp"
#include "protocol/imap/limits.hpp"

namespace mxferry::copy {
namespace {

constexpr std::size_t kHeadersAtOnce = 2'000;

// Hashes what passes. The header is kept until it ends, up to a bound, for the fingerprint.
class DigestSink final : public MessageSink {
 public:
  Task<Result<void>> begin(std::uint64_t size) override {
    size_ = size;
    co_return Result<void>();
  }
  Task<Result<void>> write(std::string_view bytes) override {
    sha_.update(bytes);
    content_.update(bytes);
    if (!header_done_) {
      // Decided on the first kMaxHead octets alone, however they are cut into chunks.
      const auto room = std::min(bytes.size(), kMaxHead - head_.size());
      head_ += bytes.substr(0, room);
      const auto end = mime::header_size(head_);
      header_done_ = end < head_.size() || head_.size() == kMaxHead;
      has_body_ = end < head_.size();
      if (has_body_) body_.update(std::string_view(head_).substr(end));
      if (has_body_) body_.update(bytes.substr(room));
    } else if (has_body_) {
      body_.update(bytes);
    }
    co_return Result<void>();
  }
  StreamDigest finish() {
    StreamDigest out;
    out.sha256 = sha_.finish();
    out.content = content_.finish();
    out.size = size_;
    const auto by_header =
        mime::header_fingerprint(std::string_view(head_).substr(0, mime::header_size(head_)));
    out.fingerprint = by_header ? *by_header : has_body_ ? body_.finish() : out.content;
    return out;
  }

 private:
  // Above what is ever read whole, so that both ways give the same fingerprint.
  static constexpr std::size_t kMaxHead = std::size_t{4} << 20;
  mime::Sha256 sha_;
  mime::ContentHash content_;
  mime::ContentHash body_;
  std::string head_;
  bool header_done_ = false;
  bool has_body_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace

std::string path_text(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& part : path) out += (out.empty() ? "" : "/") + part;
  return out;
}

std::string text_of(const mime::Digest& digest) {
  return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

Task<Result<std::vector<MessageInfo>>> list_range(MailSource& mailbox, Uid first, Uid last) {
  std::vector<MessageInfo> out;
  std::uint64_t from = first.value;
  std::uint64_t width = kListWindow;
  while (from <= last.value) {
    const auto to = std::min<std::uint64_t>(last.value, from + width - 1);
    auto piece = co_await mailbox.list_messages(Uid(static_cast<std::uint32_t>(from)),
                                                Uid(static_cast<std::uint32_t>(to)));
    if (!piece) co_return fail(std::move(piece).error());
    if (piece->size() < kListWindow / 4) width *= 16;
    if (piece->size() > kListWindow) width = std::max<std::uint64_t>(kListWindow, width / 16);
    out.insert(out.end(), std::make_move_iterator(piece->begin()),
               std::make_move_iterator(piece->end()));
    from = to + 1;
  }
  co_return out;
}

Task<Result<std::vector<Candidate>>> fingerprints(MailSource& mailbox, imap::UidSet uids) {
  std::vector<Candidate> out;
  imap::UidSet headerless;
  const auto all = uids.uids();
  for (std::size_t at = 0; at < all.size(); at += kHeadersAtOnce) {
    imap::UidSet piece;
    for (std::size_t i = at; i < std::min(all.size(), at + kHeadersAtOnce); ++i) piece.add(all[i]);
    auto headers = co_await mailbox.fetch_headers(piece);
    if (!headers) co_return fail(std::move(headers).error());
    for (const auto& [uid, header] : *headers) {
      if (const auto print = mime::header_fingerprint(header)) {
        out.push_back(Candidate{uid, *print});
      } else {
        headerless.add(uid);
      }
    }
  }
  for (const auto uid : headerless.uids()) {
    auto digest = co_await stream_digest(mailbox, uid);
    if (!digest && digest.error().code == ErrorCode::not_found) continue;
    if (!digest) co_return fail(std::move(digest).error());
    out.push_back(Candidate{uid, digest->fingerprint});
  }
  std::sort(out.begin(), out.end(),
            [](const Candidate& a, const Candidate& b) { return a.uid < b.uid; });
  co_return out;
}

Task<Result<StreamDigest>> stream_digest(MailSource& mailbox, Uid uid) {
  DigestSink sink;
  auto done = co_await mailbox.stream_message(uid, sink);
  if (!done) co_return fail(std::move(done).error());
  co_return sink.finish();
}

Task<Result<std::vector<DigestOf>>> digests(MailSource& mailbox,
                                            std::vector<MessageInfo> messages) {
  std::vector<DigestOf> out;
  for (const auto& batch : cut_batches(messages)) {
    imap::UidSet set;
    for (const auto i : batch.members) set.add(messages[i].uid);
    if (!batch.streams) {
      auto whole = co_await mailbox.fetch_messages(set);
      if (!whole) co_return fail(std::move(whole).error());
      set = {};
      for (const auto& message : *whole) {
        if (message.too_large) {
          set.add(message.info.uid);
        } else {
          out.push_back(DigestOf{message.info.uid, mime::sha256(message.body), message.body.size(),
                                 message.nul_lost});
        }
      }
    }
    for (const auto uid : set.uids()) {
      auto digest = co_await stream_digest(mailbox, uid);
      if (!digest && digest.error().code == ErrorCode::not_found) continue;
      if (!digest) co_return fail(std::move(digest).error());
      out.push_back(DigestOf{uid, digest->sha256, digest->size, false});
    }
  }
  co_return out;
}

}  // namespace mxferry::copy
