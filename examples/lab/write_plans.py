#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what `up` needs before the servers start: secrets, zone files, the two plans with their mailboxes.csv, and the
zones that a finished run should leave (checker.py's notation). Python's standard library and the openssl command.

    write_plans.py DIR CORPUS LAB
"""

import csv
import json
import os
import re
import secrets
import subprocess
import sys

PLACES = {"ROOT_DNS": "127.77.0.2", "OLD": "127.77.0.10", "NEW": "127.77.0.20", "PRIMARY": "127.77.0.53",
          "SECONDARY": "127.77.0.54", "RELAY": "127.77.0.30", "POLICY": "127.77.0.40",
          "RESOLVER1": "127.77.0.61", "RESOLVER2": "127.77.0.62"}
VERIFICATION = {"alpha.test": "newhost-verification=alpha-7f3a9c", "beta.test": "newhost-verification=beta-19d0e2"}

ROOT_ZONE = """$TTL 3600
. IN SOA ns.root-servers.test. hostmaster.test. 1 3600 600 604800 10
. IN NS ns.root-servers.test.
test. IN NS ns.root-servers.test.
ns.root-servers.test. IN A {ROOT_DNS}
"""

# Whoever sends to the customers is at ext.test; its SPF record names the loopback addresses that the senders use.
TEST_ZONE = """$TTL 300
$ORIGIN test.
@ 10 IN SOA ns.root-servers hostmaster 1 3600 600 604800 10
@ IN NS ns.root-servers
ns.root-servers IN A {ROOT_DNS}
alpha IN NS ns1.dns
alpha IN NS ns2.dns
beta IN NS ns1.dns
beta IN NS ns2.dns
ns1.dns IN A {PRIMARY}
ns2.dns IN A {SECONDARY}
mx.oldhost IN A {OLD}
imap.oldhost IN A {OLD}
smtp.oldhost IN A {OLD}
autoconfig.oldhost IN A {OLD}
mx.newhost IN A {NEW}
imap.newhost IN A {NEW}
smtp.newhost IN A {NEW}
autoconfig.newhost IN A {NEW}
ext IN MX 0 .
ext IN TXT "v=spf1 ip4:127.0.0.0/8 -all"
"""

CUSTOMER_ZONE = """$TTL 40
$ORIGIN {domain}.
@ 10 IN SOA ns1.dns.test. hostmaster.{domain}. 1 60 10 604800 10
@ IN NS ns1.dns.test.
@ IN NS ns2.dns.test.
@ IN A 127.77.0.80
www IN A 127.77.0.80
@ IN MX 10 mx.oldhost.test.
@ IN TXT "v=spf1 mx ip4:{OLD} -all"
@ IN TXT "some-other-service=3c1d8e5f"
old._domainkey IN TXT {old_dkim}
_dmarc IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"
autoconfig IN CNAME autoconfig.oldhost.test.
_imaps._tcp IN SRV 0 1 993 imap.oldhost.test.
_submissions._tcp IN SRV 0 1 465 smtp.oldhost.test.
"""

# Only alpha.test has MTA-STS, enforced (RFC 8461).
STS_ZONE = """mta-sts IN A {POLICY}
_mta-sts IN TXT "v=STSv1; id=20240611T0800;"
"""
STS_POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.oldhost.test\r\nmax_age: 604800\r\n"
STS_DONE = """= mta-sts.{domain}. A 40 {POLICY}
~ _mta-sts.{domain}. TXT 40 "v=STSv1; id=(?!20240611T0800)[0-9A-Za-z]{{1,32}};"
"""

# After a whole run: new data at the old TTLs, the old host out of SPF, foreign strings untouched.
DONE = """# What both name servers of {domain} should serve after the run; see checker.py --help.
= {domain}. MX 40 10 mx.newhost.test.
= {domain}. TXT 40 "v=spf1 ip4:{NEW} -all"
= {domain}. TXT 40 "some-other-service=3c1d8e5f"
= {domain}. TXT 40 "{verification}"
= _dmarc.{domain}. TXT 40 "v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"
= new._domainkey.{domain}. TXT * {new_dkim}
= _smtp._tls.{domain}. TXT * "v=TLSRPTv1; rua=mailto:tls-reports@{domain}"
= autoconfig.{domain}. CNAME 40 autoconfig.newhost.test.
= _imaps._tcp.{domain}. SRV 40 0 1 993 imap.newhost.test.
= _submissions._tcp.{domain}. SRV 40 0 1 465 smtp.newhost.test.
= {domain}. A 40 127.77.0.80
= www.{domain}. A 40 127.77.0.80
"""

# After a rollback: MX and client records as before, at whatever TTL; SPF of both, both DKIM keys and the new strings stay.
ROLLED_BACK = """# What both name servers of {domain} should serve after the rollback; see checker.py --help.
= {domain}. MX * 10 mx.oldhost.test.
~ {domain}. TXT * "v=spf1 (?=.*ip4:{OLD}\\b)(?=.*ip4:{NEW}\\b).*-all"
+ {domain}. TXT * "some-other-service=3c1d8e5f"
+ {domain}. TXT * "{verification}"
= _dmarc.{domain}. TXT * "v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"
= old._domainkey.{domain}. TXT * {old_dkim}
= new._domainkey.{domain}. TXT * {new_dkim}
= autoconfig.{domain}. CNAME * autoconfig.oldhost.test.
= _imaps._tcp.{domain}. SRV * 0 1 993 imap.oldhost.test.
= _submissions._tcp.{domain}. SRV * 0 1 465 smtp.oldhost.test.
= {domain}. A 40 127.77.0.80
"""


def write(path, text, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)


def dkim_record():
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                         check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=key, check=True, capture_output=True).stdout.decode()
    return "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])


def as_strings(text):
    """A TXT record's text as quoted strings of at most 255 octets (RFC 1035 section 3.3)."""
    return " ".join('"' + text[at:at + 255] + '"' for at in range(0, len(text), 255))


def main():
    directory, corpus, lab = sys.argv[1:4]
    with open(os.path.join(corpus, "accounts.json"), encoding="utf-8") as file:
        accounts = json.load(file)
    secret_dir = os.path.join(directory, "secrets")
    for name in ("powerdns.key", "doveadm.key", "old-master"):
        write(os.path.join(secret_dir, name), secrets.token_hex(24), 0o600)
    write(os.path.join(directory, "zones", "root.zone"), ROOT_ZONE.format(**PLACES))
    write(os.path.join(directory, "zones", "test.zone"), TEST_ZONE.format(**PLACES))
    for short in ("alpha", "beta"):
        domain = short + ".test"
        old_dkim, new_dkim = dkim_record(), dkim_record()
        words = dict(PLACES, domain=domain, verification=VERIFICATION[domain], old_dkim=as_strings(old_dkim), new_dkim=as_strings(new_dkim))
        has_sts = domain == "alpha.test"
        write(os.path.join(directory, "zones", domain + ".zone"), (CUSTOMER_ZONE + (STS_ZONE if has_sts else "")).format(**words))
        write(os.path.join(directory, short + ".zone.expected"), (DONE + (STS_DONE if has_sts else "")).format(**words))
        if has_sts:
            write(os.path.join(directory, "policy", "files", domain + ".txt"), STS_POLICY)
        write(os.path.join(directory, short + ".zone.rolled-back"), ROLLED_BACK.format(**words))
        with open(os.path.join(lab, short + ".toml.in"), encoding="utf-8") as file:
            template = file.read()
        words.update(NEW_DKIM=new_dkim, SECRETS=secret_dir, CA=os.path.join(directory, "ca", "ca.pem"),
                     NEW_USERS=os.path.join(directory, "new", "users"))
        write(os.path.join(directory, short + ".toml"), re.sub(r"@([A-Z0-9_]+)@", lambda m: words[m.group(1)], template))
        with open(os.path.join(directory, short + ".csv"), "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["source", "dest", "source_secret", "dest_secret", "wave", "lane", "quota", "aliases"])
            recipients = []
            for account in accounts:
                address = account["address"]
                if not address.endswith("@" + domain):
                    continue
                references = []
                for side in ("old", "new"):
                    path = os.path.join(secret_dir, f"{address}.{side}")
                    write(path, account[side + "_password"], 0o600)
                    references.append("file:" + path)
                table.writerow([address, address, *references, "1", "", account["quota"], " ".join(account["aliases"])])
                recipients += [address, *account["aliases"]]
        write(os.path.join(directory, short + ".recipients"), "\n".join(recipients) + "\n")


if __name__ == "__main__":
    main()
