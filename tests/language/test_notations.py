"""Items in other notations: each fault shows the item in our notation, with the user's values."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.commands import cnncalc

HEAD = "input: [3, 32, 32]\nlayers:\n"

# the item in the spec | the column of the caret | the message | the hint
ITEMS = [
    ("nn.Conv2d(3, 10, 5)", 5, "unknown layer type 'nn.Conv2d(3, 10, 5)'", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv(10, 5)", 5, "unknown layer type 'conv(10, 5)'", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv 10 5", 5, "unknown layer type 'conv 10 5'", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("Conv2D(32, (3, 3), activation='relu')", 5, "unknown layer type 'Conv2D(32,", "write '- conv: {out_channels: 32, kernel_size: 3}', then '- relu'"),
    ("type: conv\n    out_channels: 10\n    kernel_size: 5", 5, "an item begins with its type, not with 'type:'", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("type: conv\n    args: {out_channels: 10, kernel_size: 5}", 5, "an item begins with its type, not with 'type:'", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("type: relu", 5, "unknown layer type 'type'", "write '- relu'"),
    ("class_name: Dense\n    config: {units: 10, activation: softmax}", 5, "an item begins with its type, not with 'class_name:'", "write '- linear: 10', then '- softmax'"),
    ("conv: {out_channels=10}", 12, "conv: 'out_channels=10' is not an argument", "write '- conv: {out_channels: 10, kernel_size: …}'"),
    ("conv: {out_channels=10, kernel_size=5}", 12, "conv: 'out_channels=10' is not an argument", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv: {out_channels:10, kernel_size: 5}", 12, "conv: 'out_channels:10' is not an argument", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv: {10, 5}", 12, "conv: '10' is not an argument", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv: [10, 5]", 5, "conv: 'kernel_size' is missing", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv: 10 5", 11, "conv: '10 5' is not a value", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv: 8, 3, bias=False", 11, "conv: '8, 3, bias=False' is not a value", "write '- conv: {out_channels: 8, kernel_size: 3, bias: false}'"),
    ("conv: out_channels=10, kernel_size=5", 11, "conv: 'out_channels=10, kernel_size=5' is not a value", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("conv: 3x3, 64", 11, "conv: '3x3, 64' is not a value", "write '- conv: {out_channels: 64, kernel_size: 3}'"),
    ("conv 3x3/2, 64", 5, "unknown layer type 'conv 3x3/2, 64'", "write '- conv: {out_channels: 64, kernel_size: 3, stride: 2}'"),
    ("conv3-64", 5, "unknown layer type 'conv3-64'", "write '- conv: {out_channels: 64, kernel_size: 3}'"),  # the tables of VGG
    ("7x7 conv, 64, /2", 5, "unknown layer type '7x7 conv, 64, /2'", "write '- conv: {out_channels: 64, kernel_size: 7, stride: 2}'"),  # those of ResNet
    ("1x1 conv", 5, "unknown layer type '1x1 conv'", "write '- conv: {out_channels: …, kernel_size: 1}'"),
    ("3x3 max pool, stride 2", 5, "unknown layer type '3x3 max pool, stride 2'", "write '- maxpool: {kernel_size: 3, stride: 2}'"),
    ("conv 6@5x5", 5, "unknown layer type 'conv 6@5x5'", "write '- conv: {out_channels: 6, kernel_size: 5}'"),  # those of LeNet
    ("FC-4096", 5, "unknown layer type 'FC-4096'", "write '- linear: 4096'"),
    ("relu * 3", 5, "unknown layer type 'relu * 3'", "write '- relu', with 'repeat: 3' below it"),
    ("2 x relu", 5, "unknown layer type '2 x relu'", "write '- relu', with 'repeat: 2' below it"),
    ("relu_a: relu", 5, "unknown layer type 'relu_a'", "write '- relu', with 'name: relu_a' below it"),
    ("• flatten", 5, "unknown layer type '• flatten'", "write a dash and a blank: '- flatten'"),
    ("x.view(-1, 400)", 5, "unknown layer type 'x.view(-1, 400)'", "name the arguments after a colon: '- reshape: {shape: …}'"),
    ("layers.Permute((2, 1))", 5, "unknown layer type 'layers.Permute((2, 1))'", "name the arguments after a colon: '- permute: {dims: …}'"),  # Keras counts from 1
    ("linear: 4,096", 13, "'4,096' has commas", "write 4096"),
    ("linear: $width", 13, "'$width' is not an expression", "a name stands by itself: width"),
    ("linear: '{in_channels}'", 14, "a set is not allowed in an expression", "a name stands by itself: in_channels"),
    ("linear: args.in_channels", 13, "an attribute (a dot) is not allowed", "a name stands by itself: in_channels"),
    ("linear: 2^10", 13, "the operator in '2^10' is not allowed", "a power is written with **"),
    ("linear:10", 5, "unknown layer type 'linear:10'", "write '- linear: 10'"),
    ("max pool 2", 5, "unknown layer type 'max pool 2'", "write '- maxpool: 2'"),
    ("batch norm", 5, "unknown layer type 'batch norm'", "it is called 'batchnorm' here"),
    ("nn.Conv2d(3, 64, kernel_size=(3, 5), padding='same', bias=False)", 5, "unknown layer type", "write '- conv: {out_channels: 64, kernel_size: [3, 5], padding: same, bias: false}'"),
    ("self.conv1 = nn.Conv2d(3, 6, 5)", 5, "unknown layer type", "write '- conv: {out_channels: 6, kernel_size: 5}', with 'name: conv1' below it"),
    ("nn.Conv2d(width, 2 * width, 3)", 5, "unknown layer type", "write '- conv: {out_channels: 2 * width, kernel_size: 3}'"),
    ("nn.Conv2d(width, widths[1], 3)", 5, "unknown layer type", "write '- conv: {out_channels: \"widths[1]\", kernel_size: 3}'"),
    ("nn.MaxPool2d(3, 2)", 5, "unknown layer type", "write '- maxpool: {kernel_size: 3, stride: 2}'"),
    ("nn.BatchNorm2d(64)", 5, "unknown layer type", "write '- batchnorm'"),
    ("nn.ReLU(inplace=True)", 5, "unknown layer type", "write '- relu'"),
    ("torch.nn.Linear(512, 10)", 5, "unknown layer type", "write '- linear: 10'"),
    ("nn.Upsample(scale_factor=2, mode='bilinear')", 5, "unknown layer type", "write '- upsample: {scale_factor: 2, mode: linear}'"),
    ("UpSampling2D(size=(2, 2))", 5, "unknown layer type", "write '- upsample: 2'"),
    ("layers.Dense(10)(x)", 5, "unknown layer type", "write '- linear: 10'"),
    ("nn.Conv2d(3", 5, "unknown layer type 'nn.Conv2d(3'", "name the arguments after a colon: '- conv: {out_channels: …, kernel_size: …}'"),
    ("conv(1, 2, 3, 4, 5, 6, 7, 8, 9)", 5, "unknown layer type", "name the arguments after a colon: '- conv: {"),
    # there is no such convolution
    ("conv(0, 3)", 5, "unknown layer type", "name the arguments after a colon: '- conv: {"),
    ("nn.RReLU(0.1, 0.3)", 5, "unknown layer type", "not offered"),
    ("Conv2D: {filters: 32, kernel_size: 3, activation: relu}", 5, "unknown layer type 'Conv2D'", "it is called 'conv' here: write '- conv: {out_channels: 32, kernel_size: 3}', then '- relu'"),
    ("Conv2D: {filters: 32, kernel_size: 3, paddding: same}", 5, "unknown layer type 'Conv2D'", "it is called 'conv' here: write '- conv: {out_channels: 32, kernel_size: 3, padding: same}'"),
    ("Conv2d: {out_channels: 32, kernel_size: 3}", 5, "unknown layer type 'Conv2d'", "it is called 'conv' here"),
    ("relu\n   -flatten", 5, "unknown layer type 'relu -flatten'", "an item begins with a dash, in the same column as the one above it"),
    ("'': relu", 5, "unknown layer type ''", "not offered"),
    ("-flatten", 5, "unknown layer type '-flatten'", "write a blank after the dash: '- flatten'"),
    ("[conv, 10, 5]", 5, "an item must be a layer type, alone or with its arguments", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("[-1, 1, Conv, [64, 3, 2]]", 5, "an item must be a layer type", "write '- conv: {out_channels: 64, kernel_size: 3, stride: 2}'"),  # YOLOv5
    ("[relu, relu]", 5, "an item must be a layer type", "write each as a separate item: '- relu', then '- relu'"),
    ("conv: (10, 5)", 5, "conv: 'kernel_size' is missing", "write '- conv: {out_channels: 10, kernel_size: 5}'"),
    ("concat: [a, b]", 13, "concat takes its inputs from 'from'", "write it below the type, in the same column: 'from: [a, b]'"),
    ("add: relu1", 10, "add takes its inputs from 'from'", "write it below the type, in the same column: 'from: [relu1, …]'"),
    ("repeat: {times: 2}", 5, "an item without a layer type", "'repeat' stands below what it repeats: an item, or '- sequence:' with several"),
    ("loop: 3", 5, "unknown layer type 'loop'", "write 'repeat: 3' below the item, or below '- sequence:' with several"),
    ("add: [[], [relu]]", 10, "add takes no argument", "write paths under their name: '- add: {paths: …}'"),
    ("linear: [400, 120]", 13, "linear: a list in place of the number of outputs", "write '- linear: 120': what comes in is inferred"),
    ("batchnorm: 64", 16, "batchnorm: 64 would be eps, which is added to the variance", "channels are inferred: write '- batchnorm'"),
    ("multiply: 0.5", 15, "multiply takes its inputs from 'from'", "for a number write '- affine: {mul: 0.5}'"),
    ("subtract: -3", 15, "subtract takes its inputs from 'from'", "for a number write '- affine: {add: 3}'"),
    ("divide: 4", 13, "divide takes its inputs from 'from'", "for a number write '- affine: {mul: 1 / 4}'"),
    ("add: -2", 10, "add takes its inputs from 'from'", "for a number write '- affine: {add: -2}'"),
    ("relu: 6", 11, "relu takes no argument", "write '- relu'"),
    ("relu,", 5, "unknown layer type 'relu,'", "write '- relu'"),
    ("relu -> conv", 5, "unknown layer type 'relu -> conv'", "write each as a separate item: '- relu', then '- conv: {out_channels: …, kernel_size: …}'"),
    ("conv: {out_channels： 10， kernel_size： 3}", 12, "conv: unknown argument 'out_channels： 10， kernel_size： 3'", "for '：' write a colon and a blank"),
    ("conv: {out_channels: “10”, kernel_size: 3}", 26, "'“10”' is not an expression", "quotes are \" and '"),
    ("conv:\n      - out_channels: 3\n      - kernel_size: 5", 7, "conv: the arguments are a list", "write '- conv: {out_channels: 3, kernel_size: 5}'"),
    ("cоnv: {out_channels: 3, kernel_size: 5}", 5, "unknown layer type 'cоnv'", "'о' (U+043E) is no Latin letter: write 'conv'"),
    ("conv: {оut_channels: 3, kernel_size: 5}", 12, "conv: unknown argument 'оut_channels'", "'о' (U+043E) is no Latin letter: write 'out_channels'"),
    ("relu# as in the paper", 5, "unknown layer type 'relu# as in the paper'", "a comment begins with a space before its #"),
    ("F.relu(x)", 5, "unknown layer type", "write '- relu'"),
    ("tf.nn.conv2d(x, w, padding='SAME')", 5, "unknown layer type", "write '- conv: {out_channels: …, kernel_size: …, padding: same}'"),
    ("F.conv2d(x, w, b, 2)", 5, "unknown layer type", "name the arguments after a colon: '- conv: {"),  # 2 is the stride
    ("convolution2dLayer(3, 16)", 5, "unknown layer type", "name the arguments after a colon: '- conv: {"),  # MATLAB: 16 filters of 3×3
    ("batchNormalizationLayer", 5, "unknown layer type", "it is called 'batchnorm' here"),
    ("normalisation", 5, "unknown layer type", "preprocessing of images is no part of the network here"),
    ("Conv2d: {out_channels: 6, kernel_size: 5, foo: 1}", 5, "unknown layer type", "it is called 'conv' here: write '- conv: {out_channels: 6, kernel_size: 5}'; foo: not offered"),
    ("nn.Conv2d(3, 6, 5, padding_mode='reflect')", 5, "unknown layer type", "write '- conv: {out_channels: 6, kernel_size: 5}'; padding_mode: put a 'pad' with this mode before the convolution"),
    ("nn.Conv2d(3, 6, 5, padding_mode='zeros', device=d)", 5, "unknown layer type", "write '- conv: {out_channels: 6, kernel_size: 5}'"),
    ("nn.Softmax(dim=1)", 5, "unknown layer type", "write '- softmax'"),
    ("nn.Softmax(dim=2)", 5, "unknown layer type", "write '- softmax'; dim: 'axis' counts without the batch: channels are 0"),
    ("nn.Softmax(-1)", 5, "unknown layer type", "write '- softmax'; dim: 'axis' counts without the batch: channels are 0"),  # the last axis
    ("LogSoftmax(axis=-1)", 5, "unknown layer type", "write '- log_softmax'"),  # Keras's channels come last
    ("conv[6, 5]", 5, "unknown layer type", "write '- conv: {out_channels: 6, kernel_size: 5}'"),
    ("conv<6, 5>", 5, "unknown layer type", "write '- conv: {out_channels: 6, kernel_size: 5}'"),
    ("conv:\n    args: {out_channels: 3}", 9, "unknown modifier 'args'", None),
]  # fmt: skip


@pytest.mark.parametrize(("item", "column", "message", "hint"), ITEMS, ids=[item[0] for item in ITEMS])
def test_how_an_item_is_written(item: str, column: int, message: str, hint: str | None) -> None:
    done = cnncalc("summary", "-", stdin=f"{HEAD}  - {item}\n")
    assert (done.code, done.out) == (2, "")
    first, _, caret, *rest = done.err.splitlines()
    assert re.fullmatch(r"<stdin>:\d:\d+: .*", first)
    assert first.split(": ", 1)[1].startswith(message)
    if message.startswith("unknown modifier"):
        return
    assert caret == "     | " + " " * (column - 1) + "^"
    assert hint is not None
    assert rest[0].startswith(f"  hint: {hint}")
    assert len([line for line in done.err.splitlines() if line.startswith("<stdin>")]) == 1  # one item, one fault


@pytest.mark.parametrize("item", [item[0] for item in ITEMS if item[3] and item[3].startswith("write '- ")])
def test_the_hints_notation_is_a_valid_spec(item: str) -> None:
    """If the hint is followed, with values for missing arguments, the network can be built."""
    hint = cnncalc("summary", "-", stdin=f"{HEAD}  - {item}\n").err.splitlines()[-1]
    items = [yaml.safe_load(part)[0] for part in re.findall(r"'(- [^']*)'", hint.replace("…", "3"))]
    head = "args: {width: 4, widths: [4, 8]}\ninput: [3, 32, 32]\nlayers:\n"
    flat = "  - flatten\n" if any("linear" in item for item in items) else ""
    text = head + flat + "".join(f"  - {item}\n" for item in map(yaml.safe_dump, items)).replace("\n\n", "\n")
    lines = re.findall(r"'(- [^']*)'", hint.replace("…", "3"))
    text = head + flat + "".join(f"  {line}\n" for line in lines)
    done = cnncalc("summary", "-", stdin=text)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("  - relu\n  -flatten\n", "write a blank after the dash: '- flatten'"),
        ("  -relu\n  -flatten\n", "write a blank after the dash: '- relu'"),
        ("  * relu\n", "write a dash and a blank: '- relu'"),
        ("  - relu\n - relu\n", "entries of one list, and keys of one mapping, must begin in the same column"),
        (
            "  - conv: {out_channels: 3, kernel_size: 5},\n",
            "take away what stands after the }: each item has a line and a dash of its own",
        ),
        (
            "  - conv: {out_channels: 3, kernel_size: 5}, relu\n",
            "take away what stands after the }: each item has a line and a dash of its own",
        ),
        ("  - relu\noutputs\n  - relu1\n", "a key ends in a colon: 'outputs: …'"),
        ("  - relu\noutputs relu1\nname: x\n", "a key ends in a colon: 'outputs: …'"),
        ("  - {relu: }\nname: x: y\n", "quote a text that contains a colon"),
        ("  -\trelu\n", "replace the tab by blanks"),
        ("  – relu\n", "for '–' write -"),
        ("  -\u00a0relu\n", "for U+00A0 write a blank"),
        (
            "  - conv:{out_channels: 10, kernel_size: 5}\n",
            "write a colon and a blank between a type and its arguments: '- conv: {…}'",
        ),
        (
            "  - conv {out_channels: 10, kernel_size: 5}\n",
            "write a colon and a blank between a type and its arguments: '- conv: {…}'",
        ),
        (
            "  - conv: {out_channels: 10 kernel_size: 5}\n",
            "separate arguments by commas: '{out_channels: 8, kernel_size: 3}'",
        ),
        (
            "  - conv: {out_channels: 10; kernel_size: 5}\n",
            "separate arguments by commas: '{out_channels: 8, kernel_size: 3}'",
        ),
        (
            "  - conv: out_channels: 10, kernel_size: 5\n",
            "write arguments in {…}, or below: '- conv: {out_channels: …}'",
        ),
        ("  - conv：{out_channels: 10, kernel_size: 5}\n", "for '：' write a colon and a blank"),
        (
            "  - conv(out_channels: 10, kernel_size: 5)\n",
            "write a colon and a blank between a type and its arguments: '- conv: {…}'",
        ),
    ],
)
def test_items_that_yaml_itself_refuses(lines: str, hint: str) -> None:
    done = cnncalc("summary", "-", stdin=HEAD + lines)
    assert done.code == 2
    assert done.err.endswith(f"  hint: {hint}\n")


def test_a_block_s_argument_without_a_colon() -> None:
    text = "blocks:\n  b: {args: {c: 1}, layers: [relu]}\n" + HEAD + "  - b: {c=2}\n"
    done = cnncalc("summary", "-", stdin=text)
    assert done.err.startswith("<stdin>:5:9: block 'b': 'c=2' is not an argument\n")
    assert done.err.endswith("  hint: write a colon and a blank between an argument and its value\n")


def test_a_call_of_a_block() -> None:
    text = "blocks:\n  bottle: {args: {c: 1}, layers: [relu]}\n" + HEAD + "  - bottle(64)\n"
    done = cnncalc("summary", "-", stdin=text)
    assert done.err.endswith("  hint: name the arguments after a colon: '- bottle: {…}'\n")


def test_a_long_item_is_not_looked_into() -> None:
    done = cnncalc("summary", "-", stdin=HEAD + f"  - conv({'(' * 5_000})\n")
    assert done.code == 2
    assert "hint: an item is a layer type, alone or with its arguments" in done.err


@pytest.mark.parametrize(
    ("layers", "message", "hint"),
    [
        (
            "  -conv: {out_channels: 3, kernel_size: 1}",
            "each item begins with a dash",
            "write a blank after the dash: '- conv'",
        ),
        (
            "  - relu:\n    repeat: true",
            "repeat must be an integer of 0 or more, not true",
            "use 'repeat: 2' for a number",
        ),
        (
            "  - relu:\n    from: -1",
            "no item is called '-1'",
            "items have names: without 'from' the item above is read",
        ),
        ("  1. relu:", "each item begins with a dash", "write a dash and a blank: '- relu'"),
        ("  - relu\nexpect: {params: 61,100,840}", "unknown key '100' in 'expect'", "a number has no commas"),
        ("  - linear: 12px", "'12px' is not an expression", "write 12, if 'px' is a unit"),
        (
            "  - linear: 2 in_channels",
            "'2 in_channels' is not an expression",
            "a product is written with *: 2 * in_channels",
        ),
        (
            "  - linear: in_channels × 2",
            "'in_channels × 2' is not an expression",
            "a product is written with *: in_channels * 2",
        ),
        (
            "  - linear: 'in_channels > 3 ? 2 : 4'",
            "'in_channels > 3 ? 2 : 4' is not an expression",
            "write 2 if in_channels > 3 else 4",
        ),
        (
            "  - linear: '{{ in_channels }}'",
            "a set is not allowed in an expression",
            "a name stands by itself: in_channels",
        ),
        (
            "  - add:\n    paths: [[], []]",
            "unknown modifier 'paths'",
            "indent 'paths:' below 'add:', as its argument",
        ),
        ("  - sequence:\n    layers: [relu]", "unknown modifier 'layers'", "list the items below 'sequence:'"),
        (
            "  - relu:\n    expect: {output: [3, 8, 8]}",
            "an item's 'expect' is a shape",
            "write '[64, 56, 56]' here; the network's figures have an 'expect' at the top level",
        ),
        ("  - relu:\n    for: {i: [1, 2]}", "for must be a text", "for example 'for: width in [16, 32]'"),
        (
            "  conv1: {type: conv, out_channels: 6, kernel_size: 5}",
            "layers must be a list: each item begins with a dash",
            "write '- conv: {out_channels: 6, kernel_size: 5}', with 'name: conv1' below it",
        ),
        ("  pool1: maxpool 2", "each item begins with a dash", "write '- maxpool: 2', with 'name: pool1' below it"),
        (
            "  conv:\n    filters: 6",
            "each item begins with a dash",
            "write '- conv: {out_channels: 6, kernel_size: …}'",
        ),
        ("  - linear: 10,", "'10,' ends in a comma", "write 10"),
        ("  - linear: 4 GMACs", "'4 GMACs' is not an expression", "write 4000000000"),
        ("  - relu:\n    from:", "'from' is empty", "write a value after 'from:', or leave the line out"),
        ("  - relu:\n    name:", "'name' is empty", "write a value after 'name:', or leave the line out"),
        ("  - relu:\n    weights: ~", "no item is called '~'", "names above: input"),
        (
            "  - conv: {out_channels: '16, kernel_size: 3}",
            "found unexpected end of stream",
            "a quotation mark is not closed",
        ),
        ("  - relu:\n    for:", "'for' is empty", "write a value after 'for:', or leave the line out"),
    ],
)
def test_slips_around_items(layers: str, message: str, hint: str) -> None:
    done = cnncalc("summary", "-", stdin=f"input: [3, 8, 8]\nlayers:\n{layers}\n")
    assert done.code == 2
    assert message in done.err.splitlines()[0]
    assert f"  hint: {hint}" in done.err
