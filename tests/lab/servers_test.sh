#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each server script does what its header promises: starts and answers, refuses a taken address and an unknown key, runs
# twice side by side, survives kill -9 of its server, stops everything, and leaves nothing behind. Needs root (ports below
# 1024 of 127.77.200.x); exit 77 (skipped) without it.

set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
lab=$repo/examples/lab
servers=$lab/servers
[[ $(id -u) == 0 ]] || { echo "skipped: needs root"; exit 77; }

# Below a folder that other users cannot enter, as a clone in /root is.
work=$(mktemp -d /tmp/mxf-servers-test.XXXXXX)
chmod 700 "$work"
started=()
cleanup() {
  local one
  for one in "${started[@]}"; do "$servers/${one%%:*}.sh" stop "${one#*:}" || true; done
  for one in "$work"/*/mail; do if [[ -L $one ]]; then rm -rf "$(readlink "$one")"; fi; done
  rm -rf "$work"
}
trap cleanup EXIT

start() { # NAME DIR key=value...
  started+=("$1:$work/$2")
  "$servers/$1.sh" start "$work/$2" "${@:3}"
}
check() { # CLAIM COMMAND...
  if "${@:2}"; then printf 'ok    %s\n' "$1"; else printf 'FAIL  %s\n' "$1"; exit 1; fi
}
refused() { # EXIT-CODE COMMAND...
  local code=0
  "${@:2}" >/dev/null 2>&1 || code=$?
  [[ $code == "$1" ]]
}
answers() { [[ $(python3 "$lab/labdns.py" query ${5:+--rd} "$1" 53 "$2" "$3") == *"$4"* ]]; }
eventually() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  until "${@:2}"; do ((SECONDS < end)) || return 1; sleep 0.05; done
}

for name in dovecot cyrus courier powerdns knot unbound bind chasquid; do "$servers/$name.sh" unpack; done
check "a second unpack has nothing to do" timeout 1 "$servers/dovecot.sh" unpack

"$lab/ca.sh" "$work/ca" issue mail.test mail.test 127.77.200.1
cat >"$work/zone" <<'END'
$TTL 40
@ 10 IN SOA ns1.dns.test. hostmaster 1 60 10 3600 10
@ IN NS ns1.dns.test.
@ IN MX 10 mail.test.
END
cat >"$work/root" <<'END'
$TTL 300
. IN SOA ns. hostmaster. 1 60 10 3600 10
. IN NS ns.
ns. IN A 127.77.200.12
zone.test. IN NS ns1.dns.test.
ns1.dns.test. IN A 127.77.200.10
END

imap() { # ADDRESS PYTHON
  python3 - "$work/ca/ca.pem" "$1" "$2" <<'END'
import imaplib, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.check_hostname = False
imap = imaplib.IMAP4(sys.argv[2])
greeting = imap.welcome
if "STARTTLS" in imap.capabilities:
    imap.starttls(context)
exec(sys.argv[3])
END
}

# --- Dovecot
mkdir "$work/d1"
echo 'a@zone.test:{PLAIN}pw::::::userdb_quota_rule=*:storage=100M' >"$work/d1/users"
start dovecot d1 address=127.77.200.1 cert="$work/ca/mail.test.pem" key="$work/ca/mail.test.key" master=boss:secret prefix=INBOX. separator=. &
start dovecot d2 address=127.77.200.2 special=no format=sdbox capability="IMAP4rev1 UIDPLUS" users="$work/d1/users" &
wait
started=(dovecot:"$work/d1" dovecot:"$work/d2")
check "Dovecot: log in after STARTTLS, special folders" imap 127.77.200.1 '
assert imap.login("a@zone.test", "pw")[0] == "OK"
assert any(b"INBOX.Sent" in line and b"\\Sent" in line for line in imap.list()[1]), imap.list()'
check "Dovecot: a master user logs in as the user" imap 127.77.200.1 '
assert imap.login("a@zone.test*boss", "secret")[0] == "OK" and imap.select("INBOX")[0] == "OK"'
check "Dovecot: a second one beside it, with other capabilities and no special folders" imap 127.77.200.2 '
imap.login("a@zone.test", "pw")
assert imap.capability()[1][-1] == b"IMAP4rev1 UIDPLUS", imap.capability()
assert len(imap.list()[1]) == 1, imap.list()'
echo 'b@zone.test:{PLAIN}pw::::::' >>"$work/d1/users"
new_account() { imap 127.77.200.1 'imap.login("b@zone.test", "pw")' 2>/dev/null; }
check "Dovecot: a new line in users is an account, without a restart" eventually 5 new_account
check "Dovecot: a taken address is refused" refused 1 "$servers/dovecot.sh" start "$work/d3" address=127.77.200.1
check "Dovecot: a second start is refused" refused 1 "$servers/dovecot.sh" start "$work/d1" address=127.77.200.1
check "an unknown key is refused" refused 2 "$servers/dovecot.sh" start "$work/d3" adress=127.77.200.3
killed=$(<"$work/d2/pid")
kill -9 "$killed"
for _ in {1..100}; do kill -0 "$killed" 2>/dev/null || break; sleep 0.05; done  # dying takes a moment
check "Dovecot: runs again after kill -9" "$servers/dovecot.sh" start "$work/d2" address=127.77.200.2 users="$work/d1/users"

# --- Cyrus and Courier, beside it
printf 'anna:{PLAIN}pw::::::\nbob:{PLAIN}p|w::::::\n' >"$work/names"
start cyrus cy address=127.77.200.4 cert="$work/ca/mail.test.pem" key="$work/ca/mail.test.key" users="$work/names" &
start cyrus cz address=127.77.200.5 users="$work/names" separator=. prefix=INBOX. suppress="MULTIAPPEND LITERAL+" &
start courier co address=127.77.200.6 users="$work/names" &
wait
started+=(cyrus:"$work/cy" cyrus:"$work/cz" courier:"$work/co")
check "Cyrus: log in after STARTTLS, a folder below a folder" imap 127.77.200.4 '
assert imap.login("anna", "pw")[0] == "OK" and imap.create("a/b")[0] == "OK"
assert any(b"a/b" in line for line in imap.list()[1]), imap.list()'
check "Cyrus: a second one beside it, with another separator and fewer capabilities" imap 127.77.200.5 '
assert imap.login("bob", "p|w")[0] == "OK" and imap.create("INBOX.a.b")[0] == "OK"
assert b"MULTIAPPEND" not in imap.capability()[1][-1], imap.capability()'
check "Courier: log in, a folder below INBOX" imap 127.77.200.6 '
assert imap.login("bob", "p|w")[0] == "OK" and imap.create("INBOX.a.b")[0] == "OK"
assert any(b"INBOX.a.b" in line for line in imap.list()[1]), imap.list()'
wrong_password() { imap "$1" 'imap.login("anna", "wrong")' 2>/dev/null; }
check "Cyrus: a wrong password is none" refused 1 wrong_password 127.77.200.4
check "Courier: a wrong password is none" refused 1 wrong_password 127.77.200.6

# --- DNS
start powerdns p address=127.77.200.10 also-notify=127.77.200.11
"$servers/powerdns.sh" zone "$work/p" "$work/zone" zone.test
check "PowerDNS serves the zone" answers 127.77.200.10 zone.test MX "10 mail.test."
start knot k address=127.77.200.11 master=127.77.200.10 zone=zone.test
start knot r address=127.77.200.12 zone=".:$work/root"
start unbound u address=127.77.200.13 root=127.77.200.12
check "Knot follows as a secondary" answers 127.77.200.11 zone.test MX "10 mail.test."
check "Unbound finds the zone from the root" answers 127.77.200.13 zone.test MX " 40 IN MX" rd
counted() { local ttl; ttl=$(python3 "$lab/labdns.py" query --rd 127.77.200.13 53 zone.test MX | cut -d' ' -f2); ((ttl < 40)); }
check "Unbound counts the TTL down" eventually 5 counted
python3 - "$work/p/api.key" <<'END'
import json, sys, urllib.request
body = {"rrsets": [{"name": "zone.test.", "type": "MX", "ttl": 40, "changetype": "REPLACE", "records": [{"content": "20 new.test."}]}]}
urllib.request.urlopen(urllib.request.Request("http://127.77.200.10:8081/api/v1/servers/localhost/zones/zone.test.", method="PATCH",
                       data=json.dumps(body).encode(), headers={"X-API-Key": open(sys.argv[1]).read()}))
END
check "an API write is served at once" answers 127.77.200.10 zone.test MX "20 new.test."
check "and reaches the secondary by NOTIFY" eventually 5 answers 127.77.200.11 zone.test MX "20 new.test."
check "while Unbound keeps the old answer" answers 127.77.200.13 zone.test MX "10 mail.test." rd

"$servers/powerdns.sh" sign "$work/p" zone.test >"$work/ds"
check "PowerDNS signs a zone and tells its DS" grep -Eq '^zone\.test\. IN DS [0-9]+ 13 2 [0-9a-f]{64}$' "$work/ds"
sed 's/^zone\.test\. IN DS \([0-9]*\) .*/zone.test. IN DS \1 13 2 0000000000000000000000000000000000000000000000000000000000000000/' "$work/ds" >"$work/wrong-ds"
start unbound v address=127.77.200.16 stub=zone.test=127.77.200.11 anchor="$work/ds"
start unbound x address=127.77.200.17 stub=zone.test=127.77.200.11 anchor="$work/wrong-ds"
proven() { # ADDRESS: by the secondary's signatures
  PYTHONPATH=$lab python3 -c 'import labdns, sys; answer = labdns.query(sys.argv[1], 53, "zone.test", "MX", rd=True, timeout=5); sys.exit(not (answer.rcode == "NOERROR" and answer.ad))' "$1"
}
signed() { [[ -n $("$servers/knot.sh" run "$work/k" kdig +short @127.77.200.11 zone.test DNSKEY) ]]; }
check "the secondary follows" eventually 5 signed
check "Unbound with that DS as its anchor proves the zone" proven 127.77.200.16
check "with another it answers nothing" python3 "$lab/labdns.py" query --quiet --rd --rcode SERVFAIL 127.77.200.17 53 zone.test MX

start bind b address=127.77.200.14 zone=zone.test:"$work/zone"
start knot kp address=127.77.200.15 zone=zone.test:"$work/zone" tsig=lab.
for pair in b:127.77.200.14 kp:127.77.200.15; do
  printf 'hmac-sha256:lab.:%s\n' "$(<"$work/${pair%%:*}/tsig.secret")" >"$work/key"
  printf 'server %s 53\nzone zone.test\nupdate add new.zone.test 10 A 127.77.200.99\nsend\n' "${pair#*:}" >"$work/update"
  "$servers/knot.sh" run "$work/kp" knsupdate -k "$work/key" "$work/update"
  check "UPDATE with TSIG at ${pair#*:}" answers "${pair#*:}" new.zone.test A 127.77.200.99
done

# --- chasquid
start chasquid c address=127.77.200.1 hostname=mail.test cert="$work/ca/mail.test.pem" key="$work/ca/mail.test.key" \
  domains=zone.test dovecot="$work/d1" lmtp=127.77.200.1:24 resolver=127.77.200.13
printf 'a@zone.test\n' >"$work/recipients"
python3 "$lab/senders.py" --recipients "$work/recipients" --log "$work/sent" --straggler 127.77.200.1 --ca "$work/ca/ca.pem" --name mail --sender-domain nowhere.test --count 1 || true
check "chasquid takes a message" grep -q '"event": "accepted"' "$work/sent"
arrived() { imap 127.77.200.1 'imap.login("a@zone.test", "pw"); imap.select("INBOX"); assert imap.search(None, "ALL")[1] != [b""]' 2>/dev/null; }
check "and Dovecot has it" eventually 10 arrived

# --- MTA-STS policies
"$lab/ca.sh" "$work/ca" issue mta-sts.zone.test
printf 'version: STSv1\r\nmode: none\r\nmax_age: 600\r\n' >"$work/policy"
start policy w address=127.77.200.3 cert="$work/ca/mta-sts.zone.test.pem" key="$work/ca/mta-sts.zone.test.key"
policy_of() { # DOMAIN, ADDRESS: the file's lines
  PYTHONPATH=$lab python3 -c 'import sts, sys; print(" ".join(sts.lines_of(sts.fetch(sys.argv[1], sys.argv[2], sys.argv[3]))))' "${2:-127.77.200.3}" "$1" "$work/ca/ca.pem"
}
serves() { [[ $(policy_of "$1") == "$2" ]]; }
check "a policy that does not exist is not served" refused 1 policy_of zone.test
cp "$work/policy" "$work/w/files/zone.test.txt"
check "a policy is served over HTTPS once it is there" serves zone.test "max_age: 600 mode: none version: STSv1"
check "the certificate is for its name alone" refused 1 policy_of other.test

# --- The end
rundirs=("$(<"$work/d1/rundir")" "$(<"$work/cy/rundir")" "$(<"$work/co/rundir")" "$(<"$work/p/rundir")" "$(<"$work/k/rundir")" "$(<"$work/u/rundir")")
for one in "${started[@]}"; do "$servers/${one%%:*}.sh" stop "${one#*:}"; "$servers/${one%%:*}.sh" stop "${one#*:}"; done
left() { # command lines that name the folder; it reaches python by the environment, so that python's own does not
  WORK=$work python3 -c '
import glob, os
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        line = open(path, "rb").read()
    except OSError:
        continue
    if os.environ["WORK"].encode() in line:
        print(line.replace(b"\0", b" ").decode(errors="replace"))'
}
left >"$work/left"
check "nothing runs any more" test ! -s "$work/left"
check "no socket folder is left" refused 2 ls -d "${rundirs[@]}"
