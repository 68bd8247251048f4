// SPDX-License-Identifier: Apache-2.0
#include "imap/binary.hpp"

#include <cstdint>
#include <map>
#include <utility>

#include "protocol/imap/limits.hpp"
#include "protocol/imap/lost_nul.hpp"
#include "protocol/mime/fingerprint.hpp"

namespace mxferry::imap {
namespace {

class Binaries final : public ResponseHandler {
 public:
  /// `left`: the octets of all that is asked for. Decoding makes a message shorter, so that an
  /// answer with more is none of ours, and is not kept.
  explicit Binaries(std::uint64_t left) : left_(left) {}
  void on_body_begin(LiteralBegin& begin) override {
    body_.clear();
    keep_ = begin.body.section.empty() && begin.body.size <= left_;
    if (keep_) left_ -= begin.body.size;
  }
  void on_body(std::string_view bytes) override {
    if (keep_) body_ += bytes;
  }
  void on_data(Untagged& data) override {
    const auto* fetch = std::get_if<FetchData>(&data);
    if (fetch == nullptr || !fetch->uid || fetch->bodies.empty()) return;
    ++taken;
    if (keep_ && fetch->bodies.front().streamed) by_uid[fetch->uid->value] = std::move(body_);
    body_.clear();
  }
  bool overflows() const override { return by_uid.size() > kBatchMessages; }
  std::map<std::uint32_t, std::string> by_uid;

 private:
  std::uint64_t left_;
  std::string body_;
  bool keep_ = false;
};

// Everything that looks a message up goes by its header, which another command gives without
// BINARY: only what lies behind it may change.
bool is_named_without_nul(std::string_view message) {
  const auto header = message.substr(0, mime::header_size(message));
  return header.find('\0') == header.npos && mime::header_fingerprint(header).has_value();
}

}  // namespace

Task<Result<void>> restore_nul(Connection& connection, std::vector<WholeMessage>& messages) {
  UidSet suspects;
  std::uint64_t octets = 0;
  for (const auto& message : messages) {
    if (message.too_large || !may_have_lost_nul(message.body)) continue;
    suspects.add(message.info.uid);
    octets += message.body.size();
  }
  for (const auto& piece : suspects.split(kMaxCommandLine - 120)) {
    auto binaries = std::make_shared<Binaries>(octets);
    auto command = ReadCommands::uid_fetch(piece.text(), "UID BINARY.PEEK[]");
    auto done = co_await connection.run(std::move(command), binaries);
    // A transfer encoding that it does not know is refused (UNKNOWN-CTE).
    if (!done && connection.dead()) co_return fail(std::move(done).error());
    for (auto& message : messages) {
      const auto binary = binaries->by_uid.find(message.info.uid.value);
      if (binary == binaries->by_uid.end() || !piece.contains(message.info.uid)) continue;
      const auto loss = compare_with_binary(message.body, binary->second);
      if (loss == NulLoss::restored && is_named_without_nul(binary->second)) {
        message.body = std::move(binary->second);
      } else {
        message.nul_lost = loss != NulLoss::none;
      }
    }
  }
  co_return Result<void>();
}

}  // namespace mxferry::imap
