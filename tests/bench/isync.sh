#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's mbsync (package isync), unpacked below build/servers/isync: a peer for the benchmark.
#
#   isync.sh unpack | run ARGUMENT...

# shellcheck source-path=SCRIPTDIR source=../../examples/lab/servers/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../examples/lab/servers/lib.sh"

case ${1:-} in
  unpack) unpack_packages isync isync ;;
  run) shift; use_tree isync; exec "$tree/usr/bin/mbsync" "$@" ;;
  *) usage_error "isync.sh unpack | run ARGUMENT..." ;;
esac
