"""Writes a part of somebody else's graph as an ONNX model."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from .onnx_graph import IR_VERSION, describe
from .ort_format import Branch, Node, Part, Tensor


def model(part: Part, inputs: Sequence[ValueInfoProto], output: ValueInfoProto) -> ModelProto:
    """The model from `inputs` to the part's last value, which is called as `output` is."""
    nodes = [node_proto(one) for one in part.nodes]
    nodes[-1].output[0] = output.name
    graph = helper.make_graph(nodes, output.name, list(inputs), [output],
                              [tensor_proto(one) for one in part.tensors])
    return helper.make_model(graph, ir_version=IR_VERSION,
                             opset_imports=[helper.make_opsetid("", part.opset)])


def node_proto(node: Node) -> NodeProto:
    """The operator with its attributes, in their order."""
    made = helper.make_node(node.op, node.inputs, node.outputs, name=node.name)
    for name, attribute in node.attributes.items():
        value = attribute.value
        if isinstance(value, Tensor):
            value = tensor_proto(value)
        elif isinstance(value, Branch):
            value = branch_proto(value, name)
        made.attribute.append(helper.make_attribute(name, value, attr_type=attribute.kind))
    return made


def branch_proto(branch: Branch, name: str) -> GraphProto:
    """A graph without inputs, whose outputs carry no types."""
    return helper.make_graph(
        [node_proto(one) for one in branch.nodes], name, [],
        [ValueInfoProto(name=output) for output in branch.outputs],
        [tensor_proto(one) for one in branch.tensors])


def tensor_proto(tensor: Tensor) -> TensorProto:
    """The stored array."""
    return TensorProto(name=tensor.name, data_type=tensor.kind, dims=tensor.shape,
                       raw_data=tensor.data)


def description(made: ModelProto) -> dict[str, object]:
    """Inputs and outputs, for model.json."""
    return {"inputs": describe(made.graph.input), "outputs": describe(made.graph.output)}
