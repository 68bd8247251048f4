# SPDX-License-Identifier: Apache-2.0
#
# What the server scripts of this folder share: unpacking Debian packages with their libraries into a private
# tree (never installed, no service, nothing outside the tree), reading key=value arguments, starting a daemon
# detached, waiting until it answers, and stopping exactly what was started. Sourced, never run.
#
# A script that sources this file has three commands:
#   NAME.sh unpack                    fill $MXF_SERVERS/NAME (default: REPOSITORY/build/servers/NAME)
#   NAME.sh start DIR [key=value...]  write the configuration below DIR, start, return when it answers
#   NAME.sh running DIR               exit 0 if the server of DIR runs
#   NAME.sh stop DIR                  end what start recorded in DIR/pid; doing it twice is no error
# Exit codes: 0 done, 1 it failed (words and the log's tail on stderr), 2 wrong arguments.
# shellcheck shell=bash

set -euo pipefail

lab_servers_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
lab_dir=$(dirname "$lab_servers_dir")
repo_dir=$(cd "$lab_dir/../.." && pwd -P)
servers_root=${MXF_SERVERS:-$repo_dir/build/servers}
me=$(basename "$0")

fail() { printf '%s: %s\n' "$me" "$*" >&2; exit 1; }
usage_error() { printf '%s: %s\n' "$me" "$*" >&2; exit 2; }

# --- Packages -----------------------------------------------------------------------------------------------

