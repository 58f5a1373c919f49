"""``cnncalc run`` and ``cnncalc weights``: pictures, arrays of integers, the progress bar, and options without effect."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from cnncalc.execution.images import open_image
from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.quantities import parse_quantity
from tests.commands import Done, cnncalc, on_a_terminal
from tests.layers.building import known


@pytest.fixture
def same(tmp_path: Path) -> str:
    path = tmp_path / "same.yaml"
    path.write_text("name: Same\ninput: [3, 6, 6]\nlayers:\n  - identity\n")
    return str(path)


def refused(*arguments: str) -> str:
    done = cnncalc(*arguments)
    assert (done.code, done.out) == (2, ""), done
    assert "Traceback" not in done.err
    return done.err


def output(spec: str, tmp_path: Path, *arguments: str) -> tuple[Done, Any]:
    done = cnncalc("run", spec, "--save", str(tmp_path / "out.npz"), *arguments)
    assert done.code == 0, done.err
    with np.load(tmp_path / "out.npz") as arrays:
        return done, arrays["identity1"]


# --- memory ------------------------------------------------------------------------------------------------------


def test_an_input_that_nothing_reads_counts(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: {a: [1, 2, 2], b: [1, 20000, 20000]}\nlayers: [relu]\n")
    message = refused("run", str(path), "--max-memory", "100MB")
    assert "inputs 1.49 GiB" in message  # 4 · 20,000²
    assert "--max-memory: the run needs 1." in message  # GiB; the process itself takes more after other tests


def test_memory_is_looked_at_before_an_input_is_converted(same: str, tmp_path: Path) -> None:
    """One-byte integers take four times their size once converted; a picture takes a float32 per channel and pixel."""
    np.save(tmp_path / "x.npy", np.zeros((1000, 3, 6, 6), np.uint8))
    given = 1000 * 3 * 6 * 6 * (1 + 4 + 1)  # bytes as stored, as float32, and one per element for the check
    document = json.loads(cnncalc("run", same, "--input", str(tmp_path / "x.npy"), "--format", "json").out)
    assert document["predicted"]["inputs"] == given
    huge = tmp_path / "huge.npy"
    with huge.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (10**7, 3, 6, 6)})
        file.truncate(file.tell() + 10**7 * 108)  # a hole: the file takes no room
    assert "inputs 6.035 GiB" in refused("run", same, "--input", str(huge), "--max-memory", "4GiB")


@pytest.mark.skipif(
    sys.platform != "linux", reason="limits of the address space, and the messages about them, are Linux's"
)
def test_too_little_memory_is_a_sentence() -> None:
    """Limits from what Python needs to start to what the run needs: none gives a traceback, or an end by OpenBLAS."""
    codes: dict[str, dict[int, int]] = {"": {}, "'--threads', '2'": {}}
    # from 170 to 204 the OpenBLAS of NumPy 1.24 asked for memory for a second thread for ever
    for megabytes in (48, 96, 120, 144, 168, 180, 192, 204, 240, 400):
        for more, found in codes.items():
            if more and megabytes < 180:
                continue
            code = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({megabytes << 20},) * 2); import sys; "
            code += f"from cnncalc.__main__ import entry; sys.argv[1:] = ['run', 'lenet5', {more}]; entry()"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
            found[megabytes] = done.returncode
            assert (done.returncode, len(done.stderr.splitlines())) in ((0, 0), (2, 2)), (megabytes, more, done)
    for found in codes.values():
        assert [*found.values()] == sorted(found.values(), reverse=True)
    assert (codes[""][48], codes[""][180]) == (2, 0), "by default one thread works if two would not fit"
    assert codes["'--threads', '2'"][400] == 0


def test_a_run_without_its_outputs_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known("flatten"), "output_shape", lambda self, shape: (5,))  # correct would be 12
    path = tmp_path / "net.yaml"
    path.write_text("input: [3, 2, 2]\nlayers: [flatten, linear: 2]\n")
    done = cnncalc("run", str(path), "--save", str(tmp_path / "out.npz"))
    assert done.code == 1
    assert "output was not computed: 'fc1', so none is saved" in done.err
    assert [file.name for file in tmp_path.iterdir()] == ["net.yaml"]


# --- pictures ------------------------------------------------------------------------------------------------


def test_sixteen_bits_of_grey_are_divided_by_their_largest(same: str, tmp_path: Path) -> None:
    values = np.array([[0, 1, 255, 256, 32768, 65535]] * 6, np.uint16)
    Image.fromarray(values).save(tmp_path / "grey.png")
    _, found = output(same, tmp_path, "--input", str(tmp_path / "grey.png"))
    assert found.shape == (1, 3, 6, 6)
    assert np.abs(found - values / 65535).max() < 1e-7


def pixels(*size: int) -> Any:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))


@pytest.mark.parametrize(("size", "resize"), [((341, 256), 256), ((50, 71), 64), ((500, 375), 232), ((40, 40), 33)])
def test_the_middle_is_that_of_the_whole_picture_resized(size: tuple[int, int], resize: int, tmp_path: Path) -> None:
    """torchvision's Resize and CenterCrop cut off the fraction of the longer side, and round the offset to even."""
    picture = pixels(*size)
    picture.save(tmp_path / "picture.png")
    wide, high = (int(resize * side / min(size)) for side in size)
    left, top = round((wide - 32) / 2), round((high - 32) / 2)
    whole = picture.resize((wide, high), Image.Resampling.BILINEAR).crop((left, top, left + 32, top + 32))
    wanted = np.asarray(whole, np.float32).transpose(2, 0, 1) / 255
    found = np.asarray(open_image(str(tmp_path / "picture.png"), (3, 32, 32), resize, [0], [1]))[0]
    # one step is allowed, because the sum is rounded in another order
    assert np.abs(found - wanted).max() <= 1.001 / 255


