"""Every command warns of inputs with the channels last or with a batch axis, and of no others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click
import pytest

import cnncalc
from cnncalc.cli import cli
from cnncalc.language.collection import shipped
from cnncalc.language.findings import noticed
from cnncalc.language.input_axes import axis_doubt
from tests.commands import cnncalc as command
from tests.commands import process

LAST, BATCH = "channels-last", "batch-axis"


@pytest.mark.parametrize(
    ("shape", "rule", "meant"),
    [
        # pictures as TensorFlow and PIL have them
        ((32, 32, 3), LAST, (3, 32, 32)),
        ((150, 150, 3), LAST, (3, 150, 150)),
        ((28, 28, 1), LAST, (1, 28, 28)),
        ((480, 640, 3), LAST, (3, 480, 640)),
        ((128, 128, 4), LAST, (4, 128, 128)),
        ((8, 8, 3), LAST, (3, 8, 8)),
        # batches as PyTorch has them
        ((32, 3, 32, 32), BATCH, (3, 32, 32)),
        ((1, 3, 224, 224), BATCH, (3, 224, 224)),
        ((64, 1, 28, 28), BATCH, (1, 28, 28)),
        ((32, 4, 84, 84), BATCH, (4, 84, 84)),
        ((8, 3, 16, 112, 112), BATCH, (3, 16, 112, 112)),
        # with both, and volumes or clips with the channels last
        ((1, 224, 224, 3), LAST, (3, 224, 224)),
        ((16, 112, 112, 3), LAST, (3, 16, 112, 112)),
        ((64, 64, 64, 1), LAST, (1, 64, 64, 64)),
        # signals: 16,000 samples, 187 samples of an ECG, 500 samples of an accelerometer
        ((16000, 1), LAST, (1, 16000)),
        ((187, 1), LAST, (1, 187)),
        ((500, 3), LAST, (3, 500)),
    ],
)
def test_doubtful_shapes(shape: tuple[int, ...], rule: str, meant: tuple[int, ...]) -> None:
    found = axis_doubt(shape)
    assert found is not None
    assert (found.rule, found.meant) == (rule, meant)


def test_a_window_wider_than_the_map_reveals_the_time_axis() -> None:
    """For 128 samples of nine sensors, or 1,000 of twelve ECG leads, the window must run along the other axis."""
    for shape, kernel in (((128, 9), 11), ((1000, 12), 16)):
        found = axis_doubt(shape, kernel)
        assert found is not None
        assert (found.rule, found.meant) == (LAST, shape[::-1])
        assert axis_doubt(shape, 3) is axis_doubt(shape[::-1], kernel) is None


@pytest.mark.parametrize(
    "shape",
    [
        (3, 224, 224),
        (1, 28, 28),
        (4, 84, 84),
        (3, 3, 3),
        (3, 5, 3),
        (4, 4, 4),  # a tiny map
        (512, 4, 4),
        (256, 1, 1),
        (1024, 7, 1),
        (64, 8, 4),
        (512, 7, 7),
        (1, 49, 10),  # a spectrogram of 49 frames
        (2, 640, 3),  # two channels of something narrow
        (640,),
        (9, 128),  # nine sensors
        (1, 16000),
        (64, 1000),
        (3, 16, 112, 112),  # a clip of 16 frames
        (3, 3, 112, 112),  # and one of 3
        (1, 16, 240, 240),  # a volume
        (1, 32, 32, 32),
        (4, 155, 240, 240),  # BraTS: four modalities
        (3, 64, 64, 1),  # three channels of a single slice
        (64, 4, 28, 28),  # a map inside a network for videos
        (512, 4, 7, 7),
    ],
)
def test_usual_shapes_have_no_warning(shape: tuple[int, ...]) -> None:
    assert axis_doubt(shape) is None


@pytest.mark.parametrize(
    ("shape", "kernel", "doubted"),
    [
        ((64, 100, 1), (3, 1), False),  # a signal as a map of one column
        ((64, 100, 1), (3, 3), True),
        ((32, 3, 64, 64), (3, 3, 3), False),  # three figures show that the user knows of three axes
        ((512, 1), 1, False),  # pointwise on a single position
        ((512, 1), 3, True),
        ((512, 3), 2, False),
        ((28, 28), 5, True),  # a digit of MNIST, without its channel
        ((28, 28), 1, False),
        ((64, 64), (5,), False),  # a signal of 64 channels: the window has one axis
        ((80, 3000), 5, False),
    ],
)
def test_the_first_window_decides_the_order_of_axes(shape: tuple[int, ...], kernel: Any, doubted: bool) -> None:
    assert (axis_doubt(shape, kernel) is not None) is doubted


def test_no_shipped_network_is_doubted() -> None:
    with noticed() as found:
        for member in shipped():
            member.build()
    assert found == []


SPEC = """\
input: [32, 32, 3]
layers:
  - conv: {out_channels: 8, kernel_size: 3, padding: same}
  - relu
