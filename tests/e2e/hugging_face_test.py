"""Model folders as transformers accepts them: both load a folder and agree, or the program names what is wrong."""

import json
import shutil

import pytest
from conftest import run

np = pytest.importorskip("numpy", reason="numpy is not installed")
sf = pytest.importorskip("soundfile", reason="soundfile is not installed")
torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

RATE = 16000
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 378352482\n"


@pytest.fixture(scope="module")
def audio(tmp_path_factory):
    """Loud and with an offset, so that normalization changes the logits."""
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    samples = 0.4 + 0.3 * np.random.default_rng(0).standard_normal(6000)
    sf.write(path, samples.astype(np.float32), RATE, subtype="FLOAT")
    return path


@pytest.fixture
def folder(model, tmp_path):
    return shutil.copytree(model, tmp_path / "copy")


def edit(folder, name, **members):
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def by_transformers(folder, audio):
    """[(label, logit), ...] in the order of the classes."""
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model = transformers.AutoModelForAudioClassification.from_pretrained(folder).eval()
    samples, rate = sf.read(audio, dtype="float32")
    inputs = extractor(samples, sampling_rate=rate, return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits[0].tolist()
    return [(str(model.config.id2label[i]), logit) for i, logit in enumerate(logits)]


def by_program(folder, audio):
    done = run("s2i-predict", "--model", folder, "--json", audio)
    return list(json.loads(done.stdout)["logits"].items())


def assert_equal(folder, audio):
    expected, found = by_transformers(folder, audio), by_program(folder, audio)
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert np.allclose([v for _, v in found], [v for _, v in expected], atol=1e-4, rtol=1e-4)
    return [logit for _, logit in found]


def refusal(folder, audio):
    done = run("s2i-predict", "--model", folder, audio, check=False)
    assert done.returncode == 2 and done.stdout == "", done.stderr
    return done.stderr


def test_a_processor_config_alone(folder, audio):
    expected = assert_equal(folder, audio)
    extractor = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    assert "neither preprocessor_config.json nor a processor_config.json" in refusal(folder, audio)
    for key in ("feature_extractor", "audio_processor"):
        (folder / "processor_config.json").write_text(json.dumps({"processor_class": "Wav2Vec2Processor", key: extractor}))
        assert assert_equal(folder, audio) == expected


def test_a_processor_as_transformers_saves_it(folder, audio):
    transformers.AutoFeatureExtractor.from_pretrained(folder).save_pretrained(folder)
    model = transformers.AutoModelForAudioClassification.from_pretrained(folder)
    model.save_pretrained(folder)
    assert_equal(folder, audio)


def test_the_processor_config_takes_precedence(folder, audio):
    extractor = json.loads((folder / "preprocessor_config.json").read_text())
    other = {**extractor, "do_normalize": not extractor["do_normalize"]}
    expected = assert_equal(folder, audio)
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": other}))
    assert assert_equal(folder, audio) != expected


def test_a_sampling_rate_with_a_fraction(folder, audio):
    edit(folder, "preprocessor_config.json", sampling_rate=16000.0)
    assert_equal(folder, audio)
    edit(folder, "preprocessor_config.json", sampling_rate=16000.5)
    assert '"sampling_rate" is 16000.5' in refusal(folder, audio)


def test_do_normalize(folder, audio):
    logits = {}
    for value in (True, False, None, 0, 1):
        edit(folder, "preprocessor_config.json", do_normalize=value)
        logits[str(value)] = assert_equal(folder, audio)
    assert logits["None"] == logits["False"] == logits["0"] != logits["True"]
    assert logits["1"] == logits["True"]
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "do_normalize"}))
    assert assert_equal(folder, audio) == logits["True"]
    edit(folder, "preprocessor_config.json", do_normalize="false")
    assert '"do_normalize" is "false"' in refusal(folder, audio)


@pytest.mark.parametrize("members", [
    {"id2label": {"0": 3, "1": 5, "2": 7, "3": -1}},
    {"id2label": {"00": "a", "01": "b", "02": "c", "03": "d"}},
    {"id2label": {"3": "d", "2": "c", "1": "b", "0": "a"}},
    {"id2label": None, "num_labels": 4},
    {"id2label": {"0": "a", "1": "b"}, "num_labels": 4},
], ids=["integers", "leading zeros", "reversed", "num_labels", "another num_labels"])
def test_labels(folder, audio, members):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for key in ("id2label", "label2id", "num_labels"):
        config.pop(key, None)
    path.write_text(json.dumps({**config, **members}))
    assert_equal(folder, audio)


def test_two_equal_labels_are_rejected(folder, audio):
    edit(folder, "config.json", id2label={"0": "a", "1": "b", "2": "a", "3": "c"})
    assert "two classes have the name 'a'" in refusal(folder, audio)


