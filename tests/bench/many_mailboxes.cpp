// SPDX-License-Identifier: Apache-2.0
// Copies N mailboxes at the same time in one process, as a run of a plan with `parallel = N` does:
// one state, one loop, a pair of connections and more for each. Its peak memory is what is
// measured.
//
//   mxf_many_mailboxes SOURCE_HOST DEST_HOST PASSWORD N STATE      users bench0@bench.test and so
//   on, port 143
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <memory>
#include <vector>

#include "copy/copy_job.hpp"
#include "copy/sync_store.hpp"
#include "imap/account.hpp"
#include "store/state_file.hpp"

using namespace mxferry;

namespace {

imap::ImapAccount account(const std::string& host, const std::string& user,
                          const std::string& password) {
  imap::ImapAccount out;
  out.endpoint.host = host;
  out.endpoint.port = 143;
  out.endpoint.security = net::Security::none;
  out.endpoint.allow_plaintext = true;
  out.credentials.user = user;
  out.credentials.secret = Secret(password);
  return out;
}

struct Copy {
  explicit Copy(copy::SyncStore opened) : state(std::move(opened)) {}
  copy::SyncStore state;
  copy::CopyJob job{};
  std::optional<Result<copy::CopyReport>> report{};
};

Task<void> run(Copy& copy) {
  auto report = co_await copy::run_copy(copy.job);
  copy.report.emplace(std::move(report));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: mxf_many_mailboxes SOURCE_HOST DEST_HOST PASSWORD N STATE\n";
    return 2;
  }
  const std::string source = argv[1];
  const std::string dest = argv[2];
  const std::string password = argv[3];
  const int count = std::stoi(argv[4]);
  auto file = store::StateFile::open(argv[5], store::Access::act);
  if (!file) {
    std::cerr << file.error().message() << '\n';
    return 4;
  }
  const SystemClock clock;
  boost::asio::io_context io;
  std::vector<std::unique_ptr<Copy>> copies;
  for (int i = 0; i < count; ++i) {
    const std::string user = "bench" + std::to_string(i) + "@bench.test";
    auto state = copy::SyncStore::open(file->db(), user, user, user);
    if (!state) {
      std::cerr << state.error().message() << '\n';
      return 4;
    }
    auto& copy = *copies.emplace_back(std::make_unique<Copy>(std::move(*state)));
    copy.job.name = user;
    copy.job.open_source = imap::source_opener(account(source, user, password));
    copy.job.open_target = imap::target_opener(account(dest, user, password));
    copy.job.state = &copy.state;
    copy.job.clock = &clock;
    boost::asio::co_spawn(io, run(copy), [](std::exception_ptr broken) {
      if (broken) std::rethrow_exception(broken);
    });
  }
  io.run();
  std::uint64_t copied = 0;
  for (const auto& copy : copies) {
    if (!*copy->report) {
      std::cerr << copy->job.name << ": " << copy->report->error().message() << '\n';
      return 5;
    }
    copied += (*copy->report)->copied;
  }
  std::cout << copied << '\n';
  return 0;
}
