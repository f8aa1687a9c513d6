"""A small builder for inference graphs: plain ONNX 17 plus ONNX Runtime's fused operators.

Linear layers are written in one of three precisions:

* `packed`, the default: weights keep the size of their package (16-bit floats, or 4-bit codes
  with a scale per block) and become 32-bit floats once, when ONNX Runtime folds constants at
  load. Every product then runs in float: exact, as fast as 8 bits on a processor with VNNI
  and twice as fast without, and rows never influence each other.
* `nb8`: `MatMulNBits`, 8-bit weights in blocks of 32 along K, accuracy level 4 (activations
  are quantised to 8 bits per row and block at run time). For comparisons.
* `fp32`: weights stored as 32-bit floats. For comparisons.

Operator reference: onnxruntime docs/ContribOperators.md (MatMulNBits, MultiHeadAttention,
SkipLayerNormalization, BiasGelu).
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

PRECISIONS = ("packed", "nb8", "fp32")
BLOCK = 32
MICROSOFT = "com.microsoft"
OPSET = 17
IR_VERSION = 8
FLOAT = TensorProto.FLOAT
INT64 = TensorProto.INT64
INT32 = TensorProto.INT32

value_info = helper.make_tensor_value_info


class Norm(NamedTuple):
    """Scale and shift [K] of a layer normalisation, and what keeps it from dividing by zero."""

    weight: np.ndarray
    bias: np.ndarray
    epsilon: float


def quantise_blocks(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantises [N, K] float weights symmetrically in blocks of 32 along K.

    Returns unsigned bytes [N, K/32, 32] with zero at 128, and scales [N, K/32].
    """
    rows, columns = weight.shape
    blocks = weight.astype(np.float32).reshape(rows, columns // BLOCK, BLOCK)
    scales = (np.maximum(np.abs(blocks).max(axis=2), 1e-8) / np.float32(127)).astype(np.float32)
    codes = np.rint(blocks / scales[..., None])
    return (np.clip(codes, -127, 127) + 128).astype(np.uint8), scales


class Graph:
    """Collects nodes and initializers; every method returns the name of the value it makes."""

    def __init__(self, name: str, precision: str) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision {precision} is unknown; use one of {PRECISIONS}")
        self.name = name
        self.precision = precision
        self.inputs: list[ValueInfoProto] = []
        self.outputs: list[ValueInfoProto] = []
        self._nodes: list[NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}
        self._count = 0

    def input(self, name: str, dtype: int, shape: Sequence[int | str]) -> str:
        """Declares a graph input."""
        self.inputs.append(value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Declares a graph output; a node must have produced `name`."""
        self.outputs.append(value_info(name, dtype, shape))

    def constant(self, array: np.ndarray, name: str = "") -> str:
        """Stores `array` once under `name` (or a fresh name)."""
        name = name or f"constant_{len(self._initializers)}"
        if name not in self._initializers:
            stored = array if array.ndim == 0 else np.ascontiguousarray(array)
            self._initializers[name] = numpy_helper.from_array(stored, name)
        return name

    def ints(self, *values: int) -> str:
        """A one-dimensional int64 constant."""
        return self.constant(np.array(values, np.int64), "ints_" + "_".join(map(str, values)))

    def nodes(self, op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "",
              **attributes: object) -> None:
        """Adds a node with named outputs ('' leaves an optional one out)."""
        self._nodes.append(helper.make_node(
            op, list(inputs), list(outputs), name=f"n{len(self._nodes)}_{op}", domain=domain,
            **attributes))

    def fresh(self, stem: str) -> str:
        """A value name not used before."""
        self._count += 1
        return f"{stem}_{self._count}"

    def op(self, op: str, *inputs: str, out: str = "", **attributes: object) -> str:
        """Adds a standard node with one output."""
        name = out or self.fresh(op)
        self.nodes(op, inputs, [name], **attributes)
        return name

    def fused(self, op: str, *inputs: str, out: str = "", **attributes: object) -> str:
        """Adds a com.microsoft node with one output."""
        return self.op(op, *inputs, out=out, domain=MICROSOFT, **attributes)

    def floats(self, array: np.ndarray, name: str = "") -> str:
        """A float32 value stored in the array's own type; ONNX Runtime casts it at load."""
        if self.precision == "packed" and array.dtype == np.float16:
            return self.op("Cast", self.constant(array, name), to=FLOAT)
        return self.constant(array.astype(np.float32), name)

    def matmul(self, x: str, weight: np.ndarray, name: str) -> str:
        """x [..., K] times the transpose of weight [N, K]."""
        if self.precision == "nb8":
            return self.matmul_nbits(x, weight, name)
        return self.op("MatMul", x, self.floats(weight.T, f"{name}.weight"))

    def matmul_nbits(self, x: str, weight: np.ndarray, name: str) -> str:
        """The same product with 8-bit block weights."""
        rows, columns = weight.shape
        codes, scales = quantise_blocks(weight)
        return self.fused(
            "MatMulNBits", x, self.constant(codes, f"{name}.codes"),
            self.constant(scales.reshape(-1), f"{name}.scales"), K=columns, N=rows, bits=8,
            block_size=BLOCK, accuracy_level=4)

    def add_bias(self, x: str, bias: np.ndarray, name: str) -> str:
        """x [..., N] + bias [N]."""
        return self.op("Add", x, self.floats(bias, f"{name}.bias"))

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray, name: str) -> str:
        """x [..., K] -> x W^T + b [..., N]."""
        return self.add_bias(self.matmul(x, weight, name), bias, name)

    def layer_norm(self, x: str, norm: Norm) -> str:
        """Layer normalisation over the last axis."""
        return self.op("LayerNormalization", x, self.floats(norm.weight), self.floats(norm.bias),
                       axis=-1, epsilon=norm.epsilon)

    def skip_layer_norm(self, x: str, residual: str, norm: Norm) -> tuple[str, str]:
        """Returns (layer_norm(x + residual), x + residual)."""
        normed, total = self.fresh("normed"), self.fresh("sum")
        self.nodes("SkipLayerNormalization",
                   [x, residual, self.floats(norm.weight), self.floats(norm.bias)],
                   [normed, "", "", total], domain=MICROSOFT, epsilon=norm.epsilon)
        return normed, total

    def bias_gelu(self, x: str, bias: np.ndarray) -> str:
        """Exact (erf) GELU of x + bias."""
        return self.fused("BiasGelu", x, self.floats(bias))

    def build(self) -> ModelProto:
        """Assembles the model."""
        graph = helper.make_graph(self._nodes, self.name, self.inputs, self.outputs,
                                  list(self._initializers.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def save(self, path: pathlib.Path) -> None:
        """Writes the model; the same graph gives the same bytes."""
        path.write_bytes(self.build().SerializeToString(deterministic=True))


def describe(values: Sequence[ValueInfoProto]) -> dict[str, dict[str, object]]:
    """Names, element types and shapes of graph inputs or outputs, for model.json."""
    names = {FLOAT: "float32", INT64: "int64", INT32: "int32"}
    described = {}
    for value in values:
        tensor = value.type.tensor_type
        shape = [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]
        described[value.name] = {"dtype": names[tensor.elem_type], "shape": shape}
    return described
