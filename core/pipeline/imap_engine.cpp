// SPDX-License-Identifier: Apache-2.0
#include "pipeline/imap_engine.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "copy/brain/folder_map.hpp"
#include "credentials/secret_ref.hpp"
#include "imap/account.hpp"
#include "imap/survey.hpp"
#include "pipeline/stragglers.hpp"
#include "plan/addresses.hpp"

namespace mxferry::pipeline {
namespace {

// How far back a canary is looked for: it arrived a moment ago, behind few other messages.
constexpr std::uint32_t kCanaryWindow = 500;
constexpr std::size_t kDigestBatch = 50;
constexpr std::uint32_t kSenderWindow = 200;

std::string joined(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& part : path) out += (out.empty() ? "" : "/") + part;
  return out;
}

}  // namespace

Result<net::Endpoint> endpoint_of(const config::Side& side) {
  MXF_TRY(url, imap::parse_mail_url(side.endpoint, imap::UserPart::none));
  net::Endpoint endpoint = url.endpoint;
  endpoint.address = side.address;
  endpoint.ca_file = side.ca_file;
  endpoint.pin = side.pin;
  return endpoint;
}

ImapEngine::ImapEngine(const config::PlanFile& file, RunStore* store, net::Connector& connector,
                       const Clock& clock)
    : file_(file), store_(store), connector_(connector), clock_(clock) {
  if (store_ == nullptr) return;
  pace_book_ = std::make_unique<copy::StatePaceBook>(store_->state());
  for (const auto* side : {&file_.source, &file_.dest})
    if (!side->limits.empty())
      sides_.push_back(
          std::make_shared<copy::Pace>(side->endpoint, side->limits, clock_, pace_book_.get()));
}

copy::Paces ImapEngine::paces_of(const config::Mailbox& box) {
  auto out = sides_;
  if (file_.copy.limits.empty()) return out;
  auto& own = own_[box.dest];
  if (!own)
    own = std::make_shared<copy::Pace>(box.dest, file_.copy.limits, clock_, pace_book_.get());
  out.push_back(own);
  return out;
}

Task<Result<std::unique_ptr<imap::Client>>> ImapEngine::open(const config::Side& side,
                                                             const config::Mailbox& box,
                                                             bool source, imap::MailboxRole role) {
  MXF_CO_TRY(endpoint, endpoint_of(side));
  const std::string key = "offered-tls:" + endpoint.name();
  std::string offered;
  if (store_ != nullptr) {
    MXF_CO_TRY(known, store_->state().meta(key));
    offered = std::move(known);
  }
  endpoint.offered_tls_before = !offered.empty();
  imap::Credentials credentials;
  credentials.user = source ? box.source : box.dest;
  MXF_CO_TRY(secret, resolve_secret(source ? box.source_secret : box.dest_secret));
  credentials.secret = std::move(secret);
  auto client = co_await imap::Client::open(connector_, endpoint, credentials, role);
  if (store_ != nullptr && client && offered.empty() && (*client)->connection().offered_tls())
    MXF_CO_CHECK(store_->state().set_meta(key, "yes"));
  co_return client;
}

Result<copy::SyncStore> ImapEngine::state_of(const config::Mailbox& box) {
  return copy::SyncStore::open(store_->state().db(), box.dest, box.source, box.dest);
}

Result<copy::CopyJob> ImapEngine::job_of(const config::Mailbox& box, copy::SyncState& state,
                                         std::shared_ptr<copy::CopyControl> control) {
  MXF_TRY(map, copy::MapRules::parse(file_.copy.map, file_.copy.map_file.string()));
  copy::CopyJob job;
  job.options.map = std::move(map);
  job.name = box.dest;
  job.open_source = [this, &box]() -> Task<Result<std::unique_ptr<MailSource>>> {
    auto client = co_await open(file_.source, box, true, imap::MailboxRole::ReadOnly);
    if (!client) co_return fail(std::move(client).error());
    std::unique_ptr<MailSource> out = std::move(client).value();
    co_return out;
  };
  job.open_target = [this, &box]() -> Task<Result<std::unique_ptr<MailTarget>>> {
    auto client = co_await open(file_.dest, box, false, imap::MailboxRole::Destination);
    if (!client) co_return fail(std::move(client).error());
    std::unique_ptr<MailTarget> out = std::move(client).value();
    co_return out;
  };
  job.state = &state;
  job.clock = &clock_;
  job.options.messages = file_.copy.messages;
  job.options.folders = file_.copy.folders;
  job.options.newest_first = file_.copy.newest_first;
  job.control = std::move(control);
  return job;
}

