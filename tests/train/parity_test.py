"""Parity with transformers, run live: the same random weights and batches through both.

    parity_test.py PROBE wavlm|hubert|wav2vec2 [pytest arguments]

Logits, loss and the gradient of every parameter have to agree to 1e-4 of the largest reference value,
and the losses of ten AdamW steps, with the parameter groups of s2i-train, to 1e-3. Where a float32 gradient differs by more, double precision
decides: ours may be no further from it than twice transformers' own, or than float32's epsilon of the
model's largest gradient. The worst errors seen are printed at the end.
"""

import copy
import os
import subprocess
import sys

# Threads that wait for each other without spinning: the small shapes are all synchronization, and a
# busy machine would make that slow. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, min(2, os.cpu_count() or 1))))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

try:
    import numpy as np
    import pytest
    import torch
    from safetensors.torch import load_file, save_file
    import transformers
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TOLERANCE = 1e-4
LOSS_TOLERANCE = 1e-3
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.01  # of parameters with two dimensions or more
TYPES = {"wavlm": "WavLM", "hubert": "Hubert", "wav2vec2": "Wav2Vec2"}
TYPE = os.environ.get("S2I_PARITY_TYPE", "wavlm")
Config = getattr(transformers, TYPES[TYPE] + "Config")
Classifier = getattr(transformers, TYPES[TYPE] + "ForSequenceClassification")
# Gradients that are zero but for rounding have no largest value to compare with: ours have to be below
# ZERO of the model's largest gradient, or below transformers' own. Others are compared with at least
# FLOOR of it.
ZERO = 1e-6
FLOOR = 1e-5

worst = {what: (0, "") for what in (
    "logits", "loss", "gradient", "gradient where double decides", "AdamW losses")}

NO_DROPOUT = dict(
    hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0, feat_proj_dropout=0.0,
    final_dropout=0.0, layerdrop=0.0, apply_spec_augment=False)
SMALL = dict(
    hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=80,
    conv_dim=[32] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    classifier_proj_size=24, num_labels=5)
LARGE_LIKE = dict(SMALL, feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)

SHAPES = {
    "base-like": SMALL,
    "large-like": LARGE_LIKE,
    "group norm, pre-LayerNorm, conv bias": dict(SMALL, do_stable_layer_norm=True, conv_bias=True),
    "layer norm, post-LayerNorm": dict(SMALL, feat_extract_norm="layer"),
    "odd positional kernel, one group": dict(SMALL, num_conv_pos_embeddings=9,
                                             num_conv_pos_embedding_groups=1),
    "weighted layer sum": dict(SMALL, use_weighted_layer_sum=True),
    "weighted layer sum, pre-LayerNorm": dict(LARGE_LIKE, use_weighted_layer_sum=True),
    "few convolutions, strides beyond kernels": dict(
        SMALL, conv_dim=[24, 40, 56], conv_kernel=[7, 2, 4], conv_stride=[9, 3, 4],
        feat_extract_activation="relu"),
    "stride one, wide channels": dict(
        SMALL, conv_dim=[64, 72, 40], conv_kernel=[12, 5, 3], conv_stride=[8, 8, 1],
        conv_bias=True, hidden_act="gelu_new"),
    "one convolution": dict(SMALL, conv_dim=[48], conv_kernel=[400], conv_stride=[320],
                            hidden_act="silu", mask_time_prob=0.0),
    "one head": dict(SMALL, num_attention_heads=1, hidden_act="relu"),
}
# What only one type has.
OWN_SHAPES = {
    "wavlm": {
        "few buckets, one head": dict(SMALL, num_buckets=32, max_bucket_distance=40,
                                      num_attention_heads=1, hidden_act="relu"),
    },
    "hubert": {
        "no LayerNorm before the projection": dict(SMALL, feat_proj_layer_norm=False),
        "positional BatchNorm": dict(SMALL, conv_pos_batch_norm=True),
        "positional BatchNorm, pre-LayerNorm": dict(LARGE_LIKE, conv_pos_batch_norm=True,
                                                    num_conv_pos_embeddings=9),
    },
    "wav2vec2": {},
}
SHAPES.update(OWN_SHAPES[TYPE])


def make_model(shape, directory):
    torch.manual_seed(11)
    config = Config(**{**NO_DROPOUT, **shape})
    model = Classifier(config)
    # Norms, biases and gates too, which start at zero or one.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        for name, statistics in model.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                statistics.add_(torch.rand_like(statistics) * 0.5)
    model.save_pretrained(directory)
    return fixed_statistics(model.train())


