#!/usr/bin/env python3
"""The project's one developer tool: `tools/tool.py COMMAND`, each command a module beside it.

To add one, write a module with `register(subparsers)` that adds its parser and sets `run`, a
function from the parsed arguments to the exit code, and name it in COMMANDS. Modules are imported
only when their command is asked for, and import nothing but the standard library on top.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from tool_error import ToolError

# Command -> what it is for. The module has the command's name.
COMMANDS = {
    "models": "fetch, convert, verify and list the models and the inference SDK",
    "tidy": "check the house rules",
}
INTERRUPTED = 130


def main(words: list[str]) -> int:
    """Runs the command that the first word names."""
    if not words or words[0] not in COMMANDS:
        print(f"usage: {sys.argv[0]} COMMAND …\n")
        for name, purpose in COMMANDS.items():
            print(f"  {name:<10} {purpose}")
        return 0 if words[:1] in ([], ["-h"], ["--help"]) else 2
    parser = argparse.ArgumentParser(prog="tool.py")
    importlib.import_module(words[0]).register(parser.add_subparsers(required=True))
    arguments = parser.parse_args(words)
    try:
        return arguments.run(arguments)
    except ToolError as error:
        print(f"error: {error}\n  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; running the command again goes on from here", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
