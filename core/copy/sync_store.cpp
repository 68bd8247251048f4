// SPDX-License-Identifier: Apache-2.0
#include "copy/sync_store.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace mxferry::copy {
namespace {

constexpr std::size_t kExtent = 4096;

// --- varints: 7 bits an octet, lowest first, the high bit says that more follow ---

void put(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}
std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto c = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t{c & 0x7FU} << shift;
      if ((c & 0x80) == 0) return value;
    }
    bad_ = true;
    return 0;
  }
  Fingerprint print() {
    Fingerprint out{};
    if (bytes_.size() < out.size()) {
      bad_ = true;
      return out;
    }
    std::copy_n(bytes_.begin(), out.size(), out.begin());
    bytes_.remove_prefix(out.size());
    return out;
  }
  bool bad() const { return bad_; }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

void put_print(std::string& out, const Fingerprint& print) {
  out.append(print.begin(), print.end());
}

struct Encoded {
  store::Blob map, flags, digest, origin;
};

Encoded encode(const std::vector<MessageRecord>& records) {
  Encoded out;
  std::uint32_t src = 0;
  std::int64_t dst = 0;
  std::uint64_t run = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& record = records[i];
    ++run;
    if (i + 1 == records.size() || records[i + 1].origin != record.origin) {
      put(out.origin.bytes, static_cast<std::uint64_t>(record.origin));
      put(out.origin.bytes, std::exchange(run, 0));
    }
    put(out.map.bytes, record.src.value - src);
    put(out.map.bytes, zigzag(std::int64_t{record.dst.value} - dst));
    put(out.flags.bytes, record.src_flags);
    put(out.flags.bytes, record.dst_flags);
    put_print(out.digest.bytes, record.fingerprint);
    src = record.src.value;
    dst = record.dst.value;
  }
  return out;
}

// Columns n, map, flags, digest, origin of a row; nothing where they are damaged.
std::optional<std::vector<MessageRecord>> decode(const store::Row& row) {
  const auto n = static_cast<std::size_t>(row.integer(0));
  const std::string map = row.text(1);
  const std::string flags = row.text(2);
  const std::string digest = row.text(3);
  const std::string origin = row.text(4);
  const bool known_origin = !row.is_null(4);
  Reader uids(map);
  Reader sets(flags);
  Reader prints(digest);
  Reader origins(origin);
  std::uint64_t run = 0;
  std::uint64_t kind = static_cast<std::uint64_t>(Origin::unknown);
  std::vector<MessageRecord> out;
  std::uint64_t src = 0;
  std::int64_t dst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    src += uids.number();
    dst += unzigzag(uids.number());
    MessageRecord record;
    if (src > 0xFFFFFFFFULL || dst < 0 || dst > 0xFFFFFFFFLL) return std::nullopt;
    record.src = Uid(static_cast<std::uint32_t>(src));
    record.dst = Uid(static_cast<std::uint32_t>(dst));
    record.src_flags = static_cast<std::uint32_t>(sets.number());
    record.dst_flags = static_cast<std::uint32_t>(sets.number());
    record.fingerprint = prints.print();
    if (known_origin && run == 0) {
      kind = origins.number();
      run = origins.number();
      if (origins.bad() || run == 0 || kind > static_cast<std::uint64_t>(Origin::removing))
        return std::nullopt;
    }
    --run;
    record.origin = static_cast<Origin>(kind);
    out.push_back(record);
  }
  if (uids.bad() || sets.bad() || prints.bad()) return std::nullopt;
  return out;
}

template <class Id>
std::optional<Id> id_or_nothing(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.id<Id>(column);
}

FolderState state_at(const store::Row& row, int column) {
  FolderState out;
  out.uid_validity = id_or_nothing<UidValidity>(row, column);
  out.uid_next = id_or_nothing<Uid>(row, column + 1);
  if (!row.is_null(column + 2)) out.messages = static_cast<std::uint64_t>(row.integer(column + 2));
  out.highest_modseq = id_or_nothing<ModSeq>(row, column + 3);
  return out;
}

}  // namespace

