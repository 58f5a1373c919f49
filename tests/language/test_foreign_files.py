"""Files that are no specs are recognised by their content, whatever their name."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import pytest

from cnncalc.language.hints.foreign_files import kind_of
from tests.commands import cnncalc
from tests.patience import ends_soon


def archive(*names: str) -> bytes:
    """Return a ZIP archive of empty files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in names:
            file.writestr(name, b"")
    return data.getvalue()


SAFETENSORS = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'

# The first bytes are those of the formats' own descriptions: the FlatBuffers
# identifier of TensorFlow Lite, HDF5's superblock, safetensors' length of the header, numpy.lib.format.
FILES = {
    "a TensorFlow Lite model": ("net.tflite", b"\x1c\x00\x00\x00TFL3" + bytes(40)),
    "an HDF5 file, such as Keras's": ("net.h5", b"\x89HDF\r\n\x1a\n" + bytes(40)),
    "a Keras model": ("net.keras", archive("metadata.json", "config.json", "model.weights.h5")),
    "a file of PyTorch": ("net.pt", archive("net/data.pkl", "net/byteorder", "net/data/0")),
    "a file of PyTorch, or another pickle": ("old.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
    "a safetensors file": ("net.safetensors", struct.pack("<Q", len(SAFETENSORS)) + SAFETENSORS + bytes(4)),
    "an archive of NumPy arrays": ("net.npz", archive("a.npy")),
    "a NumPy array": ("x.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}"),
    "a TensorFlow model": ("frozen.pb", b"\n\x0c\n\x01x\x12\x0bPlaceholder"),
    "a Core ML model": ("net.mlmodel", b"\x00\x01\xff"),
    "a PNG picture": ("net.png", b"\x89PNG\r\n\x1a\n" + bytes(20)),
    "a ZIP archive": ("net.zip", archive("readme.txt")),
    "a compressed file": ("net.yaml.gz", b"\x1f\x8b\x08\x00" + bytes(20)),
    "text in UTF-16": ("net.yaml", "input: [3]\nlayers: [relu]\n".encode("utf-16")),
    "a Git LFS pointer": ("net.yaml", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"),
    "a GGUF file": ("model.gguf", b"GGUF\x03\x00\x00\x00"),
    "a tar archive": ("net.tar", b"net.yaml".ljust(257, b"\x00") + b"ustar  \x00"),
    "a program": ("net", b"\x7fELF\x02\x01\x01" + bytes(9)),
    "a graph of DOT or Mermaid": ("net.dot", b"digraph {\n  a -> b\n}\n"),
    "a notebook": ("net.ipynb", json.dumps({"cells": [], "nbformat": 4}).encode()),
    "Python code": ("net.py", b"import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    pass\n"),
    "a Keras model in JSON": ("net.json", json.dumps({"class_name": "Sequential", "config": {"layers": []}}).encode()),
    "JSON": ("other.json", b'{"a": 1}'),
    "an output of cnncalc": ("out.json", json.dumps({"schema_version": 1, "layers": []}).encode()),
    "a Caffe model": ("lenet.prototxt", b'name: "LeNet"\nlayer {\n  name: "data"\n  type: "Input"\n}\n'),
    "a TensorFlow graph as text": ("graph.pbtxt", b'node {\n  name: "x"\n}\n'),
    "a darknet configuration": ("yolo.cfg", b"[net]\nbatch=64\n\n[convolutional]\nfilters=32\n"),
    "an OpenVINO model": ("net.xml", b'<?xml version="1.0"?>\n<net name="resnet" version="11">\n'),
    "an ncnn model": ("net.param", b"7767517\n75 83\nInput data 0 1 data\n"),
    "an Ultralytics model": (
        "yolo.yaml",
        b"nc: 80\nbackbone:\n  - [-1, 1, Conv, [64]]\nhead:\n  - [-1, 1, Conv, [9]]\n",
    ),
    "a web page": ("net.yaml", b"<!DOCTYPE html>\n<html>\n"),
}


@pytest.mark.parametrize("what", FILES)
def test_files_are_recognised(what: str, tmp_path: Path) -> None:
    name, data = FILES[what]
    path = tmp_path / name
    path.write_bytes(data)
    done = cnncalc("summary", str(path))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        f"{path}: this is {what.removesuffix(' that is called otherwise')}, not a spec\n  hint: "
    )


@pytest.mark.parametrize(
    "what", [what for what in FILES if what not in ("a Core ML model", "a TensorFlow model", "JSON")]
)
def test_files_are_recognised_by_their_content(what: str) -> None:
    """A file from a pipe has no name."""
    done = cnncalc("summary", "-", stdin=FILES[what][1])
    assert done.err.startswith(f"<stdin>: this is {what}, not a spec\n")


@pytest.mark.parametrize("inside", ["net/data/0", "net/data/weights/weight_0", "net/code/net.py net/data.pkl"])
def test_files_of_pytorch_with_their_tensors_first(inside: str) -> None:
    """As torch.jit.save and torch.export.save write them (torch 2.13); only the beginning of a file is looked at."""
    kind = kind_of(archive(*inside.split()) + bytes(100_000), "net")
    assert kind is not None
    assert kind.what == "a file of PyTorch"


def test_a_spec_with_faults_is_a_spec_under_any_name(tmp_path: Path) -> None:
    for name in ("net.py", "net.cfg", "net.json", "net.h5"):
        path = tmp_path / name
        path.write_text("input: [3, 8, 8]\nlayers:\n  - cnov\n")
        assert "unknown layer type 'cnov'" in cnncalc("summary", str(path)).err
        path.write_text("input: [3, 8, 8]\nlayers:\n  - relu\n")
        assert cnncalc("summary", str(path)).code == 0


def test_a_spec_in_json_has_its_own_faults(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{"input": [3, 8, 8], "layers": ["maxpool"]}')
    assert cnncalc("summary", str(path)).err.startswith(f"{path}:1:33: maxpool: 'kernel_size' is missing\n")


def test_binary_files_are_said_to_be_no_text() -> None:
    assert "is not UTF-8" in cnncalc("summary", "-", stdin=b"layers: caf\xe9\n").err


@pytest.mark.parametrize(
    "address", ["https://example.org/net.yaml", "http://example.org/net.yaml:v2", "s3://bucket/net"]
)
def test_an_address_is_not_fetched(address: str) -> None:
    done = cnncalc("summary", address)
    assert done.code == 2
    assert done.err == f"{address}: this is a URL, but nothing is downloaded\n  hint: download it, and use the file\n"


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    assert cnncalc("summary", "saved").err.startswith("saved: this is a TensorFlow SavedModel, not a spec\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.yaml").write_text("")
    assert cnncalc("summary", "mine").err == "mine: a folder, not a spec\n  hint: in it: mine/net.yaml\n"
    (tmp_path / "mine" / "a.onnx").write_text("")
    assert "hint: in it: mine/a.onnx, mine/net.yaml\n" in cnncalc("summary", "mine").err
    (tmp_path / "mine" / "a.onnx").unlink()
    assert cnncalc("summary", "mine/").err == "mine/: a folder, not a spec\n  hint: in it: mine/net.yaml\n"


def test_a_folder_does_not_hide_a_network_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alexnet").mkdir()
    done = cnncalc("summary", "alexnet", "--columns", "params")
    assert (done.code, done.err) == (0, "")
    assert "61,100,840" in done.out


def test_looking_at_a_hostile_file_takes_no_time() -> None:
    """Half a megabyte of beginnings of the patterns that are searched for."""
    for line in ("backbone:\n", "class x\n", "import \n", "PK\x03\x04", '"class_name" ', "layer \n", " " * 80 + "\n"):
        with ends_soon():
            kind_of((line * (500_000 // len(line))).encode(), "net.yaml")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n",
            "this is a Git LFS pointer, not an ONNX model",
        ),
        (b"<!DOCTYPE html><html></html>", "this is a web page, not an ONNX model"),
        (b"", "the file is empty\n"),
        (b"input: [3]\nlayers: [relu]\n", "not an ONNX model\n  hint: a spec is a YAML file: give it the suffix .yaml"),
    ],
)
def test_a_file_that_only_has_the_name_of_an_onnx_model(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    done = cnncalc("summary", str(path))
    assert (done.code, done.err.startswith(f"{path}: {what}")) == (2, True), done.err


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.symlink_to("other.yaml")
    assert cnncalc("summary", str(path)) == (2, "", f"{path}: a broken link to other.yaml\n")