Task<Result<MailboxInventory>> ImapEngine::inventory(const config::Mailbox& box,
                                                     bool at_destination) {
  MXF_CO_TRY(client, co_await open(file_.source, box, true, imap::MailboxRole::ReadOnly));
  MXF_CO_TRY(folders, co_await client->list_folders());
  MailboxInventory out;
  out.address = box.dest;
  out.aliases = box.aliases;
  for (const auto& folder : folders) {
    if (!folder.selectable || copy::is_view(folder.use)) continue;
    ++out.folders;
    MXF_CO_TRY(sum, co_await imap::folder_sizes(*client, folder));
    out.messages += sum.messages;
    out.bytes += sum.bytes;
    out.largest = std::max(out.largest, sum.largest);
  }
  MXF_CO_TRY(quota, co_await client->storage_quota());
  out.source_quota = quota;
  MXF_CO_TRY(foreign, co_await imap::foreign_namespaces(*client));
  out.foreign = std::move(foreign);
  client->close();
  out.dest_asked = at_destination;
  if (at_destination) co_await ask_destination(box, folders, out);
  co_return out;
}

Task<Result<void>> ImapEngine::source_answers(const config::Mailbox& box) {
  MXF_CO_TRY(client, co_await open(file_.source, box, true, imap::MailboxRole::ReadOnly));
  auto folders = co_await client->list_folders();
  client->close();
  if (!folders) co_return fail(std::move(folders).error());
  co_return Result<void>();
}

Task<void> ImapEngine::ask_destination(const config::Mailbox& box,
                                       const std::vector<FolderInfo>& source,
                                       MailboxInventory& out) {
  auto client = co_await open(file_.dest, box, false, imap::MailboxRole::ReadOnly);
  if (!client) {
    out.dest_problem = client.error().message();
    co_return;
  }
  auto folders = co_await (*client)->list_folders();
  if (!folders) {
    out.dest_problem = folders.error().message();
    co_return;
  }
  out.renamed = copy::renamed_folders(source, *folders, (*client)->personal_namespace());
  out.dest_append_limit = (*client)->append_limit();
  auto quota = co_await (*client)->storage_quota();
  if (quota)
    out.dest_quota = *quota;
  else
    out.dest_problem = quota.error().message();
  (*client)->close();
}

Task<Result<SeenAddresses>> ImapEngine::seen_addresses(const config::Mailbox& box, Instant since) {
  MXF_CO_TRY(client, co_await open(file_.source, box, true, imap::MailboxRole::ReadOnly));
  MXF_CO_TRY(folders, co_await client->list_folders());
  SeenAddresses out;
  const auto domains = plan::domain_names(file_);
  const auto day = std::chrono::floor<std::chrono::days>(since);
  for (const auto& folder : folders) {
    // A draft was not received; what stands in its To is a wish.
    if (!folder.selectable || copy::is_view(folder.use) || folder.use == SpecialUse::drafts)
      continue;
    if (folder.state && folder.state->messages == std::optional<std::uint64_t>(0)) continue;
    MXF_CO_TRY(state, co_await client->open_folder(folder.wire));
    if (state.messages == std::optional<std::uint64_t>(0)) continue;
    MXF_CO_TRY(uids, co_await imap::search_since(*client, day, state));
    if (uids.empty()) continue;
    // Whoever sends junk makes To and Cc up; where it was delivered to is the server's word.
    const bool junk = folder.use == SpecialUse::junk;
    const std::string fields = junk ? "DELIVERED-TO X-ORIGINAL-TO ENVELOPE-TO"
                                    : "DELIVERED-TO X-ORIGINAL-TO ENVELOPE-TO TO CC";
    std::function<void(Uid, std::string_view)> count = [&out, &domains](Uid,
                                                                        std::string_view header) {
      plan::count_addresses(header, domains, out);
    };
    MXF_CO_CHECK(co_await imap::each_header(*client, uids, fields, count));
  }
  client->close();
  co_return out;
}