Result<SyncStore> SyncStore::open(store::Db& db, const std::string& key, const std::string& src,
                                  const std::string& dst) {
  MXF_CHECK(db.run("INSERT INTO pair(key, src, dst) VALUES($1, $2, $3) ON CONFLICT DO NOTHING", key,
                   src, dst));
  MXF_TRY(id, db.number("SELECT id FROM pair WHERE tenant = '' AND key = $1", key));
  if (!id) return fail(ErrorCode::store, "open pair", "the pair was not stored");
  return SyncStore(db, *id);
}

Result<SyncStore> SyncStore::find(store::Db& db, const std::string& key, const std::string& dst,
                                  const std::string& user) {
  std::vector<std::int64_t> pairs;
  MXF_CHECK(db.each(
      "SELECT id FROM pair WHERE tenant = '' AND (key = $1 OR ($1 = '' AND dst IN ($2, $3)))",
      [&](const store::Row& row) { pairs.push_back(row.integer(0)); }, key, dst, user));
  if (pairs.empty())
    return fail(ErrorCode::not_found, "open pair", "this state knows nothing of that mailbox");
  if (pairs.size() > 1)
    return fail(ErrorCode::usage, "open pair",
                "several mailboxes were copied to that destination: name the source too");
  return SyncStore(db, pairs.front());
}

Result<std::vector<FolderRecord>> SyncStore::folders() {
  std::vector<FolderRecord> out;
  MXF_CHECK(db_->each(
      "SELECT id, src_name, dst_name, use, epoch, src_uidvalidity, src_uidnext, src_exists, "
      "src_modseq, dst_uidvalidity, "
      "dst_uidnext, dst_exists, dst_modseq, adopt_below, created, left_out FROM folder WHERE pair "
      "= $1 ORDER BY id",
      [&](const store::Row& row) {
        FolderRecord record;
        record.id = row.integer(0);
        record.src_name = row.text(1);
        record.dst_name = row.text(2);
        record.use = use_from_text(row.text(3));
        record.epoch = static_cast<std::uint32_t>(row.integer(4));
        record.src = state_at(row, 5);
        record.dst = state_at(row, 9);
        record.adopt_below = id_or_nothing<Uid>(row, 13);
        record.created = row.integer(14) != 0;
        record.left_out = row.text(15);
        out.push_back(std::move(record));
      },
      pair_));
  return out;
}

Result<void> SyncStore::settle() {
  MXF_TRY(transaction, db_->begin());
  MXF_CHECK(db_->run("UPDATE pair SET key = key WHERE id = $1", pair_));
  return transaction.commit();
}

Result<void> SyncStore::put_folder(FolderRecord& f) {
  MXF_TRY(transaction, db_->begin(store::Durability::with_next));
  MXF_CHECK(write_folder(f));
  return transaction.commit();
}

Result<void> SyncStore::write_folder(FolderRecord& f) {
  const store::Blob src{f.src_name};
  const store::Blob dst{f.dst_name};
  if (f.id == 0) {
    MXF_CHECK(db_->run(
        "INSERT INTO folder(pair, src_name, dst_name, use, epoch) VALUES($1, $2, $3, $4, $5)",
        pair_, src, dst, use_text(f.use), f.epoch));
    f.id = db_->last_id();
  }
  return db_->run(
      "UPDATE folder SET dst_name = $1, use = $2, epoch = $3, src_uidvalidity = $4, src_uidnext = "
      "$5, src_exists = $6, src_modseq = $7, dst_uidvalidity = $8, dst_uidnext = $9, dst_exists = "
      "$10, dst_modseq = $11, adopt_below = $12, created = $13, left_out = $14 WHERE id = $15",
      dst, use_text(f.use), f.epoch, f.src.uid_validity, f.src.uid_next, f.src.messages,
      f.src.highest_modseq, f.dst.uid_validity, f.dst.uid_next, f.dst.messages,
      f.dst.highest_modseq, f.adopt_below, f.created ? 1 : 0, f.left_out, f.id);
}

