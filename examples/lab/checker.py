#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges a finished migration of the lab from outside: it reads the senders' logs, both hosts by IMAP over TLS, the name
servers, and what they served over time, and shares no code with mxferry. One line for each check; exit 0 if all hold,
1 if one does not, 2 for wrong arguments. Python's standard library only.

    checker.py --lab DIR/lab.env --domain D [--senders LOG]... [--zone-history LOG] [--zone-expected FILE]
               [--rolled-back LIST.json] [--policy ADDRESS] [--validator ADDRESS] [--json FILE]

Mail. Every message that a sender got a 250 for is in its mailbox at the new host exactly once; none was refused for good.
Every message of the corpus is there exactly once per folder, as a multiset of (SHA-256 of its octets, instant of
INTERNALDATE, flags without \\Recent); folders, subscriptions and quotas are there; the old host still has all it had.
With --rolled-back: every 250 is at the old host or at the new one, once on each side at most, and those at the new host
alone are the ones in LIST: a JSON file in which objects with "mailbox" (or "dest", "account"), "folder", "uid", or
strings or "message_id" members that are Message-IDs, at any depth, name messages.

Zone. FILE has a line `MARK NAME TYPE TTL DATA` for each record; MARK is = (the RRset is exactly the = lines of it),
+ (has this datum), ~ (has a datum that matches this regular expression), ! (`! NAME TYPE`: there is none);
TTL * is any. Every authoritative server is asked.

Time. From the history: before the MX changed anywhere, every server had served the lowered TTL for at least the largest TTL
seen before (and so for each client record); each earlier version of a TXT set had been last served at least its TTL before,
a name's absence the negative TTL; one SPF record, the foreign strings and DMARC were there at all times.

MTA-STS, with --policy. The policy served at the end lists the planned MX hosts and no other, enforced. From the history: no
policy was served any more when its successor's id was seen; a sender who goes by an id, while that id may be cached, finds in
its policy every MX host that is served then or may be cached.

DNSSEC, with --validator. At the end that resolver proves every RRset of FILE; in the history it proved the MX each time.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import shlex
import sys
import time

import labdns
import sts
from rawimap import Imap, mutf7

# --- Mailboxes ---------------------------------------------------------------------------------------------------------

