"""Finds functions and string literals in C++ text, well enough for house rules.

Not a parser: comments, strings and preprocessor lines are blanked (positions stay), then braces and
the text before each one say what the brace opens. Lambdas and local classes count as part of the
function they stand in.
"""

from __future__ import annotations

import bisect
import dataclasses
import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/
      | R"(?P<delimiter>[^()\s\\]{0,16})\((?P<raw>.*?)\)(?P=delimiter)"
      | "(?P<text>(?:\\.|[^"\\\n])*)"
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'
      | ^[ \t]*\#(?:\\\n|[^\n])*""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_SCOPE = re.compile(r"\b(?:namespace|class|struct|union)\b(?!.*\))|\bextern\s*$", re.DOTALL)
_ACCESS = re.compile(r"\s*(?:public|private|protected)\s*")
_NOT_A_FUNCTION = re.compile(r"^\s*(?:using|typedef|friend|static_assert|enum|return|extern\s*$)\b")
_TAIL = re.compile(r"\b(?:const|noexcept|override|final|mutable|try)\s*$|[)&}]\s*$")


@dataclasses.dataclass(frozen=True)
class Function:
    """A function: where its head starts, its lines from head to closing brace, its parameters."""

    name: str
    line: int
    lines: int
    parameters: int


@dataclasses.dataclass(frozen=True)
class Literal:
    """Adjacent string literals, joined as the compiler joins them."""

    line: int
    text: str


class _Lines:
    """Turns positions into line numbers, counted from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0] + [m.end() for m in re.finditer("\n", text)]

    def at(self, position: int) -> int:
        return bisect.bisect_right(self._starts, position)


def blank(text: str) -> str:
    """Returns `text` with comments, literals and preprocessor lines as spaces, lines kept."""

    def spaces(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    return _TOKEN.sub(spaces, text)


def literals(text: str) -> Iterator[Literal]:
    """Yields every string literal; those with only blanks, comments or a macro between are one."""
    lines = _Lines(text)
    start, end, joined = 0, -1, ""
    for match in _TOKEN.finditer(text):
        content = match.group("raw") if match.group("raw") is not None else match.group("text")
        if content is None:
            continue
        between = blank(text[end : match.start()]).strip() if end >= 0 else ";"
        if between and not re.fullmatch(r"[A-Z][A-Z0-9_]+", between):
            if joined:
                yield Literal(lines.at(start), joined)
            start, joined = match.start(), ""
        joined += between * bool(joined) + content
        end = match.end()
    if joined:
        yield Literal(lines.at(start), joined)


def functions(text: str) -> Iterator[Function]:
    """Yields the functions defined or declared at file, namespace and class scope."""
    code, lines = blank(text), _Lines(text)
    head, depth, position = 0, 0, 0
    while position < len(code):
        char = code[position]
        if char in "()":
            depth += 1 if char == "(" else -1
        elif char == ";" and depth == 0:
            yield from _function(code[head:position], head, position, lines)
            head = position + 1
        elif char == "}":
            head = position + 1
        elif char == "{":
            kind = "initializer" if depth else _opens(code[head:position])
            if kind == "scope":
                head = position + 1
            else:
                end = _closing_brace(code, position)
                if kind == "function":
                    yield from _function(code[head:position], head, end, lines)
                    head = end + 1
                position = end
        elif char == ":" and _ACCESS.fullmatch(code, head, position):
            head = position + 1
        position += 1


def _opens(head: str) -> str:
    """Says what the brace after `head` opens: a scope, a function's body or an initializer."""
    if _SCOPE.search(_without_template(head)):
        return "scope"
    flat = _without_parentheses(head)
    if "(" not in head or re.search(r"(?<![=!<>])=(?!=)", flat.replace("operator=", "operator")):
        return "initializer"
    constructor = re.search(r"\)[^()]*(?<!:):(?!:)", head)
    if constructor and not _TAIL.search(head):
        return "initializer"
    return "function"


def _without_template(head: str) -> str:
    return re.sub(r"\btemplate\s*<[^{}]*?>(?=\s*(?:\w|\[))", "", head)


def _without_parentheses(head: str) -> str:
    previous = None
    while previous != head:
        previous, head = head, re.sub(r"\([^()]*\)", "", head)
    return head


def _closing_brace(code: str, start: int) -> int:
    depth = 0
    for match in re.finditer(r"[{}]", code[start:]):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return start + match.start()
    return len(code) - 1


def _function(head: str, start: int, end: int, lines: _Lines) -> Iterator[Function]:
    if _NOT_A_FUNCTION.search(head):
        return
    match = re.search(r"(operator\s*(?:\(\)|[^\s\w(]{1,3}|[\w:<>&* ]+)|[~\w]+)\s*\(", head)
    if not match or "=" in re.sub(r"operator\s*\S+", "", head[: match.start()]):
        return
    name = match.group(1).strip()
    macro = re.fullmatch(r"[A-Z][A-Z0-9_]{2,}", name)
    parameters = 0 if macro else _count(head[match.end() :])
    first = start + len(head) - len(head.lstrip())
    line = lines.at(first)
    yield Function(name, line, lines.at(end) - line + 1, parameters)


def _count(after_parenthesis: str) -> int:
    """Counts the parameters up to the parenthesis that closes the list."""
    depth, commas, seen = 0, 0, ""
    for char in after_parenthesis:
        if char == ")" and depth == 0:
            break
        seen += char
        depth += {"(": 1, "[": 1, "{": 1, "<": 1, ")": -1, "]": -1, "}": -1, ">": -1}.get(char, 0)
        commas += char == "," and depth == 0
    return 0 if seen.strip() in ("", "void") else commas + 1
