#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast mxferry copies, as ratios against a raw pump and mbsync in the same run on the same machine.

    bench.py --mxferry PROGRAM --bin DIR [--rounds N] [--work DIR] [--json FILE] [ROW...]

DIR holds mxf_pump and mxf_delay_proxy. Both ends are Dovecot with mail on /dev/shm; state files lie on a real
disk (--work). Rounds interleave what is compared; figures are medians. Rows (all, if none is named):
  small        20,000 messages, ~130 MB, 30 folders: first copy, then nothing changed, then 1 % new and 1 % flags
  small-50ms   the same behind a proxy with a round trip of 50 ms
  mixed        5,000 messages, ~1 GB, some of 25 MB
  large        one message of 100 MB: memory
  folders      2,000 folders of 5, against the server's own time to CREATE them
  others       small with Cyrus and with Courier as destination
  plain        300 messages to a destination without batches and with LITERAL- alone, 50 ms
  mailboxes    200 mailboxes at once in one process, as a run with `parallel = 200`: memory
  empty-folders 100,000 folders that hold nothing, on both sides: memory, and what the state takes
  million      one folder of 1,000,000 small messages: first copy once, then nothing changed
Needs root (addresses 127.77.66.x, mail under its own uid) and about 4 GB of memory.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

import mail
from mail import say
from servers import (FAR_NEW, FAR_OLD, FAR_PLAIN, NEW, OLD, OTHER, PASSWORD, PLAIN, REPO, SHM, USER, Lab, user_of)

HERE = os.path.dirname(os.path.abspath(__file__))


def source():
    return mail.Imap(OLD, USER, PASSWORD)


