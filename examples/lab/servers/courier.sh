#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Courier IMAP 5.0 unpacked below build/servers/courier and run from there, with an authdaemond of its own; several
# instances run at once on addresses of their own. It has no LITERAL+, no MULTIAPPEND, no CONDSTORE; its folders are
# `INBOX.name`. Plain text only: on loopback.
#
#   courier.sh unpack | start DIR [key=value...] | stop DIR
#
# Keys of start, with defaults:
#   address=127.0.0.1    the listener's address
#   imap_port=143        plain
#   users=DIR/users      `name:{PLAIN}password` a line, further fields are ignored; read at the start
#   mail=DIR/mail        root of the mail; NAME/Maildir below it. It belongs to whoever runs the script
#   connections=100      IMAP connections per address
#   capability=          IMAP capabilities instead of the server's own

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Compiled-in paths are replaced by ones of the same length that lead to the folder in which start runs the programs.
# The compiler has split the socket's path into overlapping words of 16 octets.
after_unpack() {
  LC_ALL=C sed -b -i -e 's#/run/courier/authdaemon/socket#/proc/self/cwd/authdaemon/sock#g' \
    -e 's#/run/courier/aut#/proc/self/cwd/a#g' -e 's#thdaemon/socket\x00#authdaemon/sock\x00#g' \
    -e 's#uthdaemon/socket#/authdaemon/sock#g' -e 's#/etc/courier/authdaemonrc#/proc/self/cwd/authdaemrc#g' \
    -e 's#/usr/lib/courier-authlib#/proc/self/cwd///authlib#g' \
    "$1"/usr/lib/libcourierauth.so.0.0.0 "$1"/usr/lib/courier/courier-authlib/authdaemond
  LC_ALL=C sed -b -i -e 's#/etc/courier/userdb\.dat#/proc/self/cwd/usrdbdat#g' \
    -e 's#/etc/courier/userdbshadow\.dat#/proc/self/cwd/usrdbshadow.dt#g' "$1"/usr/lib/courier-authlib/libauthuserdb.so.0.0.0
}

do_unpack() { unpack_packages courier courier-imap courier-base courier-authlib courier-authlib-userdb courier-authdaemon; }

make_database() { "$tree/usr/lib/courier/courier-authlib/makedatprog" - "$run/new" "$run/$1"; } # NAME; lines of stdin

read_users() {
  local name rest password
  while IFS=: read -r name rest; do
    [[ -n $name ]] || continue
    password=${rest%%:*}; password=${password#\{PLAIN\}}
    mkdir -p "${opt[mail]}/$name"
    [[ -d ${opt[mail]}/$name/Maildir ]] || "$tree/usr/bin/maildirmake.courier" "${opt[mail]}/$name/Maildir"
    printf '%s\tuid=%s|gid=%s|home=%s|mail=%s\n' "$name" "$(id -u)" "$(id -g)" "${opt[mail]}/$name" "${opt[mail]}/$name/Maildir" >&3
    printf '%s\tsystempw=%s\n' "$name" "$(openssl passwd -1 -stdin <<<"$password")" >&4
  done <"${opt[users]}" 3>"$run/places" 4>"$run/passwords"
  { cat "$run/places"; echo .; } | make_database usrdbdat
  { cat "$run/passwords"; echo .; } | make_database usrdbshadow.dt
  rm -f "$run/places" "$run/passwords"
}

do_start() {
  local run
  use_tree courier "$servers_root/courier/usr/lib/courier-authlib"
  open_dir "$1"; shift
  defaults address=127.0.0.1 imap_port=143 users="$dir/users" mail="$dir/mail" connections=100 capability=
  read_options "$@"
  [[ -e ${opt[users]} ]] || private_file "${opt[users]}" </dev/null
  needs_free "${opt[address]}" "${opt[imap_port]}"
  mkdir -p "${opt[mail]}"
  opt[mail]=$(cd "${opt[mail]}" && pwd -P)
  make_run_folder
  mkdir "$run/authdaemon"
  ln -s "$tree/usr/lib/courier-authlib" "$run/authlib"
  printf '%s\n' 'authmodulelist="authuserdb"' 'authmodulelistorig="authuserdb"' daemons=2 "authdaemonvar=$run/authdaemon" \
    DEBUG_LOGIN=0 'DEFAULTOPTIONS=""' 'LOGGEROPTS=""' >"$run/authdaemrc"
  (umask 077; read_users)
  { # shell variables, as Debian's start script gives them to the server
    grep '^[A-Z_0-9]*=' "$tree/etc/courier/imapd"
    if [[ -n ${opt[capability]} ]]; then printf 'IMAP_CAPABILITY=%q\n' "${opt[capability]}"; fi
    printf 'IMAP_EMPTYTRASH=\n'  # mail does not go away by itself
    printf 'IMAP_USELOCKS=0\n'   # there is no file access monitor: each lock would wait a second for one
  } >"$dir/imapd.conf"
  : >"$dir/log"
  # shellcheck disable=SC2016
  spawn bash -c '
    cd "$1"; set -a; . "$2"; set +a
    "$3/usr/lib/courier/courier-authlib/authdaemond" &
    exec "$3/usr/sbin/couriertcpd" -address="$4" -maxprocs="$6" -maxperip="$6" -nodnslookup -noidentlookup -stderr="$7" \
      "$5" "$3/usr/lib/courier/courier/imaplogin" "$3/usr/bin/imapd" Maildir' \
    courier "$run" "$dir/imapd.conf" "$tree" "${opt[address]}" "${opt[imap_port]}" "${opt[connections]}" "$dir/log"
  await "authdaemond" 20 test -S "$run/authdaemon/sock"
  await "IMAP on ${opt[address]}:${opt[imap_port]}" 20 reads_banner "${opt[address]}" "${opt[imap_port]}" '* OK'
  keep_run_folder
}

do_stop() { stop_server "$1"; }

run_command "$@"