def fixed_statistics(model):
    """The mean and variance of BatchNorm do not train in this project."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()
    return model


def minimum(config):
    rows = 1
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride)):
        rows = (rows - 1) * stride + kernel
    return rows


def make_case(lengths, labels, options, steps=0, seed=0):
    random = np.random.default_rng(seed)
    audio = torch.zeros(len(lengths), max(lengths))
    for row, length in zip(audio, lengths):
        row[:length] = torch.from_numpy(random.standard_normal(length).astype(np.float32))
    return dict(audio=audio, lengths=torch.tensor(lengths), labels=torch.tensor(labels),
                options=torch.tensor([*options, steps, 0]))


def reference(model, case, attention_mask):
    model.zero_grad(set_to_none=True)
    mask = None
    if attention_mask:
        mask = (torch.arange(case["audio"].shape[1])[None] < case["lengths"][:, None]).long()
    # A copy: transformers marks its input as requiring a gradient.
    result = model(case["audio"].clone(), attention_mask=mask)
    loss = torch.nn.functional.cross_entropy(result.logits, case["labels"])
    loss.backward()
    return result.logits.detach(), loss.detach()


def exact_gradients(model, case, attention_mask):
    """In double precision: some gradients of deep random models are sums that cancel almost to nothing,
    and there the float32 of transformers is as far off as ours."""
    double = copy.deepcopy(model).double()
    reference(double, dict(case, audio=case["audio"].double()), attention_mask)
    return {n: p.grad for n, p in double.named_parameters() if p.grad is not None}


def zero_gradient(config, parameter):
    """A key bias shifts all scores of a row alike; GroupNorm takes a channel's bias away."""
    return parameter.endswith("attention.k_proj.bias") or (
        config.feat_extract_norm == "group" and parameter.endswith("conv_layers.0.conv.bias"))


def note(what, error, where):
    if error > worst[what][0]:
        worst[what] = (error, where)


