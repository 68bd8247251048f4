// SPDX-License-Identifier: Apache-2.0
#include "imap/survey.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include "protocol/imap/limits.hpp"
#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::imap {
namespace {

// A SEARCH answer is one line (limits.hpp: kMaxLine): this many numbers of ten digits fit.
constexpr std::uint64_t kSearchPiece = 50'000;

// Messages that are looked at at once: a spot check, never a folder.
constexpr std::size_t kMostGlances = 100'000;

bool rev2(Connection& connection) { return connection.has("IMAP4REV2"); }

class Found final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    if (std::holds_alternative<SearchData>(data) || std::holds_alternative<ESearchData>(data))
      ++taken;
    if (const auto* search = std::get_if<SearchData>(&data))
      for (const auto n : search->numbers)
        if (n > 0) uids.add(Uid(n));
    if (const auto* search = std::get_if<ESearchData>(&data); search != nullptr && search->all)
      for (const auto& interval : search->all->intervals())
        uids.add(Uid(interval.first), Uid(interval.last));
  }
  UidSet uids;
};

Task<Result<UidSet>> search(Connection& connection, std::string criteria) {
  const bool esearch = connection.has("ESEARCH") || rev2(connection);
  auto found = std::make_shared<Found>();
  auto done = co_await connection.run(ReadCommands::uid_search(criteria, esearch), found);
  if (!done) co_return fail(std::move(done).error());
  co_return std::move(found->uids);
}

// Sums sizes as they come.
class Sizes final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    const auto* fetch = std::get_if<FetchData>(&data);
    if (fetch == nullptr || !fetch->uid || !fetch->size) return;  // unrequested: without a size
    ++taken;
    ++sum.messages;
    sum.bytes += *fetch->size;
    sum.largest = std::max(sum.largest, *fetch->size);
  }
  SizeSum sum;
};

Task<Result<SizeSum>> fetch_sizes(Connection& connection, std::string set) {
  auto sizes = std::make_shared<Sizes>();
  auto done = co_await connection.run(ReadCommands::uid_fetch(set, "UID RFC822.SIZE"), sizes);
  if (!done) co_return fail(std::move(done).error());
  co_return sizes->sum;
}

class StatusSize final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    if (const auto* status = std::get_if<StatusData>(&data)) {
      size = status->size;
      messages = status->messages;
    }
  }
  std::optional<std::uint64_t> size, messages;
};

class Folders final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    const auto* list = std::get_if<ListData>(&data);
    if (list == nullptr) return;
    ++taken;
    if (!list->lsub && !list->has("\\Noselect") && !list->has("\\NonExistent")) ++count;
  }
  bool overflows() const override { return taken > kMaxFolders; }
  std::size_t count = 0;
};

class Quotas final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    const auto* quota = std::get_if<QuotaData>(&data);
    if (quota == nullptr) return;
    for (const auto& resource : quota->resources) {
      if (resource.name != "STORAGE") continue;
      // RFC 9208 §5.1: units of 1024 octets.
      constexpr std::uint64_t kMost = UINT64_MAX / 1024;
      const auto used = std::min(resource.usage, kMost) * 1024;
      const auto limit = std::min(resource.limit, kMost) * 1024;
      if (state.limit && *state.limit <= limit) continue;
      state.used = used;
      state.limit = limit;
    }
  }
  QuotaState state;
};

class Namespaces final : public ResponseHandler {
 public:
  void on_data(Untagged& data) override {
    if (auto* spaces = std::get_if<NamespaceData>(&data)) all = std::move(*spaces);
  }
  NamespaceData all;
};

// One message's fields at a time.
class Headers final : public ResponseHandler {
 public:
  explicit Headers(std::function<void(Uid, std::string_view)> visit) : visit_(std::move(visit)) {}
  void on_body_begin(LiteralBegin&) override { text_.clear(); }
  void on_body(std::string_view bytes) override {
    text_ += bytes.substr(0, kMostHeaderFields - std::min(text_.size(), kMostHeaderFields));
  }
  void on_data(Untagged& data) override {
    const auto* fetch = std::get_if<FetchData>(&data);
    if (fetch == nullptr || !fetch->uid || fetch->bodies.empty()) return;
    ++taken;
    const auto& body = fetch->bodies.front();
    if (body.streamed)
      visit_(*fetch->uid, text_);
    else if (body.inline_text)
      visit_(*fetch->uid, *body.inline_text);
    text_.clear();
  }

 private:
  std::function<void(Uid, std::string_view)> visit_;
  std::string text_;
};

class Glances final : public ResponseHandler {
 public:
  void on_body_begin(LiteralBegin&) override { text_.clear(); }
  void on_body(std::string_view bytes) override {
    text_ += bytes.substr(0, kMostHeaderFields - std::min(text_.size(), kMostHeaderFields));
  }
  void on_data(Untagged& data) override {
    auto* fetch = std::get_if<FetchData>(&data);
    if (fetch == nullptr || !fetch->uid || !fetch->size || !fetch->flags) return;
    Glance item;
    item.uid = *fetch->uid;
    item.flags = std::move(*fetch->flags);
    item.date = fetch->internal_date;
    item.size = *fetch->size;
    item.structure = std::move(fetch->structure);
    for (const auto& body : fetch->bodies)
      item.header = body.streamed ? std::exchange(text_, {}) : body.inline_text.value_or("");
    items.push_back(std::move(item));
    ++taken;
  }
  bool overflows() const override { return items.size() > kMostGlances; }
  std::vector<Glance> items;

 private:
  std::string text_;
};

}  // namespace

