"""What a training step would do on a GPU, seen on the meta device: the shipped step, all encoders and types.

python meta_step_test.py --print    prints the table of docs/benchmarks.md
"""

import collections
import os
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from recorder import Recorder  # noqa: E402

BIN = Path(os.environ.get("S2I_BIN", Path(__file__).resolve().parents[3] / "build/release/bin"))
LIBRARY = BIN.parent / "lib" / "libs2i_meta_training.so"
CACHE = (BIN.parent / "CMakeCache.txt").read_text()
if "S2I_SANITIZE:STRING=\n" not in CACHE:
    pytest.skip("a sanitizer has to be the first library of a program", allow_module_level=True)
torch.classes.load_library(str(LIBRARY))

TYPES = ["wavlm", "hubert", "wav2vec2"]
PADDED = [30000, 40000, 48000]
SECONDS_4 = [64000] * 32  # B=32, T=199

# Upper bounds for a step of WavLM Base, bf16, 32 utterances of 4 s, feature encoder frozen or trained. A change that
# lowers a figure lowers its bound.
BOUNDS = {
    "frozen": {"kernels": 1176, "copies": 168, "host copies": 4, "MB written": 21448, "MB written per layer": 1599},
    "trained": {"kernels": 1200, "copies": 169, "host copies": 4, "MB written": 22839, "MB written per layer": 1598},
}


def training(model_type="wavlm", shape="tiny", layers=0, bf16=True, frozen=True):
    return torch.classes.s2i_test.MetaTraining(model_type, shape, layers, bf16, frozen)


def recorded(action):
    with Recorder() as record:
        action()
    return record


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("lengths", [PADDED, [48000] * 3], ids=["padded", "equal"])
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "trained"])
def test_a_step_has_nothing_that_a_gpu_suffers_from(model_type, bf16, lengths, frozen):
    model = training(model_type, bf16=bf16, frozen=frozen)
    record = recorded(lambda: model.step(lengths))
    assert "adam_update" in record.kernels  # the step was taken whole
    assert not record.problems


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_a_prediction_has_nothing_that_a_gpu_suffers_from(model_type, bf16):
    model = training(model_type, bf16=bf16)
    record = recorded(lambda: model.predict(PADDED))
    assert record.kernels
    assert not record.problems


def figures(frozen):
    """The figures of BOUNDS, and the counts of the most frequent operations."""
    def a_step(layers):
        model = training("wavlm", "base", layers, frozen=frozen)
        return recorded(lambda: model.step(SECONDS_4))
    whole, fewer = a_step(12), a_step(11)
    count = collections.Counter(whole.kernels)
    return {
        "kernels": len(whole.kernels),
        "copies": count["_to_copy"] + count["copy_"] + count["clone"],
        "host copies": whole.host_copies,
        "MB written": round(whole.bytes_written / 1e6),
        "MB written per layer": round((whole.bytes_written - fewer.bytes_written) / 1e6),
    }, count


@pytest.mark.parametrize("kind", BOUNDS)
def test_counts_stay_within_their_bounds(kind):
    measured, _ = figures(kind == "frozen")
    for name, bound in BOUNDS[kind].items():
        assert measured[name] <= bound, name
        assert measured[name] >= 0.9 * bound, f"{name} fell to {measured[name]}: lower its bound"


# The checks find what they are for.

def meta(*shape, dtype=torch.float32):
    return torch.empty(*shape, device="meta", dtype=dtype)


@pytest.mark.parametrize("action, problem", [
    (lambda: meta(4).index_add_(0, meta(2, dtype=torch.long), meta(2)), "not deterministic"),
    (lambda: torch.ops.aten.masked_fill(meta(3), torch.ones(3, dtype=bool), 0), "host tensor"),
    (lambda: torch.ops.aten.mm(meta(2, 3), meta(3, 2, dtype=torch.bfloat16)), "mixes"),
], ids=["index_add", "host mask", "mixed types"])
def test_planted_faults_are_found(action, problem):
    with Recorder() as record:
        try:
            action()
        except RuntimeError:  # some of them are refused as well
            pass
    assert any(problem in found for found in record.problems), record.problems


def test_values_of_meta_tensors_cannot_be_read():
    with pytest.raises((RuntimeError, NotImplementedError)):
        meta(1).item()
    with pytest.raises((RuntimeError, NotImplementedError)):
        meta(3)[meta(3, dtype=torch.bool)]


def test_copies_and_bytes_are_counted():
    def action():
        torch.ones(10).to("meta")  # from the host
        a = meta(100).to(torch.bfloat16)  # 200 bytes
        a.view(10, 10).add_(1)  # 200 bytes
    record = recorded(action)
    assert record.host_copies == 1
    assert record.kernels == ["_to_copy", "add_"]
    assert record.bytes_written == 400


if __name__ == "__main__" and "--print" in sys.argv:
    print("| per step | frozen | trained |\n|---|---|---|")
    (frozen, _), (trained, count) = figures(True), figures(False)
    for key in frozen:
        print(f"| {key} | {frozen[key]} | {trained[key]} |")
    print("\n" + ", ".join(f"{name} {number}" for name, number in count.most_common(20)))
