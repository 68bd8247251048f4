# SPDX-License-Identifier: Apache-2.0
"""IMAP as little as a judge needs it, over raw sockets: any octets in and out, names as stored, and no code shared with
mxferry. Python's own imaplib rewrites bare CR and LF. Python's standard library only.

    box = Imap("127.77.0.1", "anna", "pw")                     plain, port 143
    box = Imap("127.77.0.1", "anna", "pw", ca=PEM, name=HOST)  TLS, port 993
"""

import base64
import calendar
import collections
import hashlib
import re
import socket
import ssl

MONTHS = {name: number + 1 for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
Mail = collections.namedtuple("Mail", "folder uid sha256 instant flags message_id body_sha256 raw", defaults=(None,))


class Refused(RuntimeError):
    """A tagged answer that is not OK; its words."""


def mutf7(name):
    """As on the wire (RFC 3501 section 5.1.3): people write folder names otherwise."""
    return re.sub(r"[^\x20-\x7e]+|&", lambda m: "&-" if m.group() == "&" else "&" + base64.b64encode(
        m.group().encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-", name)


class Imap:
    def __init__(self, address, user, password, ca=None, name=None, port=None):
        raw = socket.create_connection((address, port or (993 if ca else 143)), timeout=60)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ca:
            raw = ssl.create_default_context(cafile=ca).wrap_socket(raw, server_hostname=name)
        self.stream = raw.makefile("rwb", buffering=1 << 20)
        self.number = 0
        self.stream.readline()
        self.do("LOGIN " + self.quoted(user) + " " + self.quoted(password))
        self.has_binary = any(b" BINARY" in text for text, _ in self.do("CAPABILITY"))

    @staticmethod
    def quoted(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def response(self):
        """One response: its text with each literal replaced by {#n}, and the literals."""
        text, literals = b"", []
        while True:
            line = self.stream.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("IMAP connection closed")
            literal = re.search(rb"~?\{(\d+)\}\r\n$", line)
            if not literal:
                return text + line[:-2], literals
            text += line[:literal.start()] + b"{#%d}" % len(literals)
            literals.append(self.stream.read(int(literal.group(1))))

    def answers(self, tag, what):
        while True:
            text, literals = self.response()
            if text.startswith(tag + b" "):
                if not text.startswith(tag + b" OK"):
                    raise Refused(f"{what}: {text[len(tag) + 1:].decode(errors='replace')}")
                return
            yield text, literals

    def tag(self):
        self.number += 1
        return b"c%d" % self.number

    def each(self, command):
        """Yields the untagged responses; raises Refused if the command is not OK."""
        tag = self.tag()
        self.stream.write(tag + b" " + command.encode("ascii") + b"\r\n")
        self.stream.flush()
        yield from self.answers(tag, command.split()[0])

    def do(self, command):
        return list(self.each(command))

    def append(self, folder, raw, flags=(), date=None):
        """APPEND of exactly these octets, as a synchronising literal; raises Refused."""
        tag = self.tag()
        head = f"APPEND {self.quoted(folder)} ({' '.join(flags)}) " + (f'"{date}" ' if date else "")
        self.stream.write(tag + b" " + head.encode("ascii") + b"{%d}\r\n" % len(raw))
        self.stream.flush()
        while True:
            text, _ = self.response()
            if text.startswith(b"+"):
                break
            if text.startswith(tag + b" "):
                raise Refused("APPEND: " + text[len(tag) + 1:].decode(errors="replace"))
        self.stream.write(raw + b"\r\n")
        self.stream.flush()
        list(self.answers(tag, "APPEND"))

    @staticmethod
    def string(text, literals):
        if text.startswith(b"{#"):
            return literals[int(text[2:-1])].decode("latin-1")
        text = text.decode("latin-1")
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text

    def namespace(self):
        """(prefix, delimiter) of the personal one."""
        reply = next(text for text, _ in self.do("NAMESPACE") if text.startswith(b"* NAMESPACE"))
        prefix, delimiter = re.match(rb'\* NAMESPACE \(\("((?:[^"\\]|\\.)*)" "(\\?.)"', reply).groups()
        return prefix.decode(), delimiter[-1:].decode()

    def names(self, command):
        """(attributes, name as stored, short) of LIST or LSUB; short: levels by "/", the namespace's prefix left out."""
        prefix, delimiter = self.namespace()
        for text, literals in self.do(f'{command} "" "*"'):
            match = re.match(rb'\* (?:LIST|LSUB) \(([^)]*)\) (?:"(?:\\.|[^"])"|NIL) (.*)$', text)
            if not match:
                continue
            name = self.string(match.group(2), literals)
            short = name[len(prefix):] if prefix and name.startswith(prefix) else name
            yield match.group(1).decode().lower().split(), name, short.replace(delimiter, "/")

    def folders(self):
        return [(name, short) for attributes, name, short in self.names("LIST")
                if "\\noselect" not in attributes and "\\nonexistent" not in attributes]

    def mail(self, name, short, marks=(), keep=0):
        """All of a folder. marks: Message-IDs of messages whose bodies are hashed alone, too. keep: raw is kept of messages
        up to that many octets. NUL counts as the server has it, not as BODY[] shows it: by BINARY[], where nothing else differs
        in that."""
        self.do("EXAMINE " + self.quoted(name))
        found, suspects = [], {}
        for text, literals in self.each("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])"):
            match = re.match(rb"\* \d+ FETCH \((.*)\)$", text)
            body = re.search(rb'BODY\[\] (?:\{#(\d+)\}|"((?:[^"\\]|\\.)*)"|NIL)', text)
            if not match or not body:
                continue
            raw = literals[int(body.group(1))] if body.group(1) else re.sub(rb"\\(.)", rb"\1", body.group(2) or b"")
            if self.has_binary and b"\x80" in raw:
                suspects[len(found)] = text, raw
            found.append(self.described(short, text, raw, marks, keep))
        for place, (text, raw) in suspects.items():
            for binary_text, literals in self.do(f"UID FETCH {found[place].uid} (UID BINARY.PEEK[])"):
                if b"BINARY[]" in binary_text and literals and literals[0].replace(b"\0", b"\x80") == raw:
                    found[place] = self.described(short, text, literals[0], marks, keep)
        yield from found

    @staticmethod
    def described(short, text, raw, marks, keep):
        day, month, year, hour, minute, second, sign, zh, zm = re.search(
            rb'INTERNALDATE "([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"', text).groups()
        instant = calendar.timegm((int(year), MONTHS[month.decode()], int(day), int(hour), int(minute), int(second)))
        instant -= (1 if sign == b"+" else -1) * (int(zh) * 3600 + int(zm) * 60)
        flags = re.search(rb"FLAGS \(([^)]*)\)", text).group(1).decode().split()
        head, _, rest = raw.partition(b"\r\n\r\n")
        message_id = re.search(rb"^message-id:\s*(<[^>\r\n]*>)", head, re.I | re.M)
        message_id = message_id.group(1).decode(errors="replace") if message_id else None
        ours = message_id is not None and message_id in marks
        return Mail(short, int(re.search(rb"UID (\d+)", text).group(1)), hashlib.sha256(raw).hexdigest(), instant,
                    tuple(sorted(flag for flag in flags if flag.lower() != "\\recent")), message_id,
                    hashlib.sha256(rest).hexdigest() if ours else None, raw if len(raw) <= keep else None)

    def quota(self):
        for text, _ in self.do("GETQUOTAROOT INBOX"):
            match = re.search(rb"STORAGE \d+ (\d+)", text)
            if match:
                return int(match.group(1)) * 1024
        return None
