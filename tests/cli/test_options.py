"""Options that commands share: help, formats by a file's suffix, schema versions, the name of a convention."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import cnncalc as cnncalc_package
from cnncalc.cli import cli
from tests.commands import cnncalc, on_a_terminal, process
from tests.pages import ROOT
from tests.patience import ends_soon

COMMANDS = cli.list_commands(click.Context(cli))


def test_help_names_what_spec_can_be() -> None:
    for command in ("summary", "check", "sweep", "import"):
        words = " ".join(cnncalc("help", command).out.split())
        assert "SPEC is a YAML file or an ONNX model, '-' for standard input, or a network that" in words
    assert "SPEC is" not in cnncalc("help", "show").out  # takes no model file
    assert "SPEC is" not in cnncalc("help", "layers").out


def test_help_is_a_command() -> None:
    assert cnncalc("help") == cnncalc("--help")
    assert cnncalc("help", "summary") == cnncalc("summary", "--help")
    assert "\n  Examples:\n  cnncalc summary alexnet\n" in cnncalc("help", "summary").out
    wrong = cnncalc("help", "sumary")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean 'summary'?" in wrong.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_default_is_reported(name: str) -> None:
    """Help states the default of every option that has one."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    with click.Context(cli, **cli.context_settings) as context, click.Context(command, parent=context) as its:
        for option in command.params:
            if (
                isinstance(option, click.Option)
                and not option.is_flag
                and isinstance(option.default, (str, int, float))
            ):
                record = option.get_help_record(its)
                assert record is not None
                assert f"[default: {option.default}" in record[1], option.name
                assert "1000000" not in record[1]


def test_a_batch_above_the_bound_is_refused() -> None:
    done = cnncalc("summary", "lenet5", "--batch", "9" * 30)
    assert done.code == 2
    assert "is more than 1,000,000,000." in done.err


@pytest.mark.parametrize(
    ("suffix", "format"),
    [("json", "json"), ("ndjson", "ndjson"), ("jsonl", "ndjson"), ("csv", "csv"), ("TSV", "tsv"), ("md", "markdown"),
     ("txt", "table")],
)  # fmt: skip
def test_the_suffix_decides(tmp_path: Path, suffix: str, format: str) -> None:
    target = tmp_path / f"out.{suffix}"
    for arguments in (["-o", str(target)], ["--output", str(target)]):
        assert cnncalc("summary", "lenet5", *arguments).code == 0
        assert target.read_text() == cnncalc("summary", "lenet5", "--format", format).out
    for said in ("tsv", "table"):
        for order in (["--format", said, "-o", str(target)], ["-o", str(target), "--format", said]):
            assert cnncalc("summary", "lenet5", *order).code == 0
            assert target.read_text() == cnncalc("summary", "lenet5", "--format", said).out