def read_mailbox(task):
    """In a process of its own. Everything of one mailbox on one host, or the words of what went wrong."""
    address, name, ca, user, password, marks = task
    try:
        imap = Imap(address, user, password, ca, name)
        folders = imap.folders()
        mail = [message for real, short in folders for message in imap.mail(real, short, marks)]
        return {"folders": {short for _, short in folders}, "subscribed": {short for _, _, short in imap.names("LSUB")},
                "quota": imap.quota(), "mail": mail}
    except (OSError, RuntimeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


# --- The checks ---------------------------------------------------------------------------------------------------------

class Verdict:
    def __init__(self):
        self.lines = []

    def check(self, holds, claim, problems=()):
        problems = list(problems)
        self.lines.append({"holds": bool(holds), "claim": claim, "problems": problems[:200]})
        print(f"{'ok  ' if holds else 'FAIL'}  {claim}")
        for problem in problems[:5]:
            print(f"        {problem}")
        if len(problems) > 5:
            print(f"        and {len(problems) - 5} more")

    def none(self, problems, claim):
        problems = list(problems)
        self.check(not problems, claim, problems)

    def note(self, words):
        print(f"note  {words}")


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def check_senders(verdict, sent, accounts, old, new, rolled_back, listed):
    """sent: the accepted entries by Message-ID."""
    target = {alias: account["address"] for account in accounts for alias in account["aliases"]}
    uncertain = sent["uncertain"]
    verdict.none((f"{entry['message_id']} to {entry['recipient']}: {entry['reason']}" for entry in sent["refused"]),
                 f"no message was refused for good ({len(sent['accepted'])} accepted, {sent['deferred']} put off)")
    verdict.none((f"{entry['message_id']} to {entry['recipient']}" for entry in sent["given_up"]), "no sender gave a message up")

    def places(side):
        found = collections.defaultdict(list)
        for mailbox, content in side.items():
            for message in content.get("mail", ()):
                if message.message_id in sent["accepted"]:
                    found[message.message_id].append((mailbox, message))
        return found
    at_old, at_new = places(old), places(new)
    problems = {"lost": [], "twice": [], "altered": [], "elsewhere": []}
    stranded = set()
    for message_id, entry in sent["accepted"].items():
        mailbox = target.get(entry["recipient"], entry["recipient"])
        sides = [at_new.get(message_id, [])] + ([at_old.get(message_id, [])] if rolled_back else [])
        if not any(sides):
            where = "still at the old host" if at_old.get(message_id) else "nowhere"
            problems["lost"].append(f"{message_id} to {entry['recipient']} at {time.strftime('%T', time.gmtime(entry['time']))} through {entry['address']}: {where}")
        for copies in sides:
            if len(copies) > 1 and message_id not in uncertain:
                problems["twice"].append(f"{message_id}: {[(box, m.folder, m.uid) for box, m in copies]}")
            for box, message in copies:
                if box != mailbox:
                    problems["elsewhere"].append(f"{message_id} for {mailbox} is in {box}")
                if message.body_sha256 != entry["sha256"]:
                    problems["altered"].append(f"{message_id} in {box} {message.folder} uid {message.uid}")
        if at_new.get(message_id) and not at_old.get(message_id):
            stranded.add(message_id)
    where = "at the old host or the new one" if rolled_back else "at the new host"
    verdict.none(problems["lost"], f"each of the {len(sent['accepted'])} accepted messages is {where}")
    verdict.none(problems["twice"], "none of them is there twice")
    verdict.none(problems["elsewhere"], "each is in its recipient's mailbox")
    verdict.none(problems["altered"], "each has the body that was sent")
    late = [entry for entry in sent["accepted"].values() if entry["address"] == sent["old_address"]]
    verdict.note(f"{len(late)} accepted by the old host, {len(sent['accepted']) - len(late)} by the new one")
    if rolled_back:
        named = set(listed["ids"])
        for mailbox, folder, uid in listed["places"]:
            for message in new.get(mailbox, {}).get("mail", ()):
                if message.uid == uid and message.folder == folder and message.message_id:
                    named.add(message.message_id)
        named &= set(sent["accepted"])
        verdict.none([f"stranded, not listed: {one}" for one in sorted(stranded - named)] + [f"listed, not stranded: {one}" for one in sorted(named - stranded)],
                     f"the {len(stranded)} messages at the new host alone are the ones in the printed list")


def as_multiset(mail):
    return collections.Counter((m.folder, m.sha256, m.instant, m.flags) for m in mail)


def check_corpus(verdict, manifest, accounts, old, new, sent, rolled_back):
    missing, twice, changed, old_changed, folders, subscriptions, quotas, total, further = [], [], [], [], [], [], [], 0, 0
    for account in accounts:
        mailbox = account["address"]
        wanted = manifest[mailbox]
        total += sum(wanted.values())
        here = as_multiset(new[mailbox]["mail"])
        there = as_multiset(m for m in old[mailbox]["mail"])
        contents = {(folder, sha) for folder, sha, _, _ in wanted}
        for key, number in wanted.items():
            folder, sha, instant, flags = key
            found = here.get(key, 0)
            if found < number:
                others = [k for k in here if k[0] == folder and k[1] == sha]
                if others:
                    changed.append(f"{mailbox} {folder} {sha[:12]}: instant {instant}, flags {flags}; there: {[(k[2], k[3]) for k in others][:2]}")
                else:
                    missing.append(f"{mailbox} {folder} {sha[:12]} ({number - found} of {number})")
            if there.get(key, 0) != number:
                old_changed.append(f"{mailbox} {folder} {sha[:12]}: {there.get(key, 0)} of {number}")
        for key, number in here.items():
            if (key[0], key[1]) in contents:
                if number > wanted.get(key, 0) and key in wanted:
                    twice.append(f"{mailbox} {key[0]} {key[1][:12]}: {number}, not {wanted[key]}")
                elif key not in wanted:
                    changed.append(f"{mailbox} {key[0]} {key[1][:12]}: {number} with instant {key[2]}, flags {key[3]} that the old host has not")
            elif any(key[1] == sha for _, sha in contents):
                twice.append(f"{mailbox} {key[0]} {key[1][:12]}: a copy in a folder where the old host has none")
        further += sum(1 for m in new[mailbox]["mail"] if (m.folder, m.sha256) not in contents and m.message_id not in sent["accepted"])
        folders += [f"{mailbox} {name}" for name in sorted(old[mailbox]["folders"] - new[mailbox]["folders"])]
        subscriptions += [f"{mailbox} {name}" for name in sorted(old[mailbox]["subscribed"] - new[mailbox]["subscribed"])]
        limit = int(account["quota"][:-1]) << {"K": 10, "M": 20, "G": 30}[account["quota"][-1]]
        if new[mailbox]["quota"] != limit:
            quotas.append(f"{mailbox}: {new[mailbox]['quota']}, not {limit}")
    verdict.none(missing, f"each of the corpus's {total} messages is at the new host, byte for byte, in its folder")
    verdict.none(changed, "with its date and its flags")
    verdict.none(twice, "exactly once")
    verdict.none(folders, "every folder of the old host is at the new one")
    verdict.none(subscriptions, "every subscription, too")
    verdict.none(quotas, "every quota is as planned")
    if not rolled_back:
        verdict.none(old_changed, "the old host still has the corpus, unchanged")
    else:
        verdict.none((line for line in old_changed), "the old host still has the corpus, unchanged, after the rollback")
    if further:
        verdict.note(f"{further} further messages at the new host (canaries)")


def parse_expected(path):
    rules = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            match = re.match(r"([=+~])\s+(\S+)\s+(\S+)\s+(\S+)\s+(.*)$|(!)\s+(\S+)\s+(\S+)$", line)
            if not match:
                sys.exit(f"{path}:{number}: expected MARK NAME TYPE TTL DATA")
            mark, name, kind, ttl, data, absent, absent_name, absent_kind = match.groups()
            rules.append((mark or absent, labdns.absolute(name or absent_name), kind or absent_kind, ttl, data))
    return rules


def check_zone(verdict, path, servers):
    rules, problems = parse_expected(path), []
    exact = collections.defaultdict(set)
    for mark, name, kind, _, data in rules:
        if mark == "=":
            exact[name, kind].add(data)
    for server in servers:
        answers = {}
        for mark, name, kind, ttl, data in rules:
            if (name, kind) not in answers:
                try:
                    answer = labdns.query(server, 53, name, kind)
                    if answer.rcode not in ("NOERROR", "NXDOMAIN") or not answer.aa:
                        raise labdns.DnsError(answer.rcode if answer.aa else "not authoritative")
                    answers[name, kind] = [record for record in answer.answer if record.type == kind and record.name == name]
                except labdns.DnsError as error:
                    problems.append(f"{server}: {name} {kind}: {error}")
                    answers[name, kind] = []
            records = answers[name, kind]
            found = {record.data for record in records}
            if mark == "=" and found != exact[name, kind]:
                problems.append(f"{server}: {name} {kind}: {sorted(found)}, not {sorted(exact[name, kind])}")
            elif mark == "+" and data not in found:
                problems.append(f"{server}: {name} {kind}: {sorted(found)} lacks {data}")
            elif mark == "~" and not any(re.fullmatch(data, one) for one in found):
                problems.append(f"{server}: {name} {kind}: {sorted(found)}: none matches {data}")
            elif mark == "!" and found:
                problems.append(f"{server}: {name} {kind}: {sorted(found)}, should be gone")
            if ttl not in (None, "*") and any(record.ttl != int(ttl) for record in records):
                problems.append(f"{server}: {name} {kind}: TTL {sorted({record.ttl for record in records})}, not {ttl}")
    verdict.none(dict.fromkeys(problems), f"{' and '.join(servers)} serve the planned zone")


class History:
    """What each server served, as intervals: (from, to, ttl, data) in order of time, by server and RRset."""

    def __init__(self, paths):
        self.intervals, self.errors = collections.defaultdict(dict), []
        for path in paths:
            for entry in read_lines(path):
                if "error" in entry:
                    self.errors.append(entry)
                else:
                    # Written again while it lasts; the last line with the same beginning is the whole.
                    self.intervals[entry["server"], entry["name"], entry["type"]][entry["from"]] = entry
        self.intervals = {key: [value[start] for start in sorted(value)] for key, value in self.intervals.items()}
        self.servers = sorted({server for server, _, kind in self.intervals if kind not in ("POLICY", "VALIDATED")})

    def of(self, name, kind):
        return [self.intervals.get((server, name, kind), []) for server in self.servers]

    def first_change(self, name, kind):
        """The earliest and latest instant at which the data changed first on any server; None if it never did."""
        best = None
        for entries in self.of(name, kind):
            for before, after in zip(entries, entries[1:]):
                if before["data"] != after["data"]:
                    if best is None or after["from"] < best[1]:
                        best = (before["to"], after["from"])
                    break
        return best

    def served_since(self, name, kind, until, holds):
        """The latest instant, no later than `until`, since which all servers served what holds() accepts. Of the two ends
        of the poll in which it began, the earlier is taken: the wait may have been this long."""
        since = 0.0
        for entries in self.of(name, kind):
            begin = None
            previous = None
            for entry in entries:
                if entry["from"] >= until:
                    break
                if holds(entry):
                    if begin is None:
                        begin = previous["to"] if previous else entry["from"]
                else:
                    begin = None
                previous = entry
            if begin is None:
                return None
            since = max(since, begin)
        return since


def check_time(verdict, history, domain, lowered):
    apex = domain + "."
    change = history.first_change(apex, "MX")
    if not change:
        verdict.check(False, "the MX records changed while the zone was watched")
        return
    flip = change[1]
    verdict.note(f"MX changed first at {time.strftime('%T', time.gmtime(flip))} UTC, on {len(history.servers)} servers watched")
    problems, waits = [], []
    moved = {(name, kind) for (_, name, kind) in history.intervals
             if kind in ("MX", "CNAME", "SRV") and history.first_change(name, kind)}
    for name, kind in sorted(moved):
        changed = history.first_change(name, kind)[1]
        largest = max(entry["ttl"] for entries in history.of(name, kind) for entry in entries if entry["ttl"] is not None and entry["from"] < changed)
        since = history.served_since(name, kind, changed, lambda entry: entry["ttl"] is not None and entry["ttl"] <= lowered)
        if since is None:
            problems.append(f"{name} {kind}: changed while a server still served a TTL above {lowered}")
        else:
            waits.append(f"{kind} {changed - since:.1f} s of {largest}")
            if changed - since < largest:
                problems.append(f"{name} {kind}: changed {changed - since:.1f} s after all servers served the lowered TTL, the old one was {largest}")
    verdict.none(problems, f"no wait was shorter than the old TTL ({', '.join(sorted(set(waits)))})")

    # A cache may hold what a server gave it last for that TTL. So each earlier version must have been last served, anywhere,
    # its TTL before the flip; what was served by then everywhere is all that any cache can hold.
    problems, names = [], set()
    soa = [entry for entries in history.of(apex, "SOA") for entry in entries if entry["data"]]
    negative = min(min(entry["ttl"], int(entry["data"][0].split()[-1])) for entry in soa) if soa else 0
    for server, name, kind in sorted(history.intervals):
        entries = [entry for entry in history.intervals[server, name, kind] if entry["from"] < flip]
        if kind != "TXT" or not entries:
            continue
        for entry in entries:
            if entry["data"] == entries[-1]["data"]:
                continue
            names.add(name)
            ttl = entry["ttl"] if entry["data"] else negative
            if flip - entry["to"] < ttl:
                problems.append(f"{name} TXT: {server} served an older version with TTL {ttl} until {flip - entry['to']:.1f} s before the MX changed")
        for other in history.servers:
            last = [entry for entry in history.intervals.get((other, name, kind), []) if entry["from"] < flip]
            if last and last[-1]["data"] != entries[-1]["data"]:
                problems.append(f"{name} TXT: {server} and {other} disagreed when the MX changed")
    verdict.none(dict.fromkeys(problems), f"the {len(names)} TXT sets written before were visible everywhere when the MX changed")

    problems = []
    for entries in history.of(apex, "TXT"):
        first = entries[0]["data"] if entries else []
        foreign = [text for text in first if not text.startswith('"v=spf1')]
        for entry in entries:
            spf = [text for text in entry["data"] if text.startswith('"v=spf1')]
            if len(spf) != 1:
                problems.append(f"{entry['server']} at {entry['from']:.0f}: {len(spf)} SPF records")
            problems += [f"{entry['server']} at {entry['from']:.0f}: {text} is gone" for text in foreign if text not in entry["data"]]
    for entries in history.of("_dmarc." + apex, "TXT"):
        problems += [f"{entry['server']} at {entry['from']:.0f}: no DMARC record" for entry in entries if not entry["data"]]
    verdict.none(problems, "one SPF record, DMARC and the foreign strings were there at all times")
    gaps = [f"{before['server']} {before['name']} {before['type']}: {after['from'] - before['to']:.1f} s" for entries in history.intervals.values()
            for before, after in zip(entries, entries[1:]) if after["from"] - before["to"] > 5]
    verdict.none(gaps, "the watcher was never blind for more than 5 s around a change")
    if history.errors:
        verdict.note(f"{len(history.errors)} questions of the watcher had no answer, the first: {history.errors[0]['error']}")


def check_policy_time(verdict, history, domain):
    apex = domain + "."
    policies = [entry for (_, _, kind), entries in history.intervals.items() if kind == "POLICY" for entry in entries]
    ids = [[entry for entry in entries if entry["data"]] for entries in history.of("_mta-sts." + apex, "TXT")]
    order = []
    for entry in sorted((entry for entries in ids for entry in entries), key=lambda entry: entry["from"]):
        if entry["data"] not in order:
            order.append(entry["data"])
    versions = []
    for entry in policies:
        if not versions or versions[-1]["data"] != entry["data"]:
            versions.append(entry)
    verdict.check(len(order) == len(versions) == 3, f"the MTA-STS policy was replaced twice, and its id with it ({len(versions)} policies, {len(order)} ids)")
    if len(order) != len(versions):
        return
    problems, waits = [], []
    for before, record in zip(versions, order[1:]):
        first = min(entry["from"] for entries in ids for entry in entries if entry["data"] == record)
        gone = max(entry["to"] for entry in policies if entry["data"] == before["data"])
        waits.append(f"{first - gone:.1f} s")
        if gone > first:
            problems.append(f"{record[0]} was served at {first:.1f}, the policy before its own until {gone:.1f}")
    verdict.none(problems, f"each policy was served before its id ({', '.join(waits)})")

    problems = []
    for version, record in zip(versions, order):
        held = [entry for entries in ids for entry in entries if entry["data"] == record]
        begin, end = min(entry["from"] for entry in held), max(entry["to"] + entry["ttl"] for entry in held)
        for entries in history.of(apex, "MX"):
            for entry in entries:
                hosts = {data.split()[1].rstrip(".").lower() for data in entry["data"]}
                missing = hosts - sts.hosts_of(version["data"])
                if missing and entry["from"] < end and entry["to"] + (entry["ttl"] or 0) > begin:
                    problems.append(f"{record[0]}: its policy does not list {', '.join(sorted(missing))}, which {entry['server']} served or caches held meanwhile")
    verdict.none(problems, "no sender could find an MX host that the policy of the id it knows does not list")


def check_policy(verdict, address, ca, path, domain):
    wanted = {data.split()[1].rstrip(".") for mark, name, kind, _, data in parse_expected(path) if mark == "=" and kind == "MX" and name == domain + "."}
    try:
        lines = sts.lines_of(sts.fetch(address, domain, ca))
    except sts.PolicyError as error:
        verdict.check(False, "the MTA-STS policy can be read", [str(error)])
        return
    fine = "version: STSv1" in lines and "mode: enforce" in lines and sts.hosts_of(lines) == wanted
    verdict.check(fine, f"the MTA-STS policy is enforced and lists {', '.join(sorted(wanted))} alone", () if fine else lines)


def check_validated_time(verdict, history, domain):
    entries = [entry for (_, name, kind), entries in history.intervals.items() if kind == "VALIDATED" and name == domain + "." for entry in entries]
    bad = [f"from {entry['from']:.1f} to {entry['to']:.1f}: {entry['rcode']}, {entry['data'][0]}" for entry in entries if entry["rcode"] != "NOERROR" or entry["data"] != ["secure"]]
    bad += [f"at {error['at']:.1f}: {error['error']}" for error in history.errors if any(error["server"] == entry["server"] for entry in entries)]
    verdict.check(entries and not bad, "a validating resolver proved the MX each time that it was asked", bad)


def check_validated(verdict, resolver, path):
    rules = {(name, kind) for mark, name, kind, _, _ in parse_expected(path) if mark in "=+~"}
    problems = []
    for name, kind in sorted(rules):
        try:
            answer = labdns.query(resolver, 53, name, kind, rd=True, timeout=10.0)
            found = any(record.name == name and record.type == kind for record in answer.answer)
            if answer.rcode != "NOERROR" or not answer.ad or not found:
                problems.append(f"{name} {kind}: {answer.rcode}, {'secure' if answer.ad else 'not proven'}, {'there' if found else 'not there'}")
        except labdns.DnsError as error:
            problems.append(f"{name} {kind}: {error}")
    verdict.none(problems, f"the {len(rules)} RRsets of the planned zone are proven by {resolver} (DNSSEC)")


def check_resolvers(verdict, resolvers, path, domain):
    wanted = {data for mark, name, kind, _, data in parse_expected(path) if mark == "=" and kind == "MX" and name == domain + "."}
    end, late = time.monotonic() + 60, resolvers
    while late and time.monotonic() < end:
        answers = {}
        for resolver in late:
            try:
                answers[resolver] = {record.data for record in labdns.query(resolver, 53, domain, "MX", rd=True).answer if record.type == "MX"}
            except labdns.DnsError as error:
                answers[resolver] = {str(error)}
        late = [resolver for resolver in late if answers[resolver] != wanted]
        if late:
            time.sleep(0.5)
    verdict.none((f"{resolver}: {sorted(answers[resolver])}" for resolver in late), f"the resolvers {', '.join(resolvers)} answer the planned MX")


def read_listed(path):
    listed = {"ids": [], "places": []}

    def walk(value):
        if isinstance(value, dict):
            mailbox = value.get("mailbox") or value.get("dest") or value.get("account")
            if "message_id" in value:
                listed["ids"].append(value["message_id"])
            elif mailbox and "uid" in value:
                listed["places"].append((mailbox, value.get("folder", "INBOX"), int(value["uid"])))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str) and re.fullmatch(r"<[^<>\s]+@[^<>\s]+>", value):
            listed["ids"].append(value)
    with open(path, encoding="utf-8") as file:
        walk(json.load(file))
    return listed


