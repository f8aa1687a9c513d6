"""The tidy test: what this project promises about its own text, checked on every file.

A rule is a function from the tree to findings. Nothing may cross a rule: an exception is one entry
of EXCEPTIONS with its reason, and an exception that excuses nothing is a finding itself, so the
list only shrinks. tools/tidy_test.py plants every fault and expects every rule to see it.
"""

from __future__ import annotations

import argparse
import ast
import collections
import dataclasses
import fnmatch
import functools
import math
import pathlib
import re
import subprocess
from collections.abc import Callable, Iterator

import cpp_scan
import tidy_clang

# Left to right: a module may include only itself and those before it.
MODULES = (
    "base platform access jobs source media transcript speakers layers index search trends"
    " operations api app"
).split()
FILE_LINES_MAX = 600
LINE_COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 4
CLANG_FORMAT = "clang-format-19"

CODE = frozenset({".cpp", ".hpp", ".py", ".ts", ".tsx", ".sh", ".sql"})
CPP = frozenset({".cpp", ".hpp"})
NOT_OURS = ("third_party/*", "LICENSE", "*.lock", "*package-lock.json")
# Libraries whose types stay inside one module: their headers may not reach another one.
PRIVATE_LIBRARIES = re.compile(
    r"<(libav\w+/|libsw\w+/|sqlite3|xapian|onnxruntime|sentencepiece|sherpa-onnx|seccomp|sodium"
    r"|unicode/|expat|curl/|CLI/|spdlog/|toml\+\+/|libstemmer|libpq)"
)


@dataclasses.dataclass(frozen=True)
class Excused:
    """What one rule overlooks: findings in `path` (a glob) whose text contains `text`."""

    rule: str
    path: str
    text: str
    reason: str


