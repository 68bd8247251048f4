#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast mxferry copies, as ratios against a raw pump and mbsync in the same run on the same machine.

    bench.py --mxferry PROGRAM --bin DIR [--rounds N] [--work DIR] [--json FILE] [ROW...]

DIR holds mxf_pump and mxf_delay_proxy. Both ends are Dovecot with mail on /dev/shm; state files lie on a real
disk (--work). Rounds interleave what is compared; figures are medians. Rows (all, if none is named):
  small        20,000 messages, ~130 MB, 30 folders: first copy, then nothing changed, then 1 % new and 1 % flags
  small-50ms   the same behind a proxy with a round trip of 50 ms
  mixed        5,000 messages, ~1 GB, some of 25 MB
  folders      2,000 folders of 5
  million      one folder of 1,000,000 small messages: first copy once, then nothing changed
Needs root (addresses 127.77.66.x, mail under its own uid) and about 4 GB of memory.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
OLD, NEW, FAR_OLD, FAR_NEW = "127.77.66.1", "127.77.66.2", "127.77.66.3", "127.77.66.4"
USER, PASSWORD = "bench@bench.test", "bench-word"
SHM = "/dev/shm/mxf-bench"


def say(text):
    print(text, file=sys.stderr, flush=True)


class Imap:
    """Just enough of a client to fill a mailbox."""

    def __init__(self, host, user=USER):
        self.socket = socket.create_connection((host, 143))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.command(f'LOGIN "{user}" "{PASSWORD}"')

    def answer(self, tag=b"T "):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise RuntimeError("the server closed the connection")
            if line.startswith(tag):
                if not line.startswith(tag + b"OK"):
                    raise RuntimeError(line.decode())
                return lines
            lines.append(line)

    def command(self, text):
        self.socket.sendall(b"T " + text.encode() + b"\r\n")
        return self.answer()

    def append(self, folder, messages):
        """messages: (flags, date, octets); one MULTIAPPEND for each 200 of them."""
        for at in range(0, len(messages), 200):
            parts = [f'T APPEND "{folder}"'.encode()]
            for flags, date, body in messages[at:at + 200]:
                parts.append(f' ({flags}) "{date}" {{{len(body)}+}}\r\n'.encode())
                parts.append(body)
            parts.append(b"\r\n")
            self.socket.sendall(b"".join(parts))
            self.answer()

    def close(self):
        self.socket.close()


