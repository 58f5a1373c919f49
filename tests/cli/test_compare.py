"""``cnncalc compare`` through its entry point, and in a shell as ``git diff`` would be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import cnncalc

SMALL = """\
name: Small
input: [3, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - global_avgpool
  - flatten
  - linear: 10
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(
        SMALL.replace("- relu", "- batchnorm\n  - relu").replace("10", "20"), encoding="utf-8"
    )
    return tmp_path


def test_a_figure_has_the_same_name_in_every_format(nets: Path) -> None:
    """It is also the name that ``--max-ratio`` and a sweep take."""
    compare = ("compare", "a.yaml", "b.yaml", "--format")
    of_json = [row["figure"] for row in json.loads(cnncalc(*compare, "json").out)["figures"]]
    of_ndjson = [json.loads(line)["figure"] for line in cnncalc(*compare, "ndjson").out.splitlines()]
    of_csv = [line.split(",")[1] for line in cnncalc(*compare, "csv").out.splitlines()[1:]]
    assert of_json == of_ndjson == of_csv
    assert {"weight_bytes", "forward_bytes", "peak_bytes", "training_bytes"} < set(of_csv)
    for name in ("weight_bytes", "peak_bytes", "macs"):
        assert cnncalc("compare", "a.yaml", "b.yaml", "--max-ratio", f"{name}=99").code == 0


def test_two_networks_side_by_side(nets: Path) -> None:
    done = cnncalc("compare", "a.yaml", "b.yaml", columns=80)
    assert (done.code, done.err) == (0, "")
    figures, _, layers = done.out.rpartition("\n\n")
    assert figures.splitlines()[:12] == [
        "a   Small   input 3×8×8   batch 1   float32",
        "b   Small   input 3×8×8   batch 1   float32",
        "",
        "                     a          b   ratio",
        "-----------------------------------------",
        "layers               5          6  ×1.200",
        "params             162        220  ×1.358",  # 112 + 50, and 112 + 8 + 100
        "buffers              0          8     new",
        "MACs             6,952      6,992  ×1.006",  # 256·27, and 4·10 or 4·20
        "FLOPs           14,682     15,284  ×1.041",  # 2·6912 + 256, 256, 4·64, 90; or 180, and 512 of batchnorm
        "activations        266        276  ×1.038",
        "memory",
    ]
    norm = figures[figures.index("norm\n") : figures.index("pool\n")].splitlines()
    assert norm[1:] == ["  layers             0          1     new", "  params             0          8     new"]
    assert layers == (
        "   layer     type            output  params   MACs\n"
        "--------------------------------------------------\n"
        "   conv1     conv 3×3, 4      4×8×8     112  6,912\n"
        "+  bn1       batchnorm        4×8×8       8      0\n"
        "   relu1     relu             4×8×8       0      0\n"
        "   pool1     global_avgpool   4×1×1       0      0\n"
        "   flatten1  flatten              4       0      0\n"
        "~  fc1       linear 10           10      50     40\n"
        "→  fc1       linear 20           20     100     80\n"
        "--------------------------------------------------\n"
        "Layers: 4 same, 1 changed, 1 added.\n"
    )


def test_context_folds_what_is_the_same(nets: Path) -> None:
    lines = cnncalc("compare", "a.yaml", "b.yaml", "--layers", "-U", "0").out.splitlines()
    assert [line.split()[0] for line in lines[2:-2]] == ["…", "+", "…", "~", "→"]
    assert lines[4] == "… 3 the same"


def test_a_changed_argument_that_the_label_does_not_show(nets: Path) -> None:
    (nets / "b.yaml").write_text(SMALL.replace("padding: 1", "padding: 1, bias: false"), encoding="utf-8")
    out = cnncalc("compare", "a.yaml", "b.yaml", "--layers", "-U", "0").out
    assert "conv 3×3, 4, bias: true" in out
    assert "conv 3×3, 4, bias: false" in out


def test_a_merge_of_more_tensors_shows_their_number(tmp_path: Path) -> None:
    """DenseNets may concatenate all outputs so far, or the last result with the newest: label and shape agree."""
    start = "input: [2, 4, 4]\nlayers:\n  - relu:\n    name: a\n  - tanh:\n    name: b\n"
    (tmp_path / "two.yaml").write_text(
        f"{start}  - concat:\n    from: [a, b]\n    name: ab\n  - concat:\n    from: [ab, a]\n    name: all\n"
    )
    (tmp_path / "three.yaml").write_text(
        f"{start}  - concat:\n    from: [a, b]\n    name: ab\n  - concat:\n    from: [a, b, a]\n    name: all\n"
    )
    found = cnncalc("compare", str(tmp_path / "two.yaml"), str(tmp_path / "three.yaml")).out
    assert "concat of 2 inputs" in found
    assert "concat of 3 inputs" in found


def test_equal_networks(nets: Path) -> None:
    out = cnncalc("compare", "a.yaml", "a.yaml").out
    assert out.endswith("All 5 layers are the same.\n")
    assert "1: a" in out


def test_family_by_path_and_variant() -> None:
    """VGG-19 has a fourth convolution and ReLU in each of the stages 3 to 5 (arXiv:1409.1556, Table 1, D and E)."""
    done = cnncalc("compare", "specs/vgg.yaml:vgg16", "vgg19", "--format", "json")
    document = json.loads(done.out)
    assert document["changes"] == {"same": 40, "added": 6}
    added = [one["b"]["name"] for one in document["layers"] if one["change"] == "added"]
    assert added == [f"stage{n}.conv_relu4.{layer}" for n in (3, 4, 5) for layer in ("conv1", "relu1")]
    figures = {(one["group"], one["figure"]): one for one in document["figures"]}
    assert figures["total", "params"]["values"] == [138_357_544, 143_667_240]
    assert figures["total", "macs"]["ratios"] == [1, 19_632_062_464 / 15_470_264_320]
    assert figures["fc", "params"]["ratios"] == [1, 1]


def test_three_networks_have_no_layers() -> None:
    done = cnncalc("compare", "alexnet", "vgg16", "resnet50", columns=80)
    assert done.code == 0
    assert max(len(line) for line in done.out.splitlines()) <= 80
    assert done.out.count("alexnet") == 3  # the name stands in the heading, and beside each of the others
    assert "layer  " not in done.out
    assert "layers" not in json.loads(cnncalc("compare", "alexnet", "vgg16", "resnet50", "--format", "json").out)


def test_line_formats(nets: Path) -> None:
    lines = cnncalc("compare", "a.yaml", "b.yaml", "--format", "tsv").out.splitlines()
    assert lines[0] == "group\tfigure\ta\tb\tb_ratio"
    assert "total\tlayers\t5\t6\t1.2" in lines
    layers = cnncalc("compare", "a.yaml", "b.yaml", "--layers", "--format", "csv").out.splitlines()
    assert layers[0].startswith("change,name_a,name_b,type_a,type_b")
    assert layers[2] == "added,,bn1,,batchnorm,,1x4x8x8,,8,,0"
    records = [
        json.loads(line) for line in cnncalc("compare", "a.yaml", "b.yaml", "--format", "ndjson").out.splitlines()
    ]
    assert records[1] == {"group": "total", "figure": "params", "a": 162, "b": 220, "b_ratio": 220 / 162}


def test_convention_and_input_apply_to_all_networks() -> None:
    """AlexNet's and VGG-16's mult-adds as torchinfo 1.8 prints them: 714.68 M and 15.48 G."""
    done = cnncalc("compare", "alexnet", "vgg16", "--convention", "torchinfo", "--format", "json")
    figures = {(one["group"], one["figure"]): one["values"] for one in json.loads(done.out)["figures"]}
    assert [round(value / 1e6) for value in figures["total", "macs"]] == [715, 15484]
    smaller = json.loads(cnncalc("compare", "vgg11", "vgg13", "--input", "3x112x112", "--format", "json").out)
    assert [one["inputs"]["input"] for one in smaller["networks"]] == [[1, 3, 112, 112]] * 2


@pytest.mark.parametrize("arguments", [("alexnet",), ("alexnet", "vgg16", "vgg19", "--layers"), ("alexnet", "nope")])
def test_wrong_command_lines(arguments: tuple[str, ...]) -> None:
    done = cnncalc("compare", *arguments)
    assert (done.code, done.out) == (2, "")


def test_an_expectation_that_is_missed_is_reported(nets: Path) -> None:
    (nets / "b.yaml").write_text(SMALL + "expect: {params: 1}\n", encoding="utf-8")
    done = cnncalc("compare", "a.yaml", "b.yaml")
    assert done.code == 1
    assert "b.yaml:9:18: params should be 1, but is 162" in done.err


def test_networks_of_the_same_name_are_told_apart_by_their_files(nets: Path) -> None:
    """They are called by their files' names or paths; heads of columns are shortened to fit."""
    for name in ("old/x.yaml", "new/x.yaml", "new/y.yaml"):
        (nets / name).parent.mkdir(exist_ok=True)
        (nets / name).write_text("variants: {v: {}}\n" + SMALL, encoding="utf-8")
    for one, other, labels in (
        ("old/x.yaml", "new/y.yaml", ["x", "y"]),
        ("old/x.yaml:v", "new/y.yaml:v", ["x.yaml:v", "y.yaml:v"]),
        ("old/x.yaml", "new/x.yaml", ["old/x.yaml", "new/x.yaml"]),
    ):
        assert cnncalc("compare", one, other).out.splitlines()[3].split() == [*labels, "ratio"]
    long = nets / f"{'long' * 6}.yaml"
    long.write_text(SMALL, encoding="utf-8")
    lines = cnncalc("compare", long.name, "a.yaml", columns=80).out.splitlines()
    assert lines[0].startswith(long.stem)
    assert lines[3].split()[:2] == ["…" + long.stem[-16:], "a"]


HEAD = "  - conv: {out_channels: 4, kernel_size: 3, bias: false}\n  - batchnorm\n  - flatten\n  - linear: 10\n"
TALL = "input: [3, 8, 8]\nlayers:\n  - conv: {out_channels: 5, kernel_size: 1, bias: false}\n  - batchnorm\n"


def test_folded_norms_are_those_of_one_network(nets: Path) -> None:
    """The first conv of TALL + HEAD has 15 weights and its norm 2·5; the second 180 and 2·4, or 180 and a bias of 4."""
    one = TALL + HEAD
    (nets / "one.yaml").write_text(one, encoding="utf-8")
    folded = one.replace("  - batchnorm\n", "").replace(", bias: false", "")
    (nets / "folded.yaml").write_text(folded.replace("linear: 10", "linear: 2"), encoding="utf-8")
    told = cnncalc("compare", "one.yaml", "folded.yaml").out.split("Layers: ")[1].split("\n", 1)[1]
    assert " ".join(told.split()) == (
        "2 batch norms of one are folded into layers of folded: 18 params and 18 buffers there, 9 more biases here. "
        "That explains −9 params of −1,169."  # and 8 · (6 · 6 · 4 + 1) in the last layer
    )
    (nets / "other.yaml").write_text(
        folded.replace("channels: 5, kernel_size: 1", "channels: 5, kernel_size: 2"), "utf-8"
    )
    assert "folded" not in cnncalc("compare", "one.yaml", "other.yaml").out.split("Layers: ")[1]


def test_norms_that_are_folded_are_those_of_all_layers_whatever_the_depth(nets: Path) -> None:
    """One block with a convolution of 3·5 weights and a norm of 2·5, or with a bias of 5."""
    conv = "      - conv: {out_channels: 5, kernel_size: 1"
    block = f"input: [3, 8, 8]\nblocks:\n  stem:\n    layers:\n{conv}%s\nlayers: [stem]\n"
    (nets / "one.yaml").write_text(block % ", bias: false}\n      - batchnorm", "utf-8")
    (nets / "folded.yaml").write_text(block % "}", "utf-8")
    for more in ((), ("--depth", "1")):
        assert " ".join(cnncalc("compare", "one.yaml", "folded.yaml", *more).out.split()).endswith(
            "1 batch norm of one is folded into layers of folded: 10 params and 10 buffers there, 5 more biases here. "
            "That explains the whole difference in params."
        )


@pytest.mark.parametrize("two", [("resnet18", "vgg16"), ("vgg16", "resnet18")])
def test_two_networks_have_nothing_folded(two: tuple[str, str]) -> None:
    """Some of their convolutions are equal but for a batch norm in one network, and a bias in the other."""
    assert cnncalc("compare", *two).out.splitlines()[-1].startswith("Layers: ")


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (["params=1.36"], ""),
        (["params=1.35", "macs=1.01"], "b: params = 220, over the bound of 1.35 × the 162 of a\n"),
        (["layers=1.2", "buffers=0"], "b: buffers = 8, over the bound of 0 × the 0 of a\n"),
        (["weight_bytes=1"], "b: weight_bytes = 880, over the bound of 1 × the 648 of a\n"),
    ],
)
def test_a_bound_on_a_ratio(nets: Path, bounds: list[str], message: str) -> None:
    """a and b have 162 and 220 params, ×1.358, and 5 and 6 layers."""
    options = [part for bound in bounds for part in ("--max-ratio", bound)]
    done = cnncalc("compare", "a.yaml", "b.yaml", *options)
    assert (done.code, done.err) == (1 if message else 0, message)
    assert done.out == cnncalc("compare", "a.yaml", "b.yaml").out
    assert cnncalc("compare", "a.yaml", "b.yaml", "--layers", *options).err == message


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ("mac=1", "--max-ratio mac=1: no figure 'mac'\n  hint: did you mean 'macs'?\n"),
        ("macs=5%", "--max-ratio macs=5%: not of the form FIGURE=X\n  hint: as in macs=1.05, for at most 5 % more\n"),
        ("1.05", "--max-ratio 1.05: not of the form FIGURE=X\n  hint: as in macs=1.05, for at most 5 % more\n"),
        ("macs", "--max-ratio macs: not of the form FIGURE=X\n  hint: as in macs=1.05, for at most 5 % more\n"),
    ],
)
def test_a_bound_that_can_t_be_read(nets: Path, bound: str, message: str) -> None:
    assert cnncalc("compare", "a.yaml", "b.yaml", "--max-ratio", bound) == (2, "", message)