Result<std::map<std::int64_t, FolderSummary>> SyncStore::summaries() {
  std::map<std::int64_t, FolderSummary> out;
  MXF_CHECK(db_->each(
      "SELECT folder.id, sum(n) FROM folder JOIN extent ON extent.folder = folder.id AND "
      "extent.epoch = folder.epoch WHERE pair = $1 GROUP BY folder.id",
      [&](const store::Row& row) {
        out[row.integer(0)].messages = static_cast<std::uint64_t>(row.integer(1));
      },
      pair_));
  MXF_CHECK(db_->each(
      "SELECT DISTINCT folder.id FROM batch JOIN folder ON folder.id = batch.folder WHERE pair = "
      "$1 AND batch.state = 'open'",
      [&](const store::Row& row) { out[row.integer(0)].open_intents = true; }, pair_));
  MXF_CHECK(db_->each(
      "SELECT DISTINCT folder.id FROM exception JOIN folder ON folder.id = exception.folder AND "
      "folder.epoch = exception.epoch WHERE pair = $1 AND class = 'refused'",
      [&](const store::Row& row) { out[row.integer(0)].refused = true; }, pair_));
  return out;
}

Result<std::uint64_t> SyncStore::count_messages(const FolderRecord& folder) {
  MXF_TRY(n, db_->number("SELECT sum(n) FROM extent WHERE folder = $1 AND epoch = $2", folder.id,
                         folder.epoch));
  return static_cast<std::uint64_t>(n.value_or(0));
}

Result<std::vector<MessageRecord>> SyncStore::messages(const FolderRecord& folder) {
  std::vector<MessageRecord> out;
  bool damaged = false;
  MXF_CHECK(db_->each(
      "SELECT n, map, flags, digest, origin FROM extent WHERE folder = $1 AND epoch = $2 ORDER BY "
      "src_uid_first",
      [&](const store::Row& row) {
        auto records = decode(row);
        damaged = damaged || !records;
        if (damaged) return;
        out.insert(out.end(), records->begin(), records->end());
      },
      folder.id, folder.epoch));
  if (damaged) return store::damaged(*db_, "extent");
  return out;
}

Result<SyncStore::FlagTable*> SyncStore::table(std::int64_t folder) {
  auto& entry = flags_[folder];
  if (!entry.loaded) {
    MXF_CHECK(db_->each(
        "SELECT id, flags FROM flagset WHERE folder = $1 ORDER BY id",
        [&](const store::Row& row) {
          const auto id = static_cast<std::size_t>(row.integer(0));
          if (id != entry.sets.size()) return;
          const auto text = row.text(1);
          entry.ids[text] = static_cast<std::uint32_t>(id);
          entry.sets.push_back(imap::Flags::parse(text));
        },
        folder));
    entry.loaded = true;
  }
  return &entry;
}

Result<std::uint32_t> SyncStore::intern_flags(const FolderRecord& folder,
                                              const imap::Flags& flags) {
  MXF_TRY(entry, table(folder.id));
  const auto text = flags.text();
  if (const auto it = entry->ids.find(text); it != entry->ids.end()) return it->second;
  const auto id = static_cast<std::uint32_t>(entry->sets.size());
  MXF_CHECK(db_->run("INSERT INTO flagset(folder, id, flags) VALUES($1, $2, $3)", folder.id, id,
                     store::Blob{text}));
  entry->sets.push_back(flags);
  entry->ids[text] = id;
  return id;
}

Result<imap::Flags> SyncStore::flags_of(const FolderRecord& folder, std::uint32_t id) {
  MXF_TRY(entry, table(folder.id));
  if (id >= entry->sets.size()) return store::damaged(*db_, "flag set");
  return entry->sets[id];
}

