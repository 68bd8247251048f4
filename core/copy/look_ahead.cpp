// SPDX-License-Identifier: Apache-2.0
#include "copy/look_ahead.hpp"

#include <algorithm>
#include <utility>

#include "copy/messages_io.hpp"

namespace mxferry::copy {

void LookAhead::begin(Next next) {
  if (under_way_.valid() || uses_ > 0) return;
  next_ = next.wire;
  under_way_ = Started<Found>(executor_, look(std::move(next)));
}

Task<void> LookAhead::end() {
  if (under_way_.valid()) (void)co_await under_way_.get();
  found_.reset();
}

Task<Result<LookAhead::Found>> LookAhead::look(Next next) {
  Found out;
  out.state = co_await source_->open_folder(next.wire);
  if (!*out.state || !next.first) co_return out;
  const auto& state = **out.state;
  const std::uint64_t last = state.uid_next ? state.uid_next->value - 1 : kLastUid.value;
  const std::uint64_t first = next.first->value;
  if (first > last) co_return out;
  const Uid to(static_cast<std::uint32_t>(std::min(last, first + kListWindow - 1)));
  auto listed = co_await source_->list_messages(*next.first, to);
  if (!listed) co_return out;
  out.first = *next.first;
  out.last = to;
  out.listed = std::move(listed).value();
  if (!next.batch) co_return out;
  out.set = next.batch(out.listed);
  if (out.set.empty()) co_return out;
  auto bodies = co_await source_->fetch_messages(out.set);
  if (bodies) out.bodies = std::move(bodies).value();
  co_return out;
}

Task<Result<void>> LookAhead::come_back() {
  if (!under_way_.valid()) co_return Result<void>();
  (void)co_await under_way_.get();
  found_.reset();
  auto again = co_await source_->open_folder(wire_);
  if (!again) co_return fail(std::move(again).error());
  if (again->uid_validity != state_.uid_validity) {
    Error error;
    error.code = ErrorCode::protocol;
    error.operation = "imap examine";
    error.text = "the folder got another UIDVALIDITY while it was copied";
    error.retry = Retry::later;
    co_return fail(std::move(error));
  }
  co_return Result<void>();
}

Task<Result<std::vector<FolderInfo>>> LookAhead::list_folders() {
  const Use use(uses_);
  auto back = co_await come_back();
  if (!back) co_return fail(std::move(back).error());
  auto out = co_await source_->list_folders();
  co_return out;
}

Task<Result<FolderState>> LookAhead::open_folder(const std::string& wire) {
  const Use use(uses_);
  found_.reset();
  std::optional<Result<FolderState>> state;
  if (under_way_.valid()) {
    auto found = co_await under_way_.get();
    if (found && wire == next_) {
      state = std::move(found->state);
      found_ = std::move(found).value();
    }
  }
  if (!state) state = co_await source_->open_folder(wire);
  wire_ = wire;
  if (*state) state_ = **state;
  Result<FolderState> out = std::move(*state);
  co_return out;
}

Task<Result<std::vector<MessageInfo>>> LookAhead::list_messages(Uid first, Uid last) {
  const Use use(uses_);
  auto back = co_await come_back();
  if (!back) co_return fail(std::move(back).error());
  if (found_ && first >= found_->first && last <= found_->last) {
    auto& all = found_->listed;
    if (first == found_->first && last == found_->last) {
      found_->last = Uid(0);
      co_return std::exchange(all, {});
    }
    std::vector<MessageInfo> part;
    std::copy_if(all.begin(), all.end(), std::back_inserter(part),
                 [&](const MessageInfo& info) { return info.uid >= first && info.uid <= last; });
    co_return part;
  }
  auto out = co_await source_->list_messages(first, last);
  co_return out;
}

Task<Result<std::vector<MessageInfo>>> LookAhead::list_flags(Uid first, Uid last,
                                                             std::optional<ModSeq> since) {
  const Use use(uses_);
  auto back = co_await come_back();
  if (!back) co_return fail(std::move(back).error());
  auto out = co_await source_->list_flags(first, last, since);
  co_return out;
}

Task<Result<std::vector<std::pair<Uid, std::string>>>> LookAhead::fetch_headers(
    const imap::UidSet& uids) {
  const Use use(uses_);
  auto back = co_await come_back();
  if (!back) co_return fail(std::move(back).error());
  auto out = co_await source_->fetch_headers(uids);
  co_return out;
}

Task<Result<std::vector<WholeMessage>>> LookAhead::fetch_messages(const imap::UidSet& uids) {
  const Use use(uses_);
  auto back = co_await come_back();
  if (!back) co_return fail(std::move(back).error());
  if (found_ && found_->bodies && found_->set == uids) {
    auto bodies = std::move(*found_->bodies);
    found_->bodies.reset();
    co_return bodies;
  }
  auto out = co_await source_->fetch_messages(uids);
  co_return out;
}

Task<Result<void>> LookAhead::stream_message(Uid uid, MessageSink& sink) {
  const Use use(uses_);
  auto back = co_await come_back();
  if (!back) co_return back;
  auto out = co_await source_->stream_message(uid, sink);
  co_return out;
}

}  // namespace mxferry::copy