def test_the_suffix_asks_for_a_format_that_one_command_has(tmp_path: Path) -> None:
    assert cnncalc("check", "lenet5", "-o", str(tmp_path / "report.xml")).code == 0
    assert (tmp_path / "report.xml").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "arguments",
    [
        ["summary", "lenet5"], ["compare", "lenet5", "alexnet"], ["check", "lenet5"], ["explain", "lenet5"],
        ["explain", "lenet5", "--convention"], ["explain", "lenet5", "C1", "--at", "0,0,0"],
        ["hotspots", "lenet5"], ["layers"], ["layers", "conv"], ["specs", "lenet5"], ["survey", "lenet5"],
        ["sweep", "lenet5"], ["run", "lenet5"], ["weights", "lenet5"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_object_has_its_schema_version(arguments: list[str]) -> None:
    assert json.loads(cnncalc(*arguments, "--format", "json").out)["schema_version"] == 1


@pytest.mark.parametrize("command", [["summary", "lenet5"], ["compare", "lenet5", "alexnet"],
                                     ["compare", "lenet5", "alexnet", "--layers"]], ids=" ".join)  # fmt: skip
def test_a_convention_names_itself(command: list[str]) -> None:
    for format, said in (("csv", ",convention\n"), ("tsv", "\tconvention\n"), ("markdown", "| convention |\n")):
        assert said not in cnncalc(*command, "--format", format).out
        first, *rows = cnncalc(*command, "--format", format, "--convention", "thop").out.splitlines(keepends=True)
        assert first.endswith(said)
        assert all("thop" in row for row in rows if "---" not in row)
    lines = cnncalc(*command, "--format", "ndjson", "--convention", "thop").out.splitlines()
    assert {json.loads(line)["convention"] for line in lines} == {"thop"}
    assert "thop" in cnncalc(*command, "--convention", "thop").out


def test_a_shape_with_blanks() -> None:
    """Blanks around signs are allowed; blanks in place of signs are not, so that two figures never become one."""
    for text in (" 1 x 32 × 32 ", "1X32X32", "(1, 32, 32)", "[1,32,32]"):
        assert cnncalc("summary", "lenet5", "--input", text) == cnncalc("summary", "lenet5")
    for text in ("1 32 32", "1x3 2x32", "1x1６x16", "1x32x32,1x16x16"):
        done = cnncalc("summary", "lenet5", "--input", text)
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"--input {text}: '{text}' is not a shape\n  hint: write it as 3x224x224, without the batch axis\n"
        )
    done = cnncalc("summary", "lenet5", "--input", "x:1x32x32")
    assert done.err == "--input x:1x32x32: 'x:1x32x32' is not a shape\n  hint: write it as x=1x32x32\n"
    done = cnncalc("summary", "lenet5", "--input", "x=1x32x32,rate=3")
    assert done.err == "--input x=1x32x32,rate=3: several inputs in one word\n  hint: give --input once for each\n"


def test_a_negative_bound_is_refused() -> None:
    done = cnncalc("check", "lenet5", "--max-macs", "-1")
    assert (done.code, done.err.splitlines()[0]) == (2, "--max-macs -1: must be 0 or more")


def test_digits_of_other_scripts_are_none() -> None:
    done = cnncalc("check", "lenet5", "--max-macs", "１k")
    assert (done.code, done.err) == (2, "--max-macs １k: not a number\n  hint: write it as 600M, 1.5G or 20000\n")


# --- colour ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "options", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": ""}, [], False),
        ({"CLICOLOR_FORCE": "1"}, [], True),
        ({"CLICOLOR_FORCE": "0"}, [], False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, [], True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
    ],
)
def test_colour_by_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], options: list[str], colored: bool
) -> None:
    """Sources: no-color.org, force-color.org, bixense.com/clicolors."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cnncalc("summary", "lenet5", *options).out) is colored
    if "always" not in options:
        cnncalc("summary", "lenet5", "-o", str(tmp_path / "x.txt"), *options)
        assert "\x1b[" not in (tmp_path / "x.txt").read_text()


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False), ({"CLICOLOR": "0"}, False),
     ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, True)],
)  # fmt: skip
def test_colour_on_a_terminal(variables: dict[str, Any], colored: bool) -> None:
    text = on_a_terminal([sys.executable, "-m", "cnncalc", "summary", "lenet5"], **variables)
    assert ("\x1b[" in text) is colored


# --- summary ---------------------------------------------------------------------------------------------------


def test_json_obeys_columns() -> None:
    found = json.loads(cnncalc("summary", "lenet5", "--format", "json", "--columns", "layer,params").out)
    assert found["layers"][0] == {"name": "C1", "params": 156}  # 6 filters of 5×5, and their biases
    assert found["totals"]["layers"] == len(found["layers"])


def test_channels_last_in_flat_formats() -> None:
    for format in ("csv", "tsv", "markdown"):
        out = cnncalc("summary", "lenet5", "--layout", "hwc", "--format", format, "--columns", "output,input").out
        assert "1x28x28x6" in out
        assert "1x6x28x28" not in out
    for format in ("json", "ndjson"):
        plain = cnncalc("summary", "lenet5", "--format", format).out
        assert cnncalc("summary", "lenet5", "--layout", "hwc", "--format", format).out == plain


def test_channels_last_where_several_specs_are_read() -> None:
    for command in (["compare", "lenet5", "lenet5_1998"], ["check", "lenet5"], ["survey", "lenet5"]):
        last = cnncalc(*command, "--input", "32x32x1", "--layout", "hwc")
        assert last.code == 0
        if command[0] == "compare":
            assert "input 32×32×1 " in last.out
            assert "28×28×6 " in last.out
        else:
            assert last.out == cnncalc(*command, "--input", "1x32x32").out


def test_items_that_are_left_out_are_no_blocks() -> None:
    last = next(line for line in cnncalc("summary", "lenet5", "--top", "2").out.splitlines() if " more" in line)
    assert "block" not in last


def test_the_field_of_each_output(tmp_path: Path) -> None:
    """Two 3×3 windows see 5×5; one after a stride of 2 sees 3 + (3 − 1)·2 = 7, a step of 2 apart."""
    net = tmp_path / "net.yaml"
    net.write_text(
        "input: [3, 16, 16]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n"
        "  - conv: {out_channels: 4, kernel_size: 3}\n    name: b\n"
        "  - conv: {out_channels: 4, kernel_size: 3, stride: 2}\n    name: c\n"
        "  - global_avgpool:\n    name: d\noutputs: [b, c, d]\n"
    )
    out = cnncalc("summary", str(net)).out
    assert "field        b: a position sees 5×5 of the input's 16×16, 1×1 apart\n" in out
    assert "             c: a position sees 7×7 of the input's 16×16, 2×2 apart\n" in out
    assert "             d: sees " in out
    fields = json.loads(cnncalc("summary", str(net), "--format", "json").out)["receptive_fields"]
    assert [axis["size"] for axis in fields["b"] + fields["c"]] == [5, 5, 7, 7]


def test_the_field_of_each_input(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(
        "input: {left: [1, 16, 16], right: [1, 8, 8]}\nlayers:\n"
        "  - conv: {out_channels: 1, kernel_size: 3, padding: 1}\n    from: left\n    name: a\n"
        "  - upsample: 2\n    from: right\n    name: b\n  - add:\n    from: [a, b]\n"
    )
    out = cnncalc("summary", str(net)).out
    assert "field        an output position sees 3×3 of left's 16×16, 1×1 apart; 1×1 of right's 8×8, 0.5×0.5" in out
    found = json.loads(cnncalc("summary", str(net), "--format", "json").out)["receptive_fields_by_input"]["add1"]
    sizes = {name: [(axis["size"], axis["input_size"]) for axis in axes] for name, axes in found.items()}
    assert sizes == {"left": [(3, 16)] * 2, "right": [(1, 8)] * 2}
    done = cnncalc("check", str(net), "--min-receptive-field", "2")
    assert (done.code, "receptive_field = 1, under the bound of 2" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (
            "[{avgpool: 2}, {upsample: 2}, {conv: {out_channels: 1, kernel_size: 4}}]",
            "4 to 6 of the input's 64, 1 apart",
        ),
        ("[{flatten: {}}, {slice: {start: 1}}]", "1 of the input's 64"),
    ],
)
def test_fields_that_differ(layers: str, text: str) -> None:
    """Half of the positions see two pairs, the others three (faustomilletari/VNet#36 in its smallest form)."""
    out = cnncalc("summary", "-", stdin=f"input: [1, 64]\nlayers: {layers}\n").out
    assert f" sees {text}\n" in out


def test_a_field_that_is_a_bound() -> None:
    spec = (
        "input: [1, 3000, 3000]\nlayers:\n  - flatten\n  - slice: {start: 1, step: 2}\n"
        "  - reshape: [1, 1500, 3000]\n  - conv: {out_channels: 1, kernel_size: [3, 1]}\n"
    )
    assert " sees at most 3000×3000 of the input's 3000×3000\n" in cnncalc("summary", "-", stdin=spec).out
    done = cnncalc("check", "-", "--min-receptive-field", "2", stdin=spec)
    assert (done.code, "sees at most 3000×3000 of 'input'; the exact size is not known" in done.err) == (2, True)


@pytest.mark.parametrize(
    "sequence",
    [
        "{upsample: {size: 8}}, {conv: {out_channels: 1, kernel_size: 2}}",  # periods of 8, 64, 512 …
        "{conv: {out_channels: 1, kernel_size: 3, stride: 2, padding: 1}}",  # strides of 2, 4, 8 …
        "{conv_transpose: {out_channels: 1, kernel_size: 99991, stride: 99989}}, {adaptive_avgpool: 7}",
    ],
)
def test_fields_of_hostile_networks_end_soon(sequence: str) -> None:
    spec = f"input: [1, 7]\nlayers:\n- sequence: [{sequence}]\n  repeat: 2000\n"
    with ends_soon():
        done = cnncalc("summary", "-", "--top", "1", stdin=spec)
    assert done.code == 0


def test_sorted_by_layer() -> None:
    by = {word: cnncalc("summary", "lenet5", "--sort", word) for word in ("layer", "name")}
    assert by["layer"].code == 0
    assert by["layer"] == by["name"]


# --- layers ----------------------------------------------------------------------------------------------------


def test_layers_as_one_object() -> None:
    found = json.loads(cnncalc("layers", "--format", "json").out)
    assert {one["type"]: one["named"] for one in found["layers"]}["linear"] == "fc1"


def test_a_layer_is_readable() -> None:
    out = cnncalc("layers", "maxpool", columns=200).out
    assert "one of floor, ceil, caffe" in out
    assert "caffe: " in out
    assert "named pool1, pool2, …" in out
    for one in json.loads(cnncalc("layers", "--format", "json").out)["layers"]:
        assert "*" not in cnncalc("layers", one["type"]).out


# --- which network ------------------------------------------------------------------------------------------


def test_a_family_says_which_variant_is_shown_and_how_many_there_are(tmp_path: Path) -> None:
    done = cnncalc("summary", "vgg")
    assert (done.code, done.err) == (
        0,
        "note: VGG has 8 variants: vgg11, vgg13, vgg16, vgg19, vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn; this is vgg16, "
        "--variant NAME shows another\n",
    )
    assert "138,357,544" in done.out  # vgg16's params, Simonyan and Zisserman 2014, Table 2: 138 M
    assert cnncalc("summary", "vgg", "--variant", "vgg11").err == cnncalc("summary", "vgg11").err == ""
    net = tmp_path / "net.yaml"
    net.write_text(
        "args: {n: 1}\nvariants: {a: {args: {n: 2}}, b: {args: {n: 3}}}\ninput: [3]\nlayers: [{linear: n}]\n"
    )
    assert "this is the file's default, which is none of them" in cnncalc("summary", str(net)).err
    assert cnncalc("summary", str(net), "--set", "n=4").err == ""


@pytest.mark.parametrize(
    ("options", "blamed", "message"),
    [
        (["--set", "width=0"], "--set width=0", "conv 'conv1': out_channels must be a positive integer, not 0"),
        (
            ["--set", "width=2", "--set", "kernel=9"],
            "--set kernel=9",
            "conv 'conv1': a kernel of 9 does not fit axis H of 8",
        ),
        (["--input", "3x2x2"], "--input 3x2x2", "conv 'conv1': a kernel of 3 does not fit axis H of 2"),
        (
            ["--set", "kernel=4", "--input", "3x3x3"],
            "--set kernel=4 --input 3x3x3",
            "conv 'conv1': a kernel of 4 does not",
        ),
    ],
)
def test_an_option_is_to_blame_where_the_spec_is_right_without_it(
    options: list[str], blamed: str, message: str, tmp_path: Path
) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(
        "args: {width: 4, kernel: 3}\ninput: [3, 8, 8]\nlayers:\n  - conv: {out_channels: width, kernel_size: kernel}\n"
    )
    done = cnncalc("summary", str(net), *options)
    assert (done.code, done.out) == (2, "")
    first, *rest = done.err.splitlines()
    assert first.startswith(f"{blamed} ({net}:4:{26 if 'channels' in message else 46}): {message}")
    assert rest[0] == "   4 |   - conv: {out_channels: width, kernel_size: kernel}"


@pytest.mark.parametrize(
    "command",
    [
        "summary",
        "explain",
        "run",
        "weights",
        "draw",
        "deploy",
        "check",
        "compare",
        "survey",
        "hotspots",
        "import",
    ],
)
def test_every_command_blames_the_option(command: str, tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text("args: {classes: 4}\ninput: [3]\nlayers:\n  - linear: classes\n")
    others = ["lenet5"] if command == "compare" else []
    done = cnncalc(command, str(net), *others, "--set", "classes=0")
    assert done.code == 2
    place = f"--set classes=0 ({net}:4:13): linear 'fc1': out_features must be a positive integer, not 0"
    assert done.err.splitlines()[0] == place


def test_an_option_is_not_to_blame_for_the_spec_s_own_fault() -> None:
    spec = "args: {n: 1}\ninput: [3, 8, 8]\nlayers:\n  - conv: {out_channels: n, kernel_size: 9}\n"
    assert cnncalc("summary", "-", "--set", "n=2", stdin=spec).err.startswith(
        "<stdin>:4:42: conv 'conv1': a kernel of 9"
    )


def test_inner_rooms_speak_of_arguments_not_of_options(tmp_path: Path) -> None:
    """A caller from Python has arguments, not options."""
    net = tmp_path / "net.yaml"
    net.write_text("args: {width: 4}\ninput: {a: [3], b: [3]}\nlayers: [{add: {}, from: [a, b]}]\n")
    with pytest.raises(cnncalc_package.CnncalcError) as caught:
        cnncalc_package.load(net, widht=3)
    assert str(caught.value) == f"widht: {net} has no argument 'widht'\n  hint: did you mean 'width'?"
    with pytest.raises(cnncalc_package.CnncalcError) as caught:
        cnncalc_package.load(net, input=(3,))
    assert str(caught.value) == (
        "input: the network has several inputs: a, b\n  hint: each shape needs the name of its input"
    )
    with pytest.raises(cnncalc_package.CnncalcError) as caught:
        cnncalc_package.load(net, input={"c": (3,)})
    assert str(caught.value) == f"c: {net} has no input 'c'\n  hint: inputs: a, b"


def test_no_message_below_the_command_line_names_an_option() -> None:
    """The test looks at every text in the code below the command line, apart from docstrings."""
    import ast

    root = Path(cnncalc_package.__file__).parent
    found = []
    for path in root.rglob("*.py"):
        if path.parts[len(root.parts)] in ("cli", "__main__.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}  # docstrings
        constants = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in said]
        texts = [one.value for one in constants if isinstance(one.value, str)]
        found += [f"{path.name}: {text}" for text in texts if OPTION(text)]
    assert found == []


OPTION = re.compile(r"(?<![\w-])(?<!var\()--[a-z]").search  # var(--name) is CSS


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["sumary", "alexnet"], "did you mean 'summary'?"),
        (["profile", "alexnet"], "it is called 'summary' here"),
        (["diff", "alexnet", "vgg16"], "it is called 'compare' here"),
        (
            ["onnx", "net.onnx"],
            "'cnncalc summary net.onnx' reads a model, 'cnncalc export SPEC -o net.onnx' writes one",
        ),
        (["onnx2torch", "net.onnx"], "it is called 'export' here"),
        (["alexnet"], "'cnncalc summary alexnet' shows it"),
        (["summary", "alexnet", "--colums", "params"], "did you mean '--columns'?"),
        (["summary", "alexnet", "--inptu", "3x8x8"], "did you mean '--input'?"),
        (["summary", "alexnet", "--batch-size", "3"], "it is called '--batch' here"),
        (["summary", "alexnet", "--precision", "int8"], "it is called '--dtype' here"),
        (["check", "alexnet", "--max-parms", "3"], "did you mean '--max-params'?"),
        (["check", "alexnet", "--flops", "3"], "it is called '--max-macs' here"),
        (["check", "alexnet", "--max-memory", "3"], "it is called '--max-peak-bytes' here"),
        (["check", "alexnet", "--max-ram", "3"], "it is called '--max-arena' here"),
        (["check", "alexnet", "--max-arena", "32kb"], "write 32KB, with capitals"),
        (["deploy", "lenet5", "--core", "cortex-m4"], "did you mean 'm4'?"),
        (["deploy", "lenet5", "--quant", "fp32"], "it is called 'float32' here"),
        (["summary", "lenet5", "--dtype", "flaot16"], "did you mean 'float16'?"),
        (["export", "lenet5", "--format", "onnx"], "it is called '--to' here"),
        (["export", "lenet5", "--to", "pytorch"], "it is called 'torch' here"),
        (["summary", "lenet5", "--json"], "write '--format json'"),
        (["sweep", "mobilenet_v2", "--set", "width=8..32"], "a range is START:STOP, or 8:32:8 with a step"),
        (
            ["layers", "groups"],
            "it is an argument of conv, conv_transpose, channel_shuffle: 'cnncalc layers conv' shows it",
        ),
        (["layers", "conv2d"], "it is called 'conv' here"),
        (["sweep", "mobilenet_v2", "--set", "width=range(8,32)"], "a range is START:STOP, or 8:32:8 with a step"),
        (["sweep", "mobilenet_v2", "--set", "width=1,2,...,8"], "a range is START:STOP, or 8:32:8 with a step"),
        (["summary", "alexnet", "classes=100"], "write '--set classes=100'"),
        (["summary", "alexnet", "3x64x64"], "write '--input 3x64x64'"),
        *[
            (
                ["sweep", "alexnet", "--input", "3x64x64", *shapes],
                "an option takes one word: several shapes have commas between them, 3x64x64,3x96x96",
            )
            for shapes in (["3x96x96"], ["3x96x96", "3x128x128"])
        ],
        (["summary", "alexnet", "--batch_size", "3"], "it is called '--batch' here"),
        (["summary", "alexnet", "--fp16"], "write '--dtype float16'"),
        (["summary", "alexnet", "--sort", "parameters"], "it is called 'params' here"),
        (["summary", "alexnet", "--dtype", "int4"], None),
        (["compare", "alexnet", "vgg16", "--fail-if", "macs>1.05"], "it is called '--max-ratio' here"),
        (["version"], "'cnncalc --version' prints it"),
        (["convert", "lenet5"], "it is called 'export' here"),
        (
            ["--format", "json", "summary", "lenet5"],
            "options stand behind the command: cnncalc summary net.yaml --format …",
        ),
        (["summary", "alexnet", "vgg16"], "a command takes one spec; 'cnncalc compare' shows several side by side"),
        (["export", "alexnet", "out.onnx"], "a file to write to follows -o: '-o out.onnx'"),
        (["run", "alexnet", "x.npy"], "write '--input x.npy'"),
        (["summary", "alexnet.yaml"], "did you mean 'alexnet'?"),
        (["summary", "nets/mobilenet_v1_0.25_224"], "did you mean 'mobilenet_v1_0.25_224'?"),
        (["deploy", "lenet5", "--max-ram", "256k"], "it is called '--ram' here"),
        (["sweep", "mobilenet_v2", "--width", "0.5"], "it is called '--set' here"),
        (["sweep", "mobilenet_v2", "--max-macs", "3M"], "it is called '--where' here"),
        (["summary", "help"], "'cnncalc help summary' shows the options"),
        (["summary"], "a YAML file or an ONNX model, '-' for standard input, or a network that 'cnncalc specs' lists"),
        (["check"], "a YAML file or an ONNX model, '-' for standard input, or a network that 'cnncalc specs' lists"),
        (
            ["show", "tests/data/onnx/resnet14t.onnx"],
            "'cnncalc import tests/data/onnx/resnet14t.onnx' makes a spec of it",
        ),
        (
            ["draw", "lenet5", "-o", "n.png"],
            "write an .svg: browsers show it, and rsvg-convert makes a PNG or a PDF of it",
        ),
        (["summary", "alexnet", "--batch", "abc"], None),
        (["summary", "alexnet", "--wibble"], None),
        (["deploy", "lenet5", "--arena", "20000"], "it is called '--ram' here"),
        (["deploy", "lenet5", "--ram", "64", "KiB"], "a number and its unit are one word: 64KiB"),
        (
            ["sweep", "mobilenet_v2", "--set", "width=1", "2", "3"],
            "an option takes one word: several values have commas between them, 8,16,32",
        ),
        (["check", "lenet5", "--min-params", "5"], None),  # --max-params would be the opposite
        (["check", "lenet5", "--max-receptive-field", "5"], None),
        (["check", "lenet5", "--max-size", "1MB"], "it is called '--max-weight-bytes' here"),
        (["explain", "lenet5", "--layer", "C1"], "layers follow SPEC, without an option"),
        (["explain", "lenet5", "--params"], None),
        (["explain", "lenet5", "C1", "--at", "0", "0", "0"], "give it as one word: --at 0,3,4"),
        (["help", "summary", "explain"], "'cnncalc help explain' shows this one"),
        (["-v"], "'cnncalc --version' prints the version"),
        (["export", "lenet5", "--to", "keras"], "write 'onnx', which other tools convert to keras"),
        (["sweep", "mobilenet_v2", "--set", "width=1-8"], "a range is START:STOP, or 8:32:8 with a step"),
        (["sweep", "mobilenet_v2", "--sort", "-params"], "write params:max for the largest first"),
        (["sweep", "mobilenet_v2", "--where", "params"], "compare the figure with something: params <= 600M"),
        (["explain", "lenet5", "c*"], "layers: C1, tanh1, S2.pool1, C3, tanh2, S4.pool1, C5, tanh3, …"),
        (["hotspots", "lenet5", "--ram", "5"], "'cnncalc deploy' takes this option"),
        (["check", "lenet5", "--machine", "flops=1T"], "'cnncalc draw' and 'cnncalc hotspots' take this option"),
        (
            ["draw", "lenet5", "--format", "png"],
            "write an .svg: browsers show it, and rsvg-convert makes a PNG or a PDF of it",
        ),
        (["draw", "lenet5", "--format", "mmd"], "it is called 'mermaid' here"),
        (["summary", "lenet5", "--set", "original=1", "--set", "original=2"], "'cnncalc sweep' takes several values"),
        (["summary", "alexnet", "--set", "classes=3,4"], "'cnncalc sweep' takes several values"),
        (["summary", "alexnet", "--set", "classes=3:9"], "'cnncalc sweep' takes several values"),
        (["summary", "lenet5", "--input", "1x8x8", "--input", "1x9x9"], "'cnncalc sweep' takes several values"),
        (["import", "lenet5", "-o", "net.onnx"], "give it the suffix .yaml"),
        (["show", "lenet5", "-o", "net.json"], "give it the suffix .yaml"),
        (["summary", "nothing.json"], None),  # "no such file", as of a spec
    ],
)
def test_unknown_commands_and_options(words: list[str], hint: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = cnncalc(*words)
    assert (done.code, done.out) == (2, "")
    assert "Did you mean" not in done.err  # click itself would suggest '--help' for '--flops'
    assert done.err.endswith(f"\n  hint: {hint}\n") if hint else "hint" not in done.err


def test_errors_of_a_shipped_spec_do_not_say_where_it_is_installed() -> None:
    assert cnncalc("summary", "resnet50", "--set", "width=2").err == (
        "--set width: resnet.yaml has no argument 'width'\n  hint: args: depths, kind, groups, base_width, classes\n"
    )
    vector = cnncalc("summary", "resnet50", "--input", "224").err
    assert vector.startswith("--input 224 (resnet.yaml:48:9): conv 'conv_bn1.conv1': needs a map")
    assert vector.endswith("  hint: without it the input is 3x224x224\n")


def test_an_input_of_as_many_axes_as_the_spec_s_gets_the_fault_s_own_hint(tmp_path: Path) -> None:
    """An x in the input's name is none between two sizes."""
    path = tmp_path / "net.yaml"
    path.write_text("input: {x: [3, 8, 8]}\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n", encoding="utf-8")
    done = cnncalc("summary", str(path), "--input", "x=3x2x2")
    assert done.err.endswith("  hint: pad, use a smaller kernel, or a larger input\n")


def test_the_colon_of_a_windows_path_separates_no_variant() -> None:
    assert cnncalc("summary", "C:\\nets\\net.yaml").err == "C:\\nets\\net.yaml: no such file\n"


def test_a_picture_on_a_terminal_says_how_to_see_it() -> None:
    shown = on_a_terminal([sys.executable, "-m", "cnncalc", "draw", "lenet5"])
    assert shown.endswith("</svg>\nnote: a browser shows it; write it to a file with -o net.svg\n")
    assert cnncalc("draw", "lenet5").err == ""


def test_other_words_are_for_commands_and_options_that_there_are() -> None:
    from cnncalc.cli import _words

    assert set(_words.COMMANDS) <= set(COMMANDS)
    assert not {word for words in _words.COMMANDS.values() for word in words.split()} & set(COMMANDS)
    context = click.Context(cli)
    found = [command for name in COMMANDS if (command := cli.get_command(context, name)) is not None]
    options = {name for command in found for parameter in command.params for name in parameter.opts}
    assert set(_words.OPTIONS) <= options
    choices = [parameter.type for command in found for parameter in command.params]
    assert set(_words.VALUES) <= {
        str(one) for kind in choices if isinstance(kind, click.Choice) for one in kind.choices
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [(["summary", "alexnet", "--batch", "abc"], "'abc' is not a whole number."),
     (["hotspots", "alexnet", "--sparsity", "abc"], "'abc' is not a number.")],
)  # fmt: skip
def test_a_word_in_place_of_a_number(words: list[str], message: str) -> None:
    assert cnncalc(*words).err.endswith(f": {message}\n")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("summary resnet1", ["file,resnet1", "plain,resnet18", "plain,resnet101", "plain,resnet152"]),
        ("summary ne", ["file,ne"]),
        ("summary ", ["file,"]),
        ("compare resnet18 resnet3", ["file,resnet3", "plain,resnet34"]),
        ("show squeezenet1_1", ["file,squeezenet1_1", "plain,squeezenet1_1"]),
        ("sweep squeezenet1_1", ["file,squeezenet1_1", "plain,squeezenet1_1"]),
        ("layers global_m", ["plain,global_maxpool"]),
        ("deploy lenet5 --board stm32f", ["plain,stm32f746"]),
        ("help su", ["plain,summary", "plain,survey"]),
    ],
)
def test_a_shell_completes(words: str, offered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", f"cnncalc {words}")
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ") + 1))
    monkeypatch.setenv("_CNNCALC_COMPLETE", "bash_complete")
    done = process()
    assert (done.stdout.splitlines(), done.stderr) == (offered, "")


def test_messages_are_broken_at_blanks_on_a_terminal(tmp_path: Path) -> None:
    """The quoted line of the file is not broken, because the caret below it would be misplaced."""
    item = "  - maxpool: {kernel_size: 9}  # " + "a comment " * 4
    (tmp_path / "net.yaml").write_text(f"input: [3, 8, 8]\nlayers:\n{item}\n")
    command = [sys.executable, "-m", "cnncalc", "summary", "net.yaml"]
    lines = on_a_terminal(command, tmp_path, columns=60).splitlines()
    message = "maxpool 'pool1': a kernel of 9 does not fit axis H of 8 in the map [3, 8, 8]"
    assert " ".join(line.strip() for line in lines[:2]) == f"net.yaml:3:28: {message}"
    assert lines[2].rstrip() == f"   3 | {item}".rstrip()
    assert max(len(line) for line in lines[:2] + lines[4:]) <= 60
    assert message in cnncalc("summary", str(tmp_path / "net.yaml")).err


def test_the_version_by_its_letter() -> None:
    assert cnncalc("-V") == cnncalc("--version")


LONG = 50_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["summary", "-", "--set", "width=" + "9" * LONG], "--set width=999"),
        (["summary", "-", "--set", "w" * LONG + "=1"], "--set www"),
        (["summary", "-", "--set", f"width=[{'1,' * (LONG // 2)}1]"], "out_channels: a list of more than 10,000 items"),
        (["summary", "-", "--batch", "9" * 5000], "Invalid value for '--batch'"),
        (["summary", "-", "--" + "x" * LONG], "no option '--xxx"),
        (["x" * LONG], "no command 'xxx"),
        (["summary", "lenet5" + ":a" * (LONG // 2)], "'lenet5:a:a"),
        (["hotspots", "lenet5", "--sparsity", "nan"], "--sparsity nan: not a fraction"),
        (["run", "-", "--max-memory", "9" * LONG], "--max-memory 999"),
        (["sweep", "-", "--set", "width=1:1e300"], "--set width: 1:1e300: more than 1,000,000 values"),
        (["explain", "-", "*a" * (LONG // 2)], "has no layer that matches '*a*a"),
    ],
)
def test_options_of_enormous_size(arguments: list[str], message: str) -> None:
    spec = "args: {width: 4}\ninput: [3, 8, 8]\nlayers:\n  - conv: {out_channels: width, kernel_size: 3}\n"
    with ends_soon():
        done = cnncalc(*arguments, stdin=spec)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err) < 3_000
