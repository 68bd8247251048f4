#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The operator's own mail server, for notices and alerts: examples/lab/relay.py.
#
#   relay.sh unpack | start DIR [key=value...] | stop DIR
#
# Keys of start, with defaults:
#   address=127.0.0.1    port=25
#   resolver=            ADDRESS (port 53), asked for MX and addresses (required)
#   log=                 what was delivered, senders.py's format (default: DIR/sent.json)
#   ca=                  PEM that the hosts' certificates are verified against

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { :; }

do_start() {
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=25 resolver= log="$dir/sent.json" ca=
  read_options "$@"
  [[ -n ${opt[resolver]} ]] || usage_error "needs resolver"
  needs_free "${opt[address]}" "${opt[port]}"
  : >"$dir/log"
  spawn python3 "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/relay.py" --listen "${opt[address]}:${opt[port]}" \
    --log "${opt[log]}" --resolver "${opt[resolver]}" ${opt[ca]:+--ca "${opt[ca]}"}
  await "SMTP on ${opt[address]}:${opt[port]}" 20 reads_banner "${opt[address]}" "${opt[port]}" '220 '
}

do_stop() { stop_server "$1"; }

run_command "$@"
