#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Knot DNS 3.2: a secondary that follows a primary by NOTIFY and transfer, or a primary for zone files (the lab's root
# and its parent zone) and for DNS UPDATE (RFC 2136) signed with TSIG.
#
#   knot.sh unpack | start DIR [key=value...] | stop DIR
#   knot.sh run DIR PROGRAM [ARGUMENT...]     knotc, kdig, knsupdate of the unpacked tree
#
# Keys of start, with defaults:
#   address=127.0.0.1    port=53
#   zone=                NAME,NAME,... of a secondary; NAME:FILE,... of a primary ("." is the root); a primary's files
#                        are copied to DIR/zones anew at each start, which drops what updates had changed
#   master=              ADDRESS[@PORT] makes this a secondary of that primary
#   notify=accept        drop: the primary's NOTIFY is refused, so only the SOA refresh timer moves the zone
#   refresh=             upper bound in seconds (2 or more) for the SOA refresh and retry timers
#   also-notify=         ADDRESS[@PORT],... that a primary tells about changes
#   tsig=                name of a key (hmac-sha256): a primary takes UPDATE signed with it. It is made as
#                          DIR/tsig.key (a `key` clause as nsupdate -k and named read it) and
#                          DIR/tsig.secret (base64 alone) and DIR/tsig.knot (for Knot's tools), all 0600; a secret
#                          that exists is kept
#   transfer=open        open: AXFR from 127.0.0.0/8; tsig: only signed; closed
#   serial=increment     increment | unixtime | dateserial: what an UPDATE does to the serial
#   extra=               file with more configuration, appended

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { unpack_packages knot knot knot-dnsutils; }

zone_name() { local name=${1%%:*}; [[ $name == . ]] && echo . || echo "${name%.}."; }
zone_file() { # file below DIR/zones
  local name; name=$(zone_name "$1")
  [[ $name == . ]] && echo root.zone || echo "${name}zone"
}

remotes() { # ID LIST: prints remote sections, sets $remote_ids
  local id=$1 number=0 peer
  remote_ids=
  for peer in ${2//,/ }; do
    number=$((number + 1))
    remote_ids+=${remote_ids:+, }$id$number
    printf '  - id: %s%s\n    address: %s\n    via: %s\n' "$id" "$number" "$peer" "${opt[address]}" >>"$dir/remotes"
  done
}

write_configuration() {
  local zone acls='' notify_to master_from name
  : >"$dir/remotes"
  remotes target "${opt[also-notify]}"; notify_to=$remote_ids
  remotes master "${opt[master]}"; master_from=$remote_ids
  cat <<END
server:
    rundir: $run
    listen: ${opt[address]}@${opt[port]}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    tcp-max-clients: 500
    # Half a second without reading ends a connection else, which a busy machine reaches within a transfer.
    tcp-io-timeout: 10000
log:
  - target: stderr
    any: info
database:
    storage: $dir/db
    journal-db-max-size: 64M
control:
    listen: $run/knot.sock
END
  if [[ -n ${opt[tsig]} ]]; then
    printf 'key:\n  - id: %s\n    algorithm: hmac-sha256\n    secret: %s\n' "${opt[tsig]}" "$(<"$dir/tsig.secret")"
  fi
  if [[ -s $dir/remotes ]]; then echo remote:; cat "$dir/remotes"; fi
  echo acl:
  case ${opt[transfer]} in
    open) printf '  - id: transfer\n    address: 127.0.0.0/8\n    action: transfer\n'; acls=transfer ;;
    tsig | closed) ;;
    *) usage_error "transfer=${opt[transfer]}" ;;
  esac
  if [[ -n ${opt[tsig]} ]]; then
    printf '  - id: signed\n    key: %s\n    action: [%supdate]\n' "${opt[tsig]}" \
      "$([[ ${opt[transfer]} == closed ]] || echo 'transfer, ')"
    acls+=${acls:+, }signed
  fi
  if [[ -n ${opt[master]} && ${opt[notify]} == accept ]]; then
    printf '  - id: notify\n    address: %s\n    action: notify\n' "${opt[master]%%@*}"
    acls+=${acls:+, }notify
  fi
  if [[ -z $acls ]]; then printf '  - id: nobody\n    address: 127.0.0.0/8\n    deny: on\n'; acls=nobody; fi
  cat <<END
