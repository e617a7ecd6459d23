#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes named_splits.json: how Hugging Face tokenizers cuts texts with the patterns that core/tokenizer/split_patterns.h
gives to names of GGUF pre-tokenizers. The patterns are read from that header, so that both sides use the same ones.

    venv/bin/python tests/data/tokenizers/make_named_splits.py      (tokenizers==0.23.3)
"""
import json
import pathlib
import re

import tokenizers
from tokenizers import pre_tokenizers

ROOT = pathlib.Path(__file__).parents[3] / "core/tokenizer"
TEXTS = [
    "Hello world, it's 2024!", "I'll WE'RE They'Ve don'T 'sup", "a  b   c    ", "\n\n x\r\n\r\ny\n", "\t\ttab \t x", "12345678 1 22 333 4444", "x=1;y=22//z",
    "CamelCaseHTTPServer fooBAR iPhone", "\u00c9cole \u00e9t\u00e9 na\u00efve \u0130stanbul \u01c5 \u02b0a", "e\u0301a\u0301 n\u0303o \u0915\u094d\u0937\u093f \u0e17\u0e35\u0e48",
    "\u4f60\u597d\uff0c\u4e16\u754c\uff01123\u5e74", "\u3053\u3093\u306b\u3061\u306f\u30ab\u30bf\u30ab\u30ca\u3000\u6f22\u5b57", "\ud55c\uad6d\uc5b4 \ud14d\uc2a4\ud2b8", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0660\u0661\u0662",
    "\U0001f600\U0001f44d\U0001f3fd \u2764\ufe0f", "...!!! ??? --- ___ $$$ +++ <<>> ^^ `~|", "path/to/file.txt https://x.y/z?q=1&r=2", "def f(x):\n    return x  # note\n", "  leading", "trailing  ", " ",
    "\u00a0nbsp\u2003em\u180e", "\u216b \u00bd \u00b2\u2460", "\u201cquoted\u201d \u2014 dash\u2026", "a\u200db\u200cc", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "ALLCAPS lower Title", "'s't're", "x's\u2019s", "1a2b3c", "#hash @at", "\r\r\n",
]


def patterns():
    """Constant names to patterns, and groups to constants, as the sources have them."""
    header = (ROOT / "split_patterns.h").read_text()
    source = (ROOT / "split_patterns.cpp").read_text()
    values = {name: raw for name, raw in re.findall(r'string_view (k\w+) =\s+R"\((.*?)\)";', header)}
    values |= {name: json.loads(f'"{text}"') for name, text in re.findall(r'string_view (k\w+) = "(.*?)";', header)}
    lists = {name: [part.strip() for part in parts.split(",")] for name, parts in re.findall(r"string_view (k\w+)\[\] = \{(k[^}]*)\};", source)}
    names = {name: re.findall(r'"(.*?)"', parts) for name, parts in re.findall(r"string_view (k\w+Names)\[\] = \{(.*?)\};", source, re.S)}
    for group, list_name in re.findall(r"\{\.names = (k\w+), \.splits = (k\w+)", source):
        yield names[group], [values[constant] for constant in lists[list_name]]


def main():
    written = []
    for names, splits in patterns():
        steps = [pre_tokenizers.Split(tokenizers.Regex(pattern), behavior="isolated") for pattern in splits]
        cutter = pre_tokenizers.Sequence(steps)
        pieces = [[text for text, _ in cutter.pre_tokenize_str(sample)] for sample in TEXTS]
        written.append(json.dumps(dict(name=names[0], pieces=pieces), separators=(",", ":")))
    path = pathlib.Path(__file__).with_name("named_splits.json")
    path.write_text('{"tokenizers": "%s", "groups": [\n%s\n]}\n' % (tokenizers.__version__, ",\n".join(written)))
    print(len(written), "groups")


if __name__ == "__main__":
    main()
