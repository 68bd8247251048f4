#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# BIND 9.18 as a primary that takes DNS UPDATE (RFC 2136) signed with TSIG and gives its zones away by AXFR.
#
#   bind.sh unpack | start DIR [key=value...] | stop DIR
#
# BIND listens only on addresses that an interface has. An address that none has is added to lo (ip addr add) and
# taken away by stop; with address=127.0.0.1 and a port of its own nothing of the machine is changed.
#
# Keys of start, with defaults:
#   address=127.0.0.1    port=53
#   zone=                NAME:FILE,...  primary zones; files are copied to DIR/zones anew at each start
#   tsig=lab.            name of the key (hmac-sha256), made as DIR/tsig.key (a `key` clause as nsupdate -k reads it)
#                          and DIR/tsig.secret (base64 alone), both 0600; a secret that exists is kept
#   transfer=open        open: AXFR from 127.0.0.0/8; tsig: only signed; closed
#   also-notify=         ADDRESS[@PORT],...
#   extra=               file with more configuration, included last

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { unpack_packages bind bind9 iproute2; }

write_configuration() {
  local zone name peer notify='' transfer
  case ${opt[transfer]} in
    open) transfer='127.0.0.0/8;' ;;
    tsig) transfer="key \"${opt[tsig]}\";" ;;
    closed) transfer='none;' ;;
    *) usage_error "transfer=${opt[transfer]}" ;;
  esac
  for peer in ${opt[also-notify]//,/ }; do
    notify+="${peer%%@*} port $([[ $peer == *@* ]] && echo "${peer#*@}" || echo 53); "
  done
  cat <<END
include "$dir/tsig.key";
options {
  directory "$dir/zones";
  pid-file none;
  session-keyfile none;
  managed-keys-directory "$dir/zones";
  listen-on port ${opt[port]} { ${opt[address]}; };
  listen-on-v6 { none; };
  query-source address ${opt[address]};
  notify-source ${opt[address]};
  transfer-source ${opt[address]};
  recursion no;
  dnssec-validation no;
  allow-query { 127.0.0.0/8; };
  allow-transfer { $transfer };
  notify $([[ -n $notify ]] && echo explicit || echo no);
  also-notify { $notify};
  notify-delay 0;
  minimal-responses no;
};
controls { };
END
  for zone in ${opt[zone]//,/ }; do
    name=${zone%%:*}
    printf 'zone "%s" {\n  type primary;\n  file "%szone";\n  allow-update { key "%s"; };\n};\n' \
      "$name" "${name%.}." "${opt[tsig]}"
  done
  if [[ -n ${opt[extra]} ]]; then printf 'include "%s";\n' "$(realpath "${opt[extra]}")"; fi
}

do_start() {
  local zone name
  use_tree bind
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=53 zone= tsig=lab. transfer=open also-notify= extra=
  read_options "$@"
  needs_free "${opt[address]}" "${opt[port]}"
  rm -rf "${dir:?}/zones"; mkdir "$dir/zones"
  for zone in ${opt[zone]//,/ }; do
    [[ $zone == *:* ]] || usage_error "zone is NAME:FILE, not '$zone'"
    name=${zone%%:*}
    cp "${zone#*:}" "$dir/zones/${name%.}.zone"
  done
  [[ -s $dir/tsig.secret ]] || head -c 32 /dev/urandom | base64 | private_file "$dir/tsig.secret"
  printf 'key "%s" {\n  algorithm hmac-sha256;\n  secret "%s";\n};\n' "${opt[tsig]}" "$(<"$dir/tsig.secret")" |
    private_file "$dir/tsig.key"
  add_address
  write_configuration >"$dir/named.conf"
  : >"$dir/log"
  spawn "$tree/usr/sbin/named" -g -c "$dir/named.conf" -u root -n 1 -U 1
  await "DNS on ${opt[address]}:${opt[port]}" 20 answers_dns "${opt[address]}" "${opt[port]}" . SOA any
  for zone in ${opt[zone]//,/ }; do
    await "zone ${zone%%:*}" 20 answers_dns "${opt[address]}" "${opt[port]}" "${zone%%:*}" SOA
  done
  trap - EXIT
}

do_stop() {
  use_tree bind
  stop_server "$1"
  remove_address "$1"
}

ip_tool() { PATH=$tree/usr/bin:$tree/bin:$tree/sbin:$PATH ip "$@"; }
has_address() { [[ -n $(ip_tool -o addr show to "$1/32") ]]; }

add_address() {
  if has_address "${opt[address]}"; then return 0; fi
  ip_tool addr add "${opt[address]}/32" dev lo || fail "cannot add ${opt[address]} to lo"
  printf '%s\n' "${opt[address]}" >"$dir/added-address"
  trap 'remove_address "$dir"' EXIT
}

remove_address() { # DIR
  [[ -s $1/added-address ]] || return 0
  if has_address "$(<"$1/added-address")"; then ip_tool addr del "$(<"$1/added-address")/32" dev lo; fi
  rm -f "$1/added-address"
}

run_command "$@"
