"""The FLOP that s2i-bench counts are those that PyTorch counts in transformers."""

import json
import os
import subprocess
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

BIN = Path(os.environ.get("S2I_BIN", "build/release/bin")).resolve()


@pytest.mark.parametrize("encoder", ["WavLM", "Hubert", "Wav2Vec2"])
@pytest.mark.parametrize("frozen", [False, True])
def test_flop_agree_with_pytorchs_own_count(tmp_path, encoder, frozen):
    # A narrow model with the published convolutions: forward and backward in seconds. One group in the
    # positional convolution: of several, PyTorch counts the gradient of the weights as if they were one.
    config = getattr(transformers, encoder + "Config")(
        hidden_size=128, num_hidden_layers=3, num_attention_heads=4, intermediate_size=512,
        conv_dim=(64,) * 7, num_labels=14, layerdrop=0.0, mask_time_prob=0.0, hidden_dropout=0.0,
        activation_dropout=0.0, attention_dropout=0.0, classifier_proj_size=16, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=1)
    torch.manual_seed(0)
    # Eager attention: PyTorch does not count the products of its fused form on the CPU.
    config._attn_implementation = "eager"
    model = getattr(transformers, encoder + "ForSequenceClassification")(config)
    model.save_pretrained(tmp_path / "model")
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path / "model")
    if frozen:
        model.freeze_feature_encoder()

    # batch.length_multiple makes every utterance so long.
    samples = 10 * 16000
    out = tmp_path / "train.json"
    subprocess.run([BIN / "s2i-bench", "train", f"model.init={tmp_path}/model", "batch.global=1",
                    f"batch.length_multiple={samples}", "run.threads=1", "run.device=cpu",
                    f"model.freeze_feature_encoder={'true' if frozen else 'false'}",
                    "--utterances", "2", "--warmup", "0", "--steps", "1", "--json", out],
                   check=True, capture_output=True, timeout=120)
    ours = json.loads(out.read_text())["flop_per_step"]

    model.train()
    with FlopCounterMode(display=False) as counter:
        logits = model(torch.zeros(1, samples)).logits
        logits.sum().backward()
    # transformers applies the projector to every frame and computes one more positional frame and the audio's gradient.
    assert ours == pytest.approx(counter.get_total_flops(), rel=0.03)
