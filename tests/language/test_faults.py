"""Every fault of a spec: its text, its caret, its hint and the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import Done, cnncalc

HEAD = "input: [3, 32, 32]\nlayers:\n"

# what is wrong | the spec | line:column | the message (or its beginning) | the hint (or its beginning)
FAULTS = [
    ("groups that do not divide", "input: [64, 8, 8]\nlayers:\n  - conv: {out_channels: 64, groups: 3, kernel_size: 3}\n",
     "3:38", "conv 'conv1': groups = 3 does not divide in_channels = 64", "divisors of 64 are 1, 2, 4, 8, 16, 32, 64"),
    ("a filter of another depth than its input", HEAD + "  - conv: {out_channels: 2, kernel_size: 5, in_channels: 4}\n",
     "3:58", "conv 'conv1': in_channels = 4, but the input has 3 channels: a filter must be as deep as its input", "leave in_channels out"),
    ("a kernel larger than the map", HEAD + "  - conv: {out_channels: 2, kernel_size: 33}\n",
     "3:42", "conv 'conv1': a kernel of 33 does not fit axis H of 32 in the map [3, 32, 32]", "pad, use a smaller kernel"),
    ("linear on a map", HEAD + "  - linear: 10\n", "3:5", "linear 'fc1':", "put 'flatten' before it"),
    ("an unknown type", HEAD + "  - cnov: {out_channels: 2, kernel_size: 3}\n", "3:5", "unknown layer type 'cnov'", "did you mean 'conv'?"),
    ("a framework's type", HEAD + "  - Conv2d: {out_channels: 2, kernel_size: 3}\n", "3:5", "unknown layer type 'Conv2d'", "it is called 'conv' here"),
    ("Keras' pooling", HEAD + "  - MaxPooling2D: 2\n", "3:5", "unknown layer type 'MaxPooling2D'", "it is called 'maxpool' here"),
    ("Keras' Dense", HEAD + "  - Dense: 2\n", "3:5", "unknown layer type 'Dense'", "it is called 'linear' here"),
    ("torch's prefix", HEAD + "  - nn.Linear: 2\n", "3:5", "unknown layer type 'nn.Linear'", "it is called 'linear' here"),
    ("a transposed convolution", HEAD + "  - ConvTranspose2d: {out_channels: 1, kernel_size: 2}\n", "3:5", "unknown layer type 'ConvTranspose2d'", "it is called 'conv_transpose' here"),
    ("an unknown argument", HEAD + "  - conv: {out_channels: 2, kernel: 3}\n", "3:29", "conv: unknown argument 'kernel'", "it is called 'kernel_size' here"),
    ("a missing argument", HEAD + "  - conv: {out_channels: 2}\n", "3:5", "conv: 'kernel_size' is missing", "kernel_size: extent of a filter"),
    ("a modifier among the arguments", HEAD + "  - conv: {out_channels: 2, kernel_size: 3, repeat: 2}\n", "3:45", "conv: unknown argument 'repeat'", "'repeat' is a modifier"),
    ("an argument among the modifiers", HEAD + "  - conv:\n    out_channels: 2\n", "4:5", "unknown modifier 'out_channels'", "indent arguments below the type"),
    ("an unknown modifier", HEAD + "  - relu:\n    nmae: x\n", "4:5", "unknown modifier 'nmae'", "did you mean 'name'?"),
    ("two types in one item", HEAD + "  - relu:\n    flatten:\n", "4:5", "'relu' and 'flatten' are in one item", "begin each item with its own dash"),
    ("a type with a modifier and no colon", HEAD + "  - batchnorm\n    when: true\n", "4:9", "YAML: mapping values are not allowed", "a type with a modifier below it needs a colon: '- batchnorm:'"),
    ("a value of another kind", HEAD + "  - conv: {out_channels: 2.5, kernel_size: 3}\n", "3:26", "conv: out_channels must be a positive integer, not 2.5", None),
    ("a stride of zero", HEAD + "  - conv: {out_channels: 2, kernel_size: 3, stride: 0}\n", "3:53", "conv: stride must be a positive integer", None),
    ("an unknown word", HEAD + "  - conv: {out_channels: 2, kernel_size: 3, padding: smae}\n", "3:54", "unknown name 'smae'", "did you mean 'same'?"),
    ("a word in capitals", HEAD + "  - conv: {out_channels: 2, kernel_size: 3, padding: SAME}\n", "3:54", "unknown name 'SAME'", "did you mean 'same'?"),
    ("the input among several", "input: {a: [3, 8, 8], b: [3, 8, 8]}\nlayers:\n  - relu:\n    from: input\n", "4:11",
     "'input' is ambiguous: the network has several inputs, a, b", "use one of these names"),
    ("a list for a type that also takes one input", HEAD + "  - power: [1, 2]\n", "3:12", "power: exponent must be a number, not [1, 2]", None),
    ("a word of no kind", HEAD + "  - conv: {out_channels: 2, kernel_size: 3, padding: much}\n", "3:54", "unknown name 'much'", "one of same, valid may stand here"),
    ("a number in words", HEAD + "  - linear: sixteen\n", "3:13", "unknown name 'sixteen'", "known names: in_channels, in_shape"),
    ("a number of times in words", HEAD + "  - relu:\n    repeat: three\n", "4:13", "unknown name 'three'", "known names: in_channels, in_shape"),
    ("groups in words", HEAD + "  - conv: {out_channels: 3, kernel_size: 3, groups: depthwise}\n", "3:53", "unknown name 'depthwise'", "write 'groups: in_channels'"),
    ("a spec without an input", "layers:\n  - relu\n", "1:1", "'input' is missing", "write the usual shape, 'input: [3, 224, 224]'; another one can be given later"),
    ("a spec without layers", "input: [3, 8, 8]\n", "1:1", "'layers' is missing", "list the network's items under 'layers:'"),
    ("a flag in words", HEAD + "  - conv: {out_channels: 3, kernel_size: 3, bias: yep}\n", "3:51", "unknown name 'yep'", "write true or false"),
    ("a batch axis by its letter", "input: [N, 3, 8, 8]\nlayers:\n  - relu\n", "1:9", "'N' is in the place of the channels", "shapes have no batch axis: leave it out"),
    ("a count with a prefix", HEAD + "  - relu\nexpect: {macs: 3.6M}\n", "4:18", "'3.6M' is not an expression", "write 3600000"),
    ("a share in percent", HEAD + "  - dropout: 50%\n", "3:14", "'50%' is not an expression", "write 0.5"),
    ("what comes in as an argument", HEAD + "  - relu\n  - add: [relu1, input]\n", "4:10", "add takes its inputs from 'from'", "write it below the type, in the same column: 'from: [relu1, input]'"),
    ("C's operators", HEAD + "  - relu:\n    when: in_channels == 3 && true\n", "4:29", "'in_channels == 3 && true' is not an expression", "write 'and', 'or' and 'not'"),    ("an unknown name", "args: {width: 8}\n" + HEAD + "  - conv: {out_channels: 2 * widht, kernel_size: 3}\n", "4:30", "unknown name 'widht'", "did you mean 'width'?"),
    ("an unknown function", HEAD + "  - conv: {out_channels: sqrt(4), kernel_size: 3}\n", "3:26", "unknown function 'sqrt'", None),
    ("an attribute", HEAD + "  - conv: {out_channels: in_shape.x, kernel_size: 3}\n", "3:26", "an attribute (a dot) is not allowed", "allowed are numbers"),
    ("division by zero", HEAD + "  - conv: {out_channels: 1 // 0, kernel_size: 3}\n", "3:26", "'1 // 0' divides by zero", None),
    ("an unquoted comma", HEAD + "  - conv: {out_channels: max(1, 2), kernel_size: 3}\n", "3:29", "'max(1' is not an expression", "inside {…} YAML takes , [ ] { } for itself: quote"),
    ("a block with parentheses", "blocks:\n  res(c):\n    layers: [relu]\n" + HEAD + "  - relu\n", "2:3", "'res(c)' can't be the name of a block", "its arguments stand in 'args' below it: 'res:'"),
    ("a list of blocks", "blocks:\n  - res: [relu]\n" + HEAD + "  - relu\n", "2:3", "'blocks' must be a mapping (key: value)", "write its entries without dashes"),
    ("a text in place of args", "args: width\n" + HEAD + "  - relu\n", "1:7", "'args' must be a mapping (key: value)", "write 'width: …' below it"),
    ("an argument without a value", "args: {width}\n" + HEAD + "  - linear: width\n", "1:13", "'width' has no value", "write one, 'width: 16': it can be set later"),
    ("an argument at the top level", "width: 3\n" + HEAD + "  - relu\n", "1:1", "unknown key 'width' in a spec", "known keys: name, source, year, args, variants, input, blocks, layers, outputs, expect, deploy; your own stand under 'args'"),
    ("a variable of a shell", "args: {w: 3}\n" + HEAD + "  - linear: {out_features: ${w}}\n", "4:29", "YAML: did not find", "a name stands by itself: w"),
    ("a variable of a template", "args: {w: 3}\n" + HEAD + "  - linear: {out_features: {{w}}}\n", "4:28", "a mapping in place of a value", "a name stands by itself: w"),
    ("a pair in parentheses", HEAD + "  - conv: {out_channels: 3, kernel_size: (5,5)}\n", "3:42", "'(5' is not an expression", "a list has brackets: [5, …]"),
    ("an unquoted bracket", "args: {d: [4]}\n" + HEAD + "  - conv: {out_channels: d[0], kernel_size: 3}\n", "4:27", "YAML: did not find expected ',' or '}'", "inside {…} YAML takes"),
    ("a leading zero", HEAD + "  - conv: {out_channels: 010, kernel_size: 3}\n", "3:26", "'010' is not an expression", "a leading zero is octal to some and decimal to others: write 10"),
    ("a number to base 60", HEAD + "  - conv: {out_channels: 3:30, kernel_size: 3}\n", "3:27", "'3:30' is not an expression", "YAML may read this as a number to base 60"),
    ("a key given twice", HEAD + "  - conv: {out_channels: 1, out_channels: 2, kernel_size: 3}\n", "3:29", "'out_channels' is given twice", None),
    ("a merge key", HEAD + "  - conv: {<<: {out_channels: 1}, kernel_size: 3}\n", "3:12", "merge keys (<<) are not supported", "share values with 'args'"),
    ("an unknown key", HEAD + "  - relu\nblock: {}\n", "4:1", "unknown key 'block' in a spec", "did you mean 'blocks'?"),
    ("no layers", "input: [3, 8, 8]\n", "1:1", "'layers' is missing", None),
    ("sizes by their names", "input: {channels: 3, height: 32, width: 32}\nlayers: [relu]\n", "1:19", "a mapping gives the shape of each input by its name, but these are sizes", "the shape of a single input is a list, for example input: [3, 224, 224]"),
    ("an input with a batch axis of none", "input: [null, 3, 8, 8]\nlayers: [relu]\n", "1:8", "an input is a list of positive integers", "for example [3, 224, 224]"),
    ("a source that is not there", HEAD + "  - relu:\n    from: stem\n", "4:11", "no item is called 'stem'", "names above: input"),
    ("a source that is spelled wrong", HEAD + "  - relu:\n    name: stem\n  - relu:\n    from: setm\n", "6:11", "no item is called 'setm'", "did you mean 'stem'?"),
    ("a source that comes later", HEAD + "  - relu:\n    from: late\n  - relu:\n    name: late\n", "4:11", "'late' is not an earlier item", None),
    ("a name given twice", HEAD + "  - relu:\n    name: a\n  - relu:\n    name: a\n", "6:11", "the name 'a' is given twice in one scope", None),
    ("the name of the input", HEAD + "  - relu:\n    name: input\n", "4:11", "'input' is the name of the scope's own input", None),
    ("a merge of unequal maps", HEAD + "  - maxpool: 2\n    name: half\n  - add:\n    from: [half, input]\n", "5:5", "add 'add1':", None),
    ("one input into a merge", HEAD + "  - add\n", "3:5", "add 'add1': takes at least 2 inputs, but 1 comes in", "give 'paths'"),
    ("two first states of one", "input: {x: [5, 8], h: [1, 4]}\nlayers:\n  - gru: 4\n    from: [x, h, h]\n", "3:5", "gru 'gru1': takes 1 first state, but 2 come in", None),
    ("inputs that are too many", "input: {x: [5, 8], h: [1, 4]}\nlayers:\n  - gru: 4\n    from: [x, h, h, h]\n", "3:5", "gru 'gru1': takes at most 3 inputs, but 4 come in", "merge them first"),
    ("a comma alone", HEAD + "  - linear: ','\n", "3:14", "',' ends in a comma", None),
    ("two inputs into a layer", HEAD + "  - relu:\n    from: [input, input]\n", "3:5", "relu 'relu1': takes 1 input, but 2 come in", "merge them first"),
    ("a block without its argument", "blocks:\n  b: {args: {c}, layers: [relu]}\n" + HEAD + "  - b\n", "5:5", "block 'b' needs 'c'", "write '- b: {c: …}'"),
    ("a block's argument spelled wrong", "blocks:\n  b: {args: {cc: 1}, layers: [relu]}\n" + HEAD + "  - b: {dd: 1}\n", "5:9", "block 'b': unknown argument 'dd'", None),
    ("a block with a type's name", "blocks:\n  conv: {layers: [relu]}\n" + HEAD + "  - relu\n", "2:3", "'conv' is a layer type", None),
    ("a loop of another form", HEAD + "  - relu:\n    for: i = 1\n", "4:10", "'i = 1' is not a loop", "write it as 'names in list'"),
    ("a loop over a number", HEAD + "  - relu:\n    for: i in 3\n", "4:10", "for: '3' is not a list", "range(n) counts from 0"),
    ("rows of another length", HEAD + "  - relu:\n    for: a, b in [[1, 2, 3]]\n", "4:10", "for: 2 names, but a row of 3", None),
    ("a condition that is a word", "args: {norm: no}\n" + HEAD + "  - relu:\n    when: norm\n", "5:11", "a condition must be true or false, not the word 'no'", "write false"),
    ("weights of another type", HEAD + "  - relu:\n    name: a\n  - flatten:\n    weights: a\n", "6:14", "'a' is of type relu, but this item is of type flatten", None),
    ("weights of another shape", HEAD + "  - conv: {out_channels: 3, kernel_size: 3}\n    name: a\n  - conv: {out_channels: 4, kernel_size: 3}\n    weights: a\n",
     "6:14", "conv 'conv1': shares the weights of 'a', but its weight is [4, 3, 3, 3], there [3, 3, 3, 3]", None),
    ("weights left over", "blocks:\n  b:\n    args: {n: 1}\n    layers:\n      - prelu:\n        repeat: n\n" + HEAD + "  - b: 2\n    name: a\n  - b:\n    weights: a\n",
     "12:14", "shares the weights of 'a', but has no layer for those of 'a.prelu2'", "both items must consist of the same layers"),
    ("weights of a group without a name", HEAD + "  - sequence: [prelu]\n    weights: a\n", "4:14", "an unnamed sequence can't share weights", "name it, or use a block"),
    ("a variant's unknown argument", "args: {width: 1}\nvariants:\n  v: {args: {wdith: 2}}\n" + HEAD + "  - relu\n", "3:21", "variant 'v' sets 'wdith', which is not in args", "did you mean 'width'?"),
    ("an output that is not there", HEAD + "  - relu\noutputs: [head]\n", "4:11", "no item is called 'head'", None),
    ("a reserved word as an argument", "args: {len: 1}\n" + HEAD + "  - relu\n", "1:13", "'len' can't be the name of a value", None),
    ("a comparison with one sign", HEAD + "  - relu:\n    when: in_channels = 3\n", "4:23", "'in_channels = 3' is not an expression", "'==' compares"),
    ("a shape as the command line has it", "input: 3x32x32\nlayers: [relu]\n", "1:8", "'3x32x32' is not an expression", "a shape is a list: [3, 32, 32]"),
    ("an argument of PyTorch", HEAD + "  - relu: {inplace: true}\n", "3:12", "relu: unknown argument 'inplace'", "leave it out"),
    ("an axis of PyTorch", HEAD + "  - softmax: {dim: 1}\n", "3:15", "softmax: unknown argument 'dim'", "it is called 'axis' here and counts without the batch"),
    ("a mode of PyTorch", HEAD + "  - upsample: {scale_factor: 2, mode: bilinear}\n", "3:39", "unknown name 'bilinear'", "it is called 'linear' here"),
    ("a text without quotes", "blocks:\n  b: {args: {p: same}, layers: [relu]}\n" + HEAD + "  - b\n", "2:17", "unknown name 'same'", "quote a text: 'same'"),
    ("a name that comes several times", HEAD + "  - relu:\n    name: c\n    repeat: 3\n  - relu:\n    from: c\n", "7:11", "no item is called 'c' without a number", "it occurs several times: c1, c2, c3"),
    ("a later name that an outer scope has too", HEAD + "  - relu:\n    name: x\n  - sequence:\n      - relu:\n        from: x\n      - tanh:\n        name: x\n    name: s\n", "7:15", "'x' is not an earlier item", None),
    ("a bracket that is not closed", HEAD + "  - conv: {out_channels: 3\n  - relu\n", "4:9", "YAML: did not find expected ',' or '}'", "the { on line 3 is not closed"),
    ("an item that begins too far right", HEAD + "  - relu\n   - tanh\n", "3:5", "unknown layer type 'relu - tanh'", "an item begins with a dash, in the same column"),
    ("an escape in a text", "name: \"\\e[31mX\"\n" + HEAD + "  - relu\n", "1:7", "a control character does not belong in a spec", None),
    ("an expect that is no figure", HEAD + "  - relu\nexpect: {params: abc}\n", "4:18", "unknown name 'abc'", None),
    ("an expect of an output that is not there", HEAD + "  - relu\nexpect: {output: {relu: [3, 32, 32]}}\n", "4:25", "the network has no output 'relu'", "did you mean 'relu1'?"),
    ("an expect of an output's number", HEAD + "  - relu\nexpect: {output: {relu1: 3}}\n", "4:26", "output must be a shape, for example [1000]", None),
    ("an expect of half an element", HEAD + "  - relu\nexpect: {output: [3, 32, 0.5]}\n", "4:18", "output must be a shape, for example [1000]", None),
    ("null for all axes", HEAD + "  - adaptive_avgpool: {output_size: null}\n", "3:37", "adaptive_avgpool: output_size must be a number, or a list with one number or null per axis, not null", None),
    ("a number beyond what may be computed", HEAD + "  - affine: 1e300\n", "3:13", "affine: mul must be smaller than 1e+300 in size, not 1e+300", None),
    ("no axis", HEAD + "  - mean: {axis: []}\n", "3:18", "mean: axis must be an axis or a list of axes, not []", None),
    ("a negative variance", HEAD + "  - batchnorm: {eps: -1e-5}\n", "3:22", "batchnorm: eps must be a number of 0 or more, not -1e-05", None),
    ("an expect of nothing", HEAD + "  - relu\nexpect: {params: null}\n", "4:18", "params must be an integer, not null", None),
    ("outputs that are all switched off", HEAD + "  - relu:\n    name: a\noutputs: [{name: a, when: false}]\n", "5:18", "no output is left", None),
    ("a loop over a reserved name", HEAD + "  - relu:\n    for: in_channels in [4, 2]\n", "4:10", "'in_channels' can't be the name of a value", None),
    ("a loop that binds a name twice", HEAD + "  - relu:\n    for: i, i in [[4, 2]]\n", "4:10", "'i' is bound twice", None),
    ("a text as a condition inside an expression", "args: {down: no}\n" + HEAD + "  - linear: 2 if down else 1\n", "4:13", "'2 if down else 1' can't be computed: a condition must be true or false, not the text 'no'", None),
    ("a condition that is left empty", HEAD + "  - relu:\n    when:\n", "4:10", "'when' is empty", "write a value after 'when:'"),
    ("a repeat that is left empty", HEAD + "  - relu:\n    repeat:\n", "4:12", "'repeat' is empty", "write a value after 'repeat:'"),
    ("an expect that is left empty", HEAD + "  - relu:\n    expect: \n", "4:12", "'expect' is empty", "write a value after 'expect:'"),
    ("no count", "args: {n: null}\n" + HEAD + "  - relu:\n    repeat: n\n  - tanh\n", "5:13", "repeat must be an integer of 0 or more, not null", None),
    ("half a count", "args: {n: 5}\n" + HEAD + "  - relu:\n    repeat: n / 2\n", "5:13", "repeat must be an integer of 0 or more, not 2.5", "'//' rounds a quotient down"),
    ("a flag as a count", HEAD + "  - relu:\n    repeat: true\n", "4:13", "repeat must be an integer of 0 or more, not true", None),
    ("a date", HEAD + "  - linear: 2014-10-11\n", "3:13", "'2014-10-11' looks like a date", "write a difference with spaces: 2014 - 10 - 11"),
    ("a comment without a space", HEAD + "  - linear: 16#c\n", "3:15", "'16#c' has a #", "a comment begins with a space before its #"),
    ("wide digits", HEAD + "  - linear: 1\uff16\n", "3:14", "'1\uff16' is not an expression", "a number has the digits 0 to 9: write 16"),
    ("no input", "input: {}\nlayers: [relu]\n", "1:8", "the network has no input", "for example input: [3, 224, 224]"),
    ("no output", "outputs: []\n" + HEAD + "  - relu\n", "1:10", "no output is named", "leave 'outputs' out"),
    ("shared weights with a bias left out", HEAD + "  - conv: {out_channels: 3, kernel_size: 1}\n    name: a\n  - conv: {out_channels: 3, kernel_size: 1, bias: false}\n    weights: a\n",
     "6:14", "conv 'conv1': shares the weights of 'a', but its bias is missing, there [3]", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_fault_is_reported_with_place_excerpt_and_hint(text: str, place: str, message: str, hint: str | None) -> None:
    done = cnncalc("summary", "-", stdin=text)
    assert done.code == 2
    assert done.out == ""
    first, excerpt, caret, *rest = done.err.splitlines()
    assert first.startswith(f"<stdin>:{place}: {message}")
    line, column = (int(part) for part in place.split(":"))
    assert excerpt == f"{line:>4} | {text.splitlines()[line - 1]}"
    assert caret == "     | " + " " * (column - 1) + "^"
    if hint is None:
        return
    assert rest[0].startswith(f"  hint: {hint}")


def test_the_message_of_the_language_page() -> None:
    """The README's message has the layer's name, its place in the file, and divisors as a hint."""
    text = (
        "input: [64, 56, 56]\nblocks:\n  bottleneck:\n    layers:\n"
        "      - conv: {out_channels: 64, kernel_size: 1}\n"
        "      - conv: {out_channels: 64, groups: 3, kernel_size: 3}\n"
        "layers:\n  - sequence: [bottleneck]\n    name: stage\n    repeat: 2\n"
    )
    assert cnncalc("summary", "-", stdin=text).err == (
        "<stdin>:6:42: conv 'stage1.bottleneck1.conv2': groups = 3 does not divide in_channels = 64\n"
        "   6 |       - conv: {out_channels: 64, groups: 3, kernel_size: 3}\n"
        "     |                                          ^\n"
        "  hint: divisors of 64 are 1, 2, 4, 8, 16, 32, 64\n"
    )


def test_all_faults_of_a_pass_are_reported_at_once() -> None:
    text = HEAD + "  - cnov\n  - conv: {out_channels: 0, kernel_size: 3}\n  - relu: {x: 1}\nfoo: 1\n"
    done = cnncalc("summary", "-", stdin=text)
    assert done.code == 2
    assert [line.split(" ")[0] for line in done.err.splitlines() if line.startswith("<stdin>")] == [
        "<stdin>:3:5:", "<stdin>:4:26:", "<stdin>:5:12:", "<stdin>:6:1:",
    ]  # fmt: skip


def test_later_faults_are_reported_unless_they_depend_on_the_first() -> None:
    """The second branch does not depend on the first, whose shape is unknown."""
    text = HEAD + (
        "  - conv: {out_channels: 2, kernel_size: 99}\n    name: broken\n"
        "  - relu\n"
        "  - conv: {out_channels: 2, kernel_size: 77}\n    from: input\n"
    )
    done = cnncalc("summary", "-", stdin=text)
    assert done.err.count("does not fit axis H of 32") == 2


def test_a_fault_in_a_block_is_reported_once_however_often_the_block_is_used() -> None:
    text = "blocks:\n  b: {layers: [conv: {out_channels: 4, kernel_size: 3, groups: 7}]}\n" + HEAD
    text += "  - b\n  - b:\n    from: input\n  - b:\n    from: input\n"
    done = cnncalc("summary", "-", stdin=text)
    assert done.err.count("does not divide") == 1


def test_more_than_twenty_faults_are_counted() -> None:
    done = cnncalc("summary", "-", stdin=HEAD + "  - cnov\n" * 25)
    assert done.err.count("unknown layer type") == 20
    assert done.err.endswith("… and 5 more faults\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"input: [3, \x00 4]\n", "<stdin>:1:12: a control character, U+0000, does not belong in a spec"),
        (b"name: caf\xe9\n", "<stdin>:1: the byte 0xe9 at offset 9 is not UTF-8"),
        (b"", "<stdin>: the spec is empty"),
        (b"---\n", "<stdin>: the spec is empty"),
        (b"--- &a # nothing\n...\n", "<stdin>: the spec is empty"),
        (b"hello", "<stdin>:1:1: a spec must be a mapping"),
        (b"input: [3]\nlayers: [relu]\n---\nx: 1\n", "<stdin>:3:1: a second document begins"),
        (b"input: *x\n", "<stdin>:1:8: the alias *x has no anchor &x before it"),
    ],
)
def test_files_that_are_no_specs_are_refused(data: bytes, message: str) -> None:
    done = cnncalc("summary", "-", stdin=data)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nosuch.yaml",), "nosuch.yaml: no such file\n"),
        (
            ("resnet5O",),
            "'resnet5O' is neither a file nor a network shipped with cnncalc\n  hint: did you mean 'resnet50'?\n",
        ),
        (("vgg", "--variant", "vgg15"), "no variant 'vgg15'\n  hint: did you mean 'vgg"),
        (("alexnet", "--input", "3x4x4"), "conv 'conv1':"),
        (("alexnet", "--input", "3x2z4"), "--input 3x2z4: '3x2z4' is not a shape\n  hint: write it as 3x224x224"),
        (
            ("alexnet", "--set", "clases=10"),
            "alexnet.yaml has no argument 'clases'\n  hint: did you mean 'classes'?\n",
        ),
        (("alexnet", "--set", "classes"), "--set classes: not of the form NAME=VALUE"),
        (("alexnet", "--columns", "prams"), "--columns: no column 'prams'\n  hint: did you mean 'params'?\n"),
    ],
)
def test_faults_of_the_command_line_are_reported(arguments: tuple[str, ...], message: str) -> None:
    done = cnncalc("summary", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net", "'net' is neither a file nor a network shipped with cnncalc\n  hint: did you mean 'net.yaml'?\n"),
        ("nte.yaml", "nte.yaml: no such file\n  hint: did you mean 'net.yaml'?\n"),
        ("./nt.yaml", "./nt.yaml: no such file\n  hint: did you mean './net.yaml'?\n"),
        ("model.onnx", "model.onnx: no such file\n"),
        ("nowhere/net.yaml", "nowhere/net.yaml: no such file\n"),
    ],
)
def test_similar_file_names_are_suggested(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(HEAD + "  - relu\n")
    assert cnncalc("summary", name) == Done(2, "", message)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("model:\n  input: [3, 8, 8]\n  layers:\n    - relu\n", ["model"]),
        ("Input: [3, 8, 8]\nLayers:\n  - relu\n", ["Input", "Layers"]),
        ("network:\n  - relu\ninput_size: [3, 8, 8]\n", ["network", "input_size"]),
    ],
)
def test_a_key_by_another_name_is_one_fault(text: str, unknown: list[str]) -> None:
    """There is no second fault about the missing key."""
    done = cnncalc("summary", "-", stdin=text)
    faults = [line for line in done.err.splitlines() if line.startswith("<stdin>")]
    assert (done.code, [fault.split("'")[1] for fault in faults]) == (2, unknown)


def test_the_first_hint_for_a_spec_under_a_key() -> None:
    done = cnncalc("summary", "-", stdin="model:\n  input: [3, 8, 8]\n  layers:\n    - relu\n")
    assert "hint: leave out 'model:' and unindent its keys: they belong at the top level\n" in done.err


def test_a_folder_is_not_a_spec(tmp_path: Path) -> None:
    assert cnncalc("summary", str(tmp_path)).err == f"{tmp_path}: a folder, not a spec\n"


def test_a_shape_that_is_not_the_expected_one_is_reported_beside_the_fault_that_it_leads_to() -> None:
    text = HEAD + "  - conv: {out_channels: 4, kernel_size: 3}\n    expect: [4, 32, 32]\n  - linear: 10\n"
    done = cnncalc("summary", "-", stdin=text)
    assert done.code == 2
    assert "<stdin>:4:13: the output of 'conv1' should be [4, 32, 32], but is [4, 30, 30]" in done.err
    assert "linear 'fc1'" in done.err