def test_two_versions_through_pipes_of_the_shell(nets: Path) -> None:
    script = f"{sys.executable} -m cnncalc compare <(sed 's/relu/tanh/' a.yaml) a.yaml --layers -U0"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert [line.split()[:2] for line in done.stdout.splitlines()[3:5]] == [["-", "tanh1"], ["+", "relu1"]]


def test_the_same_layers_in_another_order_are_said_to_be_the_same(tmp_path: Path) -> None:
    parts = ["  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n    from: input\n    name: wide\n",
             "  - conv: {out_channels: 4, kernel_size: 1}\n    from: input\n    name: narrow\n"]  # fmt: skip
    for name, items in (("a", parts), ("b", parts[::-1]), ("c", parts[:1])):
        add = "  - add:\n    from: [wide, narrow]\n" if len(items) == 2 else ""
        (tmp_path / f"{name}.yaml").write_text("input: [4, 8, 8]\nlayers:\n" + "".join(items) + add)
    a, b, c = (str(tmp_path / f"{name}.yaml") for name in "abc")
    last = cnncalc("compare", a, b).out.splitlines()[-1]
    assert last == "All 3 layers are the same, but stand in another order."
    other = Path(b).read_text().replace("[wide, narrow]", "[narrow, wide]")
    (tmp_path / "d.yaml").write_text(
        other.replace("    from: input\n    name: wide", "    from: narrow\n    name: wide")
    )
    last = cnncalc("compare", a, str(tmp_path / "d.yaml")).out.splitlines()[-1]
    assert last.endswith(". Both have the same layers: their order differs, or what they read.")
    assert cnncalc("compare", a, c).out.splitlines()[-1] == "Layers: 1 same, 2 removed."


