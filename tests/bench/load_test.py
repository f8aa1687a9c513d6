"""wrk's output is read as it is meant, and a failed run is no figure."""

from __future__ import annotations

import pytest

from tests.bench import load

GOOD = """Running 2s test @ http://127.0.0.1:1/
  2 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.10ms    1.00ms  20.00ms   90.00%
    Req/Sec    15.00k     1.00k   16.00k    75.00%
  Latency Distribution
     50%    0.90ms
     99%    1.50ms
  60000 requests in 2.00s, 280.00MB read
Requests/sec:  30000.00
Transfer/sec:    140.00MB
"""


def test_a_run_is_read() -> None:
    assert load.parse(GOOD) == {"requests": 60000.0, "rps": 30000.0, "p99_ms": 1.5}


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "  Non-2xx or 3xx responses: 3\n",
        GOOD + "  Socket errors: connect 0, read 1, write 0, timeout 0\n",
        GOOD.replace("60000 requests", "0 requests"),
        "",
    ],
)
def test_failed_requests_are_no_figure(text: str) -> None:
    with pytest.raises(ValueError):
        load.parse(text)
