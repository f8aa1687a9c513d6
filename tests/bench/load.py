"""wrk, and what a server used while wrk ran."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess

from tests.eval import measure

THREADS = 2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Load:
    """How wrk asks: connections and seconds a run."""

    connections: int
    seconds: int


def run(url: str, load: Load, pid: int, headers: dict[str, str]) -> dict[str, float]:
    """Requests a second, latency, bytes a reply, and CPU microseconds a request of the server.

    `pid` is the server's; its descendants count. Any reply that is no 2xx or 3xx is an error.
    """
    command = ["wrk", f"-t{min(THREADS, load.connections)}", f"-c{load.connections}"]
    command += [f"-d{load.seconds}s", "--latency", "--timeout", "10s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    before = cpu_s(pid)
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    used_s = cpu_s(pid) - before
    counted = parse(done.stdout)
    return counted | {"cpu_us": used_s * 1e6 / counted["requests"]}


def parse(text: str) -> dict[str, float]:
    """What wrk printed; ValueError when a request failed or nothing was answered."""
    if "Non-2xx" in text or "Socket errors" in text:
        raise ValueError(f"requests failed under load: {text}")
    found = re.search(r"(\d+) requests in ([\d.]+)(s|m)", text)
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    if not found or not latency or int(found[1]) == 0:
        raise ValueError(f"wrk counted nothing: {text}")
    seconds = float(found[2]) * (60 if found[3] == "m" else 1)
    factor = {"us": 0.001, "ms": 1, "s": 1000}[latency[2]]
    requests = float(found[1])
    return {
        "requests": requests,
        "rps": requests / seconds,
        "p99_ms": float(latency[1]) * factor,
    }


def cpu_s(pid: int) -> float:
    """User and system time of the process, its ended children, and its living descendants."""
    total = 0.0
    for one in measure.tree(pid):
        try:
            stat = pathlib.Path(f"/proc/{one}/stat").read_text()
        except OSError:
            continue  # it ended while we looked
        fields = stat.rsplit(") ", 1)[1].split()
        total += sum(int(field) for field in fields[11:15]) / TICKS_PER_S
    return total