def compare(name, model, out, number, case):
    masked, attention, steps, _ = case["options"].tolist()
    where = f"{name}, case {number}"
    logits, loss = reference(model, case, masked or attention)
    error = (out[f"{number}.logits"] - logits).abs().max() / logits.abs().max()
    note("logits", error.item(), where)
    assert error <= TOLERANCE, f"{where}: logits differ by {error:.2e}"
    error = (out[f"{number}.loss"] - loss).abs() / loss.abs()
    note("loss", error.item(), where)
    assert error <= TOLERANCE, f"{where}: loss differs by {error:.2e}"

    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    largest = max(g.abs().max().item() for g in gradients.values())
    exact = None
    for parameter, grad in gradients.items():
        key = f"{number}.grad.{parameter}"
        if zero_gradient(model.config, parameter):
            theirs = grad.abs().max().item()
            assert theirs <= FLOOR * largest, f"{where}: {parameter}"
            assert out[key].abs().max().item() <= max(ZERO * largest, theirs), f"{where}: {parameter}"
            continue
        scale = max(grad.abs().max().item(), FLOOR * largest)
        error = (out[key] - grad).abs().max().item() / scale
        if error > TOLERANCE:  # which of the two is rounding?
            exact = exact or exact_gradients(model, case, masked or attention)
            theirs = (grad - exact[parameter]).abs().max().item() / scale
            error = (out[key] - exact[parameter]).abs().max().item() / scale
            note("gradient where double decides", error, f"{where}, {parameter}; transformers' {theirs:.2e}")
            rounding = torch.finfo(torch.float32).eps * largest / scale
            assert error <= max(TOLERANCE, 2 * theirs, rounding), (
                f"{where}: gradient of {parameter} is off by {error:.2e}, transformers' by {theirs:.2e}")
            continue
        note("gradient", error, f"{where}, {parameter}")
    ours = {key for key in out if key.startswith(f"{number}.grad.")}
    assert ours == {f"{number}.grad.{n}" for n in gradients}, where

    if steps:
        parameters = list(model.parameters())
        optimizer = torch.optim.AdamW(
            [{"params": [p for p in parameters if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
             {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0}], lr=LEARNING_RATE)
        losses = []
        for _ in range(steps):
            losses.append(reference(model, case, masked or attention)[1])
            optimizer.step()
        losses = torch.stack(losses)
        error = ((out[f"{number}.losses"] - losses).abs() / losses.abs()).max().item()
        note("AdamW losses", error, where)
        assert error <= LOSS_TOLERANCE, f"{where}: losses differ by {error:.2e}"


def run(name, shape, cases, directory):
    model = make_model(shape, directory)
    batches = {f"{n}.{key}": value for n, case in enumerate(cases(model.config))
               for key, value in case.items()}
    save_file(batches, directory / "batches.safetensors")
    subprocess.run([os.environ["S2I_PARITY_PROBE"], directory, directory / "batches.safetensors",
                    directory / "out.safetensors"], check=True)
    out = load_file(directory / "out.safetensors")
    for number, case in enumerate(cases(model.config)):
        compare(name, model, out, number, case)


# masked, use_attention_mask
MASKED, AS_TRANSFORMERS, PADDING_IS_AUDIO = (1, 1), (0, 1), (0, 0)


def grid_cases(config):
    # torch's GroupNorm refuses to train on a single frame, which one convolution may give, and the
    # variance of two is all rounding.
    shortest = minimum(config) + (4 * config.conv_stride[0] if len(config.conv_dim) == 1 else 0)
    # Without GroupNorm and BatchNorm transformers, too, gives a padded batch what its utterances give
    # alone.
    independent = config.feat_extract_norm == "layer" and not getattr(config, "conv_pos_batch_norm", False)
    return [
        make_case([shortest], [1], MASKED, seed=1),
        make_case([5137], [0], MASKED, seed=2),
        make_case([16001], [2], AS_TRANSFORMERS, seed=3),
        make_case([4001, 7777, shortest], [0, 3, 4], MASKED if independent else AS_TRANSFORMERS, seed=4),
        make_case([3999, 8000], [1, 2], PADDING_IS_AUDIO, seed=5),
        make_case([9001, 6407], [4, 1], AS_TRANSFORMERS, steps=10, seed=6),
    ]


@pytest.mark.parametrize("name", SHAPES)
def test_grid(name, tmp_path):
    run(name, SHAPES[name], grid_cases, tmp_path)


@pytest.mark.parametrize("name", ["base-like", "large-like"])
def test_thirty_seconds(name, tmp_path):
    run(name + ", 30 s", dict(SHAPES[name], num_hidden_layers=2, num_attention_heads=2),
        lambda config: [make_case([480000], [1], MASKED)], tmp_path)


def rename_old_weight_norm(state):
    ends = {"parametrizations.weight.original0": "weight_g",
            "parametrizations.weight.original1": "weight_v"}
    for new, old in ends.items():
        key = f"{TYPE}.encoder.pos_conv_embed.conv.{new}"
        state[key.replace(new, old)] = state.pop(key)
    return state


@pytest.mark.parametrize("form", ["safetensors", "torch.save", "torch.save, old names", "shards"])
def test_saved_forms(form, tmp_path):
    """Every form of the weights gives the same logits, and so does what we save, in transformers."""
    model = make_model(SMALL, tmp_path)
    if form.startswith("torch.save"):
        (tmp_path / "model.safetensors").unlink()
        state = model.state_dict()
        torch.save(rename_old_weight_norm(state) if "old" in form else state,
                   tmp_path / "pytorch_model.bin")
    if form == "shards":
        (tmp_path / "model.safetensors").unlink()
        model.save_pretrained(tmp_path, max_shard_size="50KB")
        assert (tmp_path / "model.safetensors.index.json").exists()
    case = make_case([6000], [2], MASKED)
    save_file({f"0.{key}": value for key, value in case.items()}, tmp_path / "batches.safetensors")
    subprocess.run([os.environ["S2I_PARITY_PROBE"], tmp_path, tmp_path / "batches.safetensors",
                    tmp_path / "out.safetensors", tmp_path / "saved"], check=True)
    ours = load_file(tmp_path / "out.safetensors")["0.logits"]
    again, report = Classifier.from_pretrained(
        tmp_path / "saved", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert again.config.num_labels == 5
    for reference_model in (model, again):
        logits = reference_model.eval()(case["audio"]).logits
        assert (ours - logits).abs().max() <= TOLERANCE * logits.abs().max()


# The published shapes; Large for WavLM alone, which takes a minute.
REAL = {
    "Base": (dict(num_labels=14), [(MASKED, [9999], 0), (AS_TRANSFORMERS, [8000, 6001], 10)]),
    "Large": (dict(num_labels=14, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
                   intermediate_size=4096, feat_extract_norm="layer", do_stable_layer_norm=True,
                   conv_bias=True), [(AS_TRANSFORMERS, [7999, 5001], 0)]),
}


@pytest.mark.parametrize("name", REAL if TYPE == "wavlm" else ["Base"])
def test_real_configurations(name, tmp_path):
    shape, cases = REAL[name]
    run(name, shape, lambda config: [
        make_case(lengths, [3, 11][:len(lengths)], options, steps=steps)
        for options, lengths, steps in cases], tmp_path)


if __name__ == "__main__":
    os.environ["S2I_PARITY_PROBE"] = os.path.abspath(sys.argv[1])
    os.environ["S2I_PARITY_TYPE"] = sys.argv[2]  # before pytest imports this file again
    status = pytest.main([__file__, "-q", "-p", "no:cacheprovider", *sys.argv[3:]])
    # pytest has imported this file once more, under its own name.
    for what, (error, where) in sys.modules["parity_test"].worst.items():
        print(f"worst {what}: {error:.2e} ({where})")
    sys.exit(status)