Task<Result<SizeSum>> folder_sizes(Client& client, const FolderInfo& folder) {
  auto& connection = client.connection();
  if (folder.state && folder.state->messages == std::optional<std::uint64_t>(0))
    co_return SizeSum{};
  std::optional<std::uint64_t> total;
  SizeSum out;
  if (connection.has("STATUS=SIZE") || rev2(connection)) {
    auto status = std::make_shared<StatusSize>();
    auto done = co_await connection.run(ReadCommands::status(folder.wire, "MESSAGES SIZE"), status);
    if (!done && connection.dead()) co_return fail(std::move(done).error());
    if (done && status->size && status->messages) {
      total = status->size;
      out.messages = *status->messages;
      out.bytes = *status->size;
      if (out.messages == 0) co_return out;
    }
  }
  auto opened = co_await client.open_folder(folder.wire);
  if (!opened) co_return fail(std::move(opened).error());
  if (opened->messages == std::optional<std::uint64_t>(0)) co_return SizeSum{};
  if (!total) {
    auto sum = co_await fetch_sizes(connection, "1:*");
    co_return sum;
  }
  // The total is known: only the few largest are asked for their size.
  for (const std::uint64_t least : {std::uint64_t{16} << 20, std::uint64_t{1} << 20,
                                    std::uint64_t{64} << 10, std::uint64_t{0}}) {
    std::string criteria = "LARGER " + std::to_string(least);
    if (least == 0) criteria = "ALL";
    auto found = co_await search(connection, std::move(criteria));
    if (!found) co_return fail(std::move(found).error());
    if (found->empty()) continue;
    for (const auto& piece : found->split(kMaxCommandLine - 120)) {
      auto sum = co_await fetch_sizes(connection, piece.text());
      if (!sum) co_return fail(std::move(sum).error());
      out.largest = std::max(out.largest, sum->largest);
    }
    break;
  }
  co_return out;
}

Task<Result<QuotaState>> Client::storage_quota() {
  if (!connection_->has("QUOTA")) co_return QuotaState{};
  auto quotas = std::make_shared<Quotas>();
  auto done = co_await connection_->run(ReadCommands::quota_root("INBOX"), quotas);
  if (!done && connection_->dead()) co_return fail(std::move(done).error());
  co_return quotas->state;
}

Task<Result<std::vector<std::string>>> foreign_namespaces(Client& client) {
  auto& connection = client.connection();
  std::vector<std::string> out;
  if (!connection.has("NAMESPACE") && !rev2(connection)) co_return out;
  auto spaces = std::make_shared<Namespaces>();
  auto told = co_await connection.run(ReadCommands::name_space(), spaces);
  if (!told && connection.dead()) co_return fail(std::move(told).error());
  for (const auto* list : {&spaces->all.other_users, &spaces->all.shared}) {
    for (const auto& space : *list) {
      if (space.prefix.empty()) continue;  // everything that is not personal: not to be told apart
      auto folders = std::make_shared<Folders>();
      auto done = co_await connection.run(ReadCommands::list("", space.prefix + "*"), folders);
      if (!done && connection.dead()) co_return fail(std::move(done).error());
      if (folders->count > 0)
        out.push_back(display_name(space.prefix) + " (" + std::to_string(folders->count) +
                      (folders->count == 1 ? " folder)" : " folders)"));
    }
  }
  co_return out;
}

Task<Result<UidSet>> search_since(Client& client, std::chrono::sys_days day,
                                  const FolderState& folder) {
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::year_month_day date(day);
  const std::string since = "SINCE " + std::to_string(static_cast<unsigned>(date.day())) + "-" +
                            kMonths.at(static_cast<unsigned>(date.month()) - 1) + "-" +
                            std::to_string(static_cast<int>(date.year()));
  auto& connection = client.connection();
  const bool esearch = connection.has("ESEARCH") || rev2(connection);
  if (esearch || !folder.uid_next || folder.messages.value_or(0) <= kSearchPiece) {
    auto found = co_await search(connection, since);
    co_return found;
  }
  UidSet out;
  const std::uint64_t pieces = *folder.messages / kSearchPiece + 1;
  const std::uint64_t step = folder.uid_next->value / pieces + 1;
  for (std::uint64_t first = 1; first < folder.uid_next->value; first += step) {
    const auto last = std::min<std::uint64_t>(first + step - 1, UINT32_MAX);
    std::string criteria =
        "UID " + std::to_string(first) + ":" + std::to_string(last) + " " + since;
    auto found = co_await search(connection, std::move(criteria));
    if (!found) co_return fail(std::move(found).error());
    for (const auto& interval : found->intervals())
      out.add(Uid(interval.first), Uid(interval.last));
  }
  co_return out;
}

Task<Result<void>> each_header(Client& client, const UidSet& uids, std::string fields,
                               std::function<void(Uid, std::string_view)> visit) {
  auto& connection = client.connection();
  const std::string items = "UID BODY.PEEK[HEADER.FIELDS (" + fields + ")]";
  for (const auto& piece : uids.split(kMaxCommandLine - 160)) {
    auto headers = std::make_shared<Headers>(visit);
    auto done = co_await connection.run(ReadCommands::uid_fetch(piece.text(), items), headers);
    if (!done) co_return fail(std::move(done).error());
  }
  co_return Result<void>();
}

Task<Result<std::vector<Glance>>> glance(Client& client, const UidSet& uids, bool header) {
  auto& connection = client.connection();
  std::string items = "UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE";
  if (header) items += " BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)]";
  std::vector<Glance> out;
  for (const auto& piece : uids.split(kMaxCommandLine - 160)) {
    auto glances = std::make_shared<Glances>();
    auto done = co_await connection.run(ReadCommands::uid_fetch(piece.text(), items), glances);
    if (!done) co_return fail(std::move(done).error());
    for (auto& item : glances->items)
      if (uids.contains(item.uid)) out.push_back(std::move(item));
  }
  co_return out;
}

}  // namespace mxferry::imap
