#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes sentencepiece.json: ids that the sentencepiece library gives with the 512 pieces and scores of the llama2.c
vocabulary tok512.bin (u32 longest piece, then per piece f32 score, i32 length, bytes; spaces instead of U+2581).

    venv/bin/pip install sentencepiece protobuf
    venv/bin/python tests/data/tokenizers/make_sentencepiece.py PATH/tok512.bin
"""
import json
import pathlib
import struct
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as model_pb2

TEXTS = [
    "", " ", "  ", "a", "Once upon a time, there was a little girl named Lily.", " leading", "trailing ", "two  spaces   three", "\n", "line\nline\n\nline",
    "caf\u00e9 \u00fcber", "\u4e2d\u6587", "\U0001f600 smile", "don't stop", "UPPER lower 123 4567", "\ttab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "hehehehehehe", "the the thethe", "\u2581mark\u2581",
    "!@#$%^&*()", "She loved to play outside in the park. One day, she saw a big, red ball.", "\u00a0", "a\u0301", "\x01\x02", "mom said \"yes\"", "inging ed ed",
]


def pieces(path):
    data = pathlib.Path(path).read_bytes()
    position = 4
    while position < len(data):
        score, length = struct.unpack_from("<fi", data, position)
        position += 8
        yield data[position:position + length].decode(), score
        position += length


def model(path):
    proto = model_pb2.ModelProto()
    kinds = model_pb2.ModelProto.SentencePiece
    for index, (text, score) in enumerate(pieces(path)):
        kind = kinds.UNKNOWN if index == 0 else kinds.CONTROL if index < 3 else kinds.BYTE if index < 259 else kinds.NORMAL
        text = ("<unk>", "<s>", "</s>")[index] if index < 3 else text if index < 259 else text.replace(" ", "\u2581")
        proto.pieces.add(piece=text, score=score, type=kind)
    trainer = proto.trainer_spec
    trainer.model_type, trainer.byte_fallback, trainer.unk_id, trainer.bos_id, trainer.eos_id = 2, True, 0, 1, 2
    proto.normalizer_spec.name, proto.normalizer_spec.add_dummy_prefix = "identity", True
    proto.normalizer_spec.remove_extra_whitespaces = False
    proto.normalizer_spec.escape_whitespaces = True
    return proto.SerializeToString()


def main():
    processor = sentencepiece.SentencePieceProcessor(model_proto=model(sys.argv[1]))
    cases = [dict(text=text, ids=processor.encode(text), decoded=processor.decode(processor.encode(text))) for text in TEXTS]
    path = pathlib.Path(__file__).with_name("sentencepiece.json")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text('{"sentencepiece": "%s", "cases": [\n%s\n]}\n' % (sentencepiece.__version__, lines))
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