def test_a_thin_picture_enlarged(same: str, tmp_path: Path) -> None:
    Image.fromarray(np.full((2000, 1), 51, np.uint8)).save(tmp_path / "thin.png")
    _, made = output(same, tmp_path, "--input", str(tmp_path / "thin.png"), "--resize", "65536")
    assert np.allclose(made, 51 / 255)


def bomb(path: Path, width: int, height: int) -> str:
    """Write a PNG that claims many pixels and has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    return str(path)


@pytest.mark.parametrize("side", [10_000, 60_000])  # beyond Pillow's limit, and beyond twice that
def test_too_large_a_picture(side: int, same: str, tmp_path: Path) -> None:
    said = refused("run", same, "--input", bomb(tmp_path / "bomb.png", side, side))
    assert "bomb.png is too large: " in said
    assert f"{side**2}" in said


def test_files_that_are_not_pictures(same: str, tmp_path: Path) -> None:
    assert "is not a picture, or damaged" in refused("run", same, "--input", bomb(tmp_path / "empty.png", 9, 9))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "animated.gif")
    (tmp_path / "animated.gif").rename(tmp_path / "gif.png")
    assert "gif.png is not a picture, or damaged" in refused("run", same, "--input", str(tmp_path / "gif.png"))


def test_an_input_too_large_for_a_picture(tmp_path: Path) -> None:
    pixels(9, 9).save(tmp_path / "small.png")
    (tmp_path / "wide.yaml").write_text("input: [3, 20000, 20000]\nlayers:\n  - identity\n")
    said = refused("run", str(tmp_path / "wide.yaml"), "--input", str(tmp_path / "small.png"))
    assert "a picture can't be an input [3, 20000, 20000]" in said


# --- arrays --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uint8", "int64", "bool", "float16", ">f4"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_integers_are_converted_exactly(kind: str, dtype: str, same: str, tmp_path: Path) -> None:
    array = np.arange(108).reshape(1, 3, 6, 6).astype(kind)
    np.save(tmp_path / "x.npy", array)
    wanted = ["--dtype", dtype] if kind != ">f4" else []
    done, made = output(same, tmp_path, "--input", str(tmp_path / "x.npy"), *wanted)
    assert dtype in done.out or kind == ">f4"
    assert (made == array.astype(np.float64)).all()


def test_text_is_no_input(same: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array(["a"]))
    assert "it holds text, not numbers" in refused("run", same, "--input", str(tmp_path / "x.npy"))


def test_archives_of_inputs(same: str, tmp_path: Path) -> None:
    x, file = np.ones((1, 3, 6, 6), np.float32), str(tmp_path / "x.npz")
    np.savez(file)
    assert "x.npz is no .npz file, or damaged: it holds no arrays" in refused("run", same, "--input", file)
    np.savez(file, x)  # its name does not matter
    assert (output(same, tmp_path, "--input", file)[1] == 1).all()
    np.savez(file, a=2 * x, b=3 * x)
    assert f"{file} has no array 'input'" in refused("run", same, "--input", file)
    np.savez(file, a=2 * x, input=x)
    assert "no input 'a'" in refused("run", same, "--input", file)
    assert (output(same, tmp_path, "--input", f"input={file}")[1] == 1).all()
    assert "is given already" in refused("run", same, "--input", file, "--input", file)


# --- options without effect ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mean", "1,2"], "--mean is for pictures"),
        (["--std", "1"], "--std is for pictures"),
        (["--resize", "9"], "--resize is for pictures"),
        (["--mean", "1", "--input", "x.npy"], "--mean is for pictures"),
        (["--batch", "2", "--input", "x.npy"], "--batch is for random inputs, but --input x.npy is a file"),
        (["--mean", "nan", "--input", "x.png"], "--mean nan: not numbers"),
        (["--layers", "identity1"], "there is no --save FILE"),
    ],
)
def test_options_that_would_change_nothing(arguments: list[str], said: str, same: str) -> None:
    assert said in refused("run", same, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "3"], "--seed is for random tensors"),
        (["-o", "x.txt", "--seed", "0"], "--seed is for random tensors"),
        (["--dtype", "float64"], "--dtype is for random tensors"),
        (["-o", "x.npz", "--format", "json"], "--format json is for the list"),
    ],
)
def test_options_of_weights_that_would_change_nothing(arguments: list[str], said: str, tmp_path: Path) -> None:
    arguments = [str(tmp_path / text) if text.startswith("x.") else text for text in arguments]
    assert said in refused("weights", "lenet5", *arguments)
    assert not list(tmp_path.iterdir())


def test_weights_have_a_schema() -> None:
    document = json.loads(cnncalc("weights", "lenet5", "--format", "json").out)
    assert list(document) == ["schema_version", "weights"]
    assert document["schema_version"] == 1


# --- layout, quantities, the bar -----------------------------------------------------------------------------


def test_channels_last(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("input: [3, 8, 9]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n")
    options = ["run", str(tmp_path / "net.yaml"), "--layout", "hwc", "--input", "10x12x3"]
    table = cnncalc(*options).out
    assert "input 1×10×12×3" in table
    assert next(line for line in table.splitlines() if line.startswith("conv1")).split()[1:3] == ["1×8×10×4"] * 2
    header, row = (line.split("\t") for line in cnncalc(*options, "--format", "tsv").out.splitlines())
    shapes = {name: row[header.index(name)] for name in ("input_shapes", "inferred_shape", "actual_shape")}
    assert shapes == {"input_shapes": "1x10x12x3", "inferred_shape": "1x8x10x4", "actual_shape": "1x8x10x4"}
    layer = json.loads(cnncalc(*options, "--format", "ndjson").out)
    assert layer["actual_shape"] == [1, 4, 8, 10], "JSON keeps to one order of axes"


@pytest.mark.parametrize("text", ["9" * 400 + "G", "9" * 5000, "1." + "0" * 50])
def test_more_digits_than_a_quantity_has(text: str) -> None:
    with pytest.raises(CnncalcError, match=r"^--max 9{40}…: more than 40 digits|^--max 1\.0{38}…: more than"):
        parse_quantity(text, "--max", of_bytes=True)
    assert "more than 40 digits" in refused("check", "lenet5", "--max-params", text.rstrip("G"))


SLOWLY = """
import sys
from unittest import mock
from cnncalc.cli import progress
from cnncalc.__main__ import entry
sys.argv = ["cnncalc", "run", "lenet5", "--repeat", "50", "--color", "never"]
with mock.patch.object(progress, "PATIENCE", {patience}):
    entry()