Result<std::vector<Intent>> SyncStore::open_intents(const FolderRecord& folder) {
  struct Raw {
    Intent intent;
    std::string uids;
    std::string prints;
  };
  std::vector<Raw> raws;
  MXF_CHECK(db_->each(
      "SELECT id, at, dst_uidvalidity, dst_uidnext_before, src_uids, fingerprints FROM batch WHERE "
      "folder = $1 AND "
      "state = 'open' ORDER BY id",
      [&](const store::Row& row) {
        Raw raw;
        raw.intent.id = row.integer(0);
        raw.intent.at = Instant(Millis(row.integer(1)));
        if (row.integer(2) > 0) raw.intent.dst_uid_validity = row.id<UidValidity>(2);
        raw.intent.dst_uid_next = row.id<Uid>(3);
        raw.uids = row.text(4);
        raw.prints = row.text(5);
        raws.push_back(std::move(raw));
      },
      folder.id));
  std::vector<Intent> out;
  for (auto& raw : raws) {
    Reader uids(raw.uids);
    Reader prints(raw.prints);
    const auto n = uids.number();
    for (std::uint64_t i = 0; i < n && !uids.bad(); ++i) {
      IntentMessage message;
      message.src = Uid(static_cast<std::uint32_t>(uids.number()));
      message.fingerprint = prints.print();
      message.content = prints.print();
      MXF_TRY(flags, flags_of(folder, static_cast<std::uint32_t>(prints.number())));
      MXF_TRY(src_flags, flags_of(folder, static_cast<std::uint32_t>(prints.number())));
      message.flags = std::move(flags);
      message.src_flags = std::move(src_flags);
      raw.intent.messages.push_back(std::move(message));
    }
    if (uids.bad() || prints.bad()) return store::damaged(*db_, "batch");
    out.push_back(std::move(raw.intent));
  }
  return out;
}

Result<void> SyncStore::put_intent(const FolderRecord& folder,
                                   const std::optional<BatchResult>& previous, Intent& intent) {
  store::Blob uids;
  store::Blob prints;
  put(uids.bytes, intent.messages.size());
  MXF_TRY(transaction, db_->begin(store::Durability::with_next));
  for (const auto& message : intent.messages) {
    put(uids.bytes, message.src.value);
    put_print(prints.bytes, message.fingerprint);
    put_print(prints.bytes, message.content);
    MXF_TRY(flags, intern_flags(folder, message.flags));
    MXF_TRY(src_flags, intern_flags(folder, message.src_flags));
    put(prints.bytes, flags);
    put(prints.bytes, src_flags);
  }
  if (previous) MXF_CHECK(apply(folder, *previous));
  const std::int64_t validity =
      intent.dst_uid_validity ? std::int64_t{intent.dst_uid_validity->value} : 0;
  MXF_CHECK(
      db_->run("INSERT INTO batch(folder, at, dst_uidvalidity, dst_uidnext_before, src_uids, "
               "fingerprints, state) "
               "VALUES($1, $2, $3, $4, $5, $6, 'open')",
               folder.id, intent.at.time_since_epoch().count(), validity, intent.dst_uid_next, uids,
               prints));
  intent.id = db_->last_id();
  return transaction.commit();
}

Result<void> SyncStore::renew_intent(std::int64_t id, Instant at) {
  return db_->run("UPDATE batch SET at = $1 WHERE id = $2", at.time_since_epoch().count(), id);
}

Result<void> SyncStore::put_result(const FolderRecord& folder, const BatchResult& result) {
  MXF_TRY(transaction, db_->begin(store::Durability::with_next));
  MXF_CHECK(apply(folder, result));
  return transaction.commit();
}

Result<void> SyncStore::apply(const FolderRecord& folder, const BatchResult& result) {
  MXF_CHECK(add_records(folder, result.stored));
  MXF_TRY(excepted, db_->number("SELECT count(*) FROM exception WHERE folder = $1 AND epoch = $2",
                                folder.id, folder.epoch));
  for (std::size_t i = 0; excepted.value_or(0) > 0 && i < result.stored.size(); ++i)
    MXF_CHECK(db_->run("DELETE FROM exception WHERE folder = $1 AND epoch = $2 AND src_uid = $3",
                       folder.id, folder.epoch, result.stored[i].src));
  for (const auto& e : result.exceptions)
    MXF_CHECK(
        db_->run("INSERT INTO exception(folder, epoch, src_uid, class, code, words) VALUES($1, $2, "
                 "$3, $4, $5, $6) ON "
                 "CONFLICT(folder, epoch, src_uid) DO UPDATE SET class = excluded.class, code = "
                 "excluded.code, words = "
                 "excluded.words, tries = tries + 1",
                 folder.id, folder.epoch, e.src, e.kind, e.code, e.words));
  return db_->run("DELETE FROM batch WHERE id = $1", result.intent);
}