def await_queues(verdict, directory):
    """What an MX has accepted may still wait in its queue for a moment."""
    queues, end, left = [os.path.join(directory, host, "data", "queue") for host in ("old-mx", "new-mx")], time.monotonic() + 30, []
    while True:
        left = [os.path.join(queue, name) for queue in queues if os.path.isdir(queue) for name in os.listdir(queue)]
        if not left or time.monotonic() > end:
            break
        time.sleep(0.1)
    verdict.none(left, "nothing waits in a queue of the two MX hosts")


def read_environment(path):
    with open(path, encoding="utf-8") as file:
        return dict((key, shlex.split(value)[0] if value.strip() else "") for key, value in
                    (line.rstrip("\n").split("=", 1) for line in file if "=" in line))


def read_sent(paths, old_address):
    sent = {"accepted": {}, "refused": [], "given_up": [], "uncertain": set(), "deferred": 0, "old_address": old_address}
    for path in paths:
        for entry in read_lines(path):
            if entry["event"] == "accepted":
                sent["accepted"][entry["message_id"]] = entry
            elif entry["event"] in ("refused", "given_up"):
                sent[entry["event"]].append(entry)
            elif entry["event"] == "uncertain":
                sent["uncertain"].add(entry["message_id"])
            elif entry["event"] == "deferred":
                sent["deferred"] += 1
    return sent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", required=True, help="lab.env")
    parser.add_argument("--domain", required=True)
    parser.add_argument("--senders", action="append", default=[], metavar="LOG")
    parser.add_argument("--zone-history", action="append", default=[], metavar="LOG")
    parser.add_argument("--zone-expected", metavar="FILE")
    parser.add_argument("--rolled-back", metavar="LIST")
    parser.add_argument("--policy", metavar="ADDRESS", help="of the host mta-sts.D")
    parser.add_argument("--validator", metavar="ADDRESS", help="a resolver that validates D")
    parser.add_argument("--lowered", type=int, default=10, help="the plan's lowered TTL")
    parser.add_argument("--json", metavar="FILE", help="the verdict as JSON")
    options = parser.parse_args()
    lab, verdict = read_environment(options.lab), Verdict()
    with open(os.path.join(lab["LAB_CORPUS"], "accounts.json"), encoding="utf-8") as file:
        accounts = [account for account in json.load(file) if account["address"].endswith("@" + options.domain)]
    sent = read_sent(options.senders, lab["LAB_OLD"])
    sent["accepted"] = {key: entry for key, entry in sent["accepted"].items() if entry["recipient"].endswith("@" + options.domain)}
    for kind in ("refused", "given_up"):
        sent[kind] = [entry for entry in sent[kind] if entry["recipient"].endswith("@" + options.domain)]
    await_queues(verdict, lab["LAB_DIR"])
    marks = frozenset(sent["accepted"])
    tasks = [(lab[side], name, lab["LAB_CA"], account["address"], account[password], marks)
             for account in accounts for side, name, password in (("LAB_OLD", "imap.oldhost.test", "old_password"), ("LAB_NEW", "imap.newhost.test", "new_password"))]
    with concurrent.futures.ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 2)) as pool:
        contents = list(pool.map(read_mailbox, tasks))
    old = {task[3]: content for task, content in zip(tasks, contents) if task[0] == lab["LAB_OLD"]}
    new = {task[3]: content for task, content in zip(tasks, contents) if task[0] == lab["LAB_NEW"]}
    unread = [f"{task[3]} at {task[1]}: {content['error']}" for task, content in zip(tasks, contents) if "error" in content]
    verdict.none(unread, f"all {len(tasks)} mailboxes of both hosts can be read over TLS")
    for content in contents:
        if "error" in content:
            content.update(folders=set(), subscribed=set(), quota=None, mail=[])
    rolled_back = options.rolled_back is not None
    check_senders(verdict, sent, accounts, old, new, rolled_back, read_listed(options.rolled_back) if rolled_back else None)
    manifest = collections.defaultdict(collections.Counter)
    for entry in read_lines(os.path.join(lab["LAB_CORPUS"], "manifest.jsonl")):
        manifest[entry["mailbox"]][mutf7(entry["folder"]), entry["sha256"], entry["instant"], tuple(sorted(entry["flags"]))] += 1
    check_corpus(verdict, manifest, accounts, old, new, sent, rolled_back)
    if options.zone_expected:
        check_zone(verdict, options.zone_expected, [lab["LAB_PRIMARY"], lab["LAB_SECONDARY"]])
        check_resolvers(verdict, lab["LAB_RESOLVERS"].split(), options.zone_expected, options.domain)
    if options.zone_history:
        history = History(options.zone_history)
        check_time(verdict, history, options.domain, options.lowered)
        if options.policy:
            check_policy_time(verdict, history, options.domain)
        if options.validator:
            check_validated_time(verdict, history, options.domain)
    if options.validator and options.zone_expected:
        check_validated(verdict, options.validator, options.zone_expected)
    if options.policy and options.zone_expected:
        check_policy(verdict, options.policy, lab["LAB_CA"], options.zone_expected, options.domain)
    holds = all(line["holds"] for line in verdict.lines)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"domain": options.domain, "holds": holds, "checks": verdict.lines}, file, indent=1)
    print(f"{options.domain}: {'everything holds' if holds else 'NOT as it should be'} ({len(verdict.lines)} checks)")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
