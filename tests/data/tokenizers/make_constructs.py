#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes constructs.json: small tokenizer.json files, one for each construct that published tokenizers in the reference
data do not have, with the ids and texts that Hugging Face tokenizers gives for them.

    python3 -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python tests/data/tokenizers/make_constructs.py
"""
import json
import pathlib

import tokenizers

TEXTS = [
    "", " ", "  ", "a", "ab", " ab", "ab ", "  ab  ba  ", "abab abba", "a b c", "x", "xx", "axxb", "a\nb", "\n\n", "\t",
    "AB Ab \u00c4\u0130\u03a3", "\u00e9e\u0301", "\ufb01a \u2460", "\u212b", "1 12 123a4", "a,b.", "a--b - -", "$a+b^", "!?\u3002\u00bf",
    "\u4e2d\u6587", "\U0001f600a", "a\u0301b a\u200db \u24b6b", "\u2581a\u2581\u2581b", "<s>a", "a <s> b", "<s><s>", "ab<m>ab", "a <m> b", "a  <m>  b",
    "<m>", " <m> ", "cab ca cabca ca", "CA ca Ca", "ca", "xca cax ca", "a b<m> b<s>", "\u3000a\u3000", "aaaa bbbb", "<0x41>", "a\x00b",
    "aCamelCase", "ab12ab 3", "a_b", "don't a's", "b\u0327\u0301a", "\u00a0a",
]

LETTERS = ["a", "b", "c", "\u2581", "\u00e9", ",", "1", "2"]
MERGES = [("\u2581", "a"), ("a", "b"), ("\u2581a", "b"), ("b", "a"), ("\u2581", "\u2581"), ("\u2581", "ab"), ("ab", "ab"), ("c", "a"), ("b", "b"), ("1", "2")]


def vocabulary(letters, merges, extra=()):
    tokens = list(extra) + list(letters)
    for left, right in merges:
        if left + right not in tokens:
            tokens.append(left + right)
    return {token: index for index, token in enumerate(tokens)}


def added(content, identity, **flags):
    entry = dict(id=identity, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    entry.update(flags)
    return entry


def build(letters=LETTERS, merges=MERGES, extra=("<unk>", "<s>", "<m>"), added_tokens=None, model=None, **parts):
    vocab = vocabulary(letters, merges, extra)
    body = dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None,
                fuse_unk=True, byte_fallback=False, ignore_merges=False, vocab=vocab,
                merges=[list(pair) for pair in merges])
    body.update(model or {})
    tokens = [added("<unk>", 0, special=True), added("<s>", 1, special=True)] if added_tokens is None else added_tokens
    root = dict(version="1.0", truncation=None, padding=None, added_tokens=tokens, normalizer=None, pre_tokenizer=None,
                post_processor=None, decoder=None, model=body)
    root.update(parts)
    return root


def metaspace(**options):
    return dict(dict(type="Metaspace", replacement="\u2581", prepend_scheme="always", split=True), **options)


def sequence(name, *parts):
    return {"type": "Sequence", name: list(parts)}


CA = vocabulary(LETTERS, MERGES, ("<unk>", "<s>", "<m>"))["ca"]
NEXT = len(vocabulary(LETTERS, MERGES, ("<unk>", "<s>", "<m>")))
BYTES = ["<0x%02X>" % byte for byte in range(256)]
SOME_BYTES = ["<0x%02X>" % byte for byte in range(0x80)]
SPACES = dict(type="Replace", pattern=dict(String=" "), content="\u2581")
PREPEND = dict(type="Prepend", prepend="\u2581")
SPELL_SPACES = dict(type="Replace", pattern=dict(String="\u2581"), content=" ")
LLAMA_DECODER = sequence("decoders", SPELL_SPACES, dict(type="ByteFallback"), dict(type="Fuse"), dict(type="Strip", content=" ", start=1, stop=0))
SPLIT = dict(type="Split", pattern=dict(Regex="[ab]+"), behavior="Isolated", invert=False)
BYTE_LEVEL = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
BYTE_LETTERS = ["a", "b", "c", "\u0120", "1", "2", ",", "\u00c3", "\u00a9", "."]
BYTE_MERGES = [("\u0120", "a"), ("a", "b"), ("\u0120a", "b"), ("\u00c3", "\u00a9"), ("b", "a")]


def byte_level(**parts):
    defaults = dict(letters=BYTE_LETTERS, merges=BYTE_MERGES, pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL)
    defaults.update(parts)
    return build(**defaults)


def constructs():
    yield "llama", build(extra=["<unk>", "<s>", "<m>"] + BYTES, model=dict(byte_fallback=True), normalizer=sequence("normalizers", PREPEND, SPACES), decoder=LLAMA_DECODER)
    yield "gemma", build(extra=["<unk>", "<s>", "<m>"] + BYTES, model=dict(byte_fallback=True), normalizer=SPACES,
                         pre_tokenizer=dict(type="Split", pattern=dict(String=" "), behavior="MergedWithPrevious", invert=False),
                         decoder=sequence("decoders", SPELL_SPACES, dict(type="ByteFallback"), dict(type="Fuse")))
    yield "some bytes only", build(extra=["<unk>", "<s>", "<m>"] + SOME_BYTES, model=dict(byte_fallback=True), decoder=LLAMA_DECODER)
    yield "some bytes only, unknown not fused", build(extra=["<unk>", "<s>", "<m>"] + SOME_BYTES, model=dict(byte_fallback=True, fuse_unk=False))
    yield "unknown not fused", build(model=dict(fuse_unk=False), decoder=dict(type="Fuse"))
    yield "no unknown token", build(model=dict(unk_token=None), decoder=dict(type="Fuse"))
    yield "ignore_merges", build(extra=["<unk>", "<s>", "<m>", "abba", "\u2581aba"], model=dict(ignore_merges=True), pre_tokenizer=metaspace(), decoder=metaspace())
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            yield f"Metaspace {scheme}, split {split}", build(pre_tokenizer=metaspace(prepend_scheme=scheme, split=split), decoder=metaspace(prepend_scheme=scheme, split=split))
    yield "Metaspace first behind Strip", build(normalizer=dict(type="Strip", strip_left=True, strip_right=False), pre_tokenizer=metaspace(prepend_scheme="first"))
    yield "Metaspace first behind WhitespaceSplit", build(pre_tokenizer=sequence("pretokenizers", dict(type="WhitespaceSplit"), metaspace(prepend_scheme="first")))
    for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        yield form, build(letters=LETTERS + ["\u0301", "f", "i", "\u0307", "\u00c5", "\u03c3", "\u00e4", "\u0327"], normalizer=dict(type=form))
    for left in (True, False):
        for right in (True, False):
            yield f"Strip {left} {right}", build(normalizer=dict(type="Strip", strip_left=left, strip_right=right))
    yield "Replace by expression", build(normalizer=dict(type="Replace", pattern=dict(Regex="b+|$"), content="a"))
    yield "Replace by nothing", build(normalizer=dict(type="Replace", pattern=dict(String="a"), content=""))
    for behavior in ("Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"):
        yield f"Split {behavior}", build(pre_tokenizer=dict(SPLIT, behavior=behavior))
        yield f"Split {behavior} inverted", build(pre_tokenizer=dict(SPLIT, behavior=behavior, invert=True))
        yield f"Punctuation {behavior}", build(pre_tokenizer=dict(type="Punctuation", behavior=behavior))
        yield f"Split of text {behavior}", build(pre_tokenizer=dict(SPLIT, pattern=dict(String="ab"), behavior=behavior))
    for pattern in (r"\w+", r"\W+", r"\b", r"\Bb", r"\d", "(?=[A-Z])", "b*", r"[\w,]+", r"\p{L}+"):
        yield f"Split by {pattern}", build(pre_tokenizer=dict(SPLIT, pattern=dict(Regex=pattern)), model=dict(fuse_unk=False))
    for individual in (True, False):
        yield f"Digits {individual}", build(pre_tokenizer=dict(type="Digits", individual_digits=individual))
    yield "Whitespace", build(pre_tokenizer=dict(type="Whitespace"))
    yield "WhitespaceSplit", build(pre_tokenizer=dict(type="WhitespaceSplit"))
    yield "CharDelimiterSplit", build(pre_tokenizer=dict(type="CharDelimiterSplit", delimiter="b"))
    yield "ByteLevel", byte_level()
    yield "ByteLevel with prefix space", byte_level(pre_tokenizer=dict(BYTE_LEVEL, add_prefix_space=True))
    yield "ByteLevel without expression", byte_level(pre_tokenizer=dict(BYTE_LEVEL, use_regex=False))
    yield "ByteLevel behind Punctuation and Digits", byte_level(pre_tokenizer=sequence("pretokenizers", dict(type="Punctuation", behavior="Isolated"), dict(type="Digits", individual_digits=True), BYTE_LEVEL))
    yield "ByteLevel, then Strip, as decoder", byte_level(decoder=sequence("decoders", BYTE_LEVEL, dict(type="Strip", content=" ", start=1, stop=0)))
    yield "Strip decoder", build(decoder=dict(type="Strip", content="a", start=2, stop=0))
    yield "Replace decoder by expression", build(decoder=sequence("decoders", dict(type="Replace", pattern=dict(Regex="b$|a"), content="--"), dict(type="Fuse")))
    for name in ("RobertaProcessing", "BertProcessing"):
        options = dict(trim_offsets=True, add_prefix_space=False) if name.startswith("R") else {}
        yield name, byte_level(post_processor=dict(type=name, sep=["<m>", 2], cls=["<s>", 1], **options))
    template = dict(type="TemplateProcessing", single=[dict(SpecialToken=dict(id="two", type_id=0)), dict(Sequence=dict(id="A", type_id=0)), dict(SpecialToken=dict(id="<m>", type_id=0))],
                    pair=[dict(Sequence=dict(id="A", type_id=0)), dict(Sequence=dict(id="B", type_id=0))],
                    special_tokens={"two": dict(id="two", ids=[1, 2], tokens=["<s>", "<m>"]), "<m>": dict(id="<m>", ids=[2], tokens=["<m>"])})
    yield "TemplateProcessing", byte_level(post_processor=sequence("processors", dict(type="ByteLevel", add_prefix_space=True, trim_offsets=False, use_regex=True), template))
    for flag in ("single_word", "lstrip", "rstrip", "normalized", "special"):
        yield f"added token {flag}", build(added_tokens=[added("<unk>", 0, special=True), added("<m>", 2, **{flag: True}), added("ca", CA, **{flag: True})], normalizer=dict(type="Lowercase"))
    yield "added token lstrip and rstrip", build(added_tokens=[added("<m>", 2, lstrip=True, rstrip=True), added("<s>", 1, special=True, rstrip=True)], pre_tokenizer=metaspace(prepend_scheme="first"))
    yield "normalized added token behind Prepend", build(added_tokens=[added("<m>", 2, normalized=True), added("a b", NEXT, normalized=True)], normalizer=sequence("normalizers", PREPEND, SPACES))


def cases(tokenizer):
    for text in TEXTS:
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        full = tokenizer.encode(text, add_special_tokens=True).ids
        case = dict(text=text, ids=plain, decoded=tokenizer.decode(full, skip_special_tokens=False))
        if full != plain:
            case["ids_with_special"] = full
        skipped = tokenizer.decode(full, skip_special_tokens=True)
        if skipped != case["decoded"]:
            case["decoded_skip_special"] = skipped
        yield case


def main():
    written = []
    for name, root in constructs():
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(root))
        written.append(json.dumps(dict(name=name, tokenizer=root, cases=list(cases(tokenizer))), separators=(",", ":")))
    path = pathlib.Path(__file__).with_name("constructs.json")
    path.write_text('{"tokenizers": "%s", "constructs": [\n%s\n]}\n' % (tokenizers.__version__, ",\n".join(written)))
    print(len(written), "constructs")


if __name__ == "__main__":
    main()