# unpack_packages NAME PACKAGE...: the packages, and what apt would install with them on this machine, become
# files below $servers_root/NAME. An optional function after_unpack TREE is called once on a fresh tree.
unpack_packages() {
  local name=$1; shift
  local tree=$servers_root/$name stamp=$servers_root/$name/.unpacked wanted="$*"
  mkdir -p "$servers_root"
  if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then return 0; fi
  (
    flock 9
    if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi
    local fresh=$servers_root/.$name.new list package
    rm -rf "$fresh"; mkdir -p "$fresh/debs" "$fresh/tree"
    if ! fetch_packages "$fresh/debs" "$@"; then
      # Package lists that are missing or older than the mirror: one update, then once more.
      (flock 8; apt-get -qq update >&2) 8>"$servers_root/.apt.lock" || fail "apt-get update failed"
      rm -rf "$fresh/debs"; mkdir "$fresh/debs"
      fetch_packages "$fresh/debs" "$@" || fail "cannot download the packages of $name: $wanted"
    fi
    for package in "$fresh"/debs/*.deb; do dpkg -x "$package" "$fresh/tree"; done
    if declare -F after_unpack >/dev/null; then after_unpack "$fresh/tree"; fi
    printf '%s\n' "$wanted" >"$fresh/tree/.unpacked"
    rm -rf "$tree"; mv "$fresh/tree" "$tree"; rm -rf "$fresh"
  ) 9>"$servers_root/.$name.lock"
}

# fetch_packages FOLDER PACKAGE...: the named ones always (an installed copy may be removed later), libraries
# only where this machine lacks them.
fetch_packages() {
  local folder=$1; shift
  local -a list
  local names
  names=$(apt-get -s install --no-install-recommends "$@" 2>/dev/null | awk '$1 == "Inst" {print $2}') || return 1
  mapfile -t list < <(printf '%s\n' "$@" "$names" | sed '/^$/d' | sort -u)
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download "${list[@]}" >&2)
}

# use_tree NAME [FOLDER...]: sets $tree and lets programs find its libraries; FOLDERs are searched first.
use_tree() {
  tree=$servers_root/$1; shift
  [[ -f $tree/.unpacked ]] || fail "not unpacked yet; run: $0 unpack"
  local path='' folder
  for folder in "$@" "$tree"/usr/lib/*-linux-gnu* "$tree"/lib/*-linux-gnu* "$tree/usr/lib"; do
    if [[ -d $folder ]]; then path+=${path:+:}$folder; fi
  done
  export LD_LIBRARY_PATH=$path
}

# --- Arguments ----------------------------------------------------------------------------------------------

declare -A opt

# defaults key=value...: the keys that exist. read_options key=value...: what the caller gave.
defaults() { local pair; for pair in "$@"; do opt[${pair%%=*}]=${pair#*=}; done; }
read_options() {
  local pair key
  for pair in "$@"; do
    key=${pair%%=*}
    [[ $pair == *=* && -v opt[$key] ]] || usage_error "unknown argument '$pair'; keys: ${!opt[*]}"
    opt[$key]=${pair#*=}
  done
}

# open_dir DIR: creates it, sets $dir to its absolute path; refuses while its server runs.
open_dir() {
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  if is_running "$dir"; then fail "already running in $dir (pid $(head -1 "$dir/pid"))"; fi
  stop_recorded "$dir" # children that outlived a killed parent
}

new_secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# private_file PATH: reads stdin into a file that only its owner reads.
private_file() { (umask 077; rm -f "$1"; cat >"$1"); }

# make_run_folder: a short folder for sockets, whose paths are limited to 107 bytes; sets $run. Its name is kept in
# DIR/rundir, so that a restarted server has its sockets where other servers know them. It goes away when the start
# fails (start ends with keep_run_folder), and with stop.
make_run_folder() {
  remove_run_folder "$dir"
  run=$(cat "$dir/rundir" 2>/dev/null || true)
  if [[ $run != /tmp/mxf-server.* ]] || ! mkdir -m 755 "$run" 2>/dev/null; then
    run=$(mktemp -d /tmp/mxf-server.XXXXXX)
    chmod 755 "$run"
  fi
  printf '%s\n' "$run" >"$dir/rundir"
  trap 'remove_run_folder "$dir"' EXIT
}
keep_run_folder() { trap - EXIT; }
remove_run_folder() { # DIR
  [[ -s $1/rundir ]] || return 0
  if [[ $(<"$1/rundir") == /tmp/mxf-server.* && -O $(<"$1/rundir") ]]; then rm -rf "$(<"$1/rundir")"; fi
}

# searchable UID PATH: may that user walk down to PATH?
searchable() { setpriv --reuid="$1" --regid="$1" --clear-groups test -x "$2" 2>/dev/null; }

# make_mail_folder UID: makes opt[mail], by default DIR/mail, and gives it to that uid. Where the uid cannot reach DIR (below
# /root, say), DIR/mail is a link into /var/tmp.
make_mail_folder() {
  local elsewhere
  if [[ -z ${opt[mail]} ]]; then
    opt[mail]=$dir/mail
    if [[ ! -e $dir/mail ]] && ! searchable "$1" "$dir"; then
      elsewhere=/var/tmp/mxf-mail.$(cksum <<<"$dir" | tr ' ' -)
      mkdir -p "$elsewhere"
      ln -s "$elsewhere" "$dir/mail"
    fi
  fi
  if [[ ! -d ${opt[mail]} ]]; then install -d -m 755 "${opt[mail]}"; fi
  opt[mail]=$(cd "${opt[mail]}" && pwd -P)
  chown "$1:$1" "${opt[mail]}"
  searchable "$1" "${opt[mail]}" ||
    fail "uid $1 cannot reach ${opt[mail]}: a folder above it is closed; give mail=/dev/shm/..."
}

# --- Processes ----------------------------------------------------------------------------------------------

birth_of() { # PID -> its start time in clock ticks since boot, so that a reused pid is not mistaken for ours
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  [[ $1 != Z ]] || return 1
  printf '%s\n' "${20}"
}

is_running() { # DIR
  local pid
  [[ -s $1/pid && -s $1/pid.birth ]] || return 1
  pid=$(head -1 "$1/pid")
  [[ $(birth_of "$pid") == "$(<"$1/pid.birth")" ]]
}

# spawn COMMAND...: detached, a process group of its own, no descriptor of the caller's kept, logs to DIR/log.
spawn() {
  (
    local fd
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      if ((fd > 2)); then eval "exec $fd>&-"; fi
    done
    cd "$dir"
    exec setsid "$@" </dev/null >>"$dir/log" 2>&1
  ) &
  local pid=$!
  disown "$pid"
  printf '%s\n' "$pid" >"$dir/pid"
  birth_of "$pid" >"$dir/pid.birth" || true
}

# await WHAT SECONDS COMMAND...: polls COMMAND until it succeeds. When time is up, or the process has ended,
# the log's tail is printed and the start has failed.
await() {
  local what=$1 seconds=$2; shift 2
  local end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1 && is_running "$dir"; do
    if ! is_running "$dir" || ((SECONDS > end)); then
      if is_running "$dir"; then printf '%s: no answer within %s s: %s\n' "$me" "$seconds" "$what" >&2
      else printf '%s: ended before it answered: %s\n' "$me" "$what" >&2; fi
      printf -- '--- %s\n' "$dir/log" >&2
      tail -n 30 "$dir/log" >&2
      stop_recorded "$dir"
      exit 1
    fi
    sleep 0.03
  done
}

# reads_banner ADDRESS PORT PREFIX: a connection there is greeted with PREFIX.
reads_banner() {
  (
    line=''
    exec {peer}<>"/dev/tcp/$1/$2"
    IFS= read -r -t 5 line <&"$peer" || true
    [[ $line == "$3"* ]]
  ) 2>/dev/null
}

# needs_free ADDRESS PORT...: somebody else's server there would answer in place of ours.
needs_free() {
  local address=$1 port; shift
  for port in "$@"; do
    if [[ $port != 0 ]] && connects "$address" "$port"; then fail "$address:$port is in use"; fi
  done
}

connects() { (exec {peer}<>"/dev/tcp/$1/$2") 2>/dev/null; }

# answers_dns ADDRESS PORT NAME TYPE [RCODE]: an answer with that id and, if given, that code (default 0).
answers_dns() {
  python3 "$lab_dir/labdns.py" query --quiet --timeout 1 --rcode "${5:-NOERROR}" "$1" "$2" "$3" "$4"
}

group_alive() { # PGID: does any process of that group live (a zombie does not count)
  local file stat
  for file in /proc/[0-9]*/stat; do
    { IFS= read -r stat <"$file"; } 2>/dev/null || continue
    stat=${stat##*) } # now: state parent group ...
    [[ $stat =~ ^([A-Za-z])\ [0-9]+\ ([0-9]+)\  ]] || continue
    if [[ ${BASH_REMATCH[2]} == "$1" && ${BASH_REMATCH[1]} != [ZX] ]]; then return 0; fi
  done
  return 1
}

# stop_recorded DIR: TERM to the recorded process and its group, KILL after 10 s; returns when all are gone.
stop_recorded() {
  local pid birth end
  [[ -s $1/pid ]] || return 0
  pid=$(head -1 "$1/pid"); birth=$(cat "$1/pid.birth" 2>/dev/null || true)
  # A living leader with another birth is somebody else's process with a reused number.
  if [[ ! -e /proc/$pid ]] || [[ $(birth_of "$pid" || echo "$birth") == "$birth" ]]; then
    kill -TERM "$pid" 2>/dev/null || kill -TERM -- "-$pid" 2>/dev/null || true
    end=$((SECONDS + 10))
    while group_alive "$pid"; do
      if ! kill -0 "$pid" 2>/dev/null; then kill -TERM -- "-$pid" 2>/dev/null || true; fi
      if ((SECONDS > end)); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
      sleep 0.03
    done
  fi
  rm -f "$1/pid" "$1/pid.birth"
}

stop_server() { # DIR
  [[ -d $1 ]] || return 0
  stop_recorded "$(cd "$1" && pwd -P)"
  remove_run_folder "$1"
}

do_running() { [[ -d $1 ]] && is_running "$1"; }

# run_command COMMAND [ARGUMENT...]: calls do_COMMAND of the script.
run_command() {
  local command=${1:-}
  shift || true
  if ! declare -F "do_$command" >/dev/null; then
    usage_error "usage: $me unpack | start DIR [key=value...] | stop DIR; more in the header of $0"
  fi
  case $command in unpack) ;; *) [[ $# -ge 1 ]] || usage_error "$command needs a folder" ;; esac
  "do_$command" "$@"
}
