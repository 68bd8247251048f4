#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes down what each authoritative server of a zone serves over time, for checker.py: asked directly, without
recursion, so that no question of ours plants a negative answer in a cache. Ends on SIGTERM or SIGINT.

    watch_zone.py --zone alpha.test --server ADDRESS --server ADDRESS --log FILE [--interval S]
                  [--policy ADDRESS --ca FILE] [--validator ADDRESS] [NAME TYPE]...

Watched are the mail records (apex MX, TXT, SOA; _dmarc; DKIM selectors old and new; autoconfig; SRV; TLS-RPT; MTA-STS) and
what the arguments add; with --policy also the MTA-STS policy that ADDRESS serves, as type POLICY, its lines as data, and
with --validator what that resolver makes of the apex MX, which senders ask it for anyway, as type VALIDATED, data "secure" or
"not proven". A line of the log is a JSON object:
    {"server", "name", "type", "rcode", "ttl", "data": [...], "from": T0, "to": T1}    an RRset unchanged in all polls from T0 to
                                                                           T1 (seconds since 1970); written when it has changed
                                                                           and at the end, and for all RRsets every 5 s
    {"server", "error", "at": T}                                           no answer to a question
"""

import argparse
import json
import signal
import sys
import time

import labdns
import sts

NAMES = [("@", "MX"), ("@", "TXT"), ("@", "SOA"), ("_dmarc", "TXT"), ("old._domainkey", "TXT"), ("new._domainkey", "TXT"),
         ("autoconfig", "CNAME"), ("_imaps._tcp", "SRV"), ("_submissions._tcp", "SRV"), ("_smtp._tls", "TXT"), ("_mta-sts", "TXT")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zone", required=True)
    parser.add_argument("--server", action="append", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--interval", type=float, default=0.3)
    parser.add_argument("--policy", metavar="ADDRESS")
    parser.add_argument("--validator", metavar="ADDRESS")
    parser.add_argument("--ca", metavar="FILE", help="that --policy's certificate is verified against")
    parser.add_argument("more", nargs="*")
    options = parser.parse_args()
    names = NAMES + list(zip(options.more[::2], options.more[1::2]))
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    seen = {}
    with open(options.log, "a", encoding="utf-8") as log:
        def write(entry):
            log.write(json.dumps(entry) + "\n")

        def note(server, name, kind, at, state):
            entry = seen.get((server, name, kind))
            if entry and (entry["rcode"], entry["ttl"], entry["data"]) == state:
                entry["to"] = at
                return
            if entry:
                write(entry)
            seen[server, name, kind] = {"server": server, "name": name, "type": kind, "rcode": state[0], "ttl": state[1], "data": state[2],
                                        "from": at, "to": at}
        flushed = time.time()
        while True:
            for server in options.server:
                for relative, kind in names:
                    name = labdns.absolute(options.zone if relative == "@" else f"{relative}.{options.zone}")
                    at = time.time()
                    try:
                        answer = labdns.query(server, 53, name, kind, timeout=1.0)
                    except labdns.DnsError as error:
                        write({"server": server, "error": f"{name} {kind}: {error}", "at": at})
                        continue
                    records = [record for record in answer.answer if record.type == kind and record.name == name]
                    note(server, name, kind, at, (answer.rcode, min((record.ttl for record in records), default=None), sorted(record.data for record in records)))
            if options.validator:
                at, name = time.time(), labdns.absolute(options.zone)
                try:
                    answer = labdns.query(options.validator, 53, name, "MX", rd=True, timeout=2.0)
                    note(options.validator, name, "VALIDATED", at, (answer.rcode, None, ["secure" if answer.ad else "not proven"]))
                except labdns.DnsError as error:
                    write({"server": options.validator, "error": f"{name} MX: {error}", "at": at})
            if options.policy:
                at, name = time.time(), labdns.absolute("mta-sts." + options.zone)
                try:
                    note(options.policy, name, "POLICY", at, ("NOERROR", None, sts.lines_of(sts.fetch(options.policy, options.zone, options.ca, 1.0))))
                except sts.PolicyError as error:
                    write({"server": options.policy, "error": f"{name} POLICY: {error}", "at": at})
            if stopping or time.time() - flushed > 5:
                for entry in seen.values():
                    write(entry)
                log.flush()
                flushed = time.time()
            if stopping:
                return 0
            time.sleep(options.interval)


if __name__ == "__main__":
    sys.exit(main())
