#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# PowerDNS Authoritative 4.7 with SQLite and its HTTP API, as the primary of zones that something writes through the
# API; every write raises the serial, and the secondaries named by also-notify follow within a second or so.
#
#   powerdns.sh unpack | start DIR [key=value...] | stop DIR
#   powerdns.sh zone DIR FILE NAME      (re)loads zone NAME from a zone file, running or not; kind Master
#   powerdns.sh sign DIR NAME           makes a key for zone NAME and signs it from now on (DNSSEC, NSEC); prints its DS records
#   powerdns.sh run DIR PROGRAM [ARGUMENT...]   pdnsutil, pdns_control, sqlite3 of the unpacked tree
#
# Keys of start, with defaults:
#   address=127.0.0.1    of DNS, the API and outgoing NOTIFY      port=53
#   api_port=8081        http://address:api_port/api/v1/servers/localhost
#   api_key=             file with the key; empty: made as DIR/api.key (0600)
#   also-notify=         ADDRESS[:PORT],... told about every change
#   allow-axfr-ips=127.0.0.0/8
#   soa-edit-api=INCREASE    how an API write changes the serial; for zones loaded by `zone`
#   extra=               file with more settings, appended

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { unpack_packages powerdns pdns-server pdns-backend-sqlite3 sqlite3; }

write_configuration() {
  cat <<END
launch=gsqlite3
module-dir=$(echo "$tree"/usr/lib/*/pdns)
gsqlite3-database=$dir/zones.sqlite3
gsqlite3-pragma-synchronous=0
gsqlite3-dnssec=yes
local-address=${opt[address]}
local-port=${opt[port]}
query-local-address=${opt[address]}
api=yes
api-key=$(<"${opt[api_key]}")
webserver=yes
webserver-address=${opt[address]}
webserver-port=${opt[api_port]}
webserver-allow-from=127.0.0.0/8
webserver-loglevel=none
primary=yes
also-notify=${opt[also-notify]}
allow-axfr-ips=${opt[allow-axfr-ips]}
xfr-cycle-interval=1
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
zone-metadata-cache-ttl=0
domain-metadata-cache-ttl=0
default-ttl=40
receiver-threads=1
distributor-threads=1
retrieval-threads=1
security-poll-suffix=
version-string=anonymous
guardian=no
daemon=no
disable-syslog=yes
log-timestamp=yes
loglevel=4
setuid=
setgid=
socket-dir=$run
END
  if [[ -n ${opt[extra]} ]]; then cat "${opt[extra]}"; fi
}

do_start() {
  local run
  use_tree powerdns
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=53 api_port=8081 api_key= also-notify= allow-axfr-ips=127.0.0.0/8 soa-edit-api=INCREASE extra=
  read_options "$@"
  if [[ -z ${opt[api_key]} ]]; then
    opt[api_key]=$dir/api.key
    [[ -s $dir/api.key ]] || new_secret | private_file "$dir/api.key"
  fi
  needs_free "${opt[address]}" "${opt[port]}" "${opt[api_port]}"
  if [[ ! -s $dir/zones.sqlite3 ]]; then
    "$tree/usr/bin/sqlite3" "$dir/zones.sqlite3" <"$tree/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
  fi
  printf '%s\n' "${opt[soa-edit-api]}" >"$dir/soa-edit-api"
  make_run_folder
  write_configuration | private_file "$dir/pdns.conf"
  : >"$dir/log"
  spawn "$tree/usr/sbin/pdns_server" --config-dir="$dir"
  await "DNS on ${opt[address]}:${opt[port]}" 20 answers_dns "${opt[address]}" "${opt[port]}" . SOA any
  await "API on ${opt[address]}:${opt[api_port]}" 20 connects "${opt[address]}" "${opt[api_port]}"
  keep_run_folder
}

do_stop() { stop_server "$1"; }

do_zone() {
  [[ $# -eq 3 ]] || usage_error "zone DIR FILE NAME"
  local zone=$3
  local -a pdnsutil
  use_tree powerdns
  dir=$(cd "$1" && pwd -P)
  pdnsutil=("$tree/usr/bin/pdnsutil" --config-dir="$dir")
  {
    "${pdnsutil[@]}" load-zone "$zone" "$2"
    "${pdnsutil[@]}" set-kind "$zone" primary
    "${pdnsutil[@]}" set-meta "$zone" SOA-EDIT-API "$(<"$dir/soa-edit-api")"
  } >"$dir/zone.log" 2>&1 || { cat "$dir/zone.log" >&2; fail "cannot load zone $zone from $2"; }
  if is_running "$dir"; then
    "$tree/usr/bin/pdns_control" --config-dir="$dir" notify "$zone" >>"$dir/zone.log" 2>&1 || true
  fi
}

do_sign() {
  [[ $# -eq 2 ]] || usage_error "sign DIR NAME"
  local zone=$2
  local -a pdnsutil
  use_tree powerdns
  dir=$(cd "$1" && pwd -P)
  pdnsutil=("$tree/usr/bin/pdnsutil" --config-dir="$dir")
  {
    "${pdnsutil[@]}" secure-zone "$zone" && "${pdnsutil[@]}" rectify-zone "$zone" && "${pdnsutil[@]}" increase-serial "$zone"
  } >"$dir/zone.log" 2>&1 || { cat "$dir/zone.log" >&2; fail "cannot sign $zone"; }
  if is_running "$dir"; then
    "$tree/usr/bin/pdns_control" --config-dir="$dir" purge "$zone" >>"$dir/zone.log" 2>&1 || true
    "$tree/usr/bin/pdns_control" --config-dir="$dir" notify "$zone" >>"$dir/zone.log" 2>&1 || true
  fi
  # SHA-256 (2) alone, without the comment.
  "${pdnsutil[@]}" export-zone-ds "$zone" | awk '$3 == "DS" && $6 == 2 {print $1, $2, $3, $4, $5, $6, $7}' | grep . || fail "no DS of $zone"
}

do_run() {
  use_tree powerdns
  dir=$(cd "$1" && pwd -P)
  local program=$2; shift 2
  case $program in
    pdnsutil | pdns_control) exec "$tree/usr/bin/$program" --config-dir="$dir" "$@" ;;
    sqlite3) exec "$tree/usr/bin/sqlite3" "$dir/zones.sqlite3" "$@" ;;
    *) usage_error "run pdnsutil | pdns_control | sqlite3" ;;
  esac
}

run_command "$@"