Result<void> SyncStore::put_messages(const FolderRecord& folder,
                                     const std::vector<MessageRecord>& records) {
  MXF_TRY(transaction, db_->begin(store::Durability::with_next));
  MXF_CHECK(add_records(folder, records));
  return transaction.commit();
}

// Each record goes to the extent whose range it falls into; one that grows beyond kExtent is cut.
Result<void> SyncStore::add_records(const FolderRecord& folder,
                                    std::vector<MessageRecord> records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const MessageRecord& a, const MessageRecord& b) { return a.src < b.src; });
  for (std::size_t at = 0; at < records.size();) {
    MXF_TRY(first, db_->number("SELECT max(src_uid_first) FROM extent WHERE folder = $1 AND epoch "
                               "= $2 AND src_uid_first <= $3",
                               folder.id, folder.epoch, records[at].src));
    // Below the first extent: it is extended downwards.
    if (!first) {
      MXF_TRY(lowest,
              db_->number("SELECT min(src_uid_first) FROM extent WHERE folder = $1 AND epoch = $2",
                          folder.id, folder.epoch));
      first = lowest;
    }
    std::vector<MessageRecord> extent;
    std::optional<std::int64_t> next;
    if (first) {
      MXF_TRY(after, db_->number("SELECT min(src_uid_first) FROM extent WHERE folder = $1 AND "
                                 "epoch = $2 AND src_uid_first > $3",
                                 folder.id, folder.epoch, *first));
      next = after;
      std::optional<std::vector<MessageRecord>> decoded;
      MXF_CHECK(db_->each(
          "SELECT n, map, flags, digest, origin FROM extent WHERE folder = $1 AND epoch = $2 AND "
          "src_uid_first = $3",
          [&](const store::Row& row) { decoded = decode(row); }, folder.id, folder.epoch, *first));
      if (!decoded) return store::damaged(*db_, "extent");
      extent = std::move(*decoded);
    }
    // Appending behind a full last extent starts a new one.
    const bool behind = !extent.empty() && extent.back().src < records[at].src && !next;
    if (behind && extent.size() >= kExtent) {
      extent.clear();
    } else if (first) {
      MXF_CHECK(
          db_->run("DELETE FROM extent WHERE folder = $1 AND epoch = $2 AND src_uid_first = $3",
                   folder.id, folder.epoch, *first));
    }
    std::vector<MessageRecord> merged;
    std::size_t old = 0;
    while (old < extent.size() ||
           (at < records.size() &&
            (!next || records[at].src.value < static_cast<std::uint64_t>(*next)))) {
      const bool have_new = at < records.size() &&
                            (!next || records[at].src.value < static_cast<std::uint64_t>(*next));
      if (!have_new || (old < extent.size() && extent[old].src < records[at].src)) {
        merged.push_back(extent[old++]);
        continue;
      }
      if (old < extent.size() && extent[old].src == records[at].src) ++old;
      if (!merged.empty() && merged.back().src == records[at].src) merged.pop_back();
      merged.push_back(records[at++]);
    }
    for (std::size_t from = 0; from < merged.size(); from += kExtent) {
      const auto begin = merged.begin() + static_cast<std::ptrdiff_t>(from);
      const auto end =
          merged.begin() + static_cast<std::ptrdiff_t>(std::min(merged.size(), from + kExtent));
      MXF_CHECK(write_extent(folder, std::vector<MessageRecord>(begin, end)));
    }
  }
  return {};
}

