// SPDX-License-Identifier: Apache-2.0
// Every key starts with the tenant through its migration row; names of folders are bytes (BLOB),
// all else is text or integers. Finished messages live in extents of up to 4096, never a row each;
// what is not plain is a row of `exception`.
#include "store/schema.hpp"

namespace mxferry::store {

const char* schema_sql() {
  return R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- copy: what has been moved
CREATE TABLE pair(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL DEFAULT '', key TEXT NOT NULL, src TEXT NOT NULL, dst TEXT NOT NULL,
  undo INTEGER NOT NULL DEFAULT 0, left_out TEXT NOT NULL DEFAULT '', UNIQUE(tenant, key)) STRICT;
CREATE TABLE folder(id INTEGER PRIMARY KEY, pair INTEGER NOT NULL REFERENCES pair(id), src_name BLOB NOT NULL, dst_name BLOB NOT NULL,
  use TEXT NOT NULL DEFAULT '', epoch INTEGER NOT NULL DEFAULT 1,
  src_uidvalidity INTEGER, src_uidnext INTEGER, src_exists INTEGER, src_modseq INTEGER,
  dst_uidvalidity INTEGER, dst_uidnext INTEGER, dst_exists INTEGER, dst_modseq INTEGER,
  flip_uid INTEGER, flags_at INTEGER, adopt_below INTEGER, created INTEGER NOT NULL DEFAULT 0,
  left_out TEXT NOT NULL DEFAULT '', UNIQUE(pair, src_name)) STRICT;
CREATE TABLE batch(id INTEGER PRIMARY KEY, folder INTEGER NOT NULL REFERENCES folder(id), lane INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL, dst_uidvalidity INTEGER NOT NULL, dst_uidnext_before INTEGER NOT NULL,
  src_uids BLOB NOT NULL, fingerprints BLOB NOT NULL, dst_uids BLOB, state TEXT NOT NULL) STRICT;
CREATE INDEX batch_folder ON batch(folder);
CREATE TABLE extent(folder INTEGER NOT NULL REFERENCES folder(id), epoch INTEGER NOT NULL, src_uid_first INTEGER NOT NULL,
  n INTEGER NOT NULL, map BLOB NOT NULL, flags BLOB NOT NULL, digest BLOB NOT NULL, origin BLOB,
  PRIMARY KEY(folder, epoch, src_uid_first)) STRICT, WITHOUT ROWID;
CREATE TABLE flagset(folder INTEGER NOT NULL REFERENCES folder(id), id INTEGER NOT NULL, flags BLOB NOT NULL,
  PRIMARY KEY(folder, id)) STRICT, WITHOUT ROWID;
CREATE TABLE exception(folder INTEGER NOT NULL REFERENCES folder(id), epoch INTEGER NOT NULL, src_uid INTEGER NOT NULL,
  class TEXT NOT NULL, code TEXT NOT NULL DEFAULT '', words TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY(folder, epoch, src_uid)) STRICT, WITHOUT ROWID;

-- run: what is planned, what was done, what was seen
CREATE TABLE plan(revision INTEGER PRIMARY KEY, at INTEGER NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE run(id INTEGER PRIMARY KEY CHECK(id = 1), plan_revision INTEGER NOT NULL, plan_hash TEXT NOT NULL, host TEXT NOT NULL,
  boot_id TEXT NOT NULL, pid INTEGER NOT NULL, fence INTEGER NOT NULL, scale INTEGER NOT NULL, state TEXT NOT NULL,
  started INTEGER NOT NULL, heartbeat INTEGER NOT NULL) STRICT;
CREATE TABLE step_state(step TEXT PRIMARY KEY, state TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, not_before INTEGER,
  why TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL) STRICT;
CREATE TABLE journal(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL, phase TEXT NOT NULL,
  body TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TABLE approval(id INTEGER PRIMARY KEY, plan_hash TEXT NOT NULL, gate TEXT NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL,
  kind TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', expires INTEGER) STRICT;
CREATE TABLE control(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, verb TEXT NOT NULL, body TEXT NOT NULL, who TEXT NOT NULL,
  taken INTEGER) STRICT;
CREATE TABLE finding(id TEXT NOT NULL, subject TEXT NOT NULL, severity TEXT NOT NULL, text TEXT NOT NULL, remedy TEXT NOT NULL,
  accepted TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL, PRIMARY KEY(id, subject)) STRICT;
CREATE TABLE observation(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX observation_kind ON observation(kind, subject);
CREATE TABLE wait_clock(key TEXT PRIMARY KEY, started INTEGER NOT NULL, progress INTEGER NOT NULL, boot_id TEXT NOT NULL,
  boot_at INTEGER NOT NULL, wall_at INTEGER NOT NULL) STRICT;
CREATE TABLE zone_snapshot(zone TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY(zone, at)) STRICT;
CREATE TABLE dns_change(id INTEGER PRIMARY KEY, zone TEXT NOT NULL, step TEXT NOT NULL, at INTEGER NOT NULL, before TEXT NOT NULL,
  after TEXT NOT NULL, native_id TEXT NOT NULL DEFAULT '', state TEXT NOT NULL) STRICT;
CREATE TABLE seen_ttl(zone TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, ttl INTEGER NOT NULL, PRIMARY KEY(zone, name, type)) STRICT;
CREATE TABLE mailbox(address TEXT PRIMARY KEY, state TEXT NOT NULL, words TEXT NOT NULL DEFAULT '', src_messages INTEGER, src_bytes INTEGER,
  dst_messages INTEGER, dst_bytes INTEGER, copied INTEGER NOT NULL DEFAULT 0, delta_at INTEGER, verified_at INTEGER,
  verify TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE outbox(key TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL) STRICT;
)sql";
}

const char* migration_sql(std::int64_t from) {
  switch (from) {
    case 1:  // what an undo may take back, what a filter left out
      return R"sql(
ALTER TABLE pair ADD COLUMN undo INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pair ADD COLUMN left_out TEXT NOT NULL DEFAULT '';
ALTER TABLE folder ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE folder ADD COLUMN left_out TEXT NOT NULL DEFAULT '';
ALTER TABLE extent ADD COLUMN origin BLOB;
)sql";
    default:
      return nullptr;
  }
}

}  // namespace mxferry::store
