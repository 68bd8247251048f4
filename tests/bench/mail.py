#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mail of the benchmarks: seeded, the same octets each time, put into a server by APPEND.

    mail.py HOST USER PASSWORD WORKLOAD

A process of its own: what a parent holds counts as peak memory of its later children."""

import random
import socket
import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


class Imap:
    """Just enough of a client to fill a mailbox."""

    def __init__(self, host, user, password):
        self.socket = socket.create_connection((host, 143))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.command(f'LOGIN "{user}" "{password}"')

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


def fill(imap, workload):
    """Makes the source's mail over `imap`."""
    rng = random.Random(7)
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
    elif workload == "few":
        for folder in range(12):
            name = "INBOX" if folder == 0 else f"Few {folder}"
            if folder > 0:
                imap.command(f'CREATE "{name}"')
            for number in range(25):
                one(number, int(rng.lognormvariate(8.3, 0.9)))
            imap.append(name, batch)
            batch.clear()
    elif workload == "large":
        one(1, 100_000_000)
        imap.append("INBOX", batch)
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


if __name__ == "__main__":
    connection = Imap(*sys.argv[1:4])
    fill(connection, sys.argv[4])
    connection.close()
