"""Writes the models' section of NOTICE-THIRD-PARTY.md from the lock."""

from __future__ import annotations

import pathlib

from model_lock import Lock
from tool_error import CHECK_FAILED, ToolError

NOTICES = pathlib.Path(__file__).resolve().parent.parent / "NOTICE-THIRD-PARTY.md"
BEGIN = "<!-- models: written by tools/tool.py models notices, from models/models.lock.toml -->"
END = "<!-- end of models -->"
HEADING = "# Third-party notices\n\n"


def section(lock: Lock) -> str:
    """The section as Markdown."""
    lines = [
        BEGIN, "", "## Models and the inference SDK", "",
        "Fetched at set-up from public packages, converted on the machine, never committed.", ""]
    for item in lock.items.values():
        packages = [lock.packages[name] for name in item.packages]
        lines += [
            f"### {item.id} ({item.version})", "",
            f"- Task: {item.task}",
            f"- Licence: {item.licence}",
            f"- Attribution: {item.attribution}",
            f"- Source: {item.source}"]
        lines += [f"- Package: {package.name} {package.version} ({package.licence})"
                  for package in packages]
        lines.append("")
    return "\n".join([*lines, END])


def replaced(text: str, lock: Lock) -> str:
    """The file's text with the section written anew; the rest is kept."""
    if BEGIN not in text:
        return (text or HEADING).rstrip() + "\n\n" + section(lock) + "\n"
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1] if END in rest else "\n"
    return before + section(lock) + after


def write(lock: Lock, check: bool) -> int:
    """Writes the file, or with `check` fails when it is not current."""
    text = NOTICES.read_text(encoding="utf-8") if NOTICES.exists() else ""
    wanted = replaced(text, lock)
    if check and text != wanted:
        raise ToolError("NOTICE-THIRD-PARTY.md is not what the lock says",
                        "run: tools/tool.py models notices", CHECK_FAILED)
    if not check:
        NOTICES.write_text(wanted, encoding="utf-8")
    return 0