class Bench:
    def __init__(self, options):
        self.bin = os.path.abspath(options.bin)
        self.program = os.path.abspath(options.mxferry)
        self.work = options.work
        self.rounds = options.rounds
        self.lab = Lab(self.work)
        self.rows = []

    def timed(self, argv, env=None):
        """Wall and CPU seconds and peak memory (MB) of one process, and what it printed."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.work, **(env or {})}
        begin = time.monotonic()
        with open(f"{self.work}/errors", "w+b") as errors:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, env=environment)
            out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            with open(f"{self.work}/errors", errors="replace") as errors:
                raise RuntimeError(f"{argv[0]}: exit {process.returncode}: {errors.read()[-2000:]}")
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024, "out": out.decode()}

    def pump(self, hosts, lanes, batch, *mode):
        return self.timed([f"{self.bin}/mxf_pump", f"{hosts[0]}:143", user_of(hosts[0]), PASSWORD, f"{hosts[1]}:143",
                           user_of(hosts[1]), PASSWORD, str(lanes), str(batch), *mode])

    def mxferry(self, hosts, state="state.db", more=()):
        ends = [f"imap://{user_of(host).replace('@', '%40')}@{host}:143" for host in hosts]
        return self.timed([self.program, "sync", "--source", ends[0], "--source-secret", "env:S", "--dest", ends[1],
                           "--dest-secret", "env:D", "--state",
                           f"{self.work}/{state}", "--json", *more], {"S": PASSWORD, "D": PASSWORD})

    def mbsync(self, hosts):
        rc = f"{self.work}/mbsyncrc"
        with open(rc, "w") as f:
            for side, host in zip(("far", "near"), hosts):
                f.write(f"IMAPAccount {side}\nHost {host}\nPort 143\nUser {USER}\nPass {PASSWORD}\nSSLType None\n"
                        f"AuthMechs LOGIN\nTimeout 0\n\nIMAPStore {side}\nAccount {side}\nPathDelimiter /\n\n")
            f.write(f"Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nCopyArrivalDate yes\n"
                    f"SyncState {self.work}/mbsync/\n")
        return self.timed([f"{HERE}/isync.sh", "run", "-q", "-c", rc, "all"])

    def fill(self, workload):
        self.lab.empty("old")
        subprocess.run([sys.executable, f"{HERE}/mail.py", OLD, USER, PASSWORD, workload], check=True)

    def fresh(self, other=""):
        """An empty destination (`other`: the Cyrus or Courier), and no state."""
        if other:
            self.lab.start_other(other)
        self.lab.empty("new")
        self.lab.empty("plain")
        shutil.rmtree(f"{self.work}/mbsync", ignore_errors=True)
        os.makedirs(f"{self.work}/mbsync")
        for name in os.listdir(self.work):
            if name.startswith("state.db"):
                os.remove(f"{self.work}/{name}")

    def best_pump(self, hosts, other=""):
        best = None
        for lanes in (1, 2, 4):
            for batch in (1,) if other == "courier" else (50, 200, 500):  # Courier has no batches
                self.fresh(other)
                wall = self.pump(hosts, lanes, batch)["wall"]
                say(f"  pump {lanes} lanes, batches of {batch}: {wall:.2f} s")
                if best is None or wall < best[0]:
                    best = (wall, lanes, batch)
        return best[1], best[2]

    def interleave(self, what):
        """what: name -> function; each once a round."""
        runs = {name: [] for name in what}
        for number in range(self.rounds):
            for name, run in what.items():
                runs[name].append(run())
            say(f"  round {number + 1}: " + ", ".join(f"{name} {r[-1]['wall']:.2f} s" for name, r in runs.items()))
        return {name: {key: statistics.median(r[key] for r in results) for key in ("wall", "cpu", "rss")}
                for name, results in runs.items()}

    def row(self, name, value, must, unit="", less=False):
        good = value <= must if less else value >= must
        self.rows.append({"row": name, "value": round(value, 3), "must": must, "less_is_better": less, "unit": unit,
                          "reached": good})
        print(f"{name:58} {value:9.2f} {unit:4} {'at most' if less else 'at least'} {must:<6} "
              f"{'reached' if good else 'NOT reached'}", flush=True)

    def first_copy(self, workload, hosts, pump_ratio, mbsync_ratio, label, other=""):
        lanes, batch = self.best_pump(hosts, other)

        def after_fresh(run):
            def inner():
                self.fresh(other)
                return run()
            return inner

        what = {"pump": after_fresh(lambda: self.pump(hosts, lanes, batch)),
                "mxferry": after_fresh(lambda: self.mxferry(hosts))}
        if mbsync_ratio is not None:
            what["mbsync"] = after_fresh(lambda: self.mbsync(hosts))
        medians = self.interleave(what)
        print(f"{label}: pump {medians['pump']['wall']:.2f} s ({lanes} lanes, batches of {batch}), "
              f"mxferry {medians['mxferry']['wall']:.2f} s, CPU {medians['mxferry']['cpu']:.2f} s, "
              f"{medians['mxferry']['rss']:.0f} MB" +
              (f", mbsync {medians['mbsync']['wall']:.2f} s" if "mbsync" in medians else ""), flush=True)
        self.row(f"{label}: mxferry as a part of the pump", medians["pump"]["wall"] / medians["mxferry"]["wall"], pump_ratio)
        if mbsync_ratio is not None:
            self.row(f"{label}: times as fast as mbsync", medians["mbsync"]["wall"] / medians["mxferry"]["wall"], mbsync_ratio)
            if workload == "small" and hosts == (OLD, NEW):
                self.row(f"{label}: the pump against mbsync", medians["mbsync"]["wall"] / medians["pump"]["wall"], 6)
        return medians

    def unchanged(self, hosts, label, ratio=3):
        self.fresh()
        self.mxferry(hosts)
        medians = self.interleave({"status": lambda: self.pump(hosts, 1, 1, "status"), "mxferry": lambda: self.mxferry(hosts)})
        self.row(f"{label}: nothing changed, times LOGIN + LIST-STATUS", medians["mxferry"]["wall"] / medians["status"]["wall"],
                 ratio, less=True)
        return medians

    def small(self):
        self.fill("small")
        here = (OLD, NEW)
        medians = self.first_copy("small", here, 0.85, 6, "small")
        self.row("small: CPU a message", medians["mxferry"]["cpu"] / 20000 * 1e6, 20, "µs", less=True)
        self.row("small: memory", medians["mxferry"]["rss"], 48, "MB", less=True)
        self.unchanged(here, "small")
        self.changes(here, medians["mxferry"]["wall"])

    def changes(self, hosts, first_wall):
        walls = []
        for number in range(self.rounds):
            self.change(number)
            walls.append(self.mxferry(hosts)["wall"])
        self.row("small: 1 % new and 1 % flags, part of the first copy's time", statistics.median(walls) / first_wall, 0.05,
                 less=True)

    def change(self, seed):
        """1 % new mail and 1 % of the mail with another flag, in each folder."""
        rng = random.Random(11 + seed)
        imap = source()
        for folder in range(30):
            name = "INBOX" if folder == 0 else f"Folder {folder // 6}/Sub {folder}"
            imap.append(name, [("", mail.date_of(rng), mail.message(rng, n, 5000)) for n in range(7)])
            imap.command(f'SELECT "{name}"')
            for _ in range(7):
                imap.command(f"STORE {rng.randint(1, 600)} +FLAGS.SILENT (\\Flagged)")
        imap.close()

    def octets(self, rtt):
        """Octets and changes of direction of one run, as the proxies count them."""
        self.lab.start_proxies(self.bin, rtt)
        self.mxferry((FAR_OLD, FAR_NEW))
        counts = self.lab.stop_proxies()
        return sum(c[2] + c[3] for c in counts), max(c[1] for c in counts)

    def small_50ms(self):
        self.fill("small")
        far = (FAR_OLD, FAR_NEW)
        self.lab.start_proxies(self.bin, 50)
        self.first_copy("small", far, 0.7, 8, "small, 50 ms")
        self.unchanged(far, "small, 50 ms")
        self.lab.stop_proxies()
        self.row("small, 50 ms: nothing changed, changes of direction", self.octets(50)[1], 8, less=True)
        self.fresh()
        first, _ = self.octets(0)
        self.change(0)
        self.row("small: 1 % new and 1 % flags, part of the first copy's octets", self.octets(0)[0] / first, 0.05, less=True)

    def mixed(self):
        self.fill("mixed")
        medians = self.first_copy("mixed", (OLD, NEW), 0.85, 1, "mixed")
        self.row("mixed: CPU a GB", medians["mxferry"]["cpu"], 1, "s", less=True)
        self.row("mixed: memory", medians["mxferry"]["rss"], 48, "MB", less=True)

    def others(self):
        """Cyrus and Courier as destination."""
        self.fill("small")
        for kind in ("cyrus", "courier"):
            self.first_copy("small", (OLD, OTHER), 0.7, None, f"small to {kind}", kind)
            self.lab.end(kind)

    def plain(self):
        """50 ms to a destination that takes one message at a time, against one after the other."""
        self.fill("few")
        self.lab.start_plain()
        far = (FAR_OLD, FAR_PLAIN)
        self.lab.start_proxies(self.bin, 50, ((FAR_OLD, OLD), (FAR_PLAIN, PLAIN)))
        rounds, self.rounds = self.rounds, min(self.rounds, 2)
        runs = {"one": lambda: self.pump(far, 1, 1), "mxferry": lambda: self.mxferry(far)}

        def after_fresh(run):
            def inner():
                self.fresh()
                return run()
            return inner

        medians = self.interleave({name: after_fresh(run) for name, run in runs.items()})
        self.rounds = rounds
        self.lab.stop_proxies()
        self.lab.end("plain")
        self.row("no batches, LITERAL-, 50 ms: times one after the other", medians["one"]["wall"] / medians["mxferry"]["wall"], 10)

    def large(self):
        """One message of 100 MB."""
        self.fill("large")
        self.fresh()
        self.row("100 MB message: memory", self.mxferry((OLD, NEW))["rss"], 96, "MB", less=True)

    def folders(self):
        self.fill("folders")
        here = (OLD, NEW)

        def created():
            self.fresh()
            return self.pump(here, 1, 1, "create-only")

        def copied():
            self.fresh()
            return self.mxferry(here)

        self.rounds, rounds = min(self.rounds, 2), self.rounds
        medians = self.interleave({"create": created, "mxferry": copied})
        self.rounds = rounds
        self.row("folders: times the server's own CREATEs", medians["mxferry"]["wall"] / medians["create"]["wall"], 1.15, less=True)

    def mailboxes(self, count=200):
        """As many at the same time; each has 12 folders and 300 messages."""
        self.lab.add_users(count)
        self.lab.empty("old")
        for number in range(count):
            subprocess.run([sys.executable, f"{HERE}/mail.py", OLD, f"bench{number}@bench.test", PASSWORD, "few"], check=True)
        self.fresh()
        done = self.timed([f"{self.bin}/mxf_many_mailboxes", OLD, NEW, PASSWORD, str(count), f"{self.work}/state.db"])
        print(f"{count} mailboxes: {int(done['out'])} messages in {done['wall']:.1f} s", flush=True)
        self.row(f"{count} mailboxes at once: memory", done["rss"], 400, "MB", less=True)

    def empty_folders(self):
        """Peak memory with ten times as many folders."""
        here = (OLD, NEW)
        memory = {}
        for count in (10_000, 100_000):
            self.lab.empty("old")
            self.fresh()
            for side in ("old", "new"):
                self.lab.make_folders(side, count)
            first = self.mxferry(here)
            again = self.mxferry(here)
            memory[count] = max(first["rss"], again["rss"])
            state = os.path.getsize(f"{self.work}/state.db") / 1e6
            print(f"{count} folders: {first['wall']:.1f} s, again {again['wall']:.1f} s, {memory[count]:.0f} MB, "
                  f"state {state:.1f} MB", flush=True)
        self.row("100,000 folders: memory", memory[100_000], 96, "MB", less=True)

    def million(self):
        self.fill("million")
        here = (OLD, NEW)
        self.fresh()
        first = self.mxferry(here)
        print(f"million: first copy {first['wall']:.1f} s, {first['rss']:.0f} MB", flush=True)
        self.row("million: memory", first["rss"], 96, "MB", less=True)
        self.row("million: state", os.path.getsize(f"{self.work}/state.db") / 1e6, 40, "MB", less=True)
        medians = self.interleave({"status": lambda: self.pump(here, 1, 1, "status"), "mxferry": lambda: self.mxferry(here)})
        self.row("million: nothing changed, times LOGIN + LIST-STATUS", medians["mxferry"]["wall"] / medians["status"]["wall"],
                 3, less=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mxferry", required=True)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--work", default=f"{REPO}/build/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    parser.add_argument("rows", nargs="*")
    options = parser.parse_args()
    known = {"small": Bench.small, "small-50ms": Bench.small_50ms, "mixed": Bench.mixed, "large": Bench.large,
             "folders": Bench.folders, "others": Bench.others, "plain": Bench.plain, "mailboxes": Bench.mailboxes,
             "empty-folders": Bench.empty_folders, "million": Bench.million}
    rows = options.rows or list(known)
    for row in rows:
        if row not in known:
            parser.error(f"no row {row}; there are {', '.join(known)}")
    if os.geteuid() != 0:
        say("bench.py: needs root: it binds port 143 on 127.77.66.x and keeps mail under a uid of its own")
        return 77
    os.makedirs(options.work, exist_ok=True)
    subprocess.run([f"{HERE}/isync.sh", "unpack"], check=True)
    bench = Bench(options)
    try:
        bench.lab.start()
        for row in rows:
            say(f"== {row}")
            known[row](bench)
    finally:
        bench.lab.stop()
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"schema": "mxferry-bench/1", "rounds": options.rounds, "rows": bench.rows}, f, indent=1)
    return 0 if all(row["reached"] for row in bench.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