def test_blocks_side_by_side() -> None:
    """Stages of 2, 2, 2, 2 blocks became 3, 4, 6, 3: He et al. 2015, arXiv:1512.03385, Table 1."""
    done = cnncalc("compare", "resnet18", "resnet34", "--depth", "2", "--layers", "--format", "csv")
    added = [line.split(",")[2].split(".")[0] for line in done.out.splitlines() if line.startswith("added")]
    assert added == ["stage1", *["stage2"] * 2, *["stage3"] * 4, "stage4"]
    text = cnncalc("compare", "resnet18", "resnet34", "--depth", "1").out
    assert text.endswith("Blocks and layers: 6 same, 4 changed.\n")
    assert cnncalc("compare", "resnet18", "resnet18", "--depth", "1").out.endswith(
        "All 10 blocks and layers are the same.\n"
    )
    for more in (["alexnet"], ["--format", "svg"]):
        done = cnncalc("compare", "resnet18", "resnet34", "--depth", "1", *more)
        assert (done.code, done.out) == (2, "")
        assert done.err.endswith("Error: --depth compares exactly two specs, and not as svg or html\n")


def test_standard_input_may_be_named_twice() -> None:
    done = cnncalc("compare", "-", "-", stdin=SMALL)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("All 5 layers are the same.\n")
