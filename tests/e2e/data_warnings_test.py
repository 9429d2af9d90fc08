"""Data that cannot give what the settings ask for: one warning each at the start, or a refusal."""

import csv
import os
import shutil

import pytest
from conftest import INTENTS, run

np = pytest.importorskip("numpy")


def warnings(done):
    return [line for line in done.stderr.splitlines() if " warning " in line]


@pytest.fixture(scope="session")
def make_shards(corpus, tmp_path_factory):
    """make_shards(train=lambda row: bool, test=...) -> shards of the rows that are kept."""

    def make(**keep):
        folder = tmp_path_factory.mktemp("rows")
        shutil.copytree(corpus, folder / "corpus")
        for split, kept in keep.items():
            path = folder / "corpus" / f"{split}.csv"
            with open(path, newline="") as file:
                header, *rows = csv.reader(file)
            with open(path, "w", newline="") as file:
                csv.writer(file).writerows([header, *(row for row in rows if kept(row))])
        run("s2i-preprocess", "--corpus", folder / "corpus", "--split", "train,test", "--out", folder / "shards")
        return folder / "shards"

    return make


def start(train, shards, *overrides, check=True):
    return train("run", f"data.dir={shards}", "data.test_split=", "train.max_steps=1", *overrides, check=check)[1]


def test_complete_data_gives_no_warning(train):
    done = train("run", "train.max_steps=2", "schedule.warmup_steps=1")[1]
    assert warnings(done) == []


def test_one_intent_is_refused(train, make_shards):
    done = start(train, make_shards(train=lambda row: row[1] == "2"), check=False)
    assert done.returncode == 2 and "fewer than two intents have training utterances" in done.stderr


def test_intents_without_utterances_are_named(train, make_shards):
    shards = make_shards(train=lambda row: row[1] != "2", test=lambda row: row[1] != "0")
    done = start(train, shards, "data.validation_split=test")
    found = warnings(done)
    assert f"1 intent ({INTENTS[2]}) without training utterances" in found[0]
    assert f"1 intent ({INTENTS[0]}) without validation utterances" in found[1]


def test_the_only_utterance_of_an_intent_is_trained_on(train, make_shards):
    seen = []

    def keep(row):
        seen.append(row[1])
        return row[1] != "1" or seen.count("1") == 1

    found = warnings(start(train, make_shards(train=keep), "data.validation_fraction=0.9"))
    assert len(found) == 1 and f"1 intent ({INTENTS[1]}) without validation utterances" in found[0], found


def test_settings_that_need_validation(train):
    done = train("run", "data.validation_fraction=0", "train.early_stop_patience=2", "train.best_metric=f1_macro",
                 "train.max_steps=1", "schedule.warmup_steps=0")[1]
    found = warnings(done)
    assert len(found) == 2, found
    assert "train.early_stop_patience=2 has no effect" in found[0] and "train.best_metric=f1_macro has no effect" in found[1]


def test_splits_that_are_not_independent(train, shards, tmp_path):
    again = tmp_path / "shards"
    shutil.copytree(shards, again)
    shutil.copytree(again / "test", again / "copy_of_test")
    cases = {
        ("data.validation_split=test",): ["data.validation_split=test is the test data"],
        ("data.validation_split=copy_of_test",): ["data.validation_split=copy_of_test is the test data"],
        ("data.validation_split=train",): ["data.validation_split=train is the data that the run trains on"],
        ("data.test_split=train",): ["data.test_split=train is the data that the run trains on"],
    }
    for number, (overrides, expected) in enumerate(cases.items()):
        done = train(f"run{number}", f"data.dir={again}", "train.max_steps=1", "schedule.warmup_steps=0", *overrides)[1]
        found = warnings(done)
        assert len(found) == len(expected), found
        for line, text in zip(found, expected):
            assert text in line


@pytest.mark.parametrize("bound", [True, False])
def test_processors_that_mpirun_leaves_idle(train, bound):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two processors")
    environment = {"OMPI_MCA_hwloc_base_binding_policy": "hwthread" if bound else "none"}
    done = train("run", "train.max_steps=1", "data.test_split=", ranks=1, environment=environment)[1]
    found = [line for line in warnings(done) if "mpirun bound the 1 rank on" in line]
    if bound and not found and "--bind-to" not in done.stderr and "not bound" in done.stderr:
        pytest.skip("binding is not permitted here")
    assert len(found) == (1 if bound else 0), done.stderr


def test_a_warm_up_longer_than_the_run(train):
    done = train("run", "train.max_steps=3", "schedule.warmup_steps=3", "data.test_split=", ranks=2)[1]
    assert len(warnings(done)) == 1
    assert "schedule.warmup_steps=3 is not below the 3 steps of the run" in done.stderr
