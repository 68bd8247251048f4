#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A small certificate authority for the lab and the tests (ECDSA P-256, OpenSSL's command line). Each call is safe
# beside others of the same folder, and a second call with the same arguments keeps what exists.
#
#   ca.sh DIR                          DIR/ca.pem and DIR/ca.key
#   ca.sh DIR issue NAME [SAN...]      DIR/NAME.pem (with the CA behind it) and DIR/NAME.key; a SAN is a DNS name or an
#                                      address; without one NAME itself is the only name
# Environment: MXF_CERT_DAYS (default 825; 0 or less makes a certificate that has expired), MXF_CERT_USAGE (extended key
# usage, default serverAuth).

set -euo pipefail

fail() { printf 'ca.sh: %s\n' "$*" >&2; exit 1; }
[[ $# -ge 1 ]] || { printf 'usage: ca.sh DIR [issue NAME [SAN...]]\n' >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
shift
umask 077

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

make_authority() {
  if [[ -s $dir/ca.pem && -s $dir/ca.key ]]; then return 0; fi
  new_key "$dir/ca.key"
  openssl req -x509 -new -sha256 -key "$dir/ca.key" -days 3650 -subj '/CN=mxferry lab CA' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$dir/ca.pem.new" 2>/dev/null
  chmod 644 "$dir/ca.pem.new"
  mv "$dir/ca.pem.new" "$dir/ca.pem"
}

issue() {
  local name=$1 days=${MXF_CERT_DAYS:-825} san='' entry work
  local -a from=()
  shift
  [[ $# -gt 0 ]] || set -- "$name"
  for entry in "$@"; do
    if [[ $entry =~ ^[0-9.]+$ || $entry == *:* ]]; then san+=,IP:$entry; else san+=,DNS:$entry; fi
  done
  san=${san#,}
  # The recipe is kept beside the certificate: another one for the same name makes a new certificate.
  local recipe="$san days=$days usage=${MXF_CERT_USAGE:-serverAuth}"
  if [[ -s $dir/$name.pem && $(cat "$dir/$name.recipe" 2>/dev/null) == "$recipe" ]]; then return 0; fi
  work=$(mktemp -d "$dir/.issue.XXXXXX")
  new_key "$work/key"
  openssl req -new -sha256 -key "$work/key" -subj "/CN=${name:0:64}" -out "$work/csr"
  printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nauthorityKeyIdentifier=keyid\n' \
    "$san" "${MXF_CERT_USAGE:-serverAuth}" >"$work/ext"
  if ((days > 0)); then
    from=(-days "$days")
    openssl x509 -req -sha256 -in "$work/csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 12)" \
      "${from[@]}" -extfile "$work/ext" -out "$work/pem" 2>/dev/null || fail "cannot sign $name"
  else
    # `x509 -req` of OpenSSL 3.0 cannot date back; `ca` can.
    : >"$work/index"; openssl rand -hex 12 >"$work/serial"
    printf '[ca]\ndefault_ca=lab\n[lab]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\npolicy=any\n[any]\ncommonName=supplied\n' \
      "$work/index" "$work/serial" "$work" >"$work/conf"
    openssl ca -batch -notext -config "$work/conf" -md sha256 -in "$work/csr" -cert "$dir/ca.pem" -keyfile "$dir/ca.key" \
      -startdate 20200101000000Z -enddate 20210101000000Z -extfile "$work/ext" -out "$work/pem" 2>/dev/null || fail "cannot sign $name"
  fi
  cat "$dir/ca.pem" >>"$work/pem"
  chmod 644 "$work/pem"
  mv "$work/key" "$dir/$name.key"
  mv "$work/pem" "$dir/$name.pem"
  printf '%s\n' "$recipe" >"$dir/$name.recipe"
  rm -rf "$work"
}

exec 9>"$dir/.lock"
flock 9
make_authority
case ${1:-} in
  '') ;;
  issue) shift; [[ $# -ge 1 ]] || fail "issue needs a name"; issue "$@" ;;
  *) printf 'ca.sh: unknown command %s\n' "$1" >&2; exit 2 ;;
esac
