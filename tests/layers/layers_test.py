"""Checks which folder may include which: an include that is not in the table must fail to compile.

The include directories come from compile_commands.json of the build folder.
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["S2I_BIN"]).parent

# folder -> the folders whose headers it may include. Anything else is an error.
ALLOWED = {
    "src/core": "",
    "src/audio": "src/core",
    "src/data": "src/core src/audio",
    "src/ops": "src/core",
    "src/weights": "src/core",
    "src/nn": "src/core src/weights src/ops",
    "src/encoders": "src/core src/weights src/nn src/ops",
    "src/classification": "src/core src/data src/weights src/encoders src/nn src/ops",
    "src/optim": "src/core src/weights src/ops",
    "src/checkpoint": "src/core src/weights",
    "cluster/comm": "src/core",
    "cluster/reduce": "src/core cluster/comm",
    "cluster/placement": "src/core cluster/comm",
    "cluster/health": "src/core cluster/comm",
    "src/tensorboard": "src/core",
    "src/report": "src/core src/data src/classification preprocess",
    "src/train": "src/core src/data src/weights src/encoders src/nn src/ops src/classification src/optim src/checkpoint"
                 " src/tensorboard src/report cluster/comm cluster/reduce cluster/placement cluster/health",
    "preprocess": "src/core src/audio src/data",
}


def own_header(folder):
    """A header of the folder, in the form used in #include."""
    header = sorted((ROOT / folder).rglob("*.h"))[0]
    return str(header.relative_to(ROOT)).removeprefix("src/")


def compile_flags():
    """Folder -> include flags of its sources."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        source = Path(entry["file"])
        if source.suffix != ".cc" or not source.is_relative_to(ROOT):
            continue
        relative = str(source.relative_to(ROOT))
        for folder in ALLOWED:
            # Use the longest list: a folder may have one library with and one without LibTorch.
            words = shlex.split(entry["command"])
            if relative.startswith(folder + "/") and "_main" not in relative:
                own = [w for w in words if w.startswith("-I") and "/include/" in w]
                if len(own) > len(flags.get(folder, [])):
                    flags[folder] = own
    return flags


FLAGS = compile_flags()
COMPILER = os.environ.get("CXX", "c++")


def try_include(folder, header):
    return subprocess.run([COMPILER, "-std=c++20", *FLAGS[folder], "-E", "-x", "c++", "-"],
                          input=f'#if !__has_include("{header}")\n#error "{header} is out of reach"\n#endif\n',
                          capture_output=True, text=True, cwd=BUILD)


def test_the_table_has_every_folder_with_headers():
    folders = {str(path.parent.relative_to(ROOT)) for top in ("src", "cluster", "preprocess")
               for path in (ROOT / top).rglob("CMakeLists.txt") if list(path.parent.rglob("*.h"))}
    assert folders - {"src/apps", "cluster"} == set(ALLOWED)


@pytest.mark.parametrize("folder", ALLOWED)
def test_an_allowed_include_compiles(folder):
    for other in [folder, *ALLOWED[folder].split()]:
        done = try_include(folder, own_header(other))
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder,other", [(f, o) for f in ALLOWED for o in [*ALLOWED, "bench/s2i_bench", "src/apps"]
                                          if o != f and o not in ALLOWED[f].split()])
def test_a_forbidden_include_does_not_compile(folder, other):
    done = try_include(folder, own_header(other))
    assert done.returncode != 0 and "out of reach" in done.stderr, f"{folder} can include {own_header(other)}"