SQL = "sql_names_the_tenant"
SMALL = "functions_are_small"
QUEUE = "src/jobs/queue_statements.hpp"
GENERATED = "openapi-typescript writes it"
EXCEPTIONS = (
    Excused("files_are_short", "console/src/services/api.d.ts", "lines", GENERATED),
    Excused("lines_are_short", "console/src/services/api.d.ts", "columns", GENERATED),
    Excused(SMALL, "src/media/input.cpp", "DenyOpen: 5", "the shape of libav's io_open callback"),
    Excused(SMALL, "src/source/feed_document.cpp", "OnDoctype: 5", "expat's callback"),
    Excused(SQL, QUEUE, "FROM jobs WHERE status", "a worker serves all tenants in turn"),
    Excused(SQL, QUEUE, "UPDATE jobs SET status = 'running'", "the job claimed was just read"),
    Excused(SQL, QUEUE, "UPDATE jobs SET lease_until_boot_ms", "fenced by the lease epoch"),
    Excused(SQL, QUEUE, "FROM claim_jobs(", "a worker serves all tenants in turn"),
    Excused(SQL, QUEUE, "SELECT complete_jobs(", "fenced by the lease epoch"),
    Excused(SQL, QUEUE, " tenant_turns ", "whose turn it is, which no tenant sees"),
    Excused(SQL, QUEUE, " workers ", "a worker belongs to the installation"),
    Excused(SQL, "src/jobs/lease.cpp", " leases ", "a lease belongs to the installation"),
    Excused(SQL, "src/jobs/changes.cpp", " changes", "one sequencer numbers all tenants' changes"),
    Excused(SQL, "src/source/feeds.cpp", "FROM feeds WHERE next", "a worker polls for all tenants"),
    Excused(SQL, "src/access/keys.cpp", "FROM api_keys k", "a key tells whose it is"),
    Excused(SQL, "src/access/keys.cpp", "FROM sessions s", "a session tells whose it is"),
    Excused(SQL, "src/access/test_store.hpp", " tenants ", "a test makes its tenant"),
    Excused(SQL, "src/app/installation.cpp", " tenants ", "the table of tenants itself"),
    Excused(SQL, "src/app/installation.cpp", "pg_control_system", "which server this is"),
    Excused(SQL, "src/platform/sql/migrations.cpp", "schema_migrations", "the store's own history"),
    Excused(SQL, "src/platform/sql/postgres.cpp", " pg_", "the server's own catalogs"),
    Excused(SQL, "src/platform/sql/logical_catalog.hpp", "", "tests read the catalogs themselves"),
    Excused(SQL, "src/access/tx.cpp", "set_config", "what makes the tenant known"),
    Excused(SQL, "src/access/tx.cpp", "pg_advisory_xact_lock", "a lock has no rows"),
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault: where it is and what it is."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message[:120]}"


class Tree:
    """The project's own text files, by path relative to the root."""

    def __init__(self, root: pathlib.Path, paths: list[str]) -> None:
        self.root = root
        self.files = {}
        for path in sorted(paths):
            file = root / path
            if any(fnmatch.fnmatch(path, glob) for glob in NOT_OURS) or not file.is_file():
                continue
            content = file.read_bytes()
            if b"\0" not in content[:8192]:
                self.files[path] = content.decode("utf-8", "replace")

    def of(self, suffixes: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Yields (path, text) of the files with one of these suffixes."""
        return (i for i in self.files.items() if pathlib.PurePath(i[0]).suffix in suffixes)


def project_tree(root: pathlib.Path) -> Tree:
    """The files git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return Tree(root, [path for path in listed.stdout.split("\0") if path])


Rule = Callable[[Tree], Iterator[Finding]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Adds a rule under its function's name."""
    RULES[function.__name__] = function
    return function


def _module(path: str) -> str | None:
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def _includes(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s+("[^"]+"|<[^>]+>)', line):
            yield number, match.group(1)


@rule
def includes_point_left(tree: Tree) -> Iterator[Finding]:
    """A module includes only itself and modules to its left, by paths relative to src/."""
    for path, text in tree.of(CPP):
        module = _module(path)
        if module is None:
            continue
        if module not in MODULES:
            yield Finding(path, 1, f"'{module}' is no module: a new one needs an ADR")
            continue
        for line, include in _includes(text):
            target = include.strip('"').split("/")[0]
            if not include.startswith('"'):
                continue
            if target not in MODULES or "/" not in include:
                yield Finding(path, line, f"{include} is not a path relative to src/")
            elif MODULES.index(target) > MODULES.index(module):
                yield Finding(path, line, f"'{module}' may not include from '{target}'")


@rule
def libraries_stay_inside(tree: Tree) -> Iterator[Finding]:
    """No header that another module includes, directly or through others, names their types."""
    direct = {}
    for path, text in tree.of(CPP):
        own = [i.strip('"') for _, i in _includes(text) if i.startswith('"')]
        direct[path] = [f"src/{target}" for target in own]
    for path, text in tree.of(CPP):
        leaks = [line for line, i in _includes(text) if PRIVATE_LIBRARIES.match(i)]
        if not leaks or not path.endswith(".hpp"):
            continue
        reached, queue = {path}, [path]
        while queue:
            wanted = queue.pop()
            users = {p for p, targets in direct.items() if wanted in targets} - reached
            reached |= users
            queue += users
        if any(_module(user) != _module(path) for user in reached):
            yield Finding(path, leaks[0], "a library's header reaches another module through here")


@rule
def files_are_short(tree: Tree) -> Iterator[Finding]:
    """At most FILE_LINES_MAX lines a file."""
    for path, text in tree.of(CODE):
        if (count := text.count("\n")) > FILE_LINES_MAX:
            yield Finding(path, FILE_LINES_MAX, f"{count} lines, at most {FILE_LINES_MAX}")


@rule
def lines_are_short(tree: Tree) -> Iterator[Finding]:
    """At most LINE_COLUMNS_MAX columns a line."""
    for path, text in tree.of(CODE):
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield Finding(path, number, f"{len(line)} columns, at most {LINE_COLUMNS_MAX}")


def _python_functions(text: str) -> Iterator[cpp_scan.Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [a.arg for a in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
            parameters = len([name for name in names if name not in ("self", "cls")])
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield cpp_scan.Function(node.name, node.lineno, lines, parameters)


@rule
def functions_are_small(tree: Tree) -> Iterator[Finding]:
    """At most FUNCTION_LINES_MAX lines and PARAMETERS_MAX parameters a function."""
    for path, text in tree.of(CPP | {".py"}):
        scan = _python_functions if path.endswith(".py") else cpp_scan.functions
        for found in scan(text):
            if found.lines > FUNCTION_LINES_MAX:
                message = f"{found.name}: {found.lines} lines, at most {FUNCTION_LINES_MAX}"
                yield Finding(path, found.line, message)
            if found.parameters > PARAMETERS_MAX:
                message = f"{found.name}: {found.parameters} parameters, at most {PARAMETERS_MAX}"
                yield Finding(path, found.line, message)


@rule
def files_are_well_named(tree: Tree) -> Iterator[Finding]:
    """snake_case names, and none of the names that mean nothing."""
    vague = re.compile(r"(^|_)(utils?|common|helpers?|managers?|misc)$")
    for path, _ in tree.of(CODE):
        *folders, name = path.split("/")
        if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", name):
            yield Finding(path, 1, "the file's name is not snake_case")
        if any(vague.search(part) for part in [*folders, name.split(".")[0]]):
            yield Finding(path, 1, "the name says nothing: no utils, common, helpers, managers")


@rule
def headers_open_with_their_purpose(tree: Tree) -> Iterator[Finding]:
    """A header is a contract: it begins with a comment, and is guarded by pragma once."""
    for path, text in tree.of(frozenset({".hpp"})):
        if not text.startswith("//"):
            yield Finding(path, 1, "a header begins with a comment that says its purpose")
        if "\n#pragma once\n" not in text:
            yield Finding(path, 1, "a header has #pragma once")


def _matches(tree: Tree, pattern: re.Pattern[str], message: str) -> Iterator[Finding]:
    for path, text in tree.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if match := pattern.search(line):
                yield Finding(path, number, f"{message}: {match.group()}")


# The patterns below are spelled so that they do not find themselves.
MACHINE_PATH = re.compile(r"(?<![\w.$}*~-])/(?:home|root|work|farm|Users|tmp)/+[\w.-]+")
REGISTRY_HOST = re.compile(
    r"\b(?:python[h]osted\.org|py[p]i\.org|registry\.n[p]mjs\.org|crat[e]s\.io"
    r"|proxy\.g[o]lang\.org|(?:deb|security|snapshot)\.deb[i]an\.org"
    r"|repo\d?\.m[a]ven\.(?:apache\.)?org)"
)
SECRET = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bnrl_live_[A-Za-z0-9]{6,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
)
ASSIGNED = re.compile(
    r"(?i)(?:secret|passw(?:or)?d|token|api_?key|private_?key)\w*\"?"
    r"\s*[:=]\s*[\"']([\w+/=.-]{16,})[\"']"
)
SECRET_ENTROPY_BITS = 3.6


@rule
def no_paths_of_one_machine(tree: Tree) -> Iterator[Finding]:
    """Nothing works on one machine only."""
    return _matches(tree, MACHINE_PATH, "a path of one machine")


@rule
def no_registry_hosts(tree: Tree) -> Iterator[Finding]:
    """Packages are named, not the hosts they come from: a mirror must do as well."""
    return _matches(tree, REGISTRY_HOST, "a registry's host")


@rule
def nothing_left_to_do(tree: Tree) -> Iterator[Finding]:
    """Unfinished work is an issue, not a comment."""
    return _matches(tree, re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b"), "unfinished work")


def _entropy_bits(text: str) -> float:
    counts = collections.Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


@rule
def no_secrets(tree: Tree) -> Iterator[Finding]:
    """No key, and nothing random assigned to something called a secret."""
    yield from _matches(tree, SECRET, "a secret")
    for path, text in tree.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if (m := ASSIGNED.search(line)) and _entropy_bits(m.group(1)) > SECRET_ENTROPY_BITS:
                yield Finding(path, number, "looks like a secret in the source")


@rule
def sql_names_the_tenant(tree: Tree) -> Iterator[Finding]:
    """Every statement has tenant_id: an INSERT among its columns, others after WHERE.

    Tables that belong to no tenant, and work over all of them, are exceptions.
    """
    statement = re.compile(r"\s*(?:(INSERT|REPLACE)|SELECT|UPDATE|DELETE|WITH)\s")
    for path, text in tree.of(CPP):
        if not path.startswith("src/") or path.endswith(("_test.cpp", "conformance.hpp")):
            continue
        for literal in cpp_scan.literals(text):
            if not (match := statement.match(literal.text)):
                continue
            _, _, condition = literal.text.partition("WHERE")
            if not re.search(r"\btenant_id\b", literal.text if match.group(1) else condition):
                sql = " ".join(literal.text.split())
                yield Finding(path, literal.line, f"no tenant_id in: {sql}")


@rule
def generated_files_name_their_maker(tree: Tree) -> Iterator[Finding]:
    """'Generated by PATH' on the first line names a program of this tree."""
    for path, text in tree.files.items():
        first = text.split("\n", 1)[0]
        match = re.match(r"\W*Generated by (\S+?)[.;:,]?(\s|$)", first)
        if match and match.group(1) not in tree.files:
            yield Finding(path, 1, f"its maker {match.group(1)} is not in the tree")


@rule
def cpp_is_formatted(tree: Tree) -> Iterator[Finding]:
    """clang-format changes nothing."""
    paths = [path for path, _ in tree.of(CPP)]
    if not paths:
        return
    command = [CLANG_FORMAT, "--dry-run", "-Werror", *paths]
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=False)
    seen = set()
    for match in re.finditer(r"^(\S+?):(\d+):\d+: error: ", done.stderr, re.MULTILINE):
        if match.group(1) not in seen:
            seen.add(match.group(1))
            yield Finding(match.group(1), int(match.group(2)), f"run {CLANG_FORMAT} -i on it")
    if done.returncode and not seen:
        yield Finding(".clang-format", 1, f"{CLANG_FORMAT} failed: {done.stderr.strip()[:200]}")


def check(tree: Tree, exceptions: tuple[Excused, ...]) -> dict[str, list[Finding]]:
    """Runs every rule: rule name → what is left after the exceptions, unused ones included."""
    unused = set(exceptions)
    result = {}
    for name, run in RULES.items():
        left = []
        for finding in run(tree):
            excuse = functools.partial(_excuses, name=name, finding=finding)
            if found := next(filter(excuse, exceptions), None):
                unused.discard(found)
            else:
                left.append(finding)
        result[name] = left
    result["exceptions_are_needed"] = [
        Finding(entry.path, 1, f"exception from {entry.rule} excuses nothing: delete it")
        for entry in sorted(unused, key=dataclasses.astuple)
    ]
    return result


def _excuses(entry: Excused, name: str, finding: Finding) -> bool:
    applies = entry.rule == name and fnmatch.fnmatch(finding.path, entry.path)
    return applies and entry.text in finding.message


def run(arguments: argparse.Namespace) -> int:
    """Prints the findings by rule and the counts; 7 (a check said no) when there are any."""
    root = pathlib.Path(__file__).resolve().parent.parent
    result = check(project_tree(root), EXCEPTIONS)
    if arguments.clang:
        result["clang_tidy"] = [
            Finding(*fault) for fault in tidy_clang.faults(root, arguments.clang)
        ]
    failed = 0
    for name, findings in result.items():
        print(f"{'FAILED' if findings else 'ok':>6} {name}")
        for finding in findings:
            print(f"       {finding}")
        failed += bool(findings)
    print(f"tidy: {len(result) - failed} passed, {failed} failed")
    return 7 if failed else 0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `tidy` to the developer tool."""
    parser = subparsers.add_parser("tidy", help="check the house rules")
    parser.add_argument(
        "--clang", metavar="BUILD", help="also run clang-tidy on changed files, flags from BUILD"
    )
    parser.set_defaults(run=run)