Task<Result<copy::CopyReport>> ImapEngine::copy(
    const config::Mailbox& box, CopyKind kind, std::shared_ptr<copy::CopyControl> control,
    std::function<void(const copy::Progress&)> progress) {
  MXF_CO_TRY(state, state_of(box));
  MXF_CO_TRY(job, job_of(box, state, std::move(control)));
  job.paces = paces_of(box);
  job.options.urgent = kind == CopyKind::last || kind == CopyKind::straggler;
  job.options.progress = std::move(progress);
  co_return co_await copy::run_copy(job);
}

Task<Result<copy::VerifyReport>> ImapEngine::verify(const config::Mailbox& box,
                                                    std::shared_ptr<copy::CopyControl> control) {
  MXF_CO_TRY(state, state_of(box));
  MXF_CO_TRY(job, job_of(box, state, std::move(control)));
  co_return co_await copy::run_verify(job);
}

Task<Result<copy::CopyReport>> ImapEngine::retry(const config::Mailbox& box, copy::RetryScope scope,
                                                 std::shared_ptr<copy::CopyControl> control) {
  MXF_CO_TRY(state, state_of(box));
  MXF_CO_TRY(job, job_of(box, state, std::move(control)));
  job.options.retry = std::move(scope);
  co_return co_await copy::run_copy(job);
}

Task<Result<copy::UndoReport>> ImapEngine::undo(const config::Mailbox& box,
                                                copy::UndoOptions options,
                                                std::shared_ptr<copy::CopyControl> control) {
  MXF_CO_TRY(state, state_of(box));
  MXF_CO_TRY(job, job_of(box, state, std::move(control)));
  co_return co_await copy::run_undo(job, options);
}

Task<Result<bool>> ImapEngine::find_canary(const config::Mailbox& box, const std::string& token,
                                           bool remove) {
  MXF_CO_TRY(client,
             co_await open(file_.dest, box, false,
                           remove ? imap::MailboxRole::Destination : imap::MailboxRole::ReadOnly));
  MXF_CO_TRY(folders, co_await client->list_folders());
  bool found = false;
  for (const auto& folder : folders) {
    if (!folder.selectable || (folder.use != SpecialUse::inbox && folder.use != SpecialUse::junk))
      continue;
    MXF_CO_TRY(state, co_await client->open_folder(folder.wire));
    const std::uint32_t next = state.uid_next ? state.uid_next->value : 0;
    if (next <= 1) continue;
    imap::UidSet recent;
    recent.add(Uid(next > kCanaryWindow ? next - kCanaryWindow : 1), Uid(next - 1));
    MXF_CO_TRY(headers, co_await client->fetch_headers(recent));
    imap::UidSet ours;
    for (const auto& [uid, header] : headers)
      if (header.find(token) != std::string::npos) ours.add(uid);
    if (ours.empty()) continue;
    found = true;
    if (!remove) continue;
    // Only by UID, and only what carries our token.
    imap::Flags deleted;
    deleted.add("\\Deleted");
    const imap::Flags none;
    MXF_CO_CHECK(co_await client->store_flags(ours, deleted, none));
    if (client->has_uidplus()) MXF_CO_CHECK(co_await client->expunge(ours));
  }
  client->close();
  co_return found;
}

Task<Result<void>> ImapEngine::mark_flip(const config::Mailbox& box) {
  MXF_CO_TRY(before, store_->observations("flip-mark", box.dest));
  if (!before.empty()) co_return Result<void>();  // a flip that is tried again keeps its first mark
  auto client = co_await open(file_.dest, box, false, imap::MailboxRole::ReadOnly);
  if (!client) {
    // A parked mailbox may have no account yet: all that it ever gets is new then.
    if (client.error().code == ErrorCode::auth) co_return Result<void>();
    co_return fail(std::move(client).error());
  }
  MXF_CO_TRY(folders, co_await (*client)->list_folders());
  Json marks = Json::object();
  for (const auto& folder : folders) {
    if (!folder.selectable) continue;
    MXF_CO_TRY(state, co_await (*client)->open_folder(folder.wire));
    marks[escape_bytes(folder.wire)] = state.uid_next ? state.uid_next->value : 1U;
  }
  (*client)->close();
  co_return store_->observe("flip-mark", box.dest, marks);
}

