#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers CoQA questions as lm-eval with transformers does, one prompt at a time, and prints one JSON object.

usage: lm_eval_peer.py MODEL.gguf COQA.json STORIES THREADS
STORIES is A:B, counted from zero, B left out. Every turn of those stories is asked with the prompt of lm-eval's task
coqa (version 3). Only generation is timed: not loading, and not scoring.
"""
import json
import os
import sys
import time
from pathlib import Path

model_file, dataset, stories, threads = sys.argv[1:5]
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402  (the number of threads is set before anything is computed)

torch.set_num_threads(int(threads))
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402


def prompts(path, first, last):
    """The prompt of every turn: story, earlier turns with their first reference, the question."""
    for story in json.loads(Path(path).read_text())["data"][first:last]:
        text = story["story"]
        for question, answer in zip(story["questions"], story["answers"]):
            text += "\n\nQ: " + question["input_text"] + "\n\nA:"
            yield text
            text += " " + answer["input_text"]


def main():
    first, last = (int(number) for number in stories.split(":"))
    folder, name = os.path.split(os.path.realpath(model_file))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1)
    arguments = {"until": ["\nQ:"], "do_sample": False, "max_gen_toks": 256}
    requests = [Instance("generate_until", {}, (text, dict(arguments)), index)
                for index, text in enumerate(prompts(dataset, first, last))]
    lm.generate_until(requests[:1], disable_tqdm=True)
    start = time.perf_counter()
    answers = lm.generate_until(requests, disable_tqdm=True)
    seconds = time.perf_counter() - start
    print(json.dumps({"questions": len(requests), "seconds": seconds,
                      "answers": [answer.strip().split("\n")[0].strip() for answer in answers]}))


main()
