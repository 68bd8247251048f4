/* SPDX-License-Identifier: Apache-2.0
 * Pins what a plugin compiled today relies on tomorrow: sizes and offsets of every struct of abi.h on LP64, seen from C11. A
 * line here changes only together with the major. abi_test.cpp compiles this file with every compiler and standard at hand. */
#include <mxferry/abi.h>
#ifdef __cplusplus
#define PIN(what, value) static_assert((what) == (value), #what)
#else
#define PIN(what, value) _Static_assert((what) == (value), #what)
#endif
PIN(sizeof(void*), 8);
PIN(sizeof(mxf_str), 16);
PIN(offsetof(mxf_str, len), 8);
PIN(sizeof(mxf_status), 4);
PIN(sizeof(mxf_error), 64);
PIN(offsetof(mxf_error, retry_after_ms), 8);
PIN(offsetof(mxf_error, native_code), 16);
PIN(offsetof(mxf_error, remote_text), 48);
PIN(sizeof(mxf_header), 32);
PIN(sizeof(mxf_http_request), 72);
PIN(offsetof(mxf_http_request, method), 8);
PIN(offsetof(mxf_http_request, headers), 40);
PIN(offsetof(mxf_http_request, body), 56);
PIN(sizeof(mxf_http_response), 40);
PIN(offsetof(mxf_http_response, headers), 24);
PIN(sizeof(mxf_host), 104);
PIN(offsetof(mxf_host, self), 16);
PIN(offsetof(mxf_host, extension), 24);
PIN(offsetof(mxf_host, fail), 32);
PIN(offsetof(mxf_host, http), 40);
PIN(offsetof(mxf_host, config), 48);
PIN(offsetof(mxf_host, secret), 56);
PIN(offsetof(mxf_host, random), 64);
PIN(offsetof(mxf_host, now_ms), 72);
PIN(offsetof(mxf_host, cancelled), 80);
PIN(offsetof(mxf_host, progress), 88);
PIN(offsetof(mxf_host, log), 96);
PIN(sizeof(mxf_exchange_request), 40);
PIN(offsetof(mxf_exchange_request, server), 8);
PIN(sizeof(mxf_exchange), 16);
PIN(sizeof(mxf_imap), 16);
PIN(sizeof(mxf_file), 24);
PIN(sizeof(mxf_exec_result), 40);
PIN(sizeof(mxf_exec), 16);
PIN(sizeof(mxf_record), 48);
PIN(sizeof(mxf_rrset), 72);
PIN(offsetof(mxf_rrset, name), 8);
PIN(offsetof(mxf_rrset, records), 56);
PIN(sizeof(mxf_zone), 72);
PIN(offsetof(mxf_zone, name_servers), 56);
PIN(sizeof(mxf_change), 16);
PIN(sizeof(mxf_dns), 64);
PIN(offsetof(mxf_dns, open), 8);
PIN(offsetof(mxf_dns, list_zones), 24);
PIN(offsetof(mxf_dns, list_records), 40);
PIN(offsetof(mxf_dns, apply), 48);
PIN(offsetof(mxf_dns, change_state), 56);
PIN(sizeof(mxf_account), 72);
PIN(offsetof(mxf_account, quota_bytes), 56);
PIN(sizeof(mxf_acl), 32);
PIN(sizeof(mxf_provider), 96);
PIN(offsetof(mxf_provider, list_accounts), 24);
PIN(offsetof(mxf_provider, ensure_folders), 56);
PIN(offsetof(mxf_provider, readiness), 72);
PIN(offsetof(mxf_provider, token), 88);
PIN(sizeof(mxf_plugin), 32);
PIN(offsetof(mxf_plugin, id), 16);
PIN(MXF_PLUGIN_BUG, 14);
PIN(MXF_APPLIED_UNKNOWN, 3);
