"""How a subcommand of the developer tool fails: what happened, and what to do about it."""

from __future__ import annotations

CHECK_FAILED = 7


class ToolError(Exception):
    """Ends the command with `message` and `hint` on standard error and `exit_code`."""

    def __init__(self, message: str, hint: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = exit_code
