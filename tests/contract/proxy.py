"""A TCP proxy before a server: cuts connections, keeps answers back, and stays when it restarts."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

PIECE_BYTES = 64 * 1024


class Proxy:
    """Listens on a port of its own and forwards to wherever `target` says the server is now.

    `at` holds what happens when so many bytes have gone to the server, in order: (bytes, action).
    The connection on which that is noticed is cut first.
    """

    def __init__(self, target: Callable[[], tuple[str, int]]) -> None:
        self.target = target
        self.at: list[tuple[int, Callable[[], None]]] = []
        self.answers_held = False
        self.sent_bytes = 0
        self.cuts = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Ends every connection."""
        self._listener.close()
        self.drop()

    def drop(self) -> None:
        """Cuts what is connected now."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.target(), timeout=30)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for pump in (self._to_server, self._to_client):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _end(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._open -= {client, server}
        for connection in (client, server):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(PIECE_BYTES):
                server.sendall(piece)
                with self._lock:
                    self.sent_bytes += len(piece)
                    due = bool(self.at) and self.sent_bytes >= self.at[0][0]
                    action = self.at.pop(0)[1] if due else None
                if action:
                    self.cuts += 1
                    self._end(client, server)
                    action()
        self._end(client, server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE_BYTES):
                if not self.answers_held:
                    client.sendall(piece)
        if not self.answers_held:
            self._end(client, server)


@contextlib.contextmanager
def before(target: Callable[[], tuple[str, int]]) -> Iterator[Proxy]:
    """A proxy for the length of a with-block."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