def test_git_lfs_pointers_are_named(folder, model, audio, tmp_path):
    for name in ("model.safetensors", "config.json", "preprocessor_config.json"):
        (folder / name).write_text(LFS_POINTER)
        assert f"{name}: a Git LFS pointer instead of the file: run `git lfs pull`" in refusal(folder, audio)
        shutil.copy(model / name, folder / name)
    (tmp_path / "pointer.wav").write_text(LFS_POINTER)
    done = run("s2i-predict", "--model", folder, tmp_path / "pointer.wav", check=False)
    assert done.returncode == 1 and "pointer.wav: a Git LFS pointer instead of audio: run `git lfs pull`" in done.stderr


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_a_prefix_of_all_names_is_named(folder, audio, prefix):
    state = transformers.AutoModelForAudioClassification.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save({prefix + name: value for name, value in state.items()}, folder / "pytorch_model.bin")
    assert f'its tensor names begin with "{prefix}"' in refusal(folder, audio)
    torch.save(state, folder / "pytorch_model.bin")
    assert_equal(folder, audio)


def save_with(folder, edit_state):
    model = transformers.AutoModelForAudioClassification.from_pretrained(folder)
    with torch.no_grad():
        edit_state(model)
    model.save_pretrained(folder)


def put_nonfinite(model):
    model.classifier.bias[1] = float("nan")
    model.wavlm.encoder.layer_norm.weight[:3] = float("inf")


def test_weights_that_are_not_finite_are_rejected_everywhere(folder, audio, shards, train, settings):
    save_with(folder, put_nonfinite)
    commands = {
        "predict": lambda: run("s2i-predict", "--model", folder, "--json", audio, check=False),
        "evaluate": lambda: run("s2i-evaluate", "--model", folder, "--data", shards, check=False),
        "train": lambda: train("run", f"model.init={folder}", check=False)[1],
    }
    for name, command in commands.items():
        done = command()
        assert done.returncode == 2 and done.stdout == "", (name, done.stderr)
        assert "model.safetensors has NaN or infinite values in 2 tensors: " in done.stderr, name
        assert "classifier.bias (1 of 4 values)" in done.stderr, name
        assert "wavlm.encoder.layer_norm.weight (3 of " in done.stderr, name


def make_logits_overflow(model):
    """Finite weights whose logits are not."""
    model.classifier.weight.fill_(3e38)
    model.projector.bias.fill_(3e38)


def test_logits_that_are_not_finite_are_errors(folder, audio, shards):
    save_with(folder, make_logits_overflow)
    for options in ([], ["--json"]):
        done = run("s2i-predict", "--model", folder, *options, audio, check=False)
        assert done.returncode == 1 and done.stdout == ""
        assert "a.wav: the logits are NaN or infinite" in done.stderr
    for ranks in (None, 2):
        done = run("s2i-evaluate", "--model", folder, "--data", shards, "--json", ranks=ranks, check=False)
        assert done.returncode == 1 and done.stdout == "", done.stderr
        assert done.stderr.count("the logits of 20 utterances are NaN or infinite; ids: ") == 1, done.stderr
        assert f"{shards / 'test'}: " in done.stderr and "and 10 more" in done.stderr


def test_a_head_without_names_is_evaluated_in_the_order_of_the_intents(folder, shards):
    """The random model has LABEL_0 to LABEL_3; transformers gives these names to heads without any."""
    done = run("s2i-evaluate", "--model", folder, "--data", shards, "--json")
    assert "has no intent names, only LABEL_0 to LABEL_3; assuming the order of the intents" in done.stderr
    unnamed = json.loads(done.stdout)
    edit(folder, "config.json", id2label=dict(enumerate(unnamed["intents"])))
    done = run("s2i-evaluate", "--model", folder, "--data", shards, "--json")
    assert "has no intent names" not in done.stderr
    assert json.loads(done.stdout) == unnamed
    edit(folder, "config.json", id2label={"0": "LABEL_1", "1": "LABEL_0", "2": "LABEL_2", "3": "LABEL_3"})
    done = run("s2i-evaluate", "--model", folder, "--data", shards, check=False)
    assert done.returncode == 2 and "intent 0 is 'LABEL_1'" in done.stderr


def test_replace_head_replaces_a_head_for_the_same_intents(train, trained):
    model = trained / "best/model"
    kept, done = train("kept", f"model.init={model}", "train.max_steps=1")
    assert "initialized at random" not in done.stderr
    new, done = train("new", f"model.init={model}", "train.max_steps=1", "model.replace_head=true")
    assert "initialized at random: projector.weight, projector.bias, classifier.weight, classifier.bias" in done.stderr
    first_loss = [json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])["loss"] for folder in (kept, new)]
    assert first_loss[0] != first_loss[1]
    # A resumed run keeps the head that it has trained.
    _, done = train("new", f"model.init={model}", "train.max_steps=2", "model.replace_head=true")
    assert "resuming from" in done.stderr and "initialized at random" not in done.stderr
