// SPDX-License-Identifier: Apache-2.0
// DyingState: a state whose n-th write does not happen (or happens and is not confirmed), and no
// call works from then on: what a killed process leaves. One thread.
#pragma once

#include "copy/sync_state.hpp"

namespace mxferry::copy {

class DyingState final : public SyncState {
 public:
  DyingState(SyncState& real, int dies_at, bool after)
      : real_(real), left_(dies_at), after_(after) {}
  bool died() const { return dead_; }
  Result<void> settle() override {
    return read([&] { return real_.settle(); });
  }
  Result<std::vector<FolderRecord>> folders() override {
    return read([&] { return real_.folders(); });
  }
  Result<void> put_folder(FolderRecord& f) override {
    return write([&] { return real_.put_folder(f); });
  }
  Result<std::map<std::int64_t, FolderSummary>> summaries() override {
    return read([&] { return real_.summaries(); });
  }
  Result<std::uint64_t> count_messages(const FolderRecord& f) override {
    return read([&] { return real_.count_messages(f); });
  }
  Result<std::vector<MessageRecord>> messages(const FolderRecord& f) override {
    return read([&] { return real_.messages(f); });
  }
  Result<std::uint32_t> intern_flags(const FolderRecord& f, const imap::Flags& x) override {
    return read([&] { return real_.intern_flags(f, x); });
  }
  Result<imap::Flags> flags_of(const FolderRecord& f, std::uint32_t id) override {
    return read([&] { return real_.flags_of(f, id); });
  }
  Result<std::vector<Intent>> open_intents(const FolderRecord& f) override {
    return read([&] { return real_.open_intents(f); });
  }
  Result<void> put_intent(const FolderRecord& f, const std::optional<BatchResult>& p,
                          Intent& i) override {
    return write([&] { return real_.put_intent(f, p, i); });
  }
  Result<void> renew_intent(std::int64_t id, Instant at) override {
    return write([&] { return real_.renew_intent(id, at); });
  }
  Result<void> put_result(const FolderRecord& f, const BatchResult& r) override {
    return write([&] { return real_.put_result(f, r); });
  }
  Result<void> put_messages(const FolderRecord& f, const std::vector<MessageRecord>& r) override {
    return write([&] { return real_.put_messages(f, r); });
  }
  Result<void> begin_epoch(FolderRecord& f, const std::vector<MessageRecord>& r) override {
    return write([&] { return real_.begin_epoch(f, r); });
  }
  Result<void> forget_messages(const FolderRecord& f) override {
    return write([&] { return real_.forget_messages(f); });
  }
  Result<std::vector<ExceptionRecord>> exceptions(const FolderRecord& f) override {
    return read([&] { return real_.exceptions(f); });
  }
  Result<void> remove_messages(const FolderRecord& f, const std::vector<Uid>& src) override {
    return write([&] { return real_.remove_messages(f, src); });
  }
  Result<std::string> left_out_folders() override {
    return read([&] { return real_.left_out_folders(); });
  }
  Result<void> set_left_out_folders(const std::string& text) override {
    return write([&] { return real_.set_left_out_folders(text); });
  }
  Result<bool> undo_is_open() override {
    return read([&] { return real_.undo_is_open(); });
  }
  Result<void> set_undo_open(bool open) override {
    return write([&] { return real_.set_undo_open(open); });
  }

 private:
  static Unexpected<Error> gone() { return fail(ErrorCode::store, "state", "the process is dead"); }
  template <class F>
  auto read(F f) -> decltype(f()) {
    if (dead_) return gone();
    return f();
  }
  template <class F>
  Result<void> write(F f) {
    if (dead_) return gone();
    if (left_-- > 0) return f();
    dead_ = true;
    if (after_) (void)f();
    return gone();
  }
  SyncState& real_;
  int left_;
  bool after_;
  bool dead_ = false;
};

}  // namespace mxferry::copy