Result<void> SyncStore::write_extent(const FolderRecord& folder,
                                     const std::vector<MessageRecord>& records) {
  auto encoded = encode(records);
  return db_->run(
      "INSERT INTO extent(folder, epoch, src_uid_first, n, map, flags, digest, origin) VALUES($1, "
      "$2, $3, $4, $5, $6, $7, $8)",
      folder.id, folder.epoch, records.front().src, records.size(), std::move(encoded.map),
      std::move(encoded.flags), std::move(encoded.digest), std::move(encoded.origin));
}

Result<void> SyncStore::begin_epoch(FolderRecord& folder,
                                    const std::vector<MessageRecord>& records) {
  MXF_TRY(transaction, db_->begin());
  MXF_CHECK(db_->run("DELETE FROM extent WHERE folder = $1", folder.id));
  MXF_CHECK(db_->run("DELETE FROM exception WHERE folder = $1", folder.id));
  MXF_CHECK(write_folder(folder));
  MXF_CHECK(add_records(folder, records));
  return transaction.commit();
}

Result<void> SyncStore::remove_messages(const FolderRecord& folder, const std::vector<Uid>& src) {
  const std::set<Uid> gone(src.begin(), src.end());
  if (gone.empty()) return {};
  MXF_TRY(transaction, db_->begin(store::Durability::with_next));
  // Only the extents that hold one of them, each by its first UID.
  std::vector<std::pair<std::int64_t, std::vector<MessageRecord>>> touched;
  bool damaged = false;
  MXF_CHECK(db_->each(
      "SELECT n, map, flags, digest, origin, src_uid_first FROM extent WHERE folder = $1 AND epoch "
      "= $2 AND src_uid_first <= $3 AND src_uid_first >= coalesce((SELECT max(src_uid_first) FROM "
      "extent WHERE folder = $1 AND epoch = $2 AND src_uid_first <= $4), 0)",
      [&](const store::Row& row) {
        auto records = decode(row);
        damaged = damaged || !records;
        if (damaged) return;
        if (std::erase_if(*records, [&](const MessageRecord& r) { return gone.contains(r.src); }) >
            0)
          touched.emplace_back(row.integer(5), std::move(*records));
      },
      folder.id, folder.epoch, *gone.rbegin(), *gone.begin()));
  if (damaged) return store::damaged(*db_, "extent");
  for (const auto& [first, left] : touched) {
    MXF_CHECK(db_->run("DELETE FROM extent WHERE folder = $1 AND epoch = $2 AND src_uid_first = $3",
                       folder.id, folder.epoch, first));
    if (!left.empty()) MXF_CHECK(write_extent(folder, left));
  }
  return transaction.commit();
}

Result<std::string> SyncStore::left_out_folders() {
  MXF_TRY(text, db_->text("SELECT left_out FROM pair WHERE id = $1", pair_));
  return text.value_or("");
}

Result<void> SyncStore::set_left_out_folders(const std::string& text) {
  return db_->run("UPDATE pair SET left_out = $1 WHERE id = $2", text, pair_);
}

Result<bool> SyncStore::undo_is_open() {
  MXF_TRY(open, db_->number("SELECT undo FROM pair WHERE id = $1", pair_));
  return open.value_or(0) != 0;
}

Result<void> SyncStore::set_undo_open(bool open) {
  return db_->run("UPDATE pair SET undo = $1 WHERE id = $2", open ? 1 : 0, pair_);
}

Result<void> SyncStore::forget_messages(const FolderRecord& folder) {
  return db_->run("DELETE FROM extent WHERE folder = $1", folder.id);
}

Result<std::vector<ExceptionRecord>> SyncStore::exceptions(const FolderRecord& folder) {
  std::vector<ExceptionRecord> out;
  MXF_CHECK(db_->each(
      "SELECT src_uid, class, code, words, tries FROM exception WHERE folder = $1 AND epoch = $2 "
      "ORDER BY src_uid",
      [&](const store::Row& row) {
        ExceptionRecord e;
        e.src = row.id<Uid>(0);
        e.kind = row.text(1);
        e.code = row.text(2);
        e.words = row.text(3);
        e.tries = static_cast<std::uint32_t>(row.integer(4));
        out.push_back(std::move(e));
      },
      folder.id, folder.epoch));
  return out;
}

}  // namespace mxferry::copy
