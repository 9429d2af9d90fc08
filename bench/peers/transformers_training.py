"""Training with transformers for compare_training.py, with the same shards, batches and initial weights as
s2i-train. Uses Lightning, like the script that this project replaces, or a plain loop."""

import json
import logging
import pathlib
import time
import warnings

import h5py
import numpy as np
import torch
from transformers import WavLMForSequenceClassification

try:
    import lightning
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
except ImportError:
    lightning = None


class Shards(torch.utils.data.Dataset):
    """Utterances of SHARDS/SPLIT by index, normalized like Wav2Vec2FeatureExtractor."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        self.paths = [folder / shard["file"] for shard in manifest["shards"]]
        self.files = None  # opened lazily, because h5py handles cannot be passed to worker processes
        self.location, self.labels = [], []
        for number, path in enumerate(self.paths):
            with h5py.File(path) as file:
                offsets = file["offset"][:].astype(np.int64)
                self.location += [(number, a, b) for a, b in zip(offsets[:-1], offsets[1:])]
                self.labels += file["label"][:].tolist()

    def __len__(self):
        return len(self.location)

    def __getitem__(self, index):
        if self.files is None:
            self.files = [h5py.File(path)["audio"] for path in self.paths]
        number, begin, end = self.location[index]
        audio = self.files[number][begin:end]
        audio = audio.astype(np.float32) / (32768 if audio.dtype == np.int16 else 1)
        audio = (audio - audio.mean()) / np.sqrt(audio.var() + 1e-7)
        return torch.from_numpy(audio.astype(np.float32)), self.labels[index]


def pad(utterances):
    audio = torch.nn.utils.rnn.pad_sequence([a for a, _ in utterances], batch_first=True)
    return audio, torch.tensor([label for _, label in utterances])


class Recipe:
    """Model, optimizer and device of a run."""

    def __init__(self, model, device, bf16, adam, learning_rate, frozen):
        self.device, self.bf16 = torch.device(device), bf16
        self.model = WavLMForSequenceClassification.from_pretrained(model).train().to(self.device)
        if frozen:
            self.model.freeze_feature_encoder()
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        if adam:
            self.optimizer = torch.optim.Adam(parameters, lr=learning_rate)
        else:  # no weight decay for biases and norms, as in s2i-train
            groups = [dict(params=[p for p in parameters if p.dim() >= 2], weight_decay=0.01),
                      dict(params=[p for p in parameters if p.dim() < 2], weight_decay=0.0)]
            self.optimizer = torch.optim.AdamW(groups, lr=learning_rate, fused=True)

    def loss(self, audio, labels):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.model(audio).logits
        return torch.nn.functional.cross_entropy(logits.float(), labels)


def loader(shards, plan, device):
    workers = 4 if device == "cuda" else 0
    return torch.utils.data.DataLoader(Shards(shards), batch_sampler=plan, collate_fn=pad,
                                       num_workers=workers, pin_memory=device == "cuda",
                                       persistent_workers=workers > 0)


def plain_loop(recipe, batches):
    losses, ends = [], [time.perf_counter()]
    for audio, labels in batches:
        audio = audio.to(recipe.device, non_blocking=True)
        labels = labels.to(recipe.device, non_blocking=True)
        recipe.optimizer.zero_grad(set_to_none=True)
        loss = recipe.loss(audio, labels)
        loss.backward()
        recipe.optimizer.step()
        losses.append(loss.item())
        ends.append(time.perf_counter())
    return losses, np.diff(ends).tolist()


def lightning_loop(recipe, batches):
    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = recipe.model

        def training_step(self, batch, _):
            return recipe.loss(*batch)

        def configure_optimizers(self):
            return recipe.optimizer

    class Clock(lightning.Callback):
        def on_train_start(self, *_):
            self.losses, self.ends = [], [time.perf_counter()]

        def on_train_batch_end(self, trainer, module, outputs, *_):
            self.losses.append(float(outputs["loss"]))
            self.ends.append(time.perf_counter())

    clock = Clock()
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="gpu" if recipe.device.type == "cuda" else "cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, callbacks=[clock])
    trainer.fit(Module(), batches)
    return clock.losses, np.diff(clock.ends).tolist()


def train(model, shards, plan, device, bf16, adam, learning_rate, frozen, use_lightning):
    """Returns the loss and the seconds of each step of `plan`, a list of lists of utterance indices."""
    torch.manual_seed(0)
    recipe = Recipe(model, device, bf16, adam, learning_rate, frozen)
    loop = lightning_loop if use_lightning else plain_loop
    return loop(recipe, loader(shards, plan, device))