template:
  - id: default
    storage: $dir/zones
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: $([[ -n ${opt[master]} ]] && echo none || echo whole)
    journal-content: $([[ -n ${opt[master]} ]] && echo all || echo changes)
    serial-policy: ${opt[serial]}
    acl: [$acls]
END
  if [[ -n $notify_to ]]; then printf '    notify: [%s]\n' "$notify_to"; fi
  if [[ -n $master_from ]]; then printf '    master: [%s]\n' "$master_from"; fi
  if [[ -n ${opt[refresh]} ]]; then
    printf '    refresh-max-interval: %s\n    retry-max-interval: %s\n    refresh-min-interval: 2\n    retry-min-interval: 2\n' \
      "${opt[refresh]}" "${opt[refresh]}"
  fi
  if [[ -n ${opt[zone]} ]]; then echo zone:; fi
  for zone in ${opt[zone]//,/ }; do
    name=$(zone_name "$zone")
    printf '  - domain: %s\n    file: %s\n' "$name" "$(zone_file "$zone")"
  done
  if [[ -n ${opt[extra]} ]]; then cat "${opt[extra]}"; fi
}

make_key() {
  [[ -s $dir/tsig.secret ]] || head -c 32 /dev/urandom | base64 | private_file "$dir/tsig.secret"
  printf 'key "%s" {\n  algorithm hmac-sha256;\n  secret "%s";\n};\n' "${opt[tsig]}" "$(<"$dir/tsig.secret")" |
    private_file "$dir/tsig.key"
  printf 'hmac-sha256:%s:%s\n' "${opt[tsig]}" "$(<"$dir/tsig.secret")" | private_file "$dir/tsig.knot"
}

do_start() {
  local run zone remote_ids
  use_tree knot
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=53 zone= master= notify=accept refresh= also-notify= tsig= transfer=open serial=increment extra=
  read_options "$@"
  needs_free "${opt[address]}" "${opt[port]}"
  mkdir -p "$dir/db" "$dir/zones"
  if [[ -z ${opt[master]} ]]; then
    rm -rf "${dir:?}/db"; mkdir "$dir/db"
    for zone in ${opt[zone]//,/ }; do
      [[ $zone == *:* ]] || usage_error "a primary's zone is NAME:FILE, not '$zone'"
      cp "${zone#*:}" "$dir/zones/$(zone_file "$zone")"
    done
  fi
  if [[ -n ${opt[tsig]} ]]; then make_key; fi
  make_run_folder
  write_configuration | private_file "$dir/knot.conf"
  : >"$dir/log"
  spawn "$tree/usr/sbin/knotd" -c "$dir/knot.conf"
  await "DNS on ${opt[address]}:${opt[port]}" 20 answers_dns "${opt[address]}" "${opt[port]}" . SOA any
  for zone in ${opt[zone]//,/ }; do
    await "zone $(zone_name "$zone")" 20 answers_dns "${opt[address]}" "${opt[port]}" "$(zone_name "$zone")" SOA
  done
  keep_run_folder
}

do_stop() { stop_server "$1"; }

do_run() {
  use_tree knot
  dir=$(cd "$1" && pwd -P)
  local program=$2; shift 2
  case $program in
    knotc) exec "$tree/usr/sbin/knotc" -s "$(<"$dir/rundir")/knot.sock" "$@" ;;
    *) exec "$tree/usr/bin/$program" "$@" ;;
  esac
}

run_command "$@"
