"""Whisper (Radford et al. 2022, arXiv:2212.04356) from CTranslate2 or safetensors to two ONNX
graphs.

B windows, R decoder rows (hypotheses of windows), K the most that a window has, T mel frames
(even, at most 3000), C encoder positions, S new tokens, P cached tokens, Q = P + S, H heads of 64,
L decoder layers, V vocabulary, A alignment heads:

* encoder.onnx: mel [1, 80, T], sources [C], places [C], shares [C] -> cross_k_i [1, H, 64, C],
  cross_v_i [1, H, C, 64], i < L
* decoder.onnx: tokens [R, S], pos [R, S], row_at [B*K], place_of [R], shares [B, C], past_k_i and
  past_v_i [R, H, P, 64], cross_k_i, cross_v_i -> logits [R, V] of the last position, present_k_i
  and present_v_i [R, H, Q, 64], align [B, A, K*S, C] (softmax of the alignment heads)

The encoder works on the positions (20 ms each) that `places` names, out of the 1500 of Whisper; a
position with a share of n stands for n of them: its attention weight counts n times, here and in
the decoder. `sources` says which frame of the T/2 that the convolutions make stands at each. With
places = sources = 0, 1, ... 1499 and shares of 1 it is Whisper itself (docs/adr/0008).

One decoder graph serves the prompt, the steps (S = 1) and the alignment pass (P = 0). Windows may
have different numbers of rows: attention to a window's positions has K places for its rows.
`row_at` says which row stands at each (any row where there is none), `place_of` where each row
stands.

Rows may differ in length. `pos` is each token's position in its row; shorter prompts are padded
on the left with any token at position -1. The padding of a row follows from its last position,
Q - 1 - pos[b, S-1], and its cached keys are never attended to. Without padding, pos is
P, P+1, ... in every row. Positions with a share of 0 are never attended to, so that windows of
different lengths share a batch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from . import Job, ct2, safetensors, whisper_text
from .onnx_graph import FLOAT, INT32, INT64, MICROSOFT, Graph, Norm, describe

HEAD = 64
EPSILON = 1e-5
FIRST_NORM = "self_attention/layer_norm"
Weights = Mapping[str, np.ndarray]


def convert(job: Job) -> dict[str, object]:
    """Writes encoder.onnx, decoder.onnx, tokens.json, config.json and mel_filters.bin."""
    weights = read_weights(job)
    tokenizer = json.loads(job.read_suffix("/tokenizer.json"))
    dims = dimensions(weights)
    source = decoding(job, dims)
    config = dims | whisper_text.special_tokens(tokenizer, dims["n_vocab"]) | source
    encoder = Encoder(weights, dims, job.precision).build()
    encoder.save(job.out / "encoder.onnx")
    decoder = Decoder(weights, dims, job.precision).build(config["alignment_heads"])
    decoder.save(job.out / "decoder.onnx")
    whisper_text.write_json(job.out / "config.json", config)
    whisper_text.write_json(job.out / "tokens.json", whisper_text.token_bytes(tokenizer))
    filters = whisper_text.mel_filters(dims["n_mels"])
    (job.out / "mel_filters.bin").write_bytes(filters.astype("<f4").tobytes())
    return {
        "precision": job.precision,
        "sample_rate": 16000,
        "io": {
            "encoder.onnx": {"inputs": describe(encoder.inputs),
                             "outputs": describe(encoder.outputs)},
            "decoder.onnx": {"inputs": describe(decoder.inputs),
                             "outputs": describe(decoder.outputs)},
            "mel_filters.bin": {"dtype": "float32 little endian",
                                "shape": list(filters.shape)},
            "tokens.json": "array: base64 of the bytes of each ordinary token, by id",
        },
        "positions": "pos is the position in the row; left padding has pos -1",
        "shares": "how many of Whisper's positions each stands for; 0 is not attended",
    }


def read_weights(job: Job) -> Weights:
    """The weights by CTranslate2's names, from whichever format the members are in."""
    def contents(name: str) -> list[bytes]:
        return [job.read(member) for member in sorted(job.members) if name in member]
    if parts := contents("/model.bin"):
        return ct2.read(b"".join(parts))
    return safetensors.read(contents(".safetensors"))


