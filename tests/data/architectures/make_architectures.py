#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one folder per case: config.json as transformers saves it, tensors.json (names and shapes of the model's state
dict) and outputs.safetensors (token ids, float32 logits, greedy continuation). Weights are not stored: the test makes
them with the rule of `value` below. See README.md.

usage: make_architectures.py [--llama-cpp FOLDER] [CASE...]      needs: pip install torch transformers safetensors gguf
With a source tree of llama.cpp, the cases in GGUF_CASES are also written as model.gguf by llama.cpp's own converter.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy
import torch
import transformers
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-6, pad_token_id=None,
             bos_token_id=None, eos_token_id=None)
YARN = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10000.0, "original_max_position_embeddings": 16,
        "beta_fast": 4.0, "beta_slow": 0.5}
LINEAR = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}
DYNAMIC = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0}
CASES = {
    "llama_bias": ("Llama", dict(attention_bias=True, mlp_bias=True, head_dim=16)),
    "llama_linear": ("Llama", dict(rope_parameters=LINEAR, tie_word_embeddings=True)),
    "llama_dynamic": ("Llama", dict(rope_parameters=DYNAMIC, tie_word_embeddings=True)),
    "llama_yarn": ("Llama", dict(rope_parameters=YARN, tie_word_embeddings=True)),
    "qwen2": ("Qwen2", dict(num_key_value_heads=4)),
    "qwen2_yarn_mscale": ("Qwen2", dict(rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=0.5, truncate=False))),
    "mistral_window": ("Mistral", dict(sliding_window=12)),
    "qwen2_window": ("Qwen2", dict(use_sliding_window=True, sliding_window=12, max_window_layers=1)),
    "qwen3_tied": ("Qwen3", dict(head_dim=8, attention_bias=True, tie_word_embeddings=True)),
    "smollm3": ("SmolLM3", dict(num_hidden_layers=4, rope_parameters={"rope_type": "default", "rope_theta": 5000.0})),
    "smollm3_window": ("SmolLM3", dict(use_sliding_window=True, sliding_window=12, no_rope_layers=[0, 1],
                                       attention_bias=True, mlp_bias=True)),
    "phi3": ("Phi3", dict()),
    "phi3_window": ("Phi3", dict(sliding_window=12, num_key_value_heads=4)),
    "gemma2": ("Gemma2", dict(num_hidden_layers=3, head_dim=16, query_pre_attn_scalar=16, sliding_window=12,
                              attn_logit_softcapping=3.0, final_logit_softcapping=5.0)),
    "gemma2_uncapped": ("Gemma2", dict(head_dim=8, query_pre_attn_scalar=5, attn_logit_softcapping=None,
                                       final_logit_softcapping=None, attention_bias=True)),
}
GGUF_CASES = ["llama_bias", "llama_linear", "llama_yarn", "qwen2", "qwen3_tied", "smollm3", "phi3", "gemma2"]
SEQUENCES = [1, 7, 40]
GREEDY = 12


def value(name, count):
    """`count` numbers k / 128 with -128 <= k < 128: 32-bit FNV-1a of the name, then xorshift32, top 8 bits of each."""
    state = 2166136261
    for byte in name.encode():
        state = (state ^ byte) * 16777619 & 0xFFFFFFFF
    state = state or 1
    values = numpy.empty(count, numpy.float32)
    for i in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        values[i] = (state >> 24) / 128.0 - 1.0
    return values


def weights(state, offset_norms):
    """Every number is exact in bfloat16 and float16."""
    result = {}
    for name, tensor in state.items():
        values = value(name, tensor.numel())
        if "norm" in name:
            values = numpy.floor(values * 16) / 64 + (0.0 if offset_norms else 1.0)
        elif name.endswith(".bias"):
            values = values / 2
        elif "embed_tokens" not in name:
            values = values / 4
        result[name] = torch.from_numpy(values).reshape(tensor.shape)
    return result


