"""Run inside a network namespace of its own, by rebinding_test.py: a name server that changes its
mind, two web servers, and the program that is asked to fetch.

The name leads to 127.0.0.1 when it is first asked for, and to 127.0.0.2 from then on. The first
server says 503, so that the job tries again, resolves the name anew and would meet the second.
"""

from __future__ import annotations

import json
import pathlib
import socket
import struct
import sys
import threading

from tests.pipeline.program import SOME_FAILED, Narralytica
from tests.pipeline.web import Page, Web

NAME = "rebinding.test"
TYPE_A = 1


class NameServer(threading.Thread):
    """Answers for NAME alone, on the loopback interface's port 53."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.asked = 0

    def run(self) -> None:
        """Answers until the process ends."""
        while True:
            query, peer = self.socket.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            (kind,) = struct.unpack(">H", query[end - 4 : end - 2])
            answers = b""
            if kind == TYPE_A:
                self.asked += 1
                address = "127.0.0.1" if self.asked == 1 else "127.0.0.2"
                answers = b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, 1, 0, 4)
                answers += socket.inet_aton(address)
            head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if answers else 0, 0, 0)
            self.socket.sendto(head + query[12:end] + answers, peer)


def main(folder: str, allowed: str) -> None:
    """Prints what became of it."""
    names = NameServer()
    names.start()
    first = Web("127.0.0.1")
    port = first.server.server_address[1]
    second = Web("127.0.0.2", port)
    first.pages["/talk"] = Page(b"later", status=503)
    second.pages["/talk"] = Page(b"<html>secret", "text/html")
    (item,) = Narralytica(pathlib.Path(folder)).json(
        *("ingest", "--wait", f"--set=fetch.allow_private={allowed}"),
        *("--set=jobs.backoff_base_ms=1", f"http://{NAME}:{port}/talk"),
        code=SOME_FAILED,
    )
    reached = [len(first.asked), len(second.asked)]
    print(json.dumps({"code": item["error"]["code"], "names": names.asked, "reached": reached}))


if __name__ == "__main__":
    main(*sys.argv[1:])