def decoding(job: Job, dims: Mapping[str, int]) -> dict[str, object]:
    """Suppressed tokens and alignment heads: CTranslate2's config or Hugging Face's."""
    source: dict = {}
    for name in ("/config.json", "/generation_config.json"):
        if any(member.endswith(name) for member in job.members):
            source |= json.loads(job.read_suffix(name))
    # The reference program's choice for a model that names none: the later half of all heads.
    layers, heads = dims["n_text_layer"], dims["n_text_head"]
    late = [[layer, head] for layer in range(layers // 2, layers) for head in range(heads)]
    return {
        "suppress_tokens": source.get("suppress_ids", source.get("suppress_tokens")) or [],
        "suppress_tokens_begin": source.get(
            "suppress_ids_begin", source.get("begin_suppress_tokens")) or [],
        "alignment_heads": source.get("alignment_heads") or late,
    }


def dimensions(weights: Weights) -> dict[str, int]:
    """Model sizes, named as in the original checkpoint."""
    def layers(side: str) -> int:
        return len({name.split("/")[1] for name in weights if name.startswith(f"{side}/layer_")
                    and name.split("/")[1] != "layer_norm"})
    vocabulary, state = weights["decoder/embeddings/weight"].shape
    return {
        "n_vocab": vocabulary,
        "n_mels": weights["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": weights["encoder/position_encodings/encodings"].shape[0],
        "n_audio_state": state,
        "n_audio_head": state // HEAD,
        "n_audio_layer": layers("encoder"),
        "n_text_ctx": weights["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": state,
        "n_text_head": state // HEAD,
        "n_text_layer": layers("decoder"),
    }


class Network:
    """What encoder and decoder share: weights by their CTranslate2 names, and the usual layers."""

    def __init__(self, weights: Weights, dims: dict[str, int], precision: str) -> None:
        self.graph = Graph(f"whisper_{type(self).__name__.lower()}", precision)
        self.weights = weights
        self.dims = dims

    def linear(self, x: str, name: str) -> str:
        """The linear layer `name`."""
        weight, bias = self.weights[f"{name}/weight"], self.weights[f"{name}/bias"]
        return self.graph.linear(x, weight, bias, name)

    def norm(self, name: str) -> Norm:
        """The layer normalisation `name`."""
        return Norm(self.weights[f"{name}/gamma"], self.weights[f"{name}/beta"], EPSILON)

    def skip_norm(self, x: str, residual: str, name: str) -> tuple[str, str]:
        """Layer normalisation `name` of x + residual, and the sum itself."""
        return self.graph.skip_layer_norm(x, residual, self.norm(name))

    def feed_forward(self, x: str, layer: str) -> str:
        """Two linear layers with a GELU between them."""
        first = f"{layer}/ffn/linear_0"
        hidden = self.graph.matmul(x, self.weights[f"{first}/weight"], first)
        hidden = self.graph.bias_gelu(hidden, self.weights[f"{first}/bias"])
        return self.linear(hidden, f"{layer}/ffn/linear_1")

    def split_qkv(self, x: str, name: str) -> list[str]:
        """One product for query, key and value [B, S, 3 * state], split in three."""
        parts = [self.graph.fresh(stem) for stem in ("query", "key", "value")]
        self.graph.nodes("Split", [self.linear(x, name)], parts, axis=2)
        return parts

    def next_norm(self, side: str, layer: int, layers: int) -> str:
        """The name of the normalisation that follows a layer."""
        last = layer + 1 == layers
        return f"{side}/layer_norm" if last else f"{side}/layer_{layer + 1}/{FIRST_NORM}"


class Encoder(Network):
    """mel -> encoder -> the keys and values every decoder layer attends to."""

    def build(self) -> Graph:
        """The whole graph."""
        graph, layers = self.graph, self.dims["n_audio_layer"]
        x = self.positions(graph.input("mel", FLOAT, [1, self.dims["n_mels"], "T"]))
        bias = self.attention_bias(graph.input("shares", FLOAT, ["C"]))
        y = graph.layer_norm(x, self.norm(f"encoder/layer_0/{FIRST_NORM}"))
        for i in range(layers):
            layer = f"encoder/layer_{i}"
            qkv = self.split_qkv(y, f"{layer}/self_attention/linear_0")
            y = graph.fused("MultiHeadAttention", *qkv, "", "", bias,
                            num_heads=self.dims["n_audio_head"])
            y = self.linear(y, f"{layer}/self_attention/linear_1")
            y, x = self.skip_norm(x, y, f"{layer}/ffn/layer_norm")
            y = self.feed_forward(y, layer)
            y, x = self.skip_norm(x, y, self.next_norm("encoder", i, layers))
        for i in range(self.dims["n_text_layer"]):
            self.cross_key_value(y, i)
        return graph

    def positions(self, x: str) -> str:
        """mel [1, 80, T] -> the positions [1, C, state] that are asked for."""
        graph, weights = self.graph, self.weights
        for name, stride in (("encoder/conv1", 1), ("encoder/conv2", 2)):
            x = graph.op("Conv", x, graph.floats(weights[f"{name}/weight"]),
                         graph.floats(weights[f"{name}/bias"]), kernel_shape=[3], pads=[1, 1],
                         strides=[stride])
            x = graph.fused("Gelu", x)
        graph.input("sources", INT64, ["C"])
        graph.input("places", INT64, ["C"])
        x = graph.op("Transpose", graph.op("Gather", x, "sources", axis=2), perm=[0, 2, 1])
        table = graph.floats(weights["encoder/position_encodings/encodings"])
        return graph.op("Add", x, graph.op("Gather", table, "places"))

    def attention_bias(self, shares: str) -> str:
        """What is added to every query's scores, [1, 1, C, C]: the logarithm of the shares."""
        graph = self.graph
        count = graph.op("Shape", shares)
        square = graph.op("Concat", graph.ints(1, 1), count, count, axis=0)
        row = graph.op("Unsqueeze", graph.op("Log", shares), graph.ints(0, 1, 2))
        return graph.op("Expand", row, square)

    def cross_key_value(self, y: str, layer: int) -> None:
        """Encoder output [B, C, state] -> cross_k, cross_v of one layer, as the decoder reads."""
        graph, heads, state = self.graph, self.dims["n_text_head"], self.dims["n_text_state"]
        split = graph.ints(0, 0, heads, HEAD)
        name = f"decoder/layer_{layer}/attention/linear_1"
        weight, bias = self.weights[f"{name}/weight"], self.weights[f"{name}/bias"]
        if np.any(bias[:state]):
            raise ValueError(f"{name}: the key projection has a bias, Whisper has none")
        key = graph.matmul(y, weight[:state], f"{name}.key")
        value = graph.linear(y, weight[state:], bias[state:], f"{name}.value")
        graph.op("Transpose", graph.op("Reshape", key, split), out=f"cross_k_{layer}",
                 perm=[0, 2, 3, 1])
        graph.op("Transpose", graph.op("Reshape", value, split), out=f"cross_v_{layer}",
                 perm=[0, 2, 1, 3])
        graph.output(f"cross_k_{layer}", FLOAT, [1, heads, HEAD, "C"])
        graph.output(f"cross_v_{layer}", FLOAT, [1, heads, "C", HEAD])


class Decoder(Network):
    """tokens and caches -> logits of the last position, new caches, alignment weights."""

    def build(self, alignment_heads: list[list[int]]) -> Graph:
        """The whole graph."""
        graph, layers = self.graph, self.dims["n_text_layer"]
        self.declare(len(alignment_heads))
        x = self.embed()
        y = graph.layer_norm(x, self.norm(f"decoder/layer_0/{FIRST_NORM}"))
        keys, shares = self.key_mask(), self.log_shares()
        aligned = []
        for i in range(layers):
            layer = f"decoder/layer_{i}"
            y, x = self.skip_norm(x, self.self_attention(y, i, keys),
                                  f"{layer}/attention/layer_norm")
            y, attention = self.cross_attention(y, i, shares)
            y, x = self.skip_norm(x, y, f"{layer}/ffn/layer_norm")
            y = self.feed_forward(y, layer)
            y, x = self.skip_norm(x, y, self.next_norm("decoder", i, layers))
            heads = [head for of_layer, head in alignment_heads if of_layer == i]
            if heads:
                aligned.append(graph.op("Gather", attention, graph.ints(*heads), axis=1))
        self.logits(graph.op("Gather", y, self.number(-1), axis=1))
        graph.op("Concat", *aligned, out="align", axis=1)
        return graph

    def declare(self, alignment_heads: int) -> None:
        """Inputs and outputs, in the order the header of this file gives."""
        graph, heads = self.graph, self.dims["n_text_head"]
        graph.input("tokens", INT64, ["R", "S"])
        graph.input("pos", INT64, ["R", "S"])
        graph.input("row_at", INT64, ["BK"])
        graph.input("place_of", INT64, ["R"])
        graph.input("shares", FLOAT, ["B", "C"])
        graph.output("logits", FLOAT, ["R", self.dims["n_vocab"]])
        for i in range(self.dims["n_text_layer"]):
            graph.input(f"past_k_{i}", FLOAT, ["R", heads, "P", HEAD])
            graph.input(f"past_v_{i}", FLOAT, ["R", heads, "P", HEAD])
            graph.input(f"cross_k_{i}", FLOAT, ["B", heads, HEAD, "C"])
            graph.input(f"cross_v_{i}", FLOAT, ["B", heads, "C", HEAD])
            graph.output(f"present_k_{i}", FLOAT, ["R", heads, "Q", HEAD])
            graph.output(f"present_v_{i}", FLOAT, ["R", heads, "Q", HEAD])
        graph.output("align", FLOAT, ["B", alignment_heads, "KS", "C"])

    def number(self, value: int) -> str:
        """A scalar int64 constant."""
        return self.graph.constant(np.array(value, np.int64), f"number_{value}")

    def length(self, value: str, axis: int) -> str:
        """The size of `value` along `axis`."""
        return self.graph.op("Gather", self.graph.op("Shape", value), self.number(axis), axis=0)

    def embed(self) -> str:
        """Token and position vectors [B, S, state]. The token table is stored once."""
        graph = self.graph
        table = self.weights["decoder/embeddings/weight"]
        if not np.array_equal(table, self.weights["decoder/projection/weight"]):
            raise ValueError("the token table and the projection differ; Whisper ties them")
        positions = graph.floats(self.weights["decoder/position_encodings/encodings"])
        places = graph.op("Gather", positions, graph.op("Max", "pos", self.number(0)))
        rows = graph.op("Gather", graph.constant(table, "token_table"), "tokens")
        return graph.op("Add", graph.op("Cast", rows, to=FLOAT), places)

    def logits(self, last: str) -> None:
        """last [B, state] times the transposed token table -> logits [B, V]."""
        graph, table = self.graph, self.weights["decoder/projection/weight"]
        if graph.precision == "nb8":
            graph.op("Identity", graph.matmul(last, table, "projection"), out="logits")
        else:
            weight = graph.floats(table, "" if graph.precision == "fp32" else "token_table")
            graph.op("Gemm", last, weight, out="logits", transB=1)

    def key_mask(self) -> str:
        """int32 [R, Q]: 1 for cached and new keys of the row, 0 for its left padding."""
        graph = self.graph
        total = graph.op("Add", self.length("past_k_0", 2), self.length("tokens", 1))
        keys = graph.op("Range", self.number(0), total, self.number(1))
        last = graph.op("Slice", "pos", graph.ints(-1), graph.ints(2**31), graph.ints(1))
        padding = graph.op("Sub", graph.op("Sub", total, self.number(1)), last)
        return graph.op("Cast", graph.op("GreaterOrEqual", keys, padding), to=INT32)

    def log_shares(self) -> str:
        """float32 [B, 1, 1, C]: the logarithm of the shares, finite where they are 0."""
        graph = self.graph
        least = graph.constant(np.array(np.finfo(np.float32).tiny, np.float32), "least_share")
        logs = graph.op("Log", graph.op("Max", "shares", least))
        return graph.op("Unsqueeze", logs, graph.ints(1, 2))

    def self_attention(self, y: str, layer: int, keys: str) -> str:
        """Causal attention to the row's own tokens; extends the cache."""
        name = f"decoder/layer_{layer}/self_attention"
        qkv = self.split_qkv(y, f"{name}/linear_0")
        attended = self.graph.fresh("attended")
        self.graph.nodes("MultiHeadAttention",
                         [*qkv, "", keys, "", f"past_k_{layer}", f"past_v_{layer}"],
                         [attended, f"present_k_{layer}", f"present_v_{layer}"],
                         domain=MICROSOFT, num_heads=self.dims["n_text_head"], unidirectional=1)
        return self.linear(attended, f"{name}/linear_1")

    def shape(self, value: str, axes: int, *more: int) -> str:
        """The first `axes` sizes of `value`, then `more`."""
        graph = self.graph
        first = graph.op("Slice", graph.op("Shape", value), graph.ints(0), graph.ints(axes))
        return graph.op("Concat", first, graph.ints(*more), axis=0)

    def cross_attention(self, y: str, layer: int, shares: str) -> tuple[str, str]:
        """Attention to the encoder; the projected result and the weights [B, H, K*S, C].

        The rows of a window are K*S positions of one product, so that they share its keys.
        """
        graph, name = self.graph, f"decoder/layer_{layer}/attention"
        scale = np.float16(HEAD ** -0.5)
        query = graph.linear(y, self.weights[f"{name}/linear_0/weight"] * scale,
                             self.weights[f"{name}/linear_0/bias"] * scale, f"{name}/linear_0")
        of_window = self.shape("cross_k_0", 1, -1, self.dims["n_text_head"], HEAD)
        query = graph.op("Reshape", graph.op("Gather", query, "row_at", axis=0), of_window)
        query = graph.op("Transpose", query, perm=[0, 2, 1, 3])
        scores = graph.op("Add", graph.op("MatMul", query, f"cross_k_{layer}"), shares)
        attention = graph.op("Softmax", scores, axis=-1)
        mixed = graph.op("MatMul", attention, f"cross_v_{layer}")
        added = graph.op("Slice", graph.op("Shape", "tokens"), graph.ints(1), graph.ints(2))
        of_place = graph.op("Concat", graph.ints(-1), added,
                            graph.ints(self.dims["n_text_state"]), axis=0)
        mixed = graph.op("Reshape", graph.op("Transpose", mixed, perm=[0, 2, 1, 3]), of_place)
        mixed = graph.op("Gather", mixed, "place_of", axis=0)
        return self.linear(mixed, f"{name}/linear_2"), attention
