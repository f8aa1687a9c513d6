"""Tests of the readers that take the voice models out of a library, on made files."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from convert import ort_format
from convert.elf import HEADER, MAGIC, SECTION, SEGMENT, SYMBOL, Library
from convert.flatbuffer import Table

ADDRESS = 0x4000  # where the library's bytes are loaded
CONTENT = b"what the object holds"


def library(content: bytes = CONTENT, kind: int = 1, section: int = 1) -> bytes:
    """A shared library with one object, `held`, whose content stands after the tables."""
    names = b"\0held\0"
    segment_at = HEADER.size
    sections_at = segment_at + SEGMENT.size
    names_at = sections_at + 3 * SECTION.size
    symbols_at = names_at + len(names)
    content_at = symbols_at + 2 * SYMBOL.size
    size = content_at + len(content)
    return b"".join([
        HEADER.pack(MAGIC, 3, 62, 1, 0, segment_at, sections_at, 0, HEADER.size, SEGMENT.size, 1,
                    SECTION.size, 3, 0),
        SEGMENT.pack(1, 4, 0, ADDRESS, ADDRESS, size, size, 1),
        SECTION.pack(*[0] * 10),
        SECTION.pack(0, 11, 0, 0, symbols_at, 2 * SYMBOL.size, 2, 0, 0, SYMBOL.size),
        SECTION.pack(0, 3, 0, 0, names_at, len(names), 0, 0, 0, 0),
        names, SYMBOL.pack(0, 0, 0, 0, 0, 0),
        SYMBOL.pack(1, 0x10 | kind, 0, section, ADDRESS + content_at, len(content)), content])


class FlatBuffer:
    """Writes tables as dicts, field number -> (struct's format, number), text, array or list."""

    def __init__(self, root: dict[int, object]) -> None:
        self.data = bytearray(4) + ort_format.IDENTIFIER
        struct.pack_into("<I", self.data, 0, self.put(root))

    def put(self, value: object) -> int:
        """Appends a value and returns where it begins."""
        if isinstance(value, dict):
            return self.put_table(value)
        at = len(self.data)
        if isinstance(value, str):
            self.data += struct.pack("<I", len(value)) + value.encode() + b"\0"
        elif isinstance(value, np.ndarray):
            self.data += struct.pack("<I", len(value)) + value.tobytes()
        else:
            assert isinstance(value, list)
            self.data += struct.pack("<I", len(value)) + bytes(4 * len(value))
            for index, one in enumerate(value):
                self.point(at + 4 + 4 * index, one)
        return at

    def put_table(self, fields: dict[int, object]) -> int:
        """Appends a vtable, its table, and what the table points to."""
        offsets, body, pointers = [0] * (max(fields) + 1), bytearray(4), {}
        for field, value in fields.items():
            offsets[field] = len(body)
            if isinstance(value, tuple):
                body += struct.pack(*value)
            else:
                pointers[len(body)] = value
                body += bytes(4)
        size = 4 + 2 * len(offsets)
        struct.pack_into("<i", body, 0, size)
        self.data += struct.pack(f"<{2 + len(offsets)}H", size, len(body), *offsets)
        at = len(self.data)
        self.data += body
        for offset, value in pointers.items():
            self.point(at + offset, value)
        return at

    def point(self, at: int, value: object) -> None:
        """Appends a value and writes the distance to it at `at`."""
        struct.pack_into("<I", self.data, at, self.put(value) - at)


def node(op: str, inputs: list[str], output: str, **more: object) -> dict[int, object]:
    """An operator; `attributes` and `implicit` as the format has them, `domain` its maker."""
    return {0: f"the {op}", 2: more.get("domain", ""), 5: op, 8: inputs, 9: [output],
            10: more.get("attributes", []), 12: more.get("implicit", [])}


def stored(name: str, values: np.ndarray, kind: int = 1) -> dict[int, object]:
    """A tensor of one axis."""
    return {0: name, 2: np.array([len(values)], "<i8"), 3: ("<i", kind),
            4: np.frombuffer(values.tobytes(), "u1")}


def model(nodes: list[dict[int, object]], tensors: list[dict[int, object]]) -> bytes:
    """A file with this graph; operators of version 17."""
    graph = {5: ["x"], 6: ["z"], 2: nodes, 0: tensors}
    return bytes(FlatBuffer({0: "6", 1: {1: [{0: "", 1: ("<q", 17)}], 7: graph}}).data)


SCALE = np.array([2, 3], "<f4")
BRANCH = {0: [stored("one", SCALE)], 2: [node("Add", ["y", "one"], "inside")], 6: ["inside"]}
NODES = [
    node("If", ["yes"], "chosen", implicit=["y"],
         attributes=[{0: "then_branch", 2: ("<i", 5), 7: BRANCH}]),
    node("Softmax", ["chosen"], "z", attributes=[{0: "axis", 2: ("<i", 2), 4: ("<q", -1)}]),
    node("ArgMax", ["z"], "best"),
    node("Mul", ["x", "scale"], "y"),
]
TENSORS = [stored("unused", SCALE), stored("scale", SCALE), stored("yes", np.array([True]), 9)]


def test_an_object_is_found_by_its_name() -> None:
    assert Library(library()).object("held") == CONTENT


@pytest.mark.parametrize("data", [library(kind=2), library(section=0)],
                         ids=["a function", "defined elsewhere"])
def test_what_is_no_object_of_the_library_is_missing(data: bytes) -> None:
    with pytest.raises(ValueError, match="has no object held; the package has changed"):
        Library(data).object("held")


def test_a_missing_object_is_named() -> None:
    with pytest.raises(ValueError, match="has no object other"):
        Library(library()).object("other")


def test_a_library_cut_short_anywhere_is_refused() -> None:
    whole = library()
    for size in range(len(whole)):
        with pytest.raises(ValueError, match="library"):
            Library(whole[:size]).object("held")


def test_a_library_with_a_damaged_byte_is_read_or_refused() -> None:
    whole = library()
    refused = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:
            Library(bytes(damaged)).object("held")
        except ValueError:
            refused += 1
    assert refused > len(whole) // 4


def test_a_cut_holds_what_the_value_needs_in_order() -> None:
    part = ort_format.Source(model(NODES, TENSORS)).cut("z", ["x"])
    assert [one.op for one in part.nodes] == ["Mul", "If", "Softmax"]
    assert [one.name for one in part.tensors] == ["scale", "yes"] and part.opset == 17
    assert part.tensors[0].array().tolist() == [2, 3]
    assert part.nodes[2].attributes == {"axis": ort_format.Attribute(2, -1)}
    branch = part.nodes[1].attributes["then_branch"].value
    assert isinstance(branch, ort_format.Branch)
    assert [one.op for one in branch.nodes] == ["Add"] and branch.outputs == ["inside"]
    assert [one.name for one in branch.tensors] == ["one"]


@pytest.mark.parametrize(("value", "inputs", "said"), [
    ("nothing", ["x"], "computes no nothing"),
    ("z", [], "stores no x"),
])
def test_a_cut_that_the_graph_does_not_have_is_refused(
        value: str, inputs: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ort_format.Source(model(NODES, TENSORS)).cut(value, inputs)


@pytest.mark.parametrize(("nodes", "tensors", "said"), [
    ([node("Mul", ["x"], "z", domain="com.other")], [], "operator of com.other, Mul"),
    ([node("Mul", ["x"], "z", attributes=[{0: "odd", 2: ("<i", 6)}])], [], "odd is of kind 6"),
    ([], [stored("odd", SCALE, 8)], "odd is of kind 8"),
    ([], [stored("odd", SCALE, 7)], "odd has not the bytes"),
])
def test_what_is_not_understood_is_refused(
        nodes: list[dict[int, object]], tensors: list[dict[int, object]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ort_format.Source(model(nodes, tensors))


def test_a_graph_cut_short_anywhere_is_refused() -> None:
    whole = model(NODES, TENSORS)
    ort_format.Source(whole).cut("z", ["x"])
    for size in range(len(whole)):
        with pytest.raises(ValueError, match="Flat|damaged|changed|read"):
            ort_format.Source(whole[:size]).cut("z", ["x"])


def test_fields_left_out_have_their_defaults() -> None:
    table = Table.root(bytes(FlatBuffer({1: "", 4: ("<f", 0.5)}).data), ort_format.IDENTIFIER)
    assert (table.text(1), table.float(4), table.text(2), table.long(9)) == ("", 0.5, "", 0)
    assert table.tables(3) == [] and table.array(0, "<i8").size == 0
    with pytest.raises(ValueError, match="lacks its field 3"):
        table.table(3)
