# SPDX-License-Identifier: Apache-2.0
"""MTA-STS policies (RFC 8461) as watch_zone.py and checker.py see them. Python's standard library only."""

import re
import socket
import ssl

LIMIT = 64 * 1024  # octets of a policy; section 3.2


class PolicyError(Exception):
    """No usable policy: no connection, a certificate that proves nothing, another status or type."""


def fetch(address, domain, ca, timeout=5.0):
    """The policy file of a domain at one address of its policy host, whose certificate is verified."""
    host = f"mta-sts.{domain.rstrip('.')}"
    try:
        context = ssl.create_default_context(cafile=ca)
        with socket.create_connection((address, 443), timeout=timeout) as raw, context.wrap_socket(raw, server_hostname=host) as stream:
            stream.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            reply = b""
            while chunk := stream.recv(65536):
                reply += chunk
                if len(reply) > 2 * LIMIT:
                    raise PolicyError("too long")
    except OSError as error:
        raise PolicyError(f"{address}: {error}") from error
    head, _, body = reply.partition(b"\r\n\r\n")
    status, _, fields = head.decode("latin-1").partition("\r\n")
    if not re.match(r"HTTP/1\.[01] 200 ", status):
        raise PolicyError(f"{address}: {status!r}")
    if not re.search(r"(?im)^content-type:\s*text/plain\s*(;|\r?$)", fields):
        raise PolicyError(f"{address}: not text/plain")
    return body.decode("utf-8", errors="replace")


def lines_of(text):
    """`key: value` lines, sorted; the order of hosts says nothing."""
    return sorted(re.sub(r"\s*:\s*", ": ", line.strip(), count=1) for line in text.splitlines() if line.strip())


def hosts_of(lines):
    return {line.split(": ", 1)[1].lower() for line in lines if line.startswith("mx: ")}
