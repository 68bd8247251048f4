// SPDX-License-Identifier: Apache-2.0
// run_copy: attempts the account, and comes back after lost connections until there is no progress
// any more.
#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "copy/account_copy.hpp"

namespace mxferry::copy {
namespace {

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
    Result<void> done = run.allow(0);
    if (done) done = co_await account.attempt();
    account.close();
    // Whoever reads the report may rely on it.
    if (auto settled = job.state->settle(); !settled && done) done = std::move(settled);
    if (done) {
      for (const auto& folder : run.report.folders) {
        run.report.known += folder.known;
        run.report.gone += folder.gone;
        run.report.filtered += folder.filtered;
        run.report.quarantined += folder.quarantined;
      }
      co_return run.report;
    }
    Error error = std::move(done).error();
    if (job.control->stopped())
      co_return fail(ErrorCode::cancelled, "copy " + job.name, "stopped; the same command goes on");
    if (error.code == ErrorCode::waiting && error.retry_after && job.options.on_wait) {
      job.options.on_wait(error);
      co_await run.sleep(*error.retry_after);
      if (!job.control->stopped()) continue;
      co_return fail(ErrorCode::cancelled, "copy " + job.name, "stopped; the same command goes on");
    }
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
