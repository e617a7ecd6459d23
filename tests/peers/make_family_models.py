#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a small random model of each family, as transformers saves it, with a tokenizer of 512 tokens trained on a text.

usage: make_family_models.py TEXT FOLDER [FAMILY...]      needs: pip install torch transformers tokenizers
Prints the folder of each model. Weights are large enough for logits that differ from token to token.
"""
import json
import pathlib
import sys

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

SIZES = dict(vocab_size=512, hidden_size=256, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=1024, initializer_range=0.1, bos_token_id=0, eos_token_id=1,
             pad_token_id=None)
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|")
# family: transformers' name, options, split of a byte-level tokenizer (none: SentencePiece's way), space before a text
FAMILIES = {
    "llama": ("Llama", dict(attention_bias=True, mlp_bias=True), LLAMA3, None),
    "mistral": ("Mistral", dict(sliding_window=None), None, True),
    "qwen2": ("Qwen2", dict(tie_word_embeddings=True), QWEN2, None),
    "qwen3": ("Qwen3", dict(head_dim=64), QWEN2, None),
    "smollm3": ("SmolLM3", dict(), LLAMA3, None),
    "phi3": ("Phi3", dict(sliding_window=None), None, True),
    "gemma2": ("Gemma2", dict(head_dim=64, query_pre_attn_scalar=64, sliding_window=128), None, False),
}
# llama.cpp looks for Phi-3's own tokens in models of that name.
FOLDERS = {"phi3": "phi"}
SPECIAL = ["<s>", "</s>", "<unk>"]


def byte_level(text, split):
    tokenizer = tokenizers.Tokenizer(models.BPE(ignore_merges=split == LLAMA3))
    if split == QWEN2:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(tokenizers.Regex(split), "isolated"),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=512, special_tokens=SPECIAL,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(text.splitlines(True), trainer)
    return tokenizer


def sentencepiece(text, prefix):
    mark = "\u2581"
    trained = tokenizers.Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    letters = sorted({letter for letter in text if letter.isascii() and letter.isprintable() and letter != " "})
    trainer = trainers.BpeTrainer(vocab_size=512 - 256, special_tokens=SPECIAL, limit_alphabet=len(letters) + 1,
                                  initial_alphabet=letters + [mark], show_progress=False)
    trained.train_from_iterator(text.splitlines(), trainer)
    state = trained.get_vocab()
    merges, made = [], set()
    for left, right in json.loads(trained.to_str())["model"]["merges"]:
        if left + right not in made:
            merges.append((left, right))
            made.add(left + right)
    tokens = SPECIAL + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += [token for token, _ in sorted(state.items(), key=lambda item: item[1]) if token not in SPECIAL]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    steps = [normalizers.Prepend(mark)] if prefix else []
    tokenizer.normalizer = normalizers.Sequence(steps + [normalizers.Replace(" ", mark)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(mark, " "), decoders.ByteFallback(), decoders.Fuse()] +
                                          ([decoders.Strip(" ", 1, 0)] if prefix else []))
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def make(family, text, folder):
    name, options, split, prefix = FAMILIES[family]
    config = getattr(transformers, name + "Config")(**{**SIZES, **options})
    torch.manual_seed(sum(family.encode()))
    model = getattr(transformers, name + "ForCausalLM")(config)
    for weight, tensor in model.named_parameters():
        if "norm" in weight:
            tensor.add_(torch.empty_like(tensor).uniform_(-0.4, 0.4))
        elif weight.endswith("bias"):
            tensor.normal_(0, 0.5)
    target = folder / FOLDERS.get(family, family)
    model.save_pretrained(target)
    tokenizer = byte_level(text, split) if split else sentencepiece(text, prefix)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>",
                                         unk_token="<unk>").save_pretrained(target)
    print(target)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    words = pathlib.Path(sys.argv[1]).read_text()[:500_000]
    for chosen in sys.argv[3:] or FAMILIES:
        make(chosen, words, pathlib.Path(sys.argv[2]))
