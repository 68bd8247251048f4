#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A whole migration in the lab, told as it happens. alpha.test is moved from assess to report while senders go on sending;
this script is the person who uploads the MTA-STS policies that the run prints. beta.test is a second run beside it, approved by
this script in the part of a person, flipped while alpha is monitored, and rolled back. Then checker.py, which shares no code with mxferry, reads the senders' logs, both hosts by IMAP and the zones'
history, and judges. Exit 0 if all of it holds. Python's standard library only.

Plan durations are divided by 21600 (6 h = 1 s). TTLs are honest: 40 s, lowered to 10 s, and their waits are real.
"""

import argparse
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import corpus

LAB = os.path.dirname(os.path.abspath(__file__))
SCALE = 21600


class Failed(Exception):
    pass


def say(text):
    print(f"\n== {text}", file=sys.stderr, flush=True)


class Program:
    """A program of ours in the background: its lines are kept, shown if asked, and can be waited for."""

    def __init__(self, name, argv, log, show=False):
        self.name, self.log = name, log
        self.file = open(log, "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT)
        self.shown, self.show = 0, show

    def lines(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().split("\n")
        if self.show:
            for line in lines[self.shown:-1]:
                print(f"{self.name:6} {line[:200]}", file=sys.stderr, flush=True)
            self.shown = len(lines) - 1
        return lines

    def await_line(self, pattern, seconds):
        end = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            if any(re.search(pattern, line) for line in self.lines()):
                return
            if ended:
                raise Failed(f"{self.name} ended with exit {self.process.returncode} before \"{pattern}\"; see {self.log}")
            if time.monotonic() > end:
                raise Failed(f"{self.name}: nothing like \"{pattern}\" within {seconds} s; see {self.log}")
            time.sleep(0.1)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            self.lines()
            if time.monotonic() > end:
                raise Failed(f"{self.name} did not end within {seconds} s; see {self.log}")
            time.sleep(0.1)
        self.lines()
        return self.process.returncode

    def stop(self, seconds=60):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.file.close()
        return self.process.returncode


class Uploader(threading.Thread):
    """The person who reads what a run prints, and puts each MTA-STS policy where it belongs."""

    def __init__(self, log, files):
        super().__init__(daemon=True)
        self.log, self.files, self.served, self.ended = log, files, [], threading.Event()

    def run(self):
        while not self.ended.wait(0.2):
            if not os.path.exists(self.log):
                continue
            with open(self.log, encoding="utf-8", errors="replace") as file:
                notes = [line.split("note     ", 1)[1] for line in file.read().split("\n")[:-1] if re.match(r"\S+  note     ", line)]
            shown = []
            for note in notes:
                heading = re.match(r"serve this file at https://mta-sts\.(\S+)/\.well-known/mta-sts\.txt ", note)
                if heading:
                    shown.append((heading.group(1), []))
                elif shown and note.startswith("    "):
                    shown[-1][1].append(note[4:])
            for domain, lines in shown[len(self.served):]:
                # The last line of a policy as mxferry prints it: the whole of it is there.
                if not lines or not lines[-1].startswith("max_age:"):
                    break
                say(f"the MTA-STS policy of {domain} is uploaded: {', '.join(line for line in lines if line.startswith('mx:'))}")
                path = os.path.join(self.files, domain + ".txt")
                with open(path + ".new", "w", encoding="utf-8", newline="") as file:
                    file.write("".join(line + "\r\n" for line in lines))
                os.rename(path + ".new", path)
                self.served.append(domain)


class Demo:
    def __init__(self, options):
        self.mxferry = os.path.abspath(options.mxferry)
        self.dir = os.path.abspath(options.dir)
        self.logs = os.path.join(self.dir, "logs")
        self.programs = {}

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self, name, argv, show=False):
        self.programs[name] = Program(name, argv, os.path.join(self.logs, name), show)
        return self.programs[name]

    def state(self, domain):
        return self.path("state", domain, "state.db")

    def command(self, *argv, ok=(0,)):
        done = subprocess.run([self.mxferry, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in ok:
            raise Failed(f"mxferry {' '.join(argv)}: exit {done.returncode}")
        return done.stdout

    def run(self, domain, show):
        return self.start(domain, [self.mxferry, "run", self.path(domain + ".toml"), "--state", self.state(domain), "--time-scale", str(SCALE)], show)

    def send(self, name, domain, resolver, seed, *more):
        return self.start(name, [sys.executable, os.path.join(LAB, "senders.py"), "--domain", domain + ".test", "--recipients", self.path(domain + ".recipients"),
                                 "--log", os.path.join(self.logs, name + ".json"), "--resolver", resolver, "--rate", "2", "--seed", str(seed), "--name", name, *more])

    def check(self, domain, *more):
        say(f"the checker on {domain}.test")
        senders = [word for name in self.programs if name.startswith(domain + "-sender") or name == domain + "-straggler"
                   for word in ("--senders", os.path.join(self.logs, name + ".json"))]
        return subprocess.run([sys.executable, os.path.join(LAB, "checker.py"), "--lab", self.path("lab.env"), "--domain", domain + ".test", *senders,
                               "--zone-history", os.path.join(self.logs, domain + ".zone"), *more], check=False).returncode == 0

    def map_forgotten_address(self):
        """check finds an address that nobody had thought of; this script plays the operator who maps it."""
        say("mxferry check alpha.toml: refused, for mail arrives at an address that the plan does not serve")
        found = json.loads(self.command("check", self.path("alpha.toml"), "--json", ok=(6,)))["findings"]
        for finding in found:
            if finding["id"] == "AD-01":
                print(f"{finding['id']}: {finding['text']}\n  what to do: {finding['remedy']}", file=sys.stderr)
        if [finding["subject"] for finding in found if finding["id"] == "AD-01"] != [corpus.FORGOTTEN]:
            raise Failed(f"check should find {corpus.FORGOTTEN} and nothing else")
        say(f"it is an alias of {corpus.FORGOTTEN_OWNER}: written into alpha.csv")
        with open(self.path("alpha.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if row["dest"] == corpus.FORGOTTEN_OWNER:
                row["aliases"] = " ".join([*row["aliases"].split(), corpus.FORGOTTEN])
        with open(self.path("alpha.csv"), "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)

    def check_notices(self, domain):
        """Each mailbox was written to before the flip and after it; what the relay's log says."""
        say(f"notices to the users and operators of {domain}.test")
        with open(self.path("relay", "sent.json"), encoding="utf-8") as file:
            taken = [entry for entry in map(json.loads, file) if entry["event"] == "accepted" and entry["message_id"].startswith("<notice.")]
        with open(self.path(domain + ".csv"), encoding="utf-8") as file:
            boxes = {line.split(",")[1] for line in file.read().splitlines()[1:]}
        for box in boxes:
            if len({entry["message_id"] for entry in taken if entry["recipient"] == box}) < 2:
                raise Failed(f"{box} was not written to before the flip and after it")
        hosts = sorted({(entry["mx"], entry["address"]) for entry in taken})
        print(f"{len(taken)} notices delivered to {len(boxes)} mailboxes, through {', '.join(f'{mx} ({address})' for mx, address in hosts)}", file=sys.stderr)

    def play(self):
        say("starting the lab: two mail hosts, DNS from the root down, two caching resolvers, a corpus of 20,000 messages")
        subprocess.run([os.path.join(LAB, "down"), self.dir], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
        subprocess.run([os.path.join(LAB, "up"), self.dir], check=True)
        os.makedirs(self.logs)
        os.makedirs(self.path("state"), mode=0o700)
        with open(self.path("lab.env"), encoding="utf-8") as file:
            lab = dict(line.rstrip("\n").split("=", 1) for line in file)
        resolvers = lab["LAB_RESOLVERS"].strip('"').split()

        say("senders begin: two for each domain, each with a resolver of its own")
        for domain in ("alpha", "beta"):
            policy = ["--policy", lab["LAB_POLICY"], "--ca", lab["LAB_CA"], "--validator", lab["LAB_VALIDATOR"]] if domain == "alpha" else []
            self.start(domain + "-watch", [sys.executable, os.path.join(LAB, "watch_zone.py"), "--zone", domain + ".test", "--server", lab["LAB_PRIMARY"], "--server",
                                           lab["LAB_SECONDARY"], "--log", os.path.join(self.logs, domain + ".zone"), *policy])
            for number, resolver in enumerate(resolvers, 1):
                self.send(f"{domain}-sender-{number}", domain, resolver, number)
        # beta's flip waits for a person; this script plays that person.
        with open(self.path("beta.toml"), encoding="utf-8") as file:
            text = file.read()
        with open(self.path("beta.toml"), "w", encoding="utf-8") as file:
            file.write(text.replace('flip = "auto"', "flip = 1"))

        self.map_forgotten_address()
        say("mxferry check alpha.toml")
        print(self.command("check", self.path("alpha.toml")), file=sys.stderr)
        say("mxferry run alpha.toml, and beta.toml beside it")
        uploader = Uploader(os.path.join(self.logs, "alpha"), lab["LAB_POLICY_FILES"])
        uploader.start()
        alpha, beta = self.run("alpha", True), self.run("beta", False)
        alpha.await_line(r"done +flip:alpha.test", 600)

        say("alpha.test is flipped. A sender that still has the old MX cached delivers to the old host")
        straggler = self.send("alpha-straggler", "alpha", resolvers[0], 99, "--straggler", lab["LAB_OLD"], "--count", "5", "--rate", "5")
        straggler.wait(60)
        alpha.await_line(r"done +canary-public:alpha.test", 120)

        say("alpha.test is monitored. beta.test is approved, and flipped meanwhile")
        beta.await_line(r"waits for a person", 300)
        plan = json.loads(self.command("status", "--state", self.state("beta"), "--json"))["plan"]
        self.command("approve", "--state", self.state("beta"), "--plan", plan, "--reason", "looked at in the demo")
        beta.await_line(r"done +canary-public:beta.test", 120)
        if alpha.process.poll() is not None:
            raise Failed("alpha had ended before beta was flipped")
        say("beta.test is flipped, and has to go back. Its run is stopped")
        code = beta.stop()
        if code != 5:
            raise Failed(f"beta: exit {code} on SIGTERM, expected 5")
        say("mxferry rollback beta.toml: refused while new mail would be stranded without a word")
        self.command("rollback", self.path("beta.toml"), "--state", self.state("beta"), ok=(6,))
        say("mxferry rollback beta.toml --strand-new-mail")
        stranded = self.command("rollback", self.path("beta.toml"), "--state", self.state("beta"), "--strand-new-mail", "--json").splitlines()[-1]
        with open(self.path("stranded.json"), "w", encoding="utf-8") as file:
            file.write(stranded + "\n")

        say("alpha.test goes on to its report")
        code = alpha.wait(300)
        if code not in (0,):
            raise Failed(f"alpha: exit {code}")
        uploader.ended.set()
        if uploader.served != ["alpha.test"] * 2:
            raise Failed(f"alpha.test: {len(uploader.served)} MTA-STS policies were asked for, not the one of both hosts and then the one of the new")
        say("senders end")
        for name, program in self.programs.items():
            if "-sender" in name:
                program.stop()
        for name, program in self.programs.items():
            if name.endswith("-watch"):
                program.stop()
        self.check_notices("alpha")
        fine = self.check("alpha", "--zone-expected", self.path("alpha.zone.expected"), "--policy", lab["LAB_POLICY"], "--validator", lab["LAB_VALIDATOR"])
        fine = self.check("beta", "--zone-expected", self.path("beta.zone.rolled-back"), "--rolled-back", self.path("stranded.json")) and fine
        if not fine:
            raise Failed("the checker objects")
        say("what happened")
        print(self.command("status", "--state", self.state("alpha")))
        print(f"{len(json.loads(stranded)['domains'][0]['stranded'])} messages of beta.test stay on the new host after the rollback: {self.path('stranded.json')}")
        print(f"report: {self.path('state', 'alpha', 'report', 'report.html')}")

    def end(self, keep):
        for program in self.programs.values():
            program.stop(10)
        if keep:
            say(f"the servers still run; examples/lab/down {self.dir} stops them")
        else:
            subprocess.run([os.path.join(LAB, "down"), self.dir], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mxferry", required=True, help="the program")
    parser.add_argument("--dir", default=os.path.join(LAB, "..", "..", "build", "demo"), help="where the lab and all that it leaves lie")
    parser.add_argument("--keep", action="store_true", help="leave the servers running")
    options = parser.parse_args()
    demo = Demo(options)
    began = time.monotonic()
    try:
        demo.play()
    except (Failed, subprocess.CalledProcessError) as problem:
        print(f"\ndemo: failed: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.end(options.keep)
    say(f"all of it holds; {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
