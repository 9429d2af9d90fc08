"""Real speech: spoken digits, from the small pretrained model, as a person would run it.

Needs the Free Spoken Digit Dataset in the layout of Skit-S2I, in the folder $S2I_FSDD; skips without it.
"""

import json
import os
from pathlib import Path

import pytest
from conftest import run

FSDD = os.environ.get("S2I_FSDD")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not FSDD, reason="S2I_FSDD does not name a folder with spoken digits")
def test_spoken_digits_reach_95_percent(tmp_path):
    shards, folder, report = tmp_path / "shards", tmp_path / "run", tmp_path / "report"
    run("s2i-preprocess", "--corpus", FSDD, "--split", "train,test", "--out", shards)
    run("s2i-train", ROOT / "configs/fsdd.yaml", f"data.dir={shards}", f"run.dir={folder}",
        f"model.init={ROOT / 'models/wavlm-tiny'}", ranks=2, timeout=900)
    run("s2i-evaluate", "--model", folder / "best/model", "--data", shards, "--out", report, ranks=2)
    assert json.loads((report / "evaluation.json").read_text())["accuracy"] >= 0.95
