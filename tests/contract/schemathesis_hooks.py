"""What schemathesis must be told of media types: bytes are bytes."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def serialize(context: Any, value: Any) -> bytes:
    """The body of an upload is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
