"""Files of arrays: those of NumPy and safetensors are read; damaged and hostile ones are refused by their headers."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.execution.arrays import read as stored
from cnncalc.execution.arrays.read import StoredArray, npy_header, open_arrays
from cnncalc.execution.arrays.write import write_arrays
from cnncalc.ground.errors import CnncalcError
from tests.commands import cnncalc

ARRAYS: dict[str, Any] = {
    "a.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "b": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "scalar": np.float64(3),
    "none": np.zeros((0, 3), np.float32),
    "half": np.ones(3, np.float16),
    "count": np.array([1, 2, 3]),
    "flags": np.array([True, False]),
}
SPEC = "name: Small\ninput: [3, 8, 8]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n"
SHAPE = (1, 3, 8, 8)


def same(found: Any, wanted: Mapping[str, Any]) -> None:
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        read = np.asarray(found[name])
        assert (found[name].shape, found[name].dtype) == (read.shape, read.dtype) == (array.shape, array.dtype)
        assert (read == array).all()


def npy(header: str | bytes, data: bytes = b"", version: int = 1) -> bytes:
    text = header if isinstance(header, bytes) else header.encode("latin1")
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def header(shape: object, descr: str = "'<f4'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def zipped(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def whole(array: Any = None) -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(SHAPE, np.float32) if array is None else array)
    return file.getvalue()


# --- files of other programs are read, and theirs read ours ------------------------------------------------------


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "plain.npz", **ARRAYS)
    np.savez_compressed(tmp_path / "small.npz", **ARRAYS)
    for name in ("plain.npz", "small.npz"):
        same(open_arrays(str(tmp_path / name)), ARRAYS)
    for i, array in enumerate(ARRAYS.values()):
        np.save(tmp_path / f"{i}.npy", array)
        same({"x": open_arrays(str(tmp_path / f"{i}.npy"))}, {"x": array})


def test_safetensors_reads_what_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    path = str(tmp_path / "a.safetensors")
    safetensors.numpy.save_file({name: np.ascontiguousarray(a) for name, a in ARRAYS.items() if a.shape}, path)
    same(open_arrays(path), {name: a for name, a in ARRAYS.items() if a.shape})
    write_arrays(path, ARRAYS)
    same(open_arrays(path), ARRAYS)
    for name, array in safetensors.numpy.load_file(path).items():
        assert (array == ARRAYS[name]).all()
        assert array.dtype == ARRAYS[name].dtype


def test_numpy_reads_what_is_written(tmp_path: Path) -> None:
    write_arrays(str(tmp_path / "a.npz"), ARRAYS)
    with np.load(tmp_path / "a.npz") as read:
        assert all((read[name] == array.reshape(read[name].shape)).all() for name, array in ARRAYS.items())


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_a_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, kind: str) -> None:
    before = os.umask(0o027)
    try:
        write_arrays(str(tmp_path / f"a.{kind}"), ARRAYS)
    finally:
        os.umask(before)
    assert (tmp_path / f"a.{kind}").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (header((2, 3)), 1),
        (header((2, 3)), 2),
        (header((2, 3)), 3),
        (header("(2L, 3L)"), 1),  # Python 2 on Windows
        ('{"shape": (2,3), "fortran_order": False, "descr": "<f4"}', 1),
    ],
)
def test_headers(text: str, version: int) -> None:
    found = npy_header(io.BytesIO(npy(text, version=version)))
    assert found == stored.Header((2, 3), np.dtype("<f4"), False)


def test_only_requested_arrays_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", wanted=whole(), broken=b"nothing")
    found = open_arrays(str(path))
    assert isinstance(found, Mapping)
    assert np.asarray(found["wanted"]).shape == SHAPE
    with pytest.raises(CnncalcError, match=r"'broken' of .*a\.npz can't be read: it does not begin"):
        found["broken"]


# --- what is damaged or hostile ------------------------------------------------------------------------------

HEADERS = {
    "a_million_million": header((10**12,)),
    "more_than_any_machine": header((10**20,)),
    "more_digits_than_python_takes": header("(" + "9" * 5000 + ",)"),
    "negative": header((-1, 3)),
    "unclosed": "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 8, 8",
    "unclosed_string": "{'descr': '<f4, 'fortran_order': False, 'shape': (1,), }",
    "indented": "  if:\n {'descr'\n    : 3",
    "nested": "(" * 9000,
    "nested_value": header("(" * 4000 + ")" * 4000),
    "minus": "-" * 9000 + "1",
    "spaces": "{" + " " * 9000,
    "long": header((1,)) + " " * 20000,
    "text": header((1,), "'<U8'"),
    "objects": header((1,), "'|O'"),
    "records": header((1,), "[('x', '<f4')]"),
    "no_such_type": header((1,), "'<f3'"),
    "axes": header((1,) * 900),
    "twice": "{'shape': (1,), 'shape': (1,), 'descr': '<f4'}",
    "nothing": "",
}


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "small.yaml").write_text(SPEC)
    return str(tmp_path / "small.yaml")


def refused(*arguments: str) -> str:
    """Return the message of a run that must be refused."""
    done = cnncalc("run", *arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert len(done.err) < 1000
    return done.err


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_lie(name: str, small: str, tmp_path: Path) -> None:
    data = npy(HEADERS[name], bytes(64), 2)
    (tmp_path / "x.npy").write_bytes(data)
    assert "x.npy is no .npy file, or damaged: " in refused(small, "--input", str(tmp_path / "x.npy"))
    zipped(tmp_path / "x.npz", input=data)
    assert f"'input' of {tmp_path}/x.npz can't be read: " in refused(small, "--input", str(tmp_path / "x.npz"))


def test_a_member_of_the_wrong_shape_is_not_unpacked(small: str, tmp_path: Path) -> None:
    bomb = npy(header((50_000_000,), "'|u1'")) + bytes(50_000_000)
    path = zipped(tmp_path / "bomb.npz", input=bomb)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    assert "input 'input' is (50000000), expected (N, 3, 8, 8)" in refused(small, "--input", str(path))
    assert tracemalloc.get_traced_memory()[1] < 25_000_000  # of which 16 are needed to read the spec
    tracemalloc.stop()
    zipped(tmp_path / "w.npz", zipfile.ZIP_DEFLATED, **{"conv1.weight": bomb})
    told = refused(small, "--weights", str(tmp_path / "w.npz"))
    assert "not floating-point: conv1.weight is uint8" in told
    assert "missing: conv1.bias (4)" in told


def patched(path: Path, **fields: int) -> Path:
    """Change a zip's only member: its flags or its method, in both of its headers."""
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\1\2")
    for name, value in fields.items():
        at = {"flags": 6, "method": 8}[name]
        struct.pack_into("<H", data, at, value)
        struct.pack_into("<H", data, central + at + 2, value)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("method", "fields", "reason"),
    [
        (zipfile.ZIP_STORED, {"flags": 1}, "it is encrypted"),
        (zipfile.ZIP_STORED, {"method": 97}, "it is compressed by method 97"),
        (zipfile.ZIP_LZMA, {}, "it is compressed by method 14"),
        (zipfile.ZIP_STORED, {"method": 14}, "it is compressed by method 14"),
        (zipfile.ZIP_STORED, {"method": 8}, "can't be read"),
    ],
)
def test_archives_unlike_numpys(method: int, fields: dict[str, int], reason: str, small: str, tmp_path: Path) -> None:
    path = patched(zipped(tmp_path / "x.npz", method, input=whole()), **fields)
    for option in ("--input", "--weights"):
        assert reason in (said := refused(small, option, str(path))) or option == "--weights"
        assert "x.npz" in said or "conv1.weight" in said


