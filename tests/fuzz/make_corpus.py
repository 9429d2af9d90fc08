#!/usr/bin/env python3
"""Writes the seed corpus of the fuzz targets to tests/fuzz/corpus: small valid files of each format.

    .deps/python/bin/python tests/fuzz/make_corpus.py [build/release/bin]

The manifest is written by s2i-preprocess, which must be in the given folder."""
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy
import soundfile
import torch

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "tests/fuzz/corpus"


def put(target, name, content):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def safetensors(header, values):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


def make_safetensors():
    two = {"__metadata__": {"format": "pt"},
           "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
           "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]},
           "none": {"dtype": "I64", "shape": [0, 4], "data_offsets": [22, 22]},
           "scalar": {"dtype": "BOOL", "shape": [], "data_offsets": [22, 23]}}
    put("safetensors", "several", safetensors(two, bytes(23)))
    put("safetensors", "empty", safetensors({}, b""))
    types = {"F64": 8, "F16": 2, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
    header, end = {}, 0
    for name, width in types.items():
        header[name] = {"dtype": name, "shape": [1], "data_offsets": [end, end + width]}
        end += width
    put("safetensors", "types", safetensors(header, bytes(end)))
    index = {"metadata": {"total_size": 8}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    put("weight_index", "two", json.dumps(index))
    put("weight_index", "out", json.dumps({"weight_map": {"a": "../b"}}))


def make_pickles():
    weight = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    states = {
        "plain": {"w": weight, "b": torch.ones(3, dtype=torch.bfloat16)},
        "shared": {"w": weight, "t": weight.t(), "row": weight[1], "none": torch.empty(0, 2)},
        "types": {str(t): torch.zeros(1, dtype=t) for t in (
            torch.float64, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8,
            torch.uint8, torch.bool)},
        "module": torch.nn.Linear(2, 1).state_dict(),
        "parameter": {"p": torch.nn.Parameter(torch.ones(2))},
    }
    for name, state in states.items():
        file = io.BytesIO()
        torch.save(state, file)
        with zipfile.ZipFile(file) as archive:
            put("pickle", name, archive.read("archive/data.pkl"))
        if name in ("plain", "shared"):
            put("zip", name, file.getvalue())
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("a/version", "3")
        archive.writestr("a/data.pkl", "x" * 20, zipfile.ZIP_DEFLATED)
    put("zip", "deflated", plain.getvalue())


def make_texts():
    put("model_config", "base", json.dumps({
        "model_type": "wavlm", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "conv_dim": [16, 16], "conv_stride": [5, 2], "conv_kernel": [10, 3],
        "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2, "hidden_act": "gelu",
        "feat_extract_norm": "layer", "mask_time_prob": 0.05, "classifier_proj_size": 16,
        "id2label": {"0": "ask", "1": "pay"}, "label2id": {"ask": 0, "pay": 1}}))
    put("model_config", "preprocessor", json.dumps({
        "do_normalize": True, "sampling_rate": 16000, "return_attention_mask": False}))
    put("yaml", "settings", "train:\n  fast: false\n  steps: 1e3\noptimizer: {rate: 0.5, name: adam}\ntags: [a, 'b', \"c\"]\n# done\n")
    put("yaml", "override", "train.steps=7")
    put("yaml", "alias", "tags: &a [x]\nrun.dir: *a\n---\n")
    put("yaml", "block", "run:\n  dir: |\n    text\n    more\ntags:\n  - a\n  - >-\n    b\n")
    put("csv", "plain", 'id,intent_class,template,audio_path,speaker_id\na,1,"x, ""y""\nz",wav/a.wav,s\nb,0,,b.wav,t\n')
    put("csv", "crlf", "\ufeffaudio_path,intent_class\r\na.wav,pay\r\n\r\n../b.wav,ask\r\n")
    put("csv", "info", "id,intent_class,audio_path\na,10,a.wav\nb,pay,/b.wav\n==intent_info.csv\nintent_class,intent_name\n10,pay\n2,ask\n")
    put("csv", "quotes", 'id,intent_class,template,audio_path\n0,0,"Yes" he said,a.wav\n1,1,"No",b.wav\n')
    put("csv", "pandas", "audio_path\tintent_class\nwav\\a.wav\t1.0\ncafe\u0301.wav\t0.0\n")
    put("csv", "from_one", "id,intent_class,audio_path\na,1,a.wav\nb,2,b.wav\n==intent_info.csv\n"
        "intent_class,intent_name\n0,caf\u00e9\n1,cafe\u0301\n")


def make_records():
    state = {"format_version": 1, "program_version": "0.1.0", "step": 12, "epoch": 2, "step_in_epoch": 3,
             "finished": False, "validation_due": True, "best_value": 0.75, "best_loss": 0.5, "best_step": 9,
             "since_improvement": 1, "skipped_steps": 2}
    identity = {"data_checksum": "0123456789abcdef", "config": {"run.seed": "1", "model.init": "wavlm-base"}}
    newer = {"consecutive_nonfinite_steps": 1, "world_size": 4, "validation_checksum": "fedcba9876543210"}
    # The first byte selects run_state.json, checksums.json or metrics.jsonl.
    put("checkpoint", "trainer", "t" + json.dumps({**state, **newer, **identity}))
    put("checkpoint", "older", "t" + json.dumps({**state, **identity}))
    put("checkpoint", "null", "t" + json.dumps({**state, "best_value": None, "best_loss": None, **identity}))
    files = {name: {"bytes": 2, "xxh3_64": "1349cde127705c16"} for name in (
        "model/config.json", "model/model.safetensors", "optimizer.safetensors", "run_state.json")}
    put("checkpoint", "checksums", "c" + json.dumps({"format_version": 1, "files": files}, indent=2) + "\n")
    lines = [json.dumps({"step": step, "loss": loss, "seconds": {"total": 0.5}})
             for step, loss in ((1, 1.5), (2, None), (3, 0.25), (4, 1e-3))]
    put("checkpoint", "metrics", "m" + "\n".join(lines) + "\n" + lines[0][:9])
    # fuzz_resume_record.cc writes an empty shard file for this record.
    tables = {"offset": 0, "label": 0, "speaker": 0, "id": 0, "id_bytes": 0, "checksum": 0}
    shard = {"file": "shard-00000-00000000.h5", "utterances": 2, "samples": 4, "bytes": 0, "audio_start": 0,
             "tables": tables, "checksum": "2d06800538d394c2", "tables_checksum": "0" * 16}
    record = {"inputs": {"version": "1"}, "shard": shard, "source_rates": [{"rate": 8000, "utterances": 2}],
              "clipped_samples": 3, "notes": [{"row": 0, "kind": "clipped", "samples": 3, "text": ""}],
              "rejected": [{"row": 1, "reason": "b.wav: not audio"}]}
    put("resume_record", "complete", json.dumps(record))
    put("resume_record", "not_written", json.dumps({**record, "shard": None}))


def make_data(programs):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tone = numpy.sin(numpy.arange(40) / 3) / 2
        rows = "id,intent_class,audio_path,speaker_id\n"
        for i in range(3):
            soundfile.write(folder / f"{i}.wav", tone[:10 + i], 16000)
            rows += f"u{i},{i % 2},{i}.wav,s{i}\n"
        (folder / "train.csv").write_text(rows)
        subprocess.run([programs / "s2i-preprocess", "--corpus", folder, "--split", "train", "--out",
                        folder / "out", "--jobs", "1", "--min-seconds", "0", "--log-level", "error"], check=True)
        manifest = (folder / "out/train/manifest.json").read_bytes()
        put("manifest", "one", manifest)
    # XORed onto ten numbers of a shard's manifest entry and then onto the file, see fuzz_shard.cc.
    put("shard", "unchanged", bytes(8))
    put("shard", "fewer", struct.pack("<10Q", 1, *[0] * 9))
    put("shard", "file", bytes(80) + bytes(2048) + b"\1")


def make_audio():
    tone = numpy.sin(numpy.arange(400) / 3) / 2
    formats = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"),
               ("WAV", "GSM610"), ("WAV", "ULAW"), ("WAVEX", "PCM_24"), ("AIFF", "PCM_16"),
               ("AU", "ALAW"), ("AU", "G721_32"), ("RAW", "VOX_ADPCM"), ("PAF", "PCM_24"), ("SVX", "PCM_16"),
               ("NIST", "PCM_16"), ("VOC", "PCM_U8"), ("IRCAM", "PCM_16"), ("W64", "PCM_16"),
               ("MAT4", "PCM_16"), ("MAT5", "DOUBLE"), ("PVF", "PCM_16"), ("XI", "DPCM_16"), ("HTK", "PCM_16"),
               ("SDS", "PCM_16"), ("AVR", "PCM_16"), ("WVE", "ALAW"), ("CAF", "ALAC_16"),
               ("CAF", "PCM_16"), ("RF64", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"),
               ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
    for kind, subtype in formats:
        file = io.BytesIO()
        samples = numpy.stack([tone, tone], 1) if kind in ("WAVEX", "FLAC") else tone
        try:
            soundfile.write(file, samples, 8000, format=kind, subtype=subtype)
        except (soundfile.LibsndfileError, ValueError) as error:
            print(f"{kind} {subtype}: {error}", file=sys.stderr)
            continue
        put("audio", f"{kind}-{subtype}".lower(), file.getvalue())
    make_streams(tone)


def make_streams(tone):
    """MPEG audio, GSM and Ogg as their own readers take them apart."""
    file = io.BytesIO()
    soundfile.write(file, numpy.tile(tone, 4), 8000, format="MP3", subtype="MPEG_LAYER_III")
    mp3 = file.getvalue()
    tag_frame = mp3.find(mp3[:3], 4)  # the first frame holds the Xing tag
    frames = mp3[tag_frame:]
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 8000, 1000, 1, 0, 12, 1, 2, 72, 1, 1393)
    wav = (b"RIFF" + struct.pack("<I", 4 + 8 + len(fmt) + 8 + len(frames)) + b"WAVEfmt " +
           struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(frames)) + frames)
    put("audio", "mp3-without-xing", frames)
    put("audio", "mp3-cut-at-start", mp3[tag_frame - 20:])
    put("audio", "mp3-in-wav", wav)
    put("audio", "mp3-id3", b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + mp3 + b"TAG" + bytes(125))
    file = io.BytesIO()
    soundfile.write(file, tone, 8000, format="RAW", subtype="GSM610")
    put("audio", "raw-gsm610", file.getvalue())


def make_reports():
    """The files of a run folder, each after the byte that selects it; events as records and as their data."""
    names = ["greet", "<b>"]
    figures = {"count": 1, "precision": 0.5, "recall": 1.0, "f1": 0.5}
    put("report", "evaluation", "e" + json.dumps({
        "accuracy": 0.5, "accuracy_interval": [0.1, 0.9], "count": 2, "per_intent": {name: figures for name in names},
        "per_speaker": {"5": {"count": 2, "accuracy": 0.5}}, "intents": names, "confusion": [[1, 0], [1, 0]]}))
    put("report", "predictions",
        "pid,speaker,label,predicted,probability,loss\n1,5,greet,greet,0.9,0.1\n2,5,<b>,greet,0.5,2\n")
    put("report", "metrics", "m" + json.dumps({
        "step": 1, "loss": 2.5, "applied": True, "spike": False, "utterances": 4, "time": "2026-11-27T05:14:54Z",
        "seconds": {"data": 0.1, "total": 1.5}}) + "\n" + json.dumps({"step": 2, "loss": None}) + "\n")
    put("report", "validation",
        "v" + json.dumps({"step": 1, "count": 4, "loss": 2.5, "best": True, "seconds": 1}) + "\n")
    put("report", "environment", "n" + json.dumps({"version": "0.1.0", "world_size": 2}))
    put("report", "config", "ctrain: {epochs: 2}\nprecision: fp32\n")
    version = b"\x09" + struct.pack("<d", 1.0) + b"\x1a\x0dbrain.Event:2"
    value = b"\x0a\x04loss\x15" + struct.pack("<f", 0.5)
    scalar = b"\x10\x02\x2a" + bytes([2 + len(value), 0x0a, len(value)]) + value
    put("event_file", "version", b"d" + version)
    put("event_file", "scalar", b"d" + scalar)


if __name__ == "__main__":
    torch.manual_seed(0)
    make_safetensors()
    make_pickles()
    make_texts()
    make_records()
    make_reports()
    make_audio()
    make_data(REPOSITORY / (sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"))