def message(rng, number, size):
    head = (f"Message-ID: <{number}.{rng.getrandbits(48):x}@bench.test>\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n"
            f"From: a@bench.test\r\nTo: b@bench.test\r\nSubject: number {number}\r\n\r\n").encode()
    line = b"%072d\r\n" % rng.getrandbits(200)
    return head + line * max(1, (size - len(head)) // len(line))


FLAGS = ["", "\\Seen", "\\Seen \\Answered", "\\Seen $Label1", "\\Flagged"]


def date_of(rng):
    return "%02d-%s-20%02d %02d:%02d:%02d +0100" % (
        rng.randint(1, 28), rng.choice("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()), rng.randint(10, 24),
        rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))


def fill(workload):
    """Makes the source's mail. Seeded: the same bytes each time."""
    rng = random.Random(7)
    imap = Imap(OLD)
    batch = []

    def one(number, size):
        batch.append((rng.choice(FLAGS), date_of(rng), message(rng, number, size)))

    if workload == "small":
        for folder in range(30):
            name = "INBOX" if folder == 0 else f"Folder {folder // 6}/Sub {folder}"
            if folder > 0:
                imap.command(f'CREATE "{name}"')
            for number in range(20000 // 30 + (folder < 20000 % 30)):
                one(number, int(rng.lognormvariate(8.3, 0.9)))
            imap.append(name, batch)
            batch.clear()
    elif workload == "mixed":
        for folder in range(5):
            name = "INBOX" if folder == 0 else f"Mixed {folder}"
            if folder > 0:
                imap.command(f'CREATE "{name}"')
            for number in range(1000):
                one(number, rng.randint(5_000_000, 25_000_000) if number % 100 == 7 else int(rng.lognormvariate(10.2, 1.2)))
                if len(batch) == 50:
                    imap.append(name, batch)
                    batch.clear()
            imap.append(name, batch)
            batch.clear()
    elif workload == "folders":
        for folder in range(2000):
            name = f"Group {folder // 50}/Folder {folder}"
            imap.command(f'CREATE "{name}"')
            for number in range(5):
                one(number, 4000)
            imap.append(name, batch)
            batch.clear()
    elif workload == "million":
        for number in range(1_000_000):
            one(number, 600)
            if len(batch) == 5000:
                imap.append("INBOX", batch)
                batch.clear()
                if number % 100_000 == 99_999:
                    say(f"  {number + 1} messages made")
    imap.close()


class Lab:
    def __init__(self, work):
        self.work = work
        self.proxies = []

    def server(self, which, *words):
        subprocess.run([f"{REPO}/examples/lab/servers/dovecot.sh", *words], check=True, stdout=subprocess.DEVNULL)

    def start(self):
        shutil.rmtree(SHM, ignore_errors=True)
        os.makedirs(SHM, mode=0o755)
        with open(f"{self.work}/users", "w") as f:
            f.write(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        self.server("", "unpack")
        for name, address in (("old", OLD), ("new", NEW)):
            self.server(name, "start", f"{self.work}/{name}", f"address={address}", "lmtp_port=0", "doveadm_port=0",
                        f"users={self.work}/users", f"mail={SHM}/{name}", "fsync=optimized", "special=no")

    def stop(self):
        self.stop_proxies()
        for name in ("old", "new"):
            self.server(name, "stop", f"{self.work}/{name}")
        shutil.rmtree(SHM, ignore_errors=True)

    def empty(self, which):
        """No session is open; the server makes the user's folder anew at the next login."""
        shutil.rmtree(f"{SHM}/{which}/bench.test", ignore_errors=True)

    def start_proxies(self, binary, rtt):
        for number, (far, near) in enumerate(((FAR_OLD, OLD), (FAR_NEW, NEW))):
            count = f"{self.work}/proxy{number}"
            process = subprocess.Popen([f"{binary}/mxf_delay_proxy", f"{far}:143", f"{near}:143", str(rtt), count])
            self.proxies.append((process, count))
        for far in (FAR_OLD, FAR_NEW):
            while True:
                try:
                    socket.create_connection((far, 143)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.01)

    def stop_proxies(self):
        """What each of them counted: connections, changes of direction, octets up, octets down."""
        out = []
        for process, count in self.proxies:
            process.send_signal(signal.SIGTERM)
            process.wait()
            with open(count) as f:
                out.append([int(n) for n in f.read().split()])
        self.proxies.clear()
        return out


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
        return self.timed([f"{self.bin}/mxf_pump", f"{hosts[0]}:143", USER, PASSWORD, f"{hosts[1]}:143", USER, PASSWORD,
                           str(lanes), str(batch), *mode])

    def mxferry(self, hosts, state="state.db", more=()):
        name = USER.replace("@", "%40")
        return self.timed([self.program, "sync", "--source", f"imap://{name}@{hosts[0]}:143", "--source-secret",
                           "env:S", "--dest", f"imap://{name}@{hosts[1]}:143", "--dest-secret", "env:D", "--state",
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

    def fresh(self):
        self.lab.empty("new")
        shutil.rmtree(f"{self.work}/mbsync", ignore_errors=True)
        os.makedirs(f"{self.work}/mbsync")
        for name in os.listdir(self.work):
            if name.startswith("state.db"):
                os.remove(f"{self.work}/{name}")

    def best_pump(self, hosts):
        best = None
        for lanes in (1, 2, 4):
            for batch in (50, 200, 500):
                self.fresh()
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

    def first_copy(self, workload, hosts, count, pump_ratio, mbsync_ratio, label):
        lanes, batch = self.best_pump(hosts)

        def after_fresh(run):
            def inner():
                self.fresh()
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
        fill("small")
        here = (OLD, NEW)
        medians = self.first_copy("small", here, 20000, 0.85, 6, "small")
        self.row("small: CPU a message", medians["mxferry"]["cpu"] / 20000 * 1e6, 20, "µs", less=True)
        self.row("small: memory", medians["mxferry"]["rss"], 48, "MB", less=True)
        self.unchanged(here, "small")
        self.changes(here, medians["mxferry"]["wall"])

    def changes(self, hosts, first_wall):
        """1 % new, 1 % with other flags, in each folder: the time as a part of the first copy's."""
        rng = random.Random(11)
        walls = []
        for _ in range(self.rounds):
            imap = Imap(OLD)
            for folder in range(30):
                name = "INBOX" if folder == 0 else f"Folder {folder // 6}/Sub {folder}"
                imap.append(name, [("", date_of(rng), message(rng, n, 5000)) for n in range(7)])
                imap.command(f'SELECT "{name}"')
                for _ in range(7):
                    imap.command(f"STORE {rng.randint(1, 600)} +FLAGS.SILENT (\\Flagged)")
            imap.close()
            walls.append(self.mxferry(hosts)["wall"])
        self.row("small: 1 % new and 1 % flags, part of the first copy", statistics.median(walls) / first_wall, 0.05, less=True)

    def small_50ms(self):
        if not os.path.isdir(f"{SHM}/old/bench.test"):
            fill("small")
        far = (FAR_OLD, FAR_NEW)
        self.lab.start_proxies(self.bin, 50)
        self.first_copy("small", far, 20000, 0.7, 8, "small, 50 ms")
        self.unchanged(far, "small, 50 ms")
        self.lab.stop_proxies()
        self.lab.start_proxies(self.bin, 50)
        self.mxferry(far)
        counts = self.lab.stop_proxies()
        self.row("small, 50 ms: nothing changed, changes of direction", max(c[1] for c in counts), 8, less=True)

    def mixed(self):
        self.lab.empty("old")
        fill("mixed")
        medians = self.first_copy("mixed", (OLD, NEW), 5000, 0.85, 1, "mixed")
        self.row("mixed: CPU a GB", medians["mxferry"]["cpu"], 1, "s", less=True)
        self.row("mixed: memory", medians["mxferry"]["rss"], 48, "MB", less=True)

    def folders(self):
        self.lab.empty("old")
        fill("folders")
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

    def million(self):
        self.lab.empty("old")
        fill("million")
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
    known = {"small": Bench.small, "small-50ms": Bench.small_50ms, "mixed": Bench.mixed, "folders": Bench.folders,
             "million": Bench.million}
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
    bench.lab.start()
    try:
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