def greedy(model, ids):
    tokens, margins = [], []
    for _ in range(GREEDY):
        logits = model(torch.tensor([ids + tokens])).logits[0, -1]
        best = torch.topk(logits, 2).values
        tokens.append(int(logits.argmax()))
        margins.append(float(best[0] - best[1]))
    return numpy.array(tokens, numpy.int32), numpy.array(margins, numpy.float32)


def convert(llama_cpp, model, config, target):
    """Runs llama.cpp's converter on the model; its vocabulary is made up, as the model has no tokenizer."""
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    import conversion
    import gguf
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        model.save_pretrained(folder)
        (folder / "config.json").write_text(json.dumps(config))
        hparams = conversion.ModelBase.load_hparams(folder, False)
        architecture = conversion.get_model_architecture(hparams, conversion.ModelType.TEXT)
        converter_class = conversion.get_model_class(architecture)

        def set_vocab(converter):
            converter.gguf_writer.add_tokenizer_model("gpt2")
            converter.gguf_writer.add_tokenizer_pre("default")
            converter.gguf_writer.add_token_list([f"t{i}" for i in range(config["vocab_size"])])
            converter.gguf_writer.add_token_types([1] * config["vocab_size"])
            converter.gguf_writer.add_token_merges([])

        converter_class.set_vocab = set_vocab
        converter_class(folder, gguf.LlamaFileType.MOSTLY_F16, target, model_name="tiny").write()


def make(case, family, options, llama_cpp):
    config_class = getattr(transformers, family + "Config")
    config = config_class(**{**SIZES, **options})
    config._attn_implementation = "eager"
    model = getattr(transformers, family + "ForCausalLM")(config).to(torch.float32).eval()
    tied = config.tie_word_embeddings
    state = {name: tensor for name, tensor in model.state_dict().items() if not (tied and name == "lm_head.weight")}
    model.load_state_dict(weights(state, family == "Gemma2"), strict=False)
    model.tie_weights()
    folder = HERE / case
    folder.mkdir(exist_ok=True)
    saved = config.to_dict()
    saved.update(architectures=[family + "ForCausalLM"], dtype="float32")
    keep = set(config_class().to_diff_dict()) | set(config.to_diff_dict()) | set(SIZES) | {"architectures", "dtype"}
    keep |= {"sliding_window", "layer_types", "use_sliding_window", "max_window_layers", "no_rope_layers",
             "tie_word_embeddings", "attention_bias", "mlp_bias", "hidden_act", "hidden_activation", "head_dim",
             "attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar", "rope_parameters"}
    saved = {key: saved[key] for key in sorted(saved) if key in keep and key != "transformers_version"}
    (folder / "config.json").write_text(json.dumps(saved, indent=1) + "\n")
    (folder / "tensors.json").write_text(json.dumps({name: list(t.shape) for name, t in state.items()}) + "\n")
    outputs = {}
    for i, length in enumerate(SEQUENCES):
        ids = [int(abs(k) * 128) % SIZES["vocab_size"] for k in value(f"ids {i}", length)]
        outputs[f"ids_{i}"] = numpy.array(ids, numpy.int32)
        outputs[f"logits_fp32_{i}"] = model(torch.tensor([ids])).logits[0].numpy()
        outputs[f"greedy_{i}"], outputs[f"greedy_margin_{i}"] = greedy(model, ids)
    save_file(outputs, folder / "outputs.safetensors")
    if llama_cpp and case in GGUF_CASES:
        convert(llama_cpp, model, saved, folder / "model.gguf")
    print(case, "logit std", float(outputs["logits_fp32_2"].std()), "smallest margin",
          min(float(outputs[f"greedy_margin_{i}"].min()) for i in range(len(SEQUENCES))))


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--llama-cpp", type=pathlib.Path)
    arguments = parser.parse_args()
    for name in arguments.cases:
        make(name, *CASES[name], arguments.llama_cpp)
