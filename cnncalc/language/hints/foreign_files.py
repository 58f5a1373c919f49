"""Recognise files that are not specs by their content and name, so that the error can name their kind.

This is used only after reading a spec has failed. Model files that can be read (ONNX) are recognised earlier, when the
command line and ``load`` open a file.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cnncalc.ground.errors import CnncalcError

LOOKED_AT = 65_536
"""Bytes from the beginning of a file that are examined."""

SPEC = "a spec is YAML: 'cnncalc show resnet18' prints one to start from"
WEIGHTS = f"it holds tensors, not the network; {SPEC}"
FROM_TORCH = "ONNX is read: torch.onnx.export(model, x, 'net.onnx')"
FROM_KERAS = "ONNX is read: model.export('net.onnx', format='onnx')"
FROM_TENSORFLOW = "ONNX is read, and tf2onnx converts to it"


class FileKind(NamedTuple):
    """A kind of files.

    Attributes:
        what: description with article.
        hint: advice.
        suffixes: suffixes of file names.
        begins: regular expression for the first bytes.
        holds: regular expression for lines of the text.
    """

    what: str
    hint: str
    suffixes: tuple[str, ...] = ()
    begins: bytes | None = None
    holds: str | None = None


KINDS = (
    FileKind("a Git LFS pointer", "fetch the file itself: git lfs pull", begins=rb"version https://git-lfs"),
    FileKind("text in UTF-16", "save the file as UTF-8 text", begins=rb"\xff\xfe|\xfe\xff"),
    # pictures, archives, documents
    FileKind("a PNG picture", SPEC, (".png",), rb"\x89PNG"),
    FileKind("a JPEG picture", SPEC, (".jpg", ".jpeg"), rb"\xff\xd8\xff"),
    FileKind("an SVG picture", SPEC, (".svg",), rb"(?s)\s*(<\?xml.{0,200}?>\s*)?<svg"),
    FileKind("a PDF document", SPEC, (".pdf",), rb"%PDF"),
    FileKind("a GIF picture", SPEC, (".gif",), rb"GIF8[79]a"),
    FileKind("a compressed file", "decompress it first: gunzip", (".gz", ".tgz"), rb"\x1f\x8b"),
    FileKind(
        "a compressed file", "decompress it first", (".xz", ".bz2", ".zst", ".7z"),
        rb"\xfd7zXZ|BZh[1-9]|\x28\xb5\x2f\xfd|7z\xbc\xaf",
    ),
    FileKind("a tar archive", "extract the file first: tar -x", (".tar",), rb"(?s).{257}ustar"),
    FileKind("a program", SPEC, (".exe", ".so", ".dll"), rb"\x7fELF|MZ"),
    FileKind(
        "a web page", "save the file itself, not the page that shows it", (".html",), rb"(?is)\s*<(!doctype )?html"
    ),
    # tensors
    FileKind("an HDF5 file, such as Keras's", FROM_KERAS, (".h5", ".hdf5"), rb"\x89HDF\r\n\x1a\n"),
    FileKind("a NumPy array", WEIGHTS, (".npy",), rb"\x93NUMPY"),
    FileKind(  # a scripted or exported program has its tensors first
        "a file of PyTorch", FROM_TORCH, (".pt", ".pth", ".ckpt", ".pt2"),
        rb"(?s)PK\x03\x04(.*?(data|constants)\.pkl|.{26}[^/]{1,200}/data/)",
    ),
    FileKind("a file of PyTorch, or another pickle", FROM_TORCH, (".pkl", ".pickle"), rb"\x80[\x02-\x05]"),
    FileKind("a safetensors file", WEIGHTS, (".safetensors",), rb'(?s).{5}\x00{3}\{"'),
    FileKind("a GGUF file", WEIGHTS, (".gguf", ".ggml"), rb"GGUF"),
    FileKind("a file of MATLAB", WEIGHTS, (".mat",), rb"MATLAB 5\.0"),
    FileKind("a file of weights for Caffe", WEIGHTS, (".caffemodel",)),
    FileKind("a file of weights for darknet", WEIGHTS, (".weights",)),
    # models
    FileKind("a Keras model", FROM_KERAS, (".keras",), rb"(?s)PK\x03\x04.{26}(metadata|config)\.json"),
    FileKind("an archive of NumPy arrays", WEIGHTS, (".npz",), rb"(?s)PK\x03\x04.{26,200}?\.npy"),
    FileKind("a ZIP archive", SPEC, (".zip", ".mlpackage", ".mar"), rb"PK\x03\x04"),
    FileKind("a TensorFlow Lite model", FROM_TENSORFLOW, (".tflite", ".lite"), rb"(?s).{4}TFL3"),
    FileKind("a Core ML model", SPEC, (".mlmodel",)),
    FileKind("a TensorFlow model", FROM_TENSORFLOW, (".pb",)),
    FileKind("an ONNX model", "it is read from its path", (".onnx",), rb"(?s)\x08[\x03-\x1e][\x12\x1a\x22\x3a]"),
    # texts
    FileKind("a notebook", f"no code is run; {FROM_TORCH}", (".ipynb",), holds=r'"nbformat"\s*:'),
    FileKind(
        "Python code", f"no code is run; {FROM_TORCH}", (".py",), holds=r"^(import|from)\s+\w+|^(class|def)\s+\w+.*:"
    ),
    FileKind("a printed PyTorch model", FROM_TORCH, holds=r"^\s*\(\w+\): \w+\("),
    FileKind("a Keras model in JSON", FROM_KERAS, holds=r'"class_name"\s*:|"keras_version"\s*:'),
    FileKind("an output of cnncalc", "use the spec from which it was made", holds=r'"schema_version"\s*:\s*\d'),
    FileKind("JSON", SPEC, (".json",)),
    FileKind("TOML", SPEC, (".toml",)),
    FileKind("a table", SPEC, (".csv", ".tsv")),
    FileKind("a graph of DOT or Mermaid", SPEC, (".dot", ".gv", ".mmd"), holds=r"^digraph\b|^graph (TD|LR)"),
    FileKind("a Caffe model", SPEC, (".prototxt",), holds=r"^\s*layers?\s*\{"),
    FileKind("a TensorFlow graph as text", SPEC, (".pbtxt",), holds=r"^node\s*\{"),
    FileKind("a darknet configuration", SPEC, (".cfg",), holds=r"^\[(net|network|convolutional|connected)\]"),
    FileKind("an OpenVINO model", SPEC, holds=r"<net\s+name="),
    FileKind("an ncnn model", SPEC, (".param",), rb"7767517\s"),
    FileKind("an Ultralytics model", SPEC, holds=r"^backbone:"),
)  # fmt: skip
"""All kinds; the first that matches by content wins, else the first that matches by name."""

FOLDERS = {
    "saved_model.pb": FileKind("a TensorFlow SavedModel", FROM_TENSORFLOW),
    "Manifest.json": FileKind("a Core ML model", SPEC),
}
"""Folders that are models, by a file in them."""


def kind_of(data: bytes, name: str) -> FileKind | None:
    """Return the kind of a file, or None if it may be a spec with faults.

    Args:
        data: its bytes, or the first of them.
        name: its name; "<stdin>" for none.
    """
    head = data[:LOOKED_AT]
    text = head.decode("utf-8", "replace")
    if re.search(r"^layers:", text, re.MULTILINE) and "\0" not in text:
        return None  # a spec with faults
    for kind in KINDS:
        if kind.begins is not None and re.match(kind.begins, head):
            return kind
    for kind in KINDS:
        if kind.holds is not None and re.search(kind.holds, text, re.MULTILINE):
            return kind
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".json" and '"layers"' in text:
        return None  # JSON is YAML, too: a spec with faults
    return next((kind for kind in KINDS if suffix in kind.suffixes), None)


def refusal(data: bytes, name: str) -> CnncalcError | None:
    """Return the error for a file that is not a spec, or None if it may be a spec with faults."""
    kind = kind_of(data, name)
    return None if kind is None else CnncalcError(f"{name}: this is {kind.what}, not a spec", kind.hint)


def is_path(spec: str) -> bool:
    """Whether a name is that of a file, existing or not, rather than of a network."""
    suffix = os.path.splitext(spec)[1].lower()
    known = {".yaml", ".yml", ".txt", *[suffix for kind in KINDS for suffix in kind.suffixes]}
    return os.sep in spec or suffix in known


def refusal_of_name(spec: str) -> CnncalcError | None:
    """Return the error for a URL or a folder in place of a spec; None for any other name."""
    if re.match(r"[a-z][a-z0-9+.-]*://", spec, re.IGNORECASE):
        return CnncalcError(f"{spec}: this is a URL, but nothing is downloaded", "download it, and use the file")
    return _folder_refusal(spec) if os.path.isdir(spec) else None


def _folder_refusal(path: str) -> CnncalcError:
    names = sorted(os.listdir(path))
    for name, kind in FOLDERS.items():
        if name in names:
            return CnncalcError(f"{path}: this is {kind.what}, not a spec", kind.hint)
    specs = [os.path.join(path, name) for name in names if name.endswith((".yaml", ".yml", ".onnx"))]
    listed = ", ".join(specs[:3]) + (", …" if len(specs) > 3 else "")
    return CnncalcError(f"{path}: a folder, not a spec", f"in it: {listed}" if specs else None)