"""


@pytest.mark.parametrize(("patience", "shown"), [(0, True), (1000, False)])
def test_the_progress_bar_is_erased(patience: int, shown: bool) -> None:
    text = on_a_terminal([sys.executable, "-c", SLOWLY.format(patience=patience)])
    assert ("[------------------------]   0 %  C1" in text) is shown
    assert ("\r\x1b[K" in text) is shown
    *_, left = text.partition("LeNet-5")[0].split("\r\x1b[K")
    assert left.replace("\x1b[1m", "") == "", "the line is empty when the table begins"


def test_weights_that_no_array_can_have_are_refused(tmp_path: Path) -> None:
    # 10^15 · 10^6 weights: more elements than NumPy can index
    spec = tmp_path / "net.yaml"
    spec.write_text("input: [1000000]\nlayers:\n  - linear: 1000000000000000\n")
    done = cnncalc("run", str(spec))
    assert done.code == 2
    assert "the run needs" in done.err


def test_of_many_wrong_tensors_only_some_are_listed(tmp_path: Path) -> None:
    others: dict[str, Any] = {f"other{number}": np.zeros(1) for number in range(500)}
    np.savez(tmp_path / "w.npz", **others)
    done = cnncalc("run", "lenet5", "--weights", str(tmp_path / "w.npz"))
    first, *rest = done.err.splitlines()
    assert (done.code, first) == (2, "the weights don't fit 'lenet5': 510 tensors are wrong")
    assert rest[0] == "  missing: C1.weight (6, 1, 5, 5)"
    assert (len(rest), rest[-2]) == (22, "  … and 490 more tensors")


def test_a_long_name_of_a_wrong_tensor_is_shortened(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"n" * 60_000: np.zeros(1)}
    np.savez(tmp_path / "w.npz", **arrays)
    done = cnncalc("run", "lenet5", "--weights", str(tmp_path / "w.npz"))
    assert done.code == 2
    assert f"  left over: {'n' * 200}" in done.err
    assert len(done.err) < 2000


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_read_as_viewers_show_it(orientation: int, same: str, tmp_path: Path) -> None:
    """EXIF 2.32, tag 0x0112: where row 0 and column 0 of the stored pixels are; the corners come back to their places."""
    shown = np.zeros((6, 6), np.uint8)
    shown[0, 0], shown[0, -1], shown[-1, 0] = 255, 170, 85
    stored = {
        1: shown,
        2: shown[:, ::-1],  # row 0 at the top, column 0 at the right
        3: shown[::-1, ::-1],
        4: shown[::-1],
        5: shown.T,  # row 0 at the left, column 0 at the top
        6: shown.T[::-1],  # row 0 at the right, column 0 at the top
        7: shown.T[::-1, ::-1],
        8: shown.T[:, ::-1],
    }[orientation]
    path, saved = tmp_path / "x.png", tmp_path / "x.npz"
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    done = cnncalc("run", same, "--input", str(path), "--save", str(saved))
    assert done.code == 0, done.err
    (array,) = np.load(saved).values()
    assert np.array_equal(np.rint(array[0, 0] * 255), shown)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG of some chunks (https://www.w3.org/TR/png-3/#5Chunk-layout)."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_an_orientation_behind_the_pixels(same: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 3
    header = struct.pack(">IIBBBBB", 2, 1, 8, 0, 0, 0, 0)  # 2×1, 8 bits of grey
    pixels = zlib.compress(b"\0\xff\x00")
    path, saved = tmp_path / "x.png", tmp_path / "x.npz"
    path.write_bytes(png((b"IHDR", header), (b"IDAT", pixels), (b"eXIf", exif.tobytes()[6:]), (b"IEND", b"")))
    assert cnncalc("run", same, "--input", str(path), "--save", str(saved)).code == 0
    (array,) = np.load(saved).values()
    assert (array[0, 0, 0, 0], array[0, 0, 0, -1]) == (0, 1)  # upside down


def test_a_large_picture_is_refused_before_it_is_decoded(same: str, tmp_path: Path) -> None:
    """35 kB hold 6,000×6,000 pixels, none of which may be decoded."""
    header = struct.pack(">IIBBBBB", 6_000, 6_000, 8, 0, 0, 0, 0)
    path = tmp_path / "x.png"
    path.write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(bytes(6_000 * 6_001))), (b"IEND", b"")))
    with mock.patch("PIL.PngImagePlugin.PngImageFile.load", side_effect=AssertionError("it was decoded")):
        done = cnncalc("run", same, "--input", str(path), "--max-memory", "200MB")
    assert done.code == 2
    assert done.err.startswith("--max-memory: the run needs")


def test_pictures_of_other_kinds(same: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gif"
    Image.new("L", (32, 32)).save(path)
    done = cnncalc("run", same, "--input", str(path))
    assert done == (
        2,
        "",
        f"{path}: this picture format is not read\n  hint: convert it to .png or .jpg\n",
    )