Task<Result<std::vector<NewMail>>> ImapEngine::arrived_since_flip(const config::Mailbox& box) {
  std::vector<NewMail> out;
  MXF_CO_TRY(marked, store_->observations("flip-mark", box.dest));
  Json marks = Json::object();
  if (!marked.empty()) {
    MXF_CO_TRY(read, parse_json(marked.front().second, "state: flip-mark"));
    marks = std::move(read);
  }
  MXF_CO_TRY(state, state_of(box));
  std::map<std::string, std::set<std::uint32_t>> ours;  // by destination folder
  MXF_CO_TRY(records, state.folders());
  for (const auto& folder : records) {
    MXF_CO_TRY(messages, state.messages(folder));
    for (const auto& message : messages) ours[folder.dst_name].insert(message.dst.value);
  }
  MXF_CO_TRY(client, co_await open(file_.dest, box, false, imap::MailboxRole::ReadOnly));
  MXF_CO_TRY(folders, co_await client->list_folders());
  for (const auto& folder : folders) {
    if (!folder.selectable || copy::is_view(folder.use)) continue;
    MXF_CO_TRY(opened, co_await client->open_folder(folder.wire));
    const auto mark = marks.find(escape_bytes(folder.wire));
    const std::uint32_t first = mark == marks.end() ? 1U : mark->get<std::uint32_t>();
    const std::uint32_t next = opened.uid_next ? opened.uid_next->value : UINT32_MAX;
    if (first >= next) continue;
    MXF_CO_TRY(infos, co_await client->list_messages(Uid(first), Uid(next - 1)));
    imap::UidSet batch;
    const auto& known = ours[folder.wire];
    std::vector<imap::UidSet> batches;
    for (const auto& info : infos) {
      if (known.contains(info.uid.value)) continue;
      batch.add(info.uid);
      if (batch.count() >= kDigestBatch) batches.push_back(std::exchange(batch, imap::UidSet()));
    }
    if (!batch.empty()) batches.push_back(batch);
    for (const auto& uids : batches) {
      MXF_CO_TRY(messages, co_await client->fetch_messages(uids));
      for (const auto& message : messages) {
        NewMail mail;
        mail.mailbox = box.dest;
        mail.folder = joined(folder.path);
        mail.uid = message.info.uid.value;
        mail.sha256 = sha256_hex(message.body);
        out.push_back(std::move(mail));
      }
    }
  }
  client->close();
  co_return out;
}

Result<SourceMarks> ImapEngine::source_marks(const config::Mailbox& box) {
  MXF_TRY(state, state_of(box));
  MXF_TRY(folders, state.folders());
  SourceMarks out;
  for (const auto& folder : folders)
    if (folder.src.uid_next) out[folder.src_name] = folder.src.uid_next->value;
  return out;
}

Task<Result<std::vector<Sender>>> ImapEngine::senders(const config::Mailbox& box,
                                                      const SourceMarks& marks) {
  std::vector<Sender> out;
  const auto own = plan::domain_names(file_);
  MXF_CO_TRY(client, co_await open(file_.source, box, true, imap::MailboxRole::ReadOnly));
  for (const auto& [wire, first] : marks) {
    auto opened = co_await client->open_folder(wire);
    if (!opened) continue;  // gone since
    const std::uint32_t next = opened->uid_next ? opened->uid_next->value : 0;
    if (next <= first) continue;
    imap::UidSet fresh;
    fresh.add(Uid(std::max(first, next > kSenderWindow ? next - kSenderWindow : 1)), Uid(next - 1));
    std::function<void(Uid, std::string_view)> count = [&out, &own](Uid, std::string_view header) {
      auto sender = sender_of(header, own);
      for (auto& known : out)
        if (known.from == sender.from && known.host == sender.host) {
          ++known.messages;
          return;
        }
      out.push_back(std::move(sender));
    };
    MXF_CO_CHECK(co_await imap::each_header(*client, fresh, "FROM RECEIVED", count));
  }
  client->close();
  co_return out;
}

Task<Result<QuotaState>> ImapEngine::quota(const config::Mailbox& box) {
  MXF_CO_TRY(client, co_await open(file_.dest, box, false, imap::MailboxRole::ReadOnly));
  auto out = co_await client->storage_quota();
  client->close();
  co_return out;
}

}  // namespace mxferry::pipeline
