#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that `kill -9` of `mxferry run` at any moment, followed by the same command, ends in the same state as a run that
nobody killed. The lab's beta.test is moved once without a kill; then once for each moment, on a lab that was put back:
killed there, run again to its end, and compared: RRsets at both name servers (without the SOA's serial), each folder's
multiset of (SHA-256, instant, flags) at the new host, folders, subscriptions and quotas, the steps' states, exit code and
findings, nothing left open in the state file, each notice sent (again at most once a kill, under the same Message-ID and
with the same octets); and the old host as it was. One line a moment; exit 0 if all are the same,
1 if one is not, 77 without root. Python's standard library only.

    kills.py --mxferry PROGRAM [--dir DIR] [--seed N] [--moments N] [--only POINT[,POINT...]] [--keep]

A moment is a POINT[:N] for MXFERRY_DEBUG_KILL_AT (core/base/crash_point.hpp); `somewhere`: any point, its number drawn from
the seed; or `sometime`: a time into the run, drawn from the seed, and for half of them a second time into the resumed run. Plan durations are divided by 1,000,000; TTLs are honest, but short (old 4 s, lowered 2 s, negative 2 s).
"""

import argparse
import collections
import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(REPO, "examples", "lab")
sys.path.insert(0, LAB)
import checker  # noqa: E402
import corpus  # noqa: E402
import labdns  # noqa: E402

SCALE = 1_000_000
DOMAIN = "beta.test"
MAIL_UID = 7717

# Once inside each kind of step that writes; between intent and result of APPENDs and of DNS writes.
POINTS = [
    "provision.intent:2", "file.written:2", "file.renamed", "provision.made:2", "dns.intent.names", "dns.applied.lower-ttl",
    "append.intent:4", "append.streaming:3", "append.streamed", "append.answered:6", "step.running.bulk:2",
    "step.running.deltas:2", "dns.applied.overlap", "step.ended.last:2", "canary.sent.canary-direct",
    "flip.marked:2", "dns.intent.flip", "dns.applied.flip", "canary.removed.canary-public",
    "notice.intent.notice-before-users", "notice.sent.notice-before-operators", "notice.sent.notice-after-users",
    "step.ended.monitor", "dns.applied.finalize", "dns.intent.restore-ttl", "step.ended.report",
]
# In scripts/test: of each group one, chosen by the seed, and one anywhere.
GROUPS = [
    ["append.intent:4", "append.streamed", "append.answered:6"],
    ["dns.intent.names", "dns.applied.lower-ttl", "dns.applied.overlap", "dns.intent.restore-ttl"],
    ["flip.marked:2", "dns.intent.flip", "dns.applied.flip"],
    ["file.written:2", "provision.made:2", "notice.sent.notice-before-users", "canary.sent.canary-direct", "canary.removed.canary-public", "step.ended.report"],
]


class Failed(Exception):
    pass


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*argv, **more):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


class Notices(socketserver.ThreadingTCPServer):
    """An SMTP server that takes the run's notices: what came under which Message-ID."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), NoticeTaker)
        self.seen = collections.defaultdict(list)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def begin(self):
        self.seen.clear()


class NoticeTaker(socketserver.StreamRequestHandler):
    def handle(self):
        def say(text):
            self.wfile.write(text.encode() + b"\r\n")

        say("220 notices.test ESMTP")
        for line in self.rfile:
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"EHLO":
                say("250-notices.test")
                say("250 8BITMIME")
            elif verb == b"DATA":
                say("354 go on")
                text = b""
                for part in self.rfile:
                    if part == b".\r\n":
                        break
                    text += part
                found = re.search(rb"(?im)^message-id: *(\S+)", text)
                name = found.group(1).decode() if found else "without Message-ID"
                self.server.seen[name].append(hashlib.sha256(text).hexdigest())
                say("250 taken")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")


class World:
    """The lab with short TTLs, and how it is put back to its beginning."""

    def __init__(self, directory):
        self.dir = directory
        self.serial = 0
        self.notices = Notices()

    def up(self):
        down = [os.path.join(LAB, "down"), self.dir]
        subprocess.run(down, stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(os.path.join(self.dir, "state"), ignore_errors=True)
        settings = {"MXF_CORPUS": os.path.join(self.dir, "corpus"), "MXF_CORPUS_MESSAGES": "600"}
        environment = {"MXF_LAB_WAIT": "900", **os.environ, **settings}
        os.makedirs(self.dir, exist_ok=True)
        run(os.path.join(LAB, "up"), self.dir, env=environment)
        with open(os.path.join(self.dir, "lab.env"), encoding="utf-8") as file:
            self.env = dict(line.rstrip("\n").replace('"', "").split("=", 1) for line in file)
        with open(os.path.join(self.env["LAB_CORPUS"], "accounts.json"), encoding="utf-8") as file:
            self.accounts = [one for one in json.load(file) if one["address"].endswith("@" + DOMAIN)]
        self.servers = [self.env["LAB_PRIMARY"], self.env["LAB_SECONDARY"]]
        plan = os.path.join(self.dir, "beta.toml")
        with open(plan, encoding="utf-8") as file:
            text = file.read()
        with open(plan, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(?m)^lowered = \d+", "lowered = 2", text))
            file.write(f'\n[notice]\nsmtp = "smtp://127.0.0.1:{self.notices.server_address[1]}"\nfrom = "moving@{DOMAIN}"\n'
                       f'operators = ["operator@{DOMAIN}"]\n')
        with open(os.path.join(self.dir, "zones", DOMAIN + ".zone"), encoding="utf-8") as file:
            text = file.read()
        text, found = re.subn(r"(?m)^@ 10 IN SOA (\S+ \S+) 1 (.*) 10$", r"@ 2 IN SOA \1 SERIAL \2 2", text)
        self.zone = re.sub(r"(?m)^\$TTL 40$", "$TTL 4", text)
        if found != 1 or "$TTL 4\n" not in self.zone:
            raise Failed("examples/lab/write_plans.py writes another zone than expected here")
        self.add_oddities()

    def add_oddities(self):
        """Twins, and messages that are streamed because they are large."""
        writer = corpus.Writer(1)
        inbox = corpus.Folder(os.path.join(self.env["LAB_MAIL"], "old", DOMAIN, "anna", "Maildir"), "anna@" + DOMAIN, "", MAIL_UID, io.StringIO())
        twin = writer.message("anna@" + DOMAIN, 1_500_000_000)
        for when, raw in ((1_500_000_000, twin), (1_500_000_000, twin), (1_500_000_100, writer.with_attachment(["Subject: 2 MB"], "=_a", 2_000_000)),
                          (1_500_000_200, writer.with_attachment(["Subject: 5 MB"], "=_b", 5_000_000))):
            inbox.add(raw, when, "S")
        for name in os.listdir(os.path.join(inbox.path, "cur")):
            os.chown(os.path.join(inbox.path, "cur", name), MAIL_UID, MAIL_UID)

    def reset(self):
        self.notices.begin()
        shutil.rmtree(os.path.join(self.env["LAB_MAIL"], "new", DOMAIN), ignore_errors=True)
        users = self.env["LAB_NEW_USERS"]
        with open(os.open(users + ".reset", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"):
            pass
        os.replace(users + ".reset", users)
        # The secondary takes a zone only with a higher serial.
        self.serial += 1000
        path = os.path.join(self.dir, "zones", DOMAIN + ".kills")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.zone.replace("SERIAL", str(self.serial)))
        run(os.path.join(LAB, "servers", "powerdns.sh"), "zone", os.path.join(self.dir, "primary"), path, DOMAIN)
        end = time.monotonic() + 30
        while self.serials() != [self.serial, self.serial]:
            if time.monotonic() > end:
                raise Failed(f"the name servers do not serve the zone that was put back: serials {self.serials()}, not {self.serial}")
            time.sleep(0.1)

    def serials(self):
        out = []
        for server in self.servers:
            try:
                soa = [record for record in labdns.query(server, 53, DOMAIN + ".", "SOA").answer if record.type == "SOA"]
                out.append(int(soa[0].data.split()[2]))
            except (labdns.DnsError, IndexError):
                out.append(None)
        return out

    def rrsets(self, server):
        out = collections.defaultdict(set)
        try:
            records = labdns.transfer(server, 53, DOMAIN + ".")
        except labdns.DnsError as error:
            raise Failed(f"transfer from {server}: {error}") from error
        for record in records:
            data = record.data
            if record.type == "SOA":
                data = " ".join("*" if position == 2 else word for position, word in enumerate(data.split()))
            out[record.name, record.type].add((record.ttl, data))
        return dict(out)

    def settled_zones(self):
        """What both serve, once they serve the same serial."""
        end = time.monotonic() + 20
        while len(set(self.serials())) != 1 and time.monotonic() < end:
            time.sleep(0.1)
        return {server: self.rrsets(server) for server in self.servers}

    def mailboxes(self, side):
        address, name = (self.env["LAB_OLD"], "imap.oldhost.test") if side == "old" else (self.env["LAB_NEW"], "imap.newhost.test")
        out = {}
        for account in self.accounts:
            box = checker.read_mailbox((address, name, self.env["LAB_CA"], account["address"], account[side + "_password"], ()))
            if "error" in box:
                out[account["address"]] = box
                continue
            out[account["address"]] = {"folders": sorted(box["folders"]), "subscribed": sorted(box["subscribed"]), "quota": box["quota"],
                                       "mail": checker.as_multiset(box["mail"])}
        return out

    def await_quiet_mx(self):
        """What the new MX took is delivered: a late second copy would show."""
        queue, end = os.path.join(self.dir, "new-mx", "data", "queue"), time.monotonic() + 20
        while os.listdir(queue) and time.monotonic() < end:
            time.sleep(0.1)

    def down(self):
        subprocess.run([os.path.join(LAB, "down"), self.dir], check=False)


def read_state(state):
    return contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True))


def steps_of(state):
    with read_state(state) as db:
        return dict(db.execute("SELECT step, state FROM step_state"))


class Run:
    """One migration with a state of its own: started, perhaps killed, and started again to its end."""

    def __init__(self, world, program, name):
        self.world, self.program, self.log = world, program, os.path.join(world.dir, "logs", name)
        self.state = os.path.join(world.dir, "state", name, "state.db")
        os.makedirs(os.path.dirname(self.state), mode=0o700)
        os.makedirs(os.path.dirname(self.log), exist_ok=True)
        open(self.log, "w", encoding="utf-8").close()

    def start(self, kill_at=None):
        environment = {key: value for key, value in os.environ.items() if key != "MXFERRY_DEBUG_KILL_AT"}
        if kill_at:
            environment["MXFERRY_DEBUG_KILL_AT"] = kill_at
        with open(self.log, "ab") as log:
            return subprocess.Popen([self.program, "run", os.path.join(self.world.dir, "beta.toml"), "--state", self.state, "--time-scale", str(SCALE)],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment)

    def finish(self, process, seconds=180):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"the run did not end within {seconds} s; see {self.log}") from None
        except BaseException:
            process.kill()
            raise

    def under_way(self):
        try:
            return sorted({step.split(":")[0] for step, state in steps_of(self.state).items() if state in ("running", "waiting")})
        except sqlite3.Error:
            return []

    def outcome(self, code):
        """Everything that must be the same, by the name under which it is told."""
        self.world.await_quiet_mx()
        new, zones = self.world.mailboxes("new"), self.world.settled_zones()
        status = json.loads(run(self.program, "status", "--state", self.state, "--json"))
        with read_state(self.state) as db:
            open_writes = db.execute("SELECT count(*) FROM dns_change WHERE state <> 'done'").fetchone()[0]
            open_appends = db.execute("SELECT count(*) FROM batch").fetchone()[0]
            boxes = db.execute("SELECT address, state, src_messages, dst_messages FROM mailbox ORDER BY address").fetchall()
        with open(os.path.join(os.path.dirname(self.state), "report", "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        return {
            "exit code": code,
            "state of the run": (status["state"], status["journal_intact"], status["mailboxes"], status["messages"]),
            "findings": sorted((one["id"], one["subject"]) for one in status["findings"]),
            "steps": steps_of(self.state),
            "mailbox rows": boxes,
            "open intents": (open_writes, open_appends),
            "zone": zones,
            "mail at the new host": new,
            "notices": sorted(self.world.notices.seen),
            "report": report.get("outcome", report.get("state")),
        }


def difference(wanted, found, where=""):
    """Where two values differ, in words."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(set(wanted) | set(found), key=str):
            if wanted.get(key) != found.get(key):
                yield from difference(wanted.get(key), found.get(key), f"{where} {key}".strip())
    elif wanted != found:
        yield f"{where}: {found}, not {wanted}"[:400]


def counts(outcome):
    zone = next(iter(outcome["zone"].values()))
    mail = [box["mail"] for box in outcome["mail at the new host"].values() if "mail" in box]
    return (f"{len(zone)} RRsets at {len(outcome['zone'])} servers, {sum(sum(one.values()) for one in mail)} messages in "
            f"{sum(len({key[0] for key in one}) for one in mail)} folders, {len(outcome['steps'])} steps")


class Proof:
    def __init__(self, options):
        self.program = os.path.abspath(options.mxferry)
        self.world = World(os.path.abspath(options.dir))
        self.random = random.Random(options.seed)
        self.options = options
        self.number = 0

    def moments(self):
        if self.options.only:
            return self.options.only.split(",")
        if self.options.moments < len(POINTS):
            chosen = [self.random.choice(group) for group in GROUPS]
        else:
            chosen = list(POINTS)
        chosen += [("somewhere", "sometime")[number % 2] for number in range(self.options.moments - len(chosen))]
        return chosen[:self.options.moments]

    def reference(self):
        began = time.monotonic()
        self.world.reset()
        self.old = self.world.mailboxes("old")
        one = Run(self.world, self.program, "reference")
        started = time.monotonic()
        code = one.finish(one.start())
        self.duration = time.monotonic() - started
        if code not in (0, 1):
            raise Failed(f"the run that nobody kills ends with exit {code}; see {one.log}")
        self.wanted = one.outcome(code)
        if len(self.wanted["notices"]) != 4 or any(len(came) != 1 for came in self.world.notices.seen.values()):
            raise Failed(f"the run that nobody kills sends these notices: {dict(self.world.notices.seen)}")
        if self.wanted["open intents"] != (0, 0):
            raise Failed(f"the run that nobody kills leaves intents open: {self.wanted['open intents']}")
        for address, box in self.old.items():
            if "error" in box or box["mail"] != self.wanted["mail at the new host"][address].get("mail"):
                raise Failed(f"the run that nobody kills did not copy {address} as it is")
        say(f"      nobody kills: {self.duration:.1f} s, exit {code}; {counts(self.wanted)} ({time.monotonic() - began:.0f} s with resetting and reading)")

    def prove(self, moment):
        self.number += 1
        began = time.monotonic()
        self.world.reset()
        one = Run(self.world, self.program, f"{self.number:02}-{re.sub('[^a-z0-9.-]', '-', moment)}")
        try:
            told, problems = self.kill_and_compare(moment, one)
        except Failed as problem:
            told, problems = "", [str(problem)]
        verdict = "NOT THE SAME" if problems else f"the same: {counts(self.wanted)}; old host unchanged"
        print(f"{'FAIL' if problems else 'ok  '}  {moment}: {told}{verdict} [{time.monotonic() - began:.0f} s]", flush=True)
        for problem in problems[:8]:
            print(f"        {problem}", flush=True)
        if problems:
            print(f"        log {one.log}, state {one.state}", flush=True)
        return not problems

    def kill_and_compare(self, moment, one):
        """What happened, in words, and what differs."""
        started = time.monotonic()
        problems, kills = [], 1
        if moment == "sometime":
            times = [self.random.uniform(0.01, 0.95) * self.duration]
            if self.random.random() < 0.5:
                times.append(self.random.uniform(0.05, 4.0))
                kills = 2
            told = []
            for after in times:
                process = one.start()
                try:
                    process.wait(after)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                told.append(f"{after:.2f} s in {' '.join(one.under_way()) or 'nothing'}")
            where = ", then ".join(told)
        else:
            point = moment
            if moment == "somewhere":  # each step passes three points, and some more
                point = f"any:{self.random.randint(1, 3 * len(self.wanted['steps']))}"
            code = one.finish(one.start(point))
            if code != -signal.SIGKILL:
                problems.append(f"not killed: the run ended with exit {code}, the point was not passed; see {one.log}")
            where = f"{time.monotonic() - started:.1f} s in {' '.join(one.under_way()) or 'nothing'}" + (f" ({point})" if point != moment else "")
        again = time.monotonic()
        code = one.finish(one.start())
        again = time.monotonic() - again
        if not problems:
            outcome = one.outcome(code)
            problems = list(difference(self.wanted, outcome))
            for name, came in self.world.notices.seen.items():
                if len(came) > 1 + kills or len(set(came)) != 1:
                    problems.append(f"notice {name} came {len(came)} times as {len(set(came))} texts, with {kills} kills")
            problems += [f"old host: {line}" for line in difference(self.old, self.world.mailboxes("old"))]
        return f"killed after {where}; the same command took {again:.1f} s, exit {code}; ", problems

    def play(self):
        moments = self.moments()
        say(f"kills: seed {self.options.seed}, {len(moments)} moments: {' '.join(moments)}")
        began = time.monotonic()
        self.world.up()
        say(f"      the lab is up: {time.monotonic() - began:.0f} s")
        self.reference()
        bad = [moment for moment in moments if not self.prove(moment)]
        print(f"{len(moments) - len(bad)} of {len(moments)} moments end as if nobody had killed (seed {self.options.seed}, {time.monotonic() - began:.0f} s)"
              + (f"; not: {' '.join(bad)}" if bad else ""))
        return not bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxferry", required=True, help="the program")
    parser.add_argument("--dir", default=os.path.join(REPO, "build", "kills"), help="where the lab lies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--moments", type=int, default=5, help=f"from {len(POINTS)} on: every point, the rest at random")
    parser.add_argument("--only", help="these moments instead")
    parser.add_argument("--keep", action="store_true", help="leave the servers running")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped, whoever ends this
    proof = Proof(options)
    try:
        return 0 if proof.play() else 1
    except Failed as problem:
        print(f"kills: failed: {problem}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            proof.world.down()


if __name__ == "__main__":
    sys.exit(main())
