#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The web server of MTA-STS policies: examples/lab/policy.py.
#
#   policy.sh unpack | start DIR [key=value...] | stop DIR
#
# Keys of start, with defaults:
#   address=127.0.0.1    port=443
#   cert=  key=          PEM files (required); the certificate's names are the mta-sts.DOMAINs
#   files=               folder with a DOMAIN.txt for each policy (default: DIR/files)

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

do_unpack() { :; }

do_start() {
  open_dir "$1"; shift
  defaults address=127.0.0.1 port=443 cert= key= files="$dir/files"
  read_options "$@"
  [[ -n ${opt[cert]} && -n ${opt[key]} ]] || usage_error "needs cert and key"
  needs_free "${opt[address]}" "${opt[port]}"
  mkdir -p "${opt[files]}"
  : >"$dir/log"
  spawn python3 "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/policy.py" --listen "${opt[address]}:${opt[port]}" \
    --cert "$(realpath "${opt[cert]}")" --key "$(realpath "${opt[key]}")" --files "$(realpath "${opt[files]}")"
  await "HTTPS on ${opt[address]}:${opt[port]}" 20 connects "${opt[address]}" "${opt[port]}"
}

do_stop() { stop_server "$1"; }

run_command "$@"
