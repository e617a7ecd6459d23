#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the rates of all.json, same.json and, where it is, peer.json in a folder; see run.sh."""
import json
import sys
from pathlib import Path


def load(name):
    path = Path(sys.argv[1]) / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def describe(name, questions, seconds):
    print(f"{name:34} {questions:5} questions {seconds:9.2f} s {questions / seconds:8.2f} questions/s")


def describe_ours(name, run):
    describe(name, run["n"], run["seconds"])
    generated = sum(item["generated_tokens"] for item in run["items"])
    print(f"  prompt tokens {run['prompt_tokens']}, computed {run['computed_prompt_tokens']}, generated {generated}")


whole, same, peer = load("all"), load("same"), load("peer")
describe_ours("this program, every story", whole)
describe_ours("this program, the peer's stories", same)
if peer is None:
    print("lm-eval with transformers: not measured (set QUANTSCOPE_PEER_PYTHON)")
    sys.exit()
describe("lm-eval with transformers", peer["questions"], peer["seconds"])
equal = sum(item["prediction"] == answer for item, answer in zip(same["items"], peer["answers"], strict=True))
print(f"ratio {peer['seconds'] / same['seconds']:.2f}, equal answers {equal} of {same['n']}")
