/* SPDX-License-Identifier: Apache-2.0
 * The mxferry plugin ABI, pure C11. A plugin is a shared library with one exported symbol, mxf_plugin_entry, and a
 * plugin.json beside it (docs/plugins). The major is 0 until every plugin of the first release stands on this file.
 *
 * Rules that hold for every line below:
 *  - Growth: every struct that may grow starts with `size`, set by who fills it (MXF_HAS tells whether a member is
 *    there). The major must be equal; a plugin's minor may be lower than the host's. Unknown values: MXF_UNSUPPORTED.
 *  - Memory: nothing is freed across the boundary. What the host hands out lives until the operation returns; what a
 *    plugin hands to a host function or a sink is copied before that function returns. Null function pointer: unsupported.
 *  - Threads: [op] = called on a worker thread, one operation at a time per session. It may block only in host calls.
 *    Several sessions run at once: no mutable globals. A plugin is never unloaded.
 *  - A plugin never sleeps, retries, opens sockets or files, or reads environment or clock: the host does it for it.
 *  - Nothing throws across the boundary, in either direction.
 *  - Unsupported, failed, empty and cancelled are four different answers; none may pass for another. */
#ifndef MXFERRY_ABI_H
#define MXFERRY_ABI_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define MXF_ABI_MAJOR 0u
#define MXF_ABI_MINOR 1u
#define MXF_EXPORT __attribute__((visibility("default")))
/* True if `member` lies within what the other side filled: MXF_HAS(table, mxf_dns, change_state). */
#define MXF_HAS(ptr, type, member) ((ptr)->size >= offsetof(type, member) + sizeof((ptr)->member))

typedef struct mxf_str { /* bytes; UTF-8 where it is text; no final NUL promised; {NULL, 0} is empty */
  const char* data;
  size_t len;
} mxf_str;

typedef int32_t mxf_status;
enum {
  MXF_OK = 0,
  MXF_UNSUPPORTED = 1,   /* neither this plugin nor its API can do it */
  MXF_CANCELLED = 2,     /* the host asked to stop */
  MXF_NOT_FOUND = 3,     /* it is not there: certain, not a guess */
  MXF_EXISTS = 4,        /* it is there already */
  MXF_AUTH = 5,          /* credentials refused */
  MXF_DENIED = 6,        /* authenticated, not permitted */
  MXF_INVALID = 7,       /* the request or the configuration is wrong; repeating it does not help */
  MXF_CONFLICT = 8,      /* someone else changed it: `before` no longer holds */
  MXF_RATE_LIMITED = 9,  /* come back after retry_after_ms */
  MXF_QUOTA = 10,        /* no room */
  MXF_NETWORK = 11,      /* no connection, or it broke: a write may or may not have happened */
  MXF_TIMEOUT = 12,      /* the same, by time limit */
  MXF_REMOTE = 13,       /* the other side failed or answered something that makes no sense */
  MXF_PLUGIN_BUG = 14    /* the plugin broke its contract */
};

typedef struct mxf_error {
  uint32_t size;
  mxf_status status;
  int64_t retry_after_ms; /* < 0: unknown */
  mxf_str native_code;    /* the API's own code: "81058", "NXRRSET", "422" */
  mxf_str text;           /* one sentence of the plugin: no secret, no user data */
  mxf_str remote_text;    /* the API's own words; may hold user data: the host shows it escaped */
} mxf_error;

/* ================= host services =================
 * `h` is the session's host: valid from open() to close(), only on the thread of the running operation. Every function
 * that returns a status has, when it fails, already recorded why: returning that status is enough. */
typedef struct mxf_host mxf_host;

typedef struct mxf_header {
  mxf_str name, value;
} mxf_header;

