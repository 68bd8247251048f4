#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Cyrus IMAP 3.6 unpacked below build/servers/cyrus and run from there; several instances run at once on addresses of their
# own. It serves as `nobody` (it refuses to be root). A user's mailbox is made at the first login.
#
#   cyrus.sh unpack | start DIR [key=value...] | stop DIR
#
# Keys of start, with defaults:
#   address=127.0.0.1    every listener's address
#   imap_port=143        plain and STARTTLS          imaps_port=993       TLS (needs cert)     (0 = no listener)
#   cert= key=           PEM files; without them TLS and STARTTLS are off
#   users=DIR/users      `name:{PLAIN}password` a line, further fields are ignored; read at the start
#   mail=DIR/mail        mail and databases. If nobody cannot reach DIR (below /root, say), DIR/mail is a link into /var/tmp
#   separator=/          hierarchy delimiter: `/` (unixhierarchysep) or `.`
#   prefix=              of the personal namespace: empty (altnamespace), or `INBOX` and the separator
#   suppress=            capabilities that are not offered, e.g. "MULTIAPPEND LITERAL+ UIDPLUS"
#   connections=100      IMAP processes
#   extra=               file with more lines of imapd.conf

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { unpack_packages cyrus cyrus-imapd cyrus-common sasl2-bin libsasl2-modules libsasl2-modules-db; }

write_imapd_conf() {
  cat <<END
configdirectory: ${opt[mail]}/state
defaultpartition: default
partition-default: ${opt[mail]}/spool
proc_path: $run/proc
mboxname_lockpath: $run/lock
idlesocket: $run/idle
notifysocket: $run/notify
lmtpsocket: $run/lmtp
cyrus_user: nobody
cyrus_group: $(id -gn nobody)
admins: cyrus
servername: localhost
virtdomains: off
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${opt[mail]}/state/sasldb2
sasl_mech_list: PLAIN LOGIN
unixhierarchysep: $([[ ${opt[separator]} == / ]] && echo yes || echo no)
altnamespace: $([[ -z ${opt[prefix]} ]] && echo yes || echo no)
autocreate_quota: 0
autocreate_post: yes
munge8bit: yes
hashimapspool: yes
duplicatesuppression: no
conversations: no
statuscache: yes
zoneinfo_db_path: ${opt[mail]}/state/zoneinfo.db
END
  if [[ -n ${opt[suppress]} ]]; then printf 'suppress_capabilities: %s\n' "${opt[suppress]}"; fi
  if [[ -n ${opt[cert]} ]]; then printf 'tls_server_cert: %s/state/cert.pem\ntls_server_key: %s/state/key.pem\n' "${opt[mail]}" "${opt[mail]}"; fi
  if [[ -n ${opt[extra]} ]]; then cat "${opt[extra]}"; fi
}

write_cyrus_conf() {
  local bin=$tree/usr/lib/cyrus/bin
  cat <<END
START {
  recover cmd="$bin/ctl_cyrusdb -C $run/imapd.conf -r"
}
SERVICES {
  imap cmd="$bin/imapd -C $run/imapd.conf -U 60" listen="${opt[address]}:${opt[imap_port]}" proto="tcp4" prefork=0 maxchild=${opt[connections]} maxfds=4096
END
  if [[ -n ${opt[cert]} && ${opt[imaps_port]} != 0 ]]; then
    printf '  imaps cmd="%s" listen="%s:%s" proto="tcp4" prefork=0 maxchild=%s\n' \
      "$bin/imapd -s -C $run/imapd.conf -U 60" "${opt[address]}" "${opt[imaps_port]}" "${opt[connections]}"
  fi
  printf '}\n'
}

read_users() {
  local name rest password
  while IFS=: read -r name rest; do
    [[ -n $name ]] || continue
    password=${rest%%:*}; password=${password#\{PLAIN\}}
    printf '%s' "$password" | "$tree/usr/sbin/saslpasswd2" -p -c -f "${opt[mail]}/state/sasldb2" -u localhost "$name"
  done <"${opt[users]}"
}

do_start() {
  local key run
  use_tree cyrus
  open_dir "$1"; shift
  defaults address=127.0.0.1 imap_port=143 imaps_port=993 cert= key= users="$dir/users" mail= separator=/ \
    prefix= suppress= connections=100 extra=
  read_options "$@"
  [[ ${opt[separator]} == [/.] ]] || usage_error "separator=${opt[separator]}"
  [[ -z ${opt[prefix]} || ${opt[prefix]} == "INBOX${opt[separator]}" ]] || usage_error "prefix=${opt[prefix]}"
  for key in cert key; do
    if [[ -n ${opt[$key]} ]]; then opt[$key]=$(realpath -e "${opt[$key]}"); fi
  done
  [[ -e ${opt[users]} ]] || private_file "${opt[users]}" </dev/null
  needs_free "${opt[address]}" "${opt[imap_port]}" "${opt[imaps_port]}"
  make_mail_folder "$(id -u nobody)"
  make_run_folder
  # Its processes are started, and look for their modules, when root's rights are gone: nobody may not see a checkout in
  # somebody's home.
  mkdir "$run/servers"
  cp -aTl "$tree" "$run/servers/cyrus" 2>/dev/null || cp -aT "$tree" "$run/servers/cyrus"
  servers_root=$run/servers
  use_tree cyrus
  mkdir -p "$run/proc" "$run/lock" "${opt[mail]}/spool" "${opt[mail]}/state"/{db,log,msg,proc,ptclient,quota,sieve,socket,user}
  write_imapd_conf >"$run/imapd.conf"
  write_cyrus_conf >"$run/cyrus.conf"
  : >"$dir/log"
  SASL_PATH=$(find "$tree/usr/lib" -maxdepth 2 -type d -name sasl2 -path '*linux-gnu*' -print -quit)
  export SASL_PATH
  rm -f "${opt[mail]}/state/sasldb2"
  read_users
  if [[ -n ${opt[cert]} ]]; then
    install -m 644 "${opt[cert]}" "${opt[mail]}/state/cert.pem"
    install -m 600 "${opt[key]}" "${opt[mail]}/state/key.pem"
  fi
  chown -R nobody:"$(id -gn nobody)" "${opt[mail]}/spool" "${opt[mail]}/state" "$run/proc" "$run/lock"
  spawn "$tree/usr/lib/cyrus/bin/master" -C "$run/imapd.conf" -M "$run/cyrus.conf" -p "$run/master.pid" -D
  if [[ ${opt[imap_port]} != 0 ]]; then
    await "IMAP on ${opt[address]}:${opt[imap_port]}" 20 reads_banner "${opt[address]}" "${opt[imap_port]}" '* OK'
  fi
  keep_run_folder
}

do_stop() { stop_server "$1"; }

run_command "$@"
