#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# chasquid 1.11 as a domain's MX: it takes mail for the users that a Dovecot of this lab knows at that moment, and hands
# it to that Dovecot by LMTP. It checks SPF, through a resolver of the lab and never through the machine's own.
#
#   chasquid.sh unpack | start DIR [key=value...] | stop DIR
#
# Keys of start, with defaults:
#   address=127.0.0.1    port=25
#   hostname=localhost   its name in the greeting; the certificate is for this name
#   cert= key=           PEM files for STARTTLS (required)
#   domains=             NAME,... that are served here
#   dovecot=             DIR of the running dovecot.sh: its users are asked for each RCPT, without a restart
#   lmtp=                ADDRESS:PORT of its LMTP
#   aliases=             file with lines `alias@domain: target@domain`; read again by itself every 30 s
#   resolver=            ADDRESS (port 53) for SPF; without one every SPF check ends in a temporary error, which accepts
#   max_mb=50            largest message

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The program reads /etc/resolv.conf. In the unpacked copy this becomes a path of the same length that leads to the
# file `r` in its configuration folder, where it goes at start.
after_unpack() {
  LC_ALL=C sed -b -i 's#/etc/resolv\.conf#/proc/self/cwd/r#g' "$1/usr/bin/chasquid"
}

do_unpack() { unpack_packages chasquid chasquid; }

write_configuration() {
  cat <<END
hostname: "${opt[hostname]}"
max_data_size_mb: ${opt[max_mb]}
smtp_address: "${opt[address]}:${opt[port]}"
mail_delivery_agent_bin: "$tree/usr/bin/mda-lmtp"
mail_delivery_agent_args: "--addr"
mail_delivery_agent_args: "${opt[lmtp]}"
mail_delivery_agent_args: "--addr_network"
mail_delivery_agent_args: "tcp"
mail_delivery_agent_args: "-f"
mail_delivery_agent_args: "%from%"
mail_delivery_agent_args: "-d"
mail_delivery_agent_args: "%to%"
data_dir: "$dir/data"
mail_log_path: "<stderr>"
suffix_separators: "+"
drop_characters: ""
dovecot_auth: true
dovecot_userdb_path: "$userdb/auth-userdb"
dovecot_client_path: "$userdb/auth-client"
END
}

do_start() {
  local domain userdb
  use_tree chasquid
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=25 hostname=localhost cert= key= domains= dovecot= lmtp= aliases= resolver= max_mb=50
  read_options "$@"
  [[ -n ${opt[cert]} && -n ${opt[key]} && -n ${opt[dovecot]} && -n ${opt[lmtp]} ]] || usage_error "needs cert, key, dovecot, lmtp"
  needs_free "${opt[address]}" "${opt[port]}"
  userdb=$(<"${opt[dovecot]}/rundir")
  [[ -S $userdb/auth-userdb ]] || fail "no Dovecot runs in ${opt[dovecot]}"
  rm -rf "${dir:?}/config"
  mkdir -p "$dir/config/certs/${opt[hostname]}" "$dir/config/domains" "$dir/data"
  install -m 600 "${opt[cert]}" "$dir/config/certs/${opt[hostname]}/fullchain.pem"
  install -m 600 "${opt[key]}" "$dir/config/certs/${opt[hostname]}/privkey.pem"
  for domain in ${opt[domains]//,/ }; do
    mkdir "$dir/config/domains/$domain"
    if [[ -n ${opt[aliases]} ]]; then
      sed -n "s/^\([^#@ ]*\)@$domain *:/\1:/p" "${opt[aliases]}" >"$dir/config/domains/$domain/aliases"
    fi
  done
  write_configuration >"$dir/config/chasquid.conf"
  printf 'nameserver %s\noptions timeout:2 attempts:2\n' "${opt[resolver]:-127.77.255.254}" >"$dir/config/r"
  : >"$dir/log"
  export GODEBUG=netdns=go
  spawn "$tree/usr/bin/chasquid" --config_dir="$dir/config"
  await "SMTP on ${opt[address]}:${opt[port]}" 20 reads_banner "${opt[address]}" "${opt[port]}" '220 '
}

do_stop() { stop_server "$1"; }

run_command "$@"
