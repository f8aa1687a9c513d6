"""Reads a graph in ONNX Runtime's own format and cuts a part out of it as plain ONNX.

onnxruntime/core/flatbuffers/schema/ort.fbs defines the format; the numbers below are the places
of its tables' fields. Nodes are left as they are; those that the wanted output does not need,
and what ONNX Runtime computed from the graph, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from .flatbuffer import Table
from .onnx_graph import IR_VERSION, describe

IDENTIFIER = b"ORTM"
SESSION_MODEL = 1
MODEL_OPSETS, MODEL_GRAPH = 1, 7
OPSET_DOMAIN, OPSET_VERSION = 0, 1
GRAPH_INITIALIZERS, GRAPH_NODES, GRAPH_OUTPUTS = 0, 2, 6
NODE_NAME, NODE_DOMAIN, NODE_OP = 0, 2, 5
NODE_INPUTS, NODE_OUTPUTS, NODE_ATTRIBUTES, NODE_IMPLICIT_INPUTS = 8, 9, 10, 12
ATTRIBUTE_NAME, ATTRIBUTE_TYPE = 0, 2
TENSOR_NAME, TENSOR_SHAPE, TENSOR_TYPE, TENSOR_DATA = 0, 2, 3, 4
# AttributeType -> how its value is read. Graphs (5) are read by their own function.
VALUES: Mapping[int, Callable[[Table], object]] = {
    1: lambda table: table.float(3),
    2: lambda table: table.long(4),
    3: lambda table: table.text(5),
    4: lambda table: tensor(table.table(6)),
    7: lambda table: table.array(9, "<i8").tolist(),
    8: lambda table: table.texts(10),
}
SUBGRAPH, SUBGRAPH_FIELD = 5, 7


class Source:
    """The main graph of one file."""

    def __init__(self, data: bytes) -> None:
        model = Table.root(data, IDENTIFIER).table(SESSION_MODEL)
        self._opsets = {opset.text(OPSET_DOMAIN): opset.long(OPSET_VERSION)
                        for opset in model.tables(MODEL_OPSETS)}
        self._graph = model.table(MODEL_GRAPH)
        self._initializers = {one.text(TENSOR_NAME): one
                              for one in self._graph.tables(GRAPH_INITIALIZERS)}

    def cut(self, value: str, wanted: ValueInfoProto, inputs: Sequence[ValueInfoProto],
            ) -> ModelProto:
        """The part that computes `value` from `inputs`, with that output named as in `wanted`."""
        nodes, names = needed(self._graph.tables(GRAPH_NODES), [value])
        if not nodes:
            raise ValueError(f"the graph computes no {value}; the package has changed")
        given = {one.name for one in inputs}
        made = {name for table in nodes for name in table.texts(NODE_OUTPUTS)}
        if missing := sorted(names - made - given - set(self._initializers)):
            raise ValueError(f"the graph needs {', '.join(missing)}; the package has changed")
        if any(table.text(NODE_DOMAIN) for table in nodes):
            raise ValueError("the graph has operators of its own; the package has changed")
        graph = helper.make_graph(
            [renamed(node(table), value, wanted.name) for table in nodes], wanted.name,
            list(inputs), [wanted],
            [tensor(self._initializers[name]) for name in sorted(names - made - given)])
        return helper.make_model(graph, ir_version=IR_VERSION,
                                 opset_imports=[helper.make_opsetid("", self._opsets[""])])

    def constant(self, name: str) -> np.ndarray:
        """A stored tensor."""
        if name not in self._initializers:
            raise ValueError(f"the graph stores no {name}; the package has changed")
        stored = tensor(self._initializers[name])
        dtype = helper.tensor_dtype_to_np_dtype(stored.data_type)
        return np.frombuffer(stored.raw_data, dtype).reshape(tuple(stored.dims))


def needed(nodes: Sequence[Table], outputs: Sequence[str]) -> tuple[list[Table], set[str]]:
    """The nodes that compute `outputs`, each after those it needs, and all names they read."""
    makers = {name: index for index, table in enumerate(nodes)
              for name in table.texts(NODE_OUTPUTS) if name}
    ordered: dict[int, None] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        seen.add(name)
        if name not in makers:
            return
        table = nodes[makers[name]]
        for other in table.texts(NODE_INPUTS) + table.texts(NODE_IMPLICIT_INPUTS):
            if other and other not in seen:
                visit(other)
        ordered[makers[name]] = None

    for output in outputs:
        visit(output)
    return [nodes[index] for index in ordered], seen


def node(table: Table) -> NodeProto:
    """One operator with its attributes, sorted by name."""
    made = helper.make_node(table.text(NODE_OP), table.texts(NODE_INPUTS),
                            table.texts(NODE_OUTPUTS), name=table.text(NODE_NAME))
    attributes = {one.text(ATTRIBUTE_NAME): one for one in table.tables(NODE_ATTRIBUTES)}
    for name, one in sorted(attributes.items()):
        kind = one.integer(ATTRIBUTE_TYPE)
        if kind == SUBGRAPH:
            value: object = subgraph(one.table(SUBGRAPH_FIELD), name)
        elif kind in VALUES:
            value = VALUES[kind](one)
        else:
            raise ValueError(f"attribute {name} is of type {kind}, which is not read")
        made.attribute.append(helper.make_attribute(name, value, attr_type=kind))
    return made


def subgraph(table: Table, name: str) -> GraphProto:
    """A branch: a graph without inputs, whose outputs carry no types."""
    outputs = table.texts(GRAPH_OUTPUTS)
    nodes, _ = needed(table.tables(GRAPH_NODES), outputs)
    stored = {one.text(TENSOR_NAME): one for one in table.tables(GRAPH_INITIALIZERS)}
    return helper.make_graph(
        [node(one) for one in nodes], name, [],
        [ValueInfoProto(name=output) for output in outputs],
        [tensor(one) for _, one in sorted(stored.items())])


def tensor(table: Table) -> TensorProto:
    """A stored tensor; texts are not read."""
    made = TensorProto(name=table.text(TENSOR_NAME), data_type=table.integer(TENSOR_TYPE),
                       dims=table.array(TENSOR_SHAPE, "<i8").tolist(),
                       raw_data=table.array(TENSOR_DATA, "u1").tobytes())
    size = helper.tensor_dtype_to_np_dtype(made.data_type).itemsize
    if len(made.raw_data) != size * int(np.prod(made.dims, dtype=np.int64)):
        raise ValueError(f"tensor {made.name} has not the bytes its shape asks for; "
                         "the file is damaged")
    return made


def renamed(made: NodeProto, old: str, new: str) -> NodeProto:
    """The node with its output `old` called `new`."""
    made.output[:] = [new if name == old else name for name in made.output]
    return made


def description(model: ModelProto) -> dict[str, object]:
    """Inputs and outputs of a cut graph, for model.json."""
    return {"inputs": describe(model.graph.input), "outputs": describe(model.graph.output)}