typedef struct mxf_http_request {
  uint32_t size;
  uint32_t idempotent; /* 1: repeating does no harm, so the host may retry network errors and 5xx */
  /* The host fills ${secret:NAME} and ${secret:NAME|base64} in header values. In url and body ${secret:NAME} is filled, encoded,
   * only as the whole value of the query, form or top JSON field that the manifest names for it; elsewhere it is refused. */
  mxf_str method, url;
  const mxf_header* headers;
  size_t header_count;
  mxf_str body;
} mxf_http_request;

typedef struct mxf_http_response { /* the caller sets size; the host fills the rest */
  uint32_t size;
  uint32_t code;
  mxf_str body;
  const mxf_header* headers; /* names in lower case */
  size_t header_count;
} mxf_http_response;

enum { MXF_LOG_DEBUG = 0, MXF_LOG_INFO = 1, MXF_LOG_WARN = 2, MXF_LOG_ERROR = 3 };

struct mxf_host {
  uint32_t size, abi_major, abi_minor, reserved;
  void* self;
  /* A table by id ("mxferry.exchange/1", ...), or null where this host or this plugin's manifest has none. */
  const void* (*extension)(const mxf_host* h, const char* id);
  /* Records why the operation fails and returns e->status: `return h->fail(h, &e);` */
  mxf_status (*fail)(const mxf_host* h, const mxf_error* e);
  /* MXF_OK: an answer came, whatever its code. Only to the hosts that the manifest and its url settings name. A redirect
   * is never followed. 429 and 503 are waited out within the host's limit. */
  mxf_status (*http)(const mxf_host* h, const mxf_http_request* q, mxf_http_response* r);
  /* RFC 6901 pointer ("/url"); a setting's value or its default as text. Absent: MXF_NOT_FOUND (and nothing recorded). */
  mxf_status (*config)(const mxf_host* h, const char* pointer, mxf_str* out);
  /* The value itself, only to sign or hash with; everywhere else write ${secret:NAME}. */
  mxf_status (*secret)(const mxf_host* h, const char* name, mxf_str* out);
  mxf_status (*random)(const mxf_host* h, void* out, size_t len); /* seeded under `plugins check` */
  int64_t (*now_ms)(const mxf_host* h);                           /* Unix time; frozen under `plugins check` */
  int32_t (*cancelled)(const mxf_host* h); /* 1: return MXF_CANCELLED soon; all host calls already do */
  void (*progress)(const mxf_host* h, uint64_t done, uint64_t total);
  void (*log)(const mxf_host* h, int32_t level, mxf_str text);
};

/* ---- "mxferry.exchange/1": one DNS message out, one or many in ---- */
#define MXF_EXT_EXCHANGE "mxferry.exchange/1"
typedef struct mxf_exchange_request {
  uint32_t size;
  uint32_t stream;  /* 0: one datagram; 1: TCP, the host adds and strips the two-byte length */
  mxf_str server;   /* "192.0.2.1:53", "[2001:db8::1]:53", "ns.example.net:53"; one that a setting of type server names */
  mxf_str message;
} mxf_exchange_request;
typedef struct mxf_exchange {
  uint32_t size, reserved;
  /* Calls `answer` with each message whose id is the request's; it returns 1 to wait for another (AXFR), 0 when done.
   * The stream ending first, or the time limit: an error. */
  mxf_status (*send)(const mxf_host* h, const mxf_exchange_request* q, int32_t (*answer)(void* ctx, mxf_str message),
                     void* ctx);
} mxf_exchange;

/* ---- "mxferry.imap/1": an admin command on the host's own connection ---- */
#define MXF_EXT_IMAP "mxferry.imap/1"
typedef struct mxf_imap {
  uint32_t size, reserved;
  /* parts 0, 2, 4, ... are text; 1, 3, 5, ... are strings that the host quotes or sends as literals. Each untagged
   * answer goes to `line` as the server spelt it, without the final CRLF. NO and BAD fail with the server's words (MXF_EXISTS,
   * MXF_NOT_FOUND, ... where its response code says so, else MXF_REMOTE).
   * The host logs in as the setting of type imap says, with the secret of the same name; commands that would change the
   * connection (LOGIN, STARTTLS, APPEND, ...) are refused. */
  mxf_status (*command)(const mxf_host* h, const mxf_str* parts, size_t part_count,
                        void (*line)(void* ctx, mxf_str untagged), void* ctx);
} mxf_imap;

