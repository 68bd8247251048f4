// SPDX-License-Identifier: Apache-2.0
// run_copy: connects, lists both sides, asks copy/brain whether the account may be touched at all,
// copies folder by folder, and comes back after lost connections until there is no progress any
// more.
#include <boost/asio/this_coro.hpp>
#include <map>

#include "copy/brain/folder_map.hpp"
#include "copy/folder_copy.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

std::string join(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& part : path) out += (out.empty() ? "" : "/") + part;
  return out;
}

// The destination says that its folder is another one than we copied to.
bool made_anew(const FolderRecord& record, const std::vector<FolderInfo>& there) {
  for (const auto& folder : there)
    if (folder.wire == record.dst_name && folder.state && folder.state->uid_validity)
      return folder.state->uid_validity != record.dst.uid_validity;
  return false;
}

class AccountCopy {
 public:
  AccountCopy(CopyJob& job, boost::asio::any_io_executor executor)
      : job_(job), run_{.job = job, .executor = executor} {}

  Task<Result<void>> attempt();
  RunContext& context() { return run_; }
  void close() {
    job_.control->on_abort = nullptr;
    if (source_) source_->close();
    if (target_) target_->close();
    source_.reset();
    target_.reset();
  }

 private:
  Task<Result<void>> connect();
  Result<void> guard(const std::vector<FolderInfo>& listed);
  Task<Result<void>> copy_folder(const FolderInfo& info, const FolderMapping& mapping,
                                 const std::vector<FolderInfo>& there);
  FolderReport& report_for(const FolderInfo& info);

  CopyJob& job_;
  RunContext run_;
  std::unique_ptr<MailSource> source_;
  std::unique_ptr<MailTarget> target_;
  std::vector<FolderRecord> records_;
  std::map<std::string, std::size_t> reports_;  // source wire -> index in report.folders
  std::map<std::string, bool> finished_;
};

Task<Result<void>> AccountCopy::connect() {
  auto source = co_await job_.open_source();
  if (!source) co_return fail(std::move(source).error());
  source_ = std::move(source).value();
  auto target = co_await job_.open_target();
  if (!target) co_return fail(std::move(target).error());
  target_ = std::move(target).value();
  run_.source = source_.get();
  run_.target = target_.get();
  job_.control->on_abort = [this] {
    if (source_) source_->close();
    if (target_) target_->close();
  };
  co_return Result<void>();
}

// A server's statement alone destroys nothing, and a bad one stops the account before anything else
// is believed.
Result<void> AccountCopy::guard(const std::vector<FolderInfo>& listed) {
  std::vector<FolderCount> counts;
  std::uint64_t to_come = 0;
  for (const auto& info : listed)
    if (info.selectable && info.state && info.state->messages) to_come += *info.state->messages;
  std::uint64_t known_total = 0;
  for (const auto& record : records_) {
    FolderCount count;
    count.name = record.src_name;
    count.is_inbox = imap::is_inbox(record.src_name);
    MXF_TRY(known, job_.state->count_messages(record));
    count.known = known;
    known_total += known;
    for (const auto& info : listed) {
      if (info.wire != record.src_name && !(imap::is_inbox(info.wire) && count.is_inbox)) continue;
      // Listed without a count: nothing is known to be gone.
      count.messages = info.state && info.state->messages ? *info.state->messages : known;
    }
    counts.push_back(std::move(count));
  }
  run_.total = run_.report.copied + run_.report.adopted +
               (to_come > known_total ? to_come - known_total : 0);
  if (job_.options.accept_gone && !listed.empty()) return {};
  auto why = too_much_gone(counts, listed.empty());
  if (why.empty()) return {};
  Error error;
  error.code = ErrorCode::gate;
  error.operation = "copy " + job_.name;
  error.text = std::move(why);
  error.remedy =
      "nothing was changed; look at the source, and if this is meant, run once with --accept-gone";
  return fail(std::move(error));
}

FolderReport& AccountCopy::report_for(const FolderInfo& info) {
  const auto it = reports_.find(info.wire);
  if (it != reports_.end()) return run_.report.folders[it->second];
  reports_[info.wire] = run_.report.folders.size();
  FolderReport report;
  report.source = join(info.path);
  run_.report.folders.push_back(std::move(report));
  return run_.report.folders.back();
}

