"""The Python half of the glued peer: sentence embeddings, SQLite FTS5, search by both.

Runs in an environment of its own (requirements.txt), as the script somebody would write in an
afternoon: onnxruntime on two threads over batches of texts sorted by length, one FTS5 table, all
vectors in one numpy matrix, the two rankings joined by reciprocal rank.

    python embed_and_index.py MODEL_FOLDER DATABASE < REQUEST    prints one JSON document

REQUEST is {"segments": [[recording, start_ms, end_ms, text], ...], "queries": [text, ...]}. The
answer has the times of the stages in seconds, and for every query the ten best segments' indexes.
"""

import json
import re
import sqlite3
import sys
import time

BATCH = 32
TOKENS_MAX = 512
HITS = 10
CANDIDATES = 100
RRF = 60
THREADS = 2


class Encoder:
    def __init__(self, folder):
        import onnxruntime
        import sentencepiece

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(f"{folder}/encoder.onnx", options)
        self.pieces = sentencepiece.SentencePieceProcessor(f"{folder}/sentencepiece.model")

    def encode(self, texts, prefix):
        import numpy

        bos, eos, pad = (self.model_ids[name] for name in ("bos", "eos", "pad"))
        ids = [
            [bos, *self.pieces.encode(prefix + text)[: TOKENS_MAX - 2], eos] for text in texts
        ]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        vectors = [None] * len(ids)
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            width = max(len(ids[row]) for row in rows)
            tokens = numpy.full((len(rows), width), pad, numpy.int64)
            mask = numpy.zeros_like(tokens)
            for place, row in enumerate(rows):
                tokens[place, : len(ids[row])] = ids[row]
                mask[place, : len(ids[row])] = 1
            feed = {"input_ids": tokens, "attention_mask": mask}
            for row, vector in zip(rows, self.session.run(["embedding"], feed)[0], strict=True):
                vectors[row] = vector
        return numpy.stack(vectors)


def load(folder):
    with open(f"{folder}/model.json") as file:
        model = json.load(file)
    encoder = Encoder(folder)
    encoder.model_ids, encoder.prefixes = model["tokenizer"], model["prefixes"]
    return encoder


def store(path, segments, vectors):
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE segment (id INTEGER PRIMARY KEY, recording, start_ms, end_ms)")
    database.execute("CREATE VIRTUAL TABLE words USING fts5(text, tokenize='porter unicode61')")
    database.executemany(
        "INSERT INTO segment VALUES (?, ?, ?, ?)",
        [(number, *segment[:3]) for number, segment in enumerate(segments)],
    )
    database.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)",
        [(number, segment[3]) for number, segment in enumerate(segments)],
    )
    database.commit()
    vectors.tofile(f"{path}.f32")
    return database


def search(database, vectors, query, query_vector):
    any_word = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
    lexical = database.execute(
        "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (any_word, CANDIDATES)
    )
    semantic = (-(vectors @ query_vector)).argsort()[:CANDIDATES]
    scores = {}
    for ranking in ([row for (row,) in lexical], semantic.tolist()):
        for rank, row in enumerate(ranking):
            scores[row] = scores.get(row, 0) + 1 / (RRF + rank + 1)
    return sorted(scores, key=lambda row: (-scores[row], row))[:HITS]


def main():
    folder, path = sys.argv[1:]
    request = json.load(sys.stdin)
    marks = [time.perf_counter()]
    encoder = load(folder)
    marks.append(time.perf_counter())
    texts = [segment[3] for segment in request["segments"]]
    vectors = encoder.encode(texts, encoder.prefixes["passage"])
    marks.append(time.perf_counter())
    database = store(path, request["segments"], vectors)
    marks.append(time.perf_counter())
    load_s, embed_s, index_s = (b - a for a, b in zip(marks, marks[1:], strict=False))
    queries = request["queries"]
    asked = encoder.encode(queries, encoder.prefixes["query"]) if queries else []
    hits = [
        search(database, vectors, query, vector)
        for query, vector in zip(queries, asked, strict=True)
    ]
    print(json.dumps({"load_s": load_s, "embed_s": embed_s, "index_s": index_s, "hits": hits}))


main()