/* ---- "mxferry.file/1": the files that settings of type file name, and no other ---- */
#define MXF_EXT_FILE "mxferry.file/1"
typedef struct mxf_file {
  uint32_t size, reserved;
  /* The whole content, or MXF_NOT_FOUND. */
  mxf_status (*read)(const mxf_host* h, mxf_str path, mxf_str* out);
  /* Under a lock: reads (absent: empty), calls `change` once, and where it returns 1 writes *after to a temporary file
   * of the same owner and mode (new: 0600), fsyncs and renames it. *after must live until edit returns. 0: no change. */
  mxf_status (*edit)(const mxf_host* h, mxf_str path, int32_t (*change)(void* ctx, mxf_str before, mxf_str* after),
                     void* ctx);
} mxf_file;

/* ---- "mxferry.exec/1": a program, without a shell, with an empty environment ---- */
#define MXF_EXT_EXEC "mxferry.exec/1"
typedef struct mxf_exec_result { /* the caller sets size; the host fills the rest */
  uint32_t size;
  int32_t exit_code; /* 128 + signal where a signal ended it */
  mxf_str output, errors;
} mxf_exec_result;
typedef struct mxf_exec {
  uint32_t size, reserved;
  /* argv[0]: a program that a setting of type program names; no argument may hold a secret (it goes by input). Over the time limit it is killed: MXF_TIMEOUT. */
  mxf_status (*run)(const mxf_host* h, const mxf_str* argv, size_t argc, mxf_str input, uint32_t timeout_ms,
                    mxf_exec_result* r);
} mxf_exec;

/* ================= kind "mxferry.dns/1" ================= */
#define MXF_KIND_DNS "mxferry.dns/1"
typedef struct mxf_record {
  mxf_str rdata; /* RFC 1035 presentation, names absolute: "10 mx.example.net." */
  mxf_str id;    /* the API's own id, or empty */
  mxf_str extra; /* JSON of what else must survive a write (disabled, comment, proxied), or empty */
} mxf_record;
typedef struct mxf_rrset {
  uint32_t size, ttl;
  mxf_str name;       /* absolute, lower case, A-labels, final dot */
  mxf_str type, etag; /* "MX"; the API's version tag, or empty */
  const mxf_record* records;
  size_t record_count;
} mxf_rrset;
typedef struct mxf_zone {
  uint32_t size, min_ttl; /* min_ttl: the API's floor in seconds, 0 unknown */
  mxf_str name, id, etag;
  const mxf_str* name_servers; /* those that the account's zone has */
  size_t name_server_count;
} mxf_zone;
typedef struct mxf_change { /* before null: must not exist; after null: delete */
  const mxf_rrset *before, *after;
} mxf_change;
enum { MXF_APPLIED_NONE = 0, MXF_APPLIED_ALL = 1, MXF_APPLIED_PARTIAL = 2, MXF_APPLIED_UNKNOWN = 3 };
typedef struct mxf_dns {
  uint32_t size, reserved;
  mxf_status (*open)(const mxf_host* h, void** session); /* [op] no request yet: read and check the settings */
  void (*close)(void* session);                          /* [op] */
  mxf_status (*list_zones)(void* session, void (*zone)(void* ctx, const mxf_zone* z), void* ctx);
  mxf_status (*describe_zone)(void* session, mxf_str name, void (*zone)(void* ctx, const mxf_zone* z), void* ctx);
  /* Every RRset of the zone, each once. *count = RRsets sent, set last, also when 0: a mismatch is an error of the
   * plugin, so that a failed read can never pass for an empty zone. */
  mxf_status (*list_records)(void* session, mxf_str zone, void (*rrset)(void* ctx, const mxf_rrset* s), void* ctx,
                             uint64_t* count);
  /* Compares `before` with what is there (MXF_CONFLICT if it differs), then writes. *applied is set on every path, also
   * when it fails: network errors of a write are UNKNOWN. `change_id`: the API's ids, to be asked with change_state. */
  mxf_status (*apply)(void* session, mxf_str zone, const mxf_change* changes, size_t n, int32_t* applied,
                      void (*change_id)(void* ctx, mxf_str id), void* ctx);
  /* Asks once whether it is live: *done = 1 or 0. The host waits, stores the id, and resumes after a kill. */
  mxf_status (*change_state)(void* session, mxf_str zone, mxf_str change_id, int32_t* done);
} mxf_dns;

