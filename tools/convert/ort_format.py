"""Reads a graph in ONNX Runtime's own format and cuts a part out of it.

onnxruntime/core/flatbuffers/schema/ort.fbs defines the format; the numbers below are the places
of its tables' fields. Nodes stay as they are; those that the wanted value does not need are left
out, and so is what ONNX Runtime computed from the graph. What is damaged, or is no longer what a
recipe expects, is a ValueError.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .flatbuffer import Table

IDENTIFIER = b"ORTM"
SESSION_MODEL = 1
MODEL_OPSETS, MODEL_GRAPH = 1, 7
OPSET_DOMAIN, OPSET_VERSION = 0, 1
GRAPH_TENSORS, GRAPH_NODES, GRAPH_OUTPUTS = 0, 2, 6
NODE_NAME, NODE_DOMAIN, NODE_OP = 0, 2, 5
NODE_INPUTS, NODE_OUTPUTS, NODE_ATTRIBUTES, NODE_IMPLICIT_INPUTS = 8, 9, 10, 12
ATTRIBUTE_NAME, ATTRIBUTE_KIND = 0, 2
TENSOR_NAME, TENSOR_SHAPE, TENSOR_KIND, TENSOR_DATA = 0, 2, 3, 4
# TensorDataType, which is ONNX's numbering -> numpy's type.
TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 9: "?"}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A stored array."""

    name: str
    kind: int
    shape: tuple[int, ...]
    data: bytes

    def array(self) -> np.ndarray:
        """Its numbers."""
        return np.frombuffer(self.data, TYPES[self.kind]).reshape(self.shape)


@dataclasses.dataclass(frozen=True)
class Attribute:
    """A value with ONNX's number of its kind; the value may be a Tensor or a Branch."""

    kind: int
    value: object


@dataclasses.dataclass(frozen=True)
class Node:
    """One standard operator; `reads` are its inputs and what its branches take from outside."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    reads: list[str]
    attributes: dict[str, Attribute]


@dataclasses.dataclass(frozen=True)
class Branch:
    """A graph inside a node, which reads the outer one's values."""

    nodes: list[Node]
    tensors: list[Tensor]
    outputs: list[str]


@dataclasses.dataclass(frozen=True)
class Part:
    """What computes one value: nodes, each after those it reads, and stored tensors by name."""

    nodes: list[Node]
    tensors: list[Tensor]
    opset: int


class Source:
    """The main graph of one file."""

    def __init__(self, data: bytes) -> None:
        model = Table.root(data, IDENTIFIER).table(SESSION_MODEL)
        self._opsets = {table.text(OPSET_DOMAIN): table.long(OPSET_VERSION)
                        for table in model.tables(MODEL_OPSETS)}
        graph = model.table(MODEL_GRAPH)
        self._nodes = [node(table) for table in graph.tables(GRAPH_NODES)]
        self._tensors = {one.name: one for one in map(tensor, graph.tables(GRAPH_TENSORS))}

    def cut(self, value: str, inputs: Sequence[str]) -> Part:
        """The part that computes `value` from `inputs`."""
        nodes, names = needed(self._nodes, [value])
        if not nodes or "" not in self._opsets:
            raise ValueError(f"the graph computes no {value}; the package has changed")
        made = {name for one in nodes for name in one.outputs}
        stored = sorted(names - made - set(inputs))
        return Part(nodes, [self.tensor(name) for name in stored], self._opsets[""])

    def tensor(self, name: str) -> Tensor:
        """A stored tensor."""
        if name not in self._tensors:
            raise ValueError(f"the graph stores no {name}; the package has changed")
        return self._tensors[name]


def needed(nodes: Sequence[Node], outputs: Sequence[str]) -> tuple[list[Node], set[str]]:
    """The nodes that compute `outputs`, each after those it reads, and all names read."""
    makers = {name: one for one in nodes for name in one.outputs if name}
    ordered: dict[int, Node] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        seen.add(name)
        if name not in makers:
            return
        for other in makers[name].reads:
            if other not in seen:
                visit(other)
        ordered[id(makers[name])] = makers[name]

    for output in outputs:
        visit(output)
    return list(ordered.values()), seen


def node(table: Table) -> Node:
    """One operator with its attributes, sorted by name."""
    op = table.text(NODE_OP)
    if domain := table.text(NODE_DOMAIN):
        raise ValueError(f"the graph has an operator of {domain}, {op}, which is not read")
    attributes = {one.text(ATTRIBUTE_NAME): attribute(one)
                  for one in table.tables(NODE_ATTRIBUTES)}
    inputs = table.texts(NODE_INPUTS)
    reads = [name for name in inputs + table.texts(NODE_IMPLICIT_INPUTS) if name]
    return Node(op, table.text(NODE_NAME), inputs, table.texts(NODE_OUTPUTS), reads,
                dict(sorted(attributes.items())))


def attribute(table: Table) -> Attribute:
    """One attribute of a kind that the graphs have."""
    kind = table.integer(ATTRIBUTE_KIND)
    if kind not in VALUES:
        raise ValueError(f"attribute {table.text(ATTRIBUTE_NAME)} is of kind {kind}, "
                         "which is not read")
    return Attribute(kind, VALUES[kind](table))


def branch(table: Table) -> Branch:
    """The graph of an attribute."""
    outputs = table.texts(GRAPH_OUTPUTS)
    nodes, _ = needed([node(one) for one in table.tables(GRAPH_NODES)], outputs)
    stored = sorted(map(tensor, table.tables(GRAPH_TENSORS)), key=lambda one: one.name)
    return Branch(nodes, stored, outputs)


def tensor(table: Table) -> Tensor:
    """A stored tensor of numbers."""
    shape = tuple(table.array(TENSOR_SHAPE, "<i8").tolist())
    found = Tensor(table.text(TENSOR_NAME), table.integer(TENSOR_KIND), shape,
                   table.array(TENSOR_DATA, "u1").tobytes())
    if found.kind not in TYPES:
        raise ValueError(f"tensor {found.name} is of kind {found.kind}, which is not read")
    if len(found.data) != math.prod(shape) * np.dtype(TYPES[found.kind]).itemsize:
        raise ValueError(f"tensor {found.name} has not the bytes that its shape asks for; "
                         "the file is damaged")
    return found


# AttributeType, which is ONNX's numbering -> how the value is read.
VALUES: Mapping[int, Callable[[Table], object]] = {
    1: lambda table: table.float(3),
    2: lambda table: table.long(4),
    3: lambda table: table.text(5),
    4: lambda table: tensor(table.table(6)),
    5: lambda table: branch(table.table(7)),
    7: lambda table: table.array(9, "<i8").tolist(),
    8: lambda table: table.texts(10),
}