def test_a_wrong_checksum(small: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.npz", zipfile.ZIP_STORED, input=whole(np.zeros((9, 3, 8, 8), np.float32)))
    data = bytearray(path.read_bytes())
    data[6000] ^= 1
    path.write_bytes(data)
    assert f"'input' of {path} is damaged: Bad CRC-32" in refused(small, "--input", str(path))


def tensors(entry: object, data: bytes = bytes(16), length: int | None = None) -> bytes:
    text = entry if isinstance(entry, bytes) else json.dumps({"conv1.weight": entry}).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


F32 = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
SAFETENSORS = {
    "empty": b"",
    "cut": tensors(F32)[:20],
    "cut_data": tensors(F32)[:-1],
    "long_header": tensors(F32, length=2**63),
    "nested": tensors(b"[" * 200_000),
    "a_list": tensors(b"[1]"),
    "no_entry": tensors(3),
    "keys": tensors({"dtype": "F32"}),
    "dtype": tensors(F32 | {"dtype": "BF16"}),
    "dtype_of_another_type": tensors(F32 | {"dtype": ["F32"]}),
    "shape": tensors(F32 | {"shape": [10**20]}),
    "shape_of_another_type": tensors(F32 | {"shape": 4}),
    "negative": tensors(F32 | {"shape": [-4], "data_offsets": [16, 0]}),
    "fraction": tensors(F32 | {"shape": [4.0]}),
    "offsets": tensors(F32 | {"data_offsets": [0, 10**12], "shape": [25 * 10**10]}),
    "one_offset": tensors(F32 | {"data_offsets": [16]}),
}


@pytest.mark.parametrize("name", SAFETENSORS)
def test_safetensors_that_lie(name: str, small: str, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(SAFETENSORS[name])
    assert "w.safetensors" in refused(small, "--weights", str(tmp_path / "w.safetensors"))


def test_a_long_header_of_safetensors_is_refused_unread(small: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    length = 7 << 20
    path.write_bytes(struct.pack("<Q", length) + b"[" * length)
    assert "its header would take 7,340,032 bytes, more than 6,291,456" in refused(small, "--weights", str(path))


def test_safetensors_whose_tensors_overlap_or_come_twice(tmp_path: Path) -> None:
    """The format's README forbids both (overlapping ranges, duplicate keys), and its own reader refuses them."""
    path = tmp_path / "w.safetensors"
    entry, over = json.dumps(F32), json.dumps(F32 | {"data_offsets": [4, 20]})
    for text, wanted in (
        (f'{{"a": {entry}, "b": {over}}}', "the bytes of 'a' and 'b' overlap"),
        (f'{{"a": {entry}, "a": {entry}}}', "its header holds 'a' twice"),
    ):
        path.write_bytes(tensors(text.encode(), bytes(20)))
        with pytest.raises(CnncalcError, match=wanted):
            open_arrays(str(path))
        with pytest.raises((safetensors.SafetensorError, ValueError)):
            safetensors.numpy.load_file(path)
    beside = json.dumps(F32 | {"data_offsets": [16, 32]})
    nothing = json.dumps({"dtype": "F32", "shape": [0], "data_offsets": [16, 16]})
    path.write_bytes(tensors(f'{{"b": {beside}, "none": {nothing}, "a": {entry}}}'.encode(), bytes(32)))
    found = open_arrays(str(path))
    assert isinstance(found, Mapping)
    assert set(found) == {"a", "b", "none"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_npz_with_two_members_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for value in (1, 2):
            archive.writestr("a.npy", npy(header("(1,)"), np.array([value], np.float32).tobytes()))
    with pytest.raises(CnncalcError, match=r"it holds 'a\.npy' twice"):
        open_arrays(str(path))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_changed_byte_gives_an_error_at_worst(tmp_path_factory: Any, data: st.DataObject) -> None:
    folder = tmp_path_factory.getbasetemp()
    kind = data.draw(st.sampled_from(["npy", "npz", "safetensors"]))
    path = folder / f"any.{kind}"
    if kind == "npy":
        path.write_bytes(whole(np.arange(3.0)))
    else:
        write_arrays(str(path), {"x": np.arange(3.0), "y": np.arange(4.0)})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(CnncalcError):
        found = open_arrays(str(path))
        for array in [found] if isinstance(found, StoredArray) else found.values():
            if array.dtype.itemsize * int(np.prod(array.shape, dtype=object)) < 10_000:
                assert np.asarray(array).shape == array.shape
