#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Unbound 1.17 as a caching resolver that counts TTLs down as the public ones do; it starts from the lab's own root, or
# asks given servers for given zones. No DNSSEC, no prefetching, no stale answers unless asked for.
#
#   unbound.sh unpack | start DIR [key=value...] | stop DIR
#   unbound.sh control DIR COMMAND [ARGUMENT...]    unbound-control: flush NAME, dump_cache, stats_noreset, ...
#
# Keys of start, with defaults:
#   address=127.0.0.1    port=53
#   root=                ADDRESS of the root server (port 53): the whole tree is found by delegation from there
#   stub=                ZONE=ADDRESS[@PORT],...: zones asked of these servers without a delegation
#   cache-min-ttl=0      cache-max-ttl=86400      cache-max-negative-ttl=3600
#   serve-expired=no     yes: stale answers (RFC 8767)
#   qname-minimisation=yes
#   anchor=              file with DS or DNSKEY records: what lies below them is validated (DNSSEC), all else is not
#   extra=               file with more configuration, included last

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { unpack_packages unbound unbound; }

write_configuration() {
  local stub zone
  cat <<END
server:
  interface: ${opt[address]}
  port: ${opt[port]}
  outgoing-interface: ${opt[address]}
  do-ip6: no
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "$dir"
  pidfile: ""
  use-syslog: no
  logfile: ""
  log-time-ascii: yes
  verbosity: 1
  num-threads: 1
  module-config: "${opt[anchor]:+validator }iterator"
  do-not-query-localhost: no
  qname-minimisation: ${opt[qname-minimisation]}
  cache-min-ttl: ${opt[cache-min-ttl]}
  cache-max-ttl: ${opt[cache-max-ttl]}
  cache-max-negative-ttl: ${opt[cache-max-negative-ttl]}
  serve-expired: ${opt[serve-expired]}
  prefetch: no
  infra-keep-probing: yes
  infra-host-ttl: 10
  local-zone: "test." nodefault
  local-zone: "invalid." nodefault
  local-zone: "home.arpa." nodefault
remote-control:
  control-enable: yes
  control-use-cert: no
  control-interface: $run/control
END
  if [[ -n ${opt[root]} ]]; then
    printf '. 3600 IN NS ns.root-servers.test.\nns.root-servers.test. 3600 IN A %s\n' "${opt[root]}" >"$dir/root.hints"
    printf 'server:\n  root-hints: "%s"\n' "$dir/root.hints"
  fi
  if [[ -n ${opt[anchor]} ]]; then printf 'server:\n  trust-anchor-file: "%s"\n  val-log-level: 2\n' "$(realpath "${opt[anchor]}")"; fi
  for stub in ${opt[stub]//,/ }; do
    zone=${stub%%=*}
    printf 'stub-zone:\n  name: "%s"\n  stub-addr: %s\n' "${zone%.}." "${stub#*=}"
  done
  if [[ -n ${opt[extra]} ]]; then printf 'include: "%s"\n' "$(realpath "${opt[extra]}")"; fi
}

do_start() {
  local run
  use_tree unbound
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=53 root= stub= cache-min-ttl=0 cache-max-ttl=86400 cache-max-negative-ttl=3600 \
    serve-expired=no qname-minimisation=yes anchor= extra=
  read_options "$@"
  needs_free "${opt[address]}" "${opt[port]}"
  make_run_folder
  write_configuration >"$dir/unbound.conf"
  : >"$dir/log"
  spawn "$tree/usr/sbin/unbound" -d -c "$dir/unbound.conf"
  # A name that Unbound answers by itself, so that the question plants nothing in the cache.
  await "DNS on ${opt[address]}:${opt[port]}" 20 answers_dns "${opt[address]}" "${opt[port]}" localhost A
  keep_run_folder
}

do_stop() { stop_server "$1"; }

do_control() {
  use_tree unbound
  dir=$(cd "$1" && pwd -P); shift
  "$tree/usr/sbin/unbound-control" -c "$dir/unbound.conf" "$@"
}

run_command "$@"
