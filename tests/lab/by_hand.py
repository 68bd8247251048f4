#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A migration of one of the lab's domains without mxferry: files are copied between the hosts' Maildirs, records are written
through PowerDNS's API, waits are counted by hand. It shows that the lab can be migrated and gives the checker something
that is right, so that the test can then spoil it and see the checker object.

    by_hand.py LAB_ENV DOMAIN [--roll-back LIST] [--hasty SECONDS]

--roll-back flips back after the flip and writes the list of stranded messages; --hasty shortens the wait for the old TTL.
"""

import argparse
import csv
import json
import os
import re
import shutil
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "lab"))
import labdns  # noqa: E402

OLD_TTL, LOWERED = 40, 10


class Zone:
    def __init__(self, lab, domain):
        self.lab, self.domain = lab, domain
        with open(lab["LAB_PRIMARY_API_KEY"], encoding="ascii") as file:
            self.key = file.read()

    def name(self, relative):
        return f"{relative}.{self.domain}." if relative else self.domain + "."

    def set(self, *rrsets):
        """rrsets: (relative name, type, ttl, data). Returns when both name servers serve them."""
        body = {"rrsets": [{"name": self.name(name), "type": kind, "ttl": ttl, "changetype": "REPLACE",
                            "records": [{"content": one, "disabled": False} for one in data]} for name, kind, ttl, data in rrsets]}
        url = f"{self.lab['LAB_PRIMARY_API']}/api/v1/servers/localhost/zones/{self.domain}."
        urllib.request.urlopen(urllib.request.Request(url, method="PATCH", data=json.dumps(body).encode(), headers={"X-API-Key": self.key}))
        end = time.monotonic() + 20
        for server in (self.lab["LAB_PRIMARY"], self.lab["LAB_SECONDARY"]):
            for name, kind, ttl, data in rrsets:
                while {(record.ttl, record.data) for record in labdns.query(server, 53, self.name(name), kind).answer} != {(ttl, one) for one in data}:
                    if time.monotonic() > end:
                        sys.exit(f"{server} does not serve {self.name(name)} {kind}")
                    time.sleep(0.05)


def copy_missing(source, target):
    """Each message file that the target has not; by its name without the flags."""
    copied = 0
    for folder, _, names in os.walk(source):
        relative = os.path.relpath(folder, source)
        if os.path.basename(folder) == "tmp" or os.path.basename(folder) not in ("cur", "new"):
            if os.path.basename(folder) != "tmp":
                os.makedirs(os.path.join(target, relative), exist_ok=True)
                for name in ("maildirfolder", "subscriptions", "dovecot-keywords"):
                    if name in names:
                        shutil.copy2(os.path.join(folder, name), os.path.join(target, relative, name))
            continue
        there = set()
        for part in ("cur", "new"):
            path = os.path.join(target, os.path.dirname(relative), part)
            os.makedirs(path, exist_ok=True)
            there.update(name.split(":")[0] for name in os.listdir(path))
        for name in names:
            if name.split(":")[0] not in there:
                shutil.copy2(os.path.join(folder, name), os.path.join(target, relative, name))
                copied += 1
    os.chown(target, 7717, 7717)
    os.chown(os.path.dirname(target), 7717, 7717)
    os.chown(os.path.dirname(os.path.dirname(target)), 7717, 7717)
    for folder, folders, names in os.walk(target):
        for name in folders + names:
            os.chown(os.path.join(folder, name), 7717, 7717)
    return copied


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab_env")
    parser.add_argument("domain")
    parser.add_argument("--roll-back", metavar="LIST")
    parser.add_argument("--hasty", type=float, default=0)
    options = parser.parse_args()
    with open(options.lab_env, encoding="utf-8") as file:
        lab = dict(line.rstrip("\n").split("=", 1) for line in file)
    domain, zone = options.domain, Zone(lab, options.domain)
    with open(os.path.join(lab["LAB_DIR"], domain.split(".")[0] + ".csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    with open(lab["LAB_NEW_USERS"], "a", encoding="ascii") as file:
        for row in rows:
            with open(row["dest_secret"].removeprefix("file:"), encoding="ascii") as secret:
                file.write(f"{row['dest']}:{{PLAIN}}{secret.read()}::::::userdb_quota_rule=*:storage={row['quota']}\n")

    def copy():
        return sum(copy_missing(*(os.path.join(lab["LAB_MAIL"], side, domain, row["dest"].split("@")[0], "Maildir") for side in ("old", "new"))) for row in rows)
    print("bulk:", copy())

    with open(os.path.join(lab["LAB_DIR"], domain.split(".")[0] + ".zone.expected"), encoding="utf-8") as file:
        expected = [line.split(None, 4)[1:] for line in file if line.startswith("=")]
    planned = {}
    for name, kind, _, data in expected:
        planned.setdefault((name.removesuffix(domain + ".").rstrip("."), kind), []).append(data.strip())

    def now(name, kind):
        return sorted({record.data for record in labdns.query(lab["LAB_PRIMARY"], 53, zone.name(name), kind).answer})
    clients = [("", "MX"), ("autoconfig", "CNAME"), ("_imaps._tcp", "SRV"), ("_submissions._tcp", "SRV")]
    before = {key: now(*key) for key in clients}
    verification = [text for text in planned["", "TXT"] if "verification" in text]
    zone.set(("new._domainkey", "TXT", OLD_TTL, planned["new._domainkey", "TXT"]), ("_smtp._tls", "TXT", OLD_TTL, planned["_smtp._tls", "TXT"]),
             ("", "TXT", OLD_TTL, now("", "TXT") + verification))
    zone.set(*((*key, LOWERED, before[key]) for key in clients), ("", "TXT", LOWERED, now("", "TXT")))
    print("lowered")
    time.sleep(OLD_TTL + 2 - options.hasty)
    both = re.sub(r"v=spf1", f"v=spf1 ip4:{lab['LAB_NEW']}", next(text for text in now("", "TXT") if "spf1" in text))
    zone.set(("", "TXT", LOWERED, [text for text in now("", "TXT") if "spf1" not in text] + [both]))
    time.sleep(LOWERED + 2)
    print("delta:", copy())
    zone.set(*((*key, LOWERED, planned[key]) for key in clients))
    print("flipped")
    end, settled = time.monotonic() + 30, set()
    while len(settled) < 2 and time.monotonic() < end:
        settled = {resolver for resolver in lab["LAB_RESOLVERS"].strip('"').split()
                   if [record.data for record in labdns.query(resolver, 53, domain, "MX", rd=True).answer] == planned["", "MX"]}
        time.sleep(0.2)
    print("resolvers agree; stragglers:", copy())
    if options.roll_back:
        time.sleep(5)
        zone.set(*((*key, LOWERED, before[key]) for key in clients))
        time.sleep(LOWERED + 2)
        stranded = []
        for row in rows:
            there = {name.split(":")[0]: path for side in ("old",) for path, _, names in os.walk(os.path.join(lab["LAB_MAIL"], side, domain, row["dest"].split("@")[0])) for name in names}
            for path, _, names in os.walk(os.path.join(lab["LAB_MAIL"], "new", domain, row["dest"].split("@")[0])):
                for name in names:
                    if name.split(":")[0] not in there and ",S=" in name:
                        with open(os.path.join(path, name), "rb") as file:
                            stranded.append({"mailbox": row["dest"], "message_id": re.search(rb"^Message-ID: (\S+)", file.read(), re.M | re.I).group(1).decode().strip()})
        with open(options.roll_back, "w", encoding="utf-8") as file:
            json.dump({"stranded": stranded}, file)
        print("rolled back;", len(stranded), "stranded")
    else:
        zone.set(*((*key, OLD_TTL, planned[key]) for key in clients), ("", "TXT", OLD_TTL, planned["", "TXT"]))
        print("finalized; stragglers:", copy())


if __name__ == "__main__":
    main()