/* ================= kind "mxferry.provider/1" =================
 * Only what the profile in plugin.json cannot say; a provider that is only data needs no library. ensure_* may be
 * repeated without harm, and never lowers or removes anything. */
#define MXF_KIND_PROVIDER "mxferry.provider/1"
typedef struct mxf_account {
  uint32_t size, disabled;
  mxf_str address, display_name;
  const mxf_str* aliases;
  size_t alias_count;
  int64_t quota_bytes, used_bytes; /* -1: unknown or unlimited */
} mxf_account;
typedef struct mxf_acl { /* one entry of an RFC 4314 access list */
  mxf_str identifier, rights;
} mxf_acl;
typedef struct mxf_provider {
  uint32_t size, reserved;
  mxf_status (*open)(const mxf_host* h, void** session); /* [op] */
  void (*close)(void* session);                          /* [op] */
  mxf_status (*list_accounts)(void* session, mxf_str domain, void (*account)(void* ctx, const mxf_account* a), void* ctx,
                              uint64_t* count); /* *count as in list_records */
  /* secret_name: the name under which the host holds the account's first password during this operation. */
  mxf_status (*ensure_account)(void* session, const mxf_account* wanted, mxf_str secret_name);
  mxf_status (*ensure_aliases)(void* session, const mxf_account* wanted);
  mxf_status (*ensure_quota)(void* session, const mxf_account* wanted);
  /* Paths are UTF-8 with the delimiter of the destination; parents come first. */
  mxf_status (*ensure_folders)(void* session, mxf_str address, const mxf_str* paths, size_t n, int32_t subscribe);
  mxf_status (*ensure_acl)(void* session, mxf_str address, mxf_str path, const mxf_acl* entries, size_t n);
  /* *ready = 1 once the account can log in and receive; asks once, the host waits. */
  mxf_status (*readiness)(void* session, mxf_str address, int32_t* ready);
  mxf_status (*remove_account)(void* session, mxf_str address); /* undo: only what ensure_account created */
  mxf_status (*token)(void* session, mxf_str user, void (*bearer)(void* ctx, mxf_str token, int64_t expires_ms),
                      void* ctx);
} mxf_provider;

/* ================= reserved =================
 * A store that is not IMAP (JMAP, Gmail API, Graph): enumerate, stream out, append a batch, flags, look up, delta token. */
#define MXF_KIND_MAILSTORE "mxferry.mailstore/1"

typedef struct mxf_plugin {
  uint32_t size, abi_major, abi_minor, reserved;
  const char* id;                          /* the id of plugin.json */
  const void* (*kind)(const char* kind_id); /* MXF_KIND_DNS -> const mxf_dns*, ...; null: not that kind */
} mxf_plugin;
/* The one exported symbol. The result is static; null refuses the host. */
MXF_EXPORT const mxf_plugin* mxf_plugin_entry(uint32_t host_abi_major, uint32_t host_abi_minor);

#ifdef __cplusplus
}
#endif
#endif
