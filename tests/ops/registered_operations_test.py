"""Every program that computes has every operation with its kernels: none was dropped by the linker.

The operations are those of src/ops, their kernels those that its sources register.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ["S2I_BIN"])
LIST_OPERATIONS = BIN.parent / "lib" / "libs2i_list_operations.so"
CACHE = (BIN.parent / "CMakeCache.txt").read_text()

pytestmark = pytest.mark.skipif("S2I_SANITIZE:STRING=\n" not in CACHE,
                                reason="a sanitizer has to be the first library of a program")

# What trains, predicts or benchmarks. Other programs have all of the operations or none.
COMPUTING = ["s2i-train", "s2i-evaluate", "s2i-predict", "s2i-make-random-model", "s2i-bench", "ops_bench",
             "train_step_bench", "device_compare", "ops_test"]


def operations_of_sources(with_cuda):
    """name -> the dispatch keys that the sources register kernels for."""
    expected = {}
    sources = [path.read_text() for path in (ROOT / "src/ops").rglob("*.cc")
               if with_cuda or not path.name.endswith("_cuda.cc")]
    for text in sources:
        text = re.sub(r'"\s*"', "", text)  # joins string literals
        for block in re.findall(r"TORCH_LIBRARY_FRAGMENT\(s2i, library\) \{(.*?)\n?\}\n", text, re.DOTALL):
            for name in re.findall(r'\.def\(\s*"(\w+)\(', block):
                expected.setdefault("s2i::" + name, set())
    for text in sources:
        for key, block in re.findall(r"TORCH_LIBRARY_IMPL\(s2i, (\w+), library\) \{(.*?)\n?\}\n", text, re.DOTALL):
            for name in re.findall(r'\.impl\(\s*"(\w+)"', block):
                expected["s2i::" + name].add(key)
    return expected


def registered_operations(program):
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=True,
                          env=dict(os.environ, LD_PRELOAD=str(LIST_OPERATIONS)))
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: set(keys) for name, *keys in lines}


def links_libtorch(program):
    done = subprocess.run(["readelf", "-d", program], capture_output=True, text=True)
    return "libtorch_cpu" in done.stdout


WITH_CUDA = "libtorch_cuda" in subprocess.run(["readelf", "-d", BIN / "s2i-train"], capture_output=True,
                                              text=True).stdout
EXPECTED = operations_of_sources(WITH_CUDA)
IN_PLACE = {"s2i::adam_update"}  # without a gradient


def test_the_sources_have_an_operation_per_folder():
    # A folder without an operation of its own name has no public function that the dispatcher serves.
    folders = {path.name for path in (ROOT / "src/ops").iterdir() if path.is_dir()} - {"simd"}
    assert folders == {name.removeprefix("s2i::") for name in EXPECTED if not name.endswith("_backward")}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_operation_has_kernels_for_every_device(name):
    keys = EXPECTED[name]
    everywhere = keys & {"CompositeExplicitAutograd", "CompositeImplicitAutograd"}
    assert everywhere or {"CPU", "Meta"} <= keys and ("CUDA" in keys or not WITH_CUDA), keys
    if not name.endswith("_backward") and name not in IN_PLACE:
        assert keys & {"Autograd", "CompositeImplicitAutograd"}, keys


@pytest.mark.parametrize("program", COMPUTING)
def test_a_program_that_computes_has_every_operation(program):
    assert registered_operations(BIN / program) == EXPECTED


def test_other_programs_have_every_operation_or_none():
    others = [path for path in sorted(BIN.iterdir())
              if path.name not in COMPUTING and os.access(path, os.X_OK) and links_libtorch(path)]
    wrong = {path.name: found for path in others if (found := registered_operations(path)) not in ({}, EXPECTED)}
    assert not wrong