Task<Result<void>> AccountCopy::copy_folder(const FolderInfo& info, const FolderMapping& mapping,
                                            const std::vector<FolderInfo>& there) {
  auto& report = report_for(info);
  if (!mapping.skipped.empty()) {
    report.skipped = mapping.skipped;
    co_return Result<void>();
  }
  report.destination = imap::display_name(mapping.wire);
  FolderRecord record;
  std::vector<FolderRecord> siblings;
  for (const auto& known : records_) {
    if (known.src_name == info.wire) {
      record = known;
    } else if (known.dst_name == mapping.wire) {
      siblings.push_back(known);
    }
  }
  if (record.id == 0) {
    record.src_name = info.wire;
    record.dst_name = mapping.wire;
    record.use = info.use;
  } else if (!mapping.create && info.state && is_unchanged(record.src, *info.state) &&
             !made_anew(record, there)) {
    MXF_CO_TRY(open, job_.state->open_intents(record));
    MXF_CO_TRY(refused, job_.state->exceptions(record));
    if (open.empty() && refused.empty()) {
      MXF_CO_TRY(known, job_.state->count_messages(record));
      report.unchanged = true;
      report.known = known;
      report.src = *info.state;
      co_return Result<void>();
    }
  }
  FolderCopy copy(run_, record, report, std::move(siblings));
  if (job_.options.dry_run) {
    auto counted = co_await copy.dry_run();
    co_return counted;
  }
  auto done = co_await copy.run(mapping.create, mapping.subscribe);
  if (done) co_return done;
  // The servers' refusal of one folder leaves the others.
  const auto code = done.error().code;
  const bool of_folder =
      (code == ErrorCode::refused || code == ErrorCode::denied || code == ErrorCode::not_found ||
       code == ErrorCode::exists || code == ErrorCode::unsupported) &&
      done.error().retry == Retry::never;
  if (!of_folder) co_return done;
  report.failed = done.error().message();
  co_return Result<void>();
}

Task<Result<void>> AccountCopy::attempt() {
  auto connected = co_await connect();
  if (!connected) co_return connected;
  auto listed = co_await source_->list_folders();
  if (!listed) co_return fail(std::move(listed).error());
  auto there = co_await target_->list_folders();
  if (!there) co_return fail(std::move(there).error());
  MXF_CO_TRY(records, job_.state->folders());
  records_ = std::move(records);
  MXF_CO_CHECK(guard(*listed));
  std::map<std::string, std::string> fixed;
  for (const auto& record : records_) fixed[record.src_name] = record.dst_name;
  const auto mappings = map_folders(*listed, *there, target_->personal_namespace(), fixed);
  run_.report.folders.reserve(run_.report.folders.size() + mappings.size());
  for (const auto& mapping : mappings) {
    const auto& info = (*listed)[mapping.source];
    if (finished_.contains(info.wire)) continue;
    if (job_.control->stopped())
      co_return fail(ErrorCode::cancelled, "copy " + job_.name, "stopped");
    auto copied = co_await copy_folder(info, mapping, *there);
    if (!copied) co_return copied;
    finished_[info.wire] = true;
    // A sibling that comes later must see what this one has stored.
    MXF_CO_TRY(fresh, job_.state->folders());
    records_ = std::move(fresh);
  }
  co_return Result<void>();
}

bool comes_back(const Error& error) {
  switch (error.code) {
    case ErrorCode::network:
    case ErrorCode::timeout:
    case ErrorCode::protocol:
    case ErrorCode::rate_limited:
      return true;
    case ErrorCode::refused:
    case ErrorCode::not_found:
      return error.retry != Retry::never;
    default:
      return false;
  }
}

}  // namespace

Task<Result<CopyReport>> run_copy(CopyJob& job) {
  const auto executor = co_await boost::asio::this_coro::executor;
  AccountCopy account(job, executor);
  auto& run = account.context();
  unsigned failures = 0;
  while (true) {
    run.progressed = false;
    auto done = co_await account.attempt();
    account.close();
    if (done) {
      for (const auto& folder : run.report.folders) {
        run.report.known += folder.known;
        run.report.gone += folder.gone;
      }
      co_return run.report;
    }
    Error error = std::move(done).error();
    if (job.control->stopped())
      co_return fail(ErrorCode::cancelled, "copy " + job.name, "stopped; the same command goes on");
    if (!comes_back(error)) co_return fail(std::move(error));
    // A folder that is never there is a refusal in the end, not a wrong command line.
    if (error.code == ErrorCode::not_found) error.code = ErrorCode::refused;
    failures = run.progressed ? 1 : failures + 1;
    if (failures >= job.options.attempts) co_return fail(std::move(error));
    auto wait = std::min(job.options.backoff * (1U << std::min(failures - 1, 16U)),
                         job.options.longest_backoff);
    if (error.retry_after) wait = std::max(wait, *error.retry_after);
    // More patience than a run has: whoever called decides when to come back.
    if (wait > job.options.longest_backoff) co_return fail(std::move(error));
    ++run.report.reconnects;
    co_await run.sleep(wait);
    if (job.control->stopped())
      co_return fail(ErrorCode::cancelled, "copy " + job.name, "stopped; the same command goes on");
  }
}

}  // namespace mxferry::copy
