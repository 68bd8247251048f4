#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The servers of the benchmarks: two Dovecots (and a Cyrus or a Courier as destination) with their mail on /dev/shm, and the
proxies that make a line long."""

import os
import shutil
import signal
import socket
import subprocess
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OLD, NEW, FAR_OLD, FAR_NEW = "127.77.66.1", "127.77.66.2", "127.77.66.3", "127.77.66.4"
OTHER, PLAIN, FAR_PLAIN = "127.77.66.5", "127.77.66.6", "127.77.66.7"
USER, PASSWORD = "bench@bench.test", "bench-word"
SHM = "/dev/shm/mxf-bench"


# What a server without batches offers, and without literals that need not wait above 4096 octets.
WITHOUT_BATCHES = ("IMAP4rev1 SASL-IR LITERAL- UIDPLUS NAMESPACE ENABLE LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE "
                   "CHILDREN UNSELECT")


def user_of(host):
    return "bench" if host == OTHER else USER  # Cyrus takes no `@` without virtual domains


class Lab:
    def __init__(self, work):
        self.work = work
        self.proxies = []
        self.running = []  # (kind, name)

    def script(self, kind, *words):
        subprocess.run([f"{REPO}/examples/lab/servers/{kind}.sh", *words], check=True, stdout=subprocess.DEVNULL)

    def begin(self, kind, name, *words):
        self.script(kind, "start", f"{self.work}/{name}", f"users={self.work}/users-{kind}", f"mail={SHM}/{name}", *words)
        self.running.append((kind, name))

    def end(self, name):
        for kind, other in list(self.running):
            if other == name:
                self.script(kind, "stop", f"{self.work}/{name}")
                self.running.remove((kind, other))

    def start(self):
        shutil.rmtree(SHM, ignore_errors=True)
        os.makedirs(SHM, mode=0o755)
        for kind in ("dovecot", "cyrus", "courier"):
            with open(f"{self.work}/users-{kind}", "w") as f:
                f.write(f"{USER if kind == 'dovecot' else 'bench'}:{{PLAIN}}{PASSWORD}::::::\n")
        self.script("dovecot", "unpack")
        self.start_dovecot("old", OLD)
        self.start_dovecot("new", NEW)

    def start_dovecot(self, name, address, *words):
        self.begin("dovecot", name, f"address={address}", "lmtp_port=0", "doveadm_port=0", "fsync=optimized", "special=no",
                   *words)

    def start_plain(self):
        """A Dovecot that takes one message at a time, and waits before each larger one."""
        self.start_dovecot("plain", PLAIN, f"capability={WITHOUT_BATCHES}")

    def start_other(self, kind):
        """An empty Cyrus or Courier on OTHER."""
        self.end(kind)
        shutil.rmtree(f"{SHM}/{kind}", ignore_errors=True)
        self.script(kind, "unpack")
        words = ["imaps_port=0"] if kind == "cyrus" else []
        self.begin(kind, kind, f"address={OTHER}", *words)

    def stop(self):
        self.stop_proxies()
        for _, name in list(self.running):
            self.end(name)
        shutil.rmtree(SHM, ignore_errors=True)

    def add_users(self, count):
        """bench0@bench.test and so on, on both Dovecots, which take as many connections as that needs."""
        with open(f"{self.work}/users-dovecot", "w") as f:
            for name in [USER, *(f"bench{number}@bench.test" for number in range(count))]:
                f.write(f"{name}:{{PLAIN}}{PASSWORD}::::::\n")
        with open(f"{self.work}/many.conf", "w") as f:
            f.write("default_process_limit = 2000\ndefault_client_limit = 8000\n")
        for name, address in (("old", OLD), ("new", NEW)):
            self.end(name)
            self.start_dovecot(name, address, f"extra={self.work}/many.conf")

    def make_folders(self, which, count):
        """Empty Maildirs, made as the server would make them."""
        home = f"{SHM}/{which}/bench.test/bench"
        for number in range(count):
            for part in ("cur", "new", "tmp"):
                os.makedirs(f"{home}/Maildir/.Group {number // 200}.Folder {number}/{part}")
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{home}/Maildir/{part}", exist_ok=True)
        subprocess.run(["chown", "-R", "7717:7717", f"{SHM}/{which}/bench.test"], check=True)

    def empty(self, which):
        """No session is open; the server makes the user's folder anew at the next login."""
        shutil.rmtree(f"{SHM}/{which}/bench.test", ignore_errors=True)

    def start_proxies(self, binary, rtt, pairs=((FAR_OLD, OLD), (FAR_NEW, NEW))):
        for number, (far, near) in enumerate(pairs):
            count = f"{self.work}/proxy{number}"
            process = subprocess.Popen([f"{binary}/mxf_delay_proxy", f"{far}:143", f"{near}:143", str(rtt), count])
            self.proxies.append((process, count))
        for far, _ in pairs:
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
