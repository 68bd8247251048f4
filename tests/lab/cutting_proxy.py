# SPDX-License-Identifier: Apache-2.0
"""A relay that reads IMAP as it passes: it counts the steps of the protocol (RFC 9051 section 2.2), and at a chosen one it
cuts the connection, or cuts the client and gives the server the last octets later. It can also take words out of
CAPABILITY and the UIDs out of APPENDUID, so that one server stands for those that offer less. Python's standard library.

    proxy = Proxy("127.77.72.1", ("127.77.71.2", 143), without=["MULTIAPPEND"], at={17: Cut()})

Steps, in the order in which they pass: of the client each line, each literal and the half of a large one, and the end of a
command that had literals; of the server each tagged answer, each "+", and the half of a large literal. A cut at a step of
the client comes when the server has those octets, at one of the server before the client has them.
"""

import collections
import re
import socket
import threading
import time

LARGE = 100_000
Cut = collections.namedtuple("Cut", "late kill", defaults=(None, None))  # late: seconds; kill: called at the cut


class Reader:
    """Octets of one direction into pieces; a piece that completes a step has its name."""

    def __init__(self, of_client):
        self.of_client, self.buffer, self.left, self.half, self.in_command = of_client, b"", 0, None, None

    def feed(self, octets):
        self.buffer += octets
        while self.buffer:
            if self.left:
                size = min(len(self.buffer), self.left if self.half is None else self.half)
                piece, self.buffer = self.buffer[:size], self.buffer[size:]
                self.left -= size
                name = None
                if self.half is not None:
                    self.half -= size
                    if self.half == 0:
                        self.half, name = None, f"half of a literal{self.told()}"
                elif self.left == 0 and self.of_client:
                    name = f"literal{self.told()}"
                yield piece, name
                continue
            end = self.buffer.find(b"\n") + 1
            if not end:
                return
            line, self.buffer = self.buffer[:end], self.buffer[end:]
            literal = re.search(rb"\{(\d+)\+?\}\r\n$", line)
            yield line, self.name_of(line, literal)
            if literal:
                self.left = int(literal.group(1))
                self.half = self.left // 2 if self.left > LARGE else None

    def told(self):
        return f" of {self.in_command}" if self.in_command else ""

    def name_of(self, line, literal):
        words = line.split(b" ")
        if not self.of_client:
            if line.startswith(b"+"):
                return "go on"
            return None if line.startswith(b"*") or len(words) < 2 or self.left else f"answer {words[1].decode(errors='replace').strip()}"
        began = self.in_command
        if began is None:
            verb = b" ".join(words[1:3] if len(words) > 1 and words[1].upper() == b"UID" else words[1:2])
            began = verb.decode(errors="replace").strip().upper()
        named = f"{began} literal's line" if literal else f"end of {began}" if self.in_command else began
        self.in_command = began if literal else None
        return named


class Proxy:
    def __init__(self, address, target, without=(), at=None, on_step=None):
        self.target, self.without, self.at, self.on_step = target, set(without), at or {}, on_step
        self.steps, self.passed, self.lock, self.late = [], collections.Counter(), threading.Lock(), []
        self.listener = socket.create_server((address, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target, timeout=30)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.settimeout(None)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, client, server)
            threading.Thread(target=connection.up, daemon=True).start()
            threading.Thread(target=connection.down, daemon=True).start()

    def step(self, name):
        with self.lock:
            self.steps.append(name)
            self.passed[name] += 1
            number, occurrence = len(self.steps), self.passed[name]
        if self.on_step:
            self.on_step(number, name)
        return self.at.get(number) or self.at.get((name, occurrence))

    def settle(self):
        """Waits until what was held back is delivered."""
        for thread in self.late:
            thread.join()

    def close(self):
        self.listener.close()
        self.settle()


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server, self.dead = proxy, client, server, False

    def cut(self, action):
        """The client is cut off; what the server was given stays given."""
        self.dead = True
        if action.kill:
            action.kill()
        end(self.client, socket.SHUT_RDWR)

    def up(self):
        reader = Reader(of_client=True)
        try:
            while octets := self.client.recv(1 << 16):
                for piece, name in reader.feed(octets):
                    action = self.proxy.step(name) if name else None
                    if self.dead:
                        return
                    if action and action.late is not None:
                        self.cut(action)
                        thread = threading.Thread(target=self.give_later, args=(piece, action.late))
                        self.proxy.late.append(thread)
                        thread.start()
                        return
                    self.server.sendall(piece)
                    if action:
                        self.cut(action)
                        end(self.server, socket.SHUT_WR)
                        return
        except OSError:
            pass
        end(self.server, socket.SHUT_WR)

    def give_later(self, piece, seconds):
        time.sleep(seconds)
        try:
            self.server.sendall(piece)
        except OSError:
            pass
        end(self.server, socket.SHUT_WR)

    def down(self):
        reader = Reader(of_client=False)
        try:
            while octets := self.server.recv(1 << 16):
                for piece, name in reader.feed(octets):
                    action = self.proxy.step(name) if name and not self.dead else None
                    if action:
                        self.cut(action)
                        end(self.server, socket.SHUT_WR)
                    if not self.dead:
                        self.client.sendall(self.edited(piece))
        except OSError:
            pass
        end(self.client, socket.SHUT_RDWR)
        self.server.close()

    def edited(self, piece):
        if self.proxy.without and b"CAPABILITY" in piece:
            for word in self.proxy.without:
                piece = re.sub(rb" %s\b" % re.escape(word.encode()), b"", piece)
        if "UIDPLUS" in self.proxy.without and b"[APPENDUID" in piece:
            piece = re.sub(rb"\[APPENDUID [^\]]*\] ", b"", piece)
        return piece


def end(one, how):
    try:
        one.shutdown(how)
    except OSError:
        pass