"""
WARNING = """\
net.yaml:1:8: warning: the input [32, 32, 3] looks as if its channels came last: it is read as 32 channels of 32×3 \
[channels-last]
   1 | input: [32, 32, 3]
     |        ^
  hint: channels come first: [3, 32, 32]
"""


def commands_of_specs() -> list[str]:
    """Return the commands that build the network of a spec."""
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    takes = {
        name: {parameter.name for parameter in one.params if isinstance(parameter, click.Argument)}
        for name, one in found.items()
        if one is not None
    }
    return [name for name, arguments in takes.items() if arguments & {"spec", "specs"} and name != "show"]


def test_commands_of_specs_are_found() -> None:
    assert {"summary", "explain", "run", "weights", "check", "compare", "sweep", "hotspots"} <= {*commands_of_specs()}


@pytest.mark.parametrize("name", commands_of_specs())
def test_every_command_warns_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC)
    specs = ["net.yaml", "net.yaml"] if name == "compare" else ["net.yaml"]
    more = {"export": ["--to", "onnx", "-o", "net.onnx"]}.get(name, [])
    done = command(name, *specs, *more)
    assert done.err.count("[channels-last]") == 1
    assert WARNING in done.err
    assert "channels-last" not in done.out or name == "check"


def test_there_is_a_warning_even_if_the_network_can_t_be_built(tmp_path: Path) -> None:
    """A user reported that a pooling doesn't fit: 150×150×3 leaves a width of 1."""
    (tmp_path / "net.yaml").write_text(SPEC.replace("32, 32", "150, 150").replace("  - relu", "  - maxpool: 4"))
    for name in ("summary", "check"):
        done = process(name, "net.yaml", cwd=tmp_path)
        assert done.returncode == 2
        assert "a kernel of 4 does not fit axis W of 3" in done.stderr
        assert "hint: channels come first: [3, 150, 150]" in done.stderr


def test_an_input_given_by_an_option() -> None:
    done = command("summary", "resnet18", "--input", "64x64x3")
    assert done.err == (
        "warning: the input [64, 64, 3] looks as if its channels came last: it is read as 64 channels of 64×3 "
        "[channels-last]\n  hint: channels come first: [3, 64, 64], or add --layout hwc\n"
    )
    assert command("summary", "resnet18", "--input", "64x64x3", "--layout", "hwc").err == ""
    batch = command("summary", "video_resnet", "--input", "32x3x32x32")
    assert "hint: shapes have no batch axis: [3, 32, 32]\n" in batch.err


def test_every_input_of_several(tmp_path: Path) -> None:
    text = "input: {left: [64, 64, 3], right: [3, 64, 64]}\nlayers:\n  - relu:\n    from: left\n  - flatten:\n    from: right\n"
    (tmp_path / "net.yaml").write_text(text + "outputs: [relu1, flatten1]\n")
    done = process("summary", "net.yaml", cwd=tmp_path)
    assert done.stderr.count("[channels-last]") == 1
    assert "net.yaml:1:15: warning: the input [64, 64, 3]" in done.stderr


def test_a_sweep_warns_of_each_shape_in_one_process_and_in_several() -> None:
    for jobs in ("1", "2"):
        done = command("sweep", "lenet5", "--input", "32x32x1,1x32x32,40x40x1", "--jobs", jobs)
        assert done.err.count("[channels-last]") == 2


def test_changes_that_hotspots_tries_are_not_warned_of(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC.replace("32, 32", "224, 224"))
    assert process("hotspots", "net.yaml", cwd=tmp_path).stderr.count("[channels-last]") == 1


def test_a_comment_or_an_option_of_check_allows_it() -> None:
    meant = SPEC.replace("3]\n", "3]  # allow: channels-last\n")
    assert command("summary", "-", stdin=meant).err == ""
    assert command("check", "-", "--strict", stdin=SPEC).code == 1
    assert command("check", "-", "--strict", stdin=meant).code == 0
    assert command("check", "-", "--strict", "--allow", "channels-last", stdin=SPEC).code == 0


def test_a_spec_that_permutes_its_axes_knows_them() -> None:
    assert command("summary", "-", stdin=SPEC.replace("layers:\n", "layers:\n  - permute: [2, 0, 1]\n")).err == ""


def test_python_warns_as_python_does(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cnncalc.load(tmp_path / "net.yaml")
    (one,) = caught
    assert issubclass(one.category, UserWarning)
    assert "looks as if its channels came last" in str(one.message)
