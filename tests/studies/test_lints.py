"""Each rule on the smallest spec that breaks it, and on a similar one that does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnncalc.language.collection import shipped
from cnncalc.language.document import Document
from cnncalc.language.findings import RULES, Finding, distinct
from cnncalc.language.loading import read_text
from cnncalc.language.shipped import files
from cnncalc.language.usage import unused
from cnncalc.layers import layer_types
from cnncalc.network import Network
from cnncalc.studies.check.lints import lint
from tests.commands import cnncalc
from tests.layers.building import known


def findings(text: str) -> list[Finding]:
    document = read_text(text.encode(), "net.yaml")
    return [*distinct(unused(document)), *lint(Network.of(document.build()))]


def rules(layers: str, input: str = "[3, 32, 32]") -> list[str]:
    return [one.rule for one in findings(f"input: {input}\nlayers:\n{layers}")]


CONV = "  - conv: {{out_channels: 8, {}}}\n"


@pytest.mark.parametrize(
    ("size", "arguments", "lost"),
    [
        (10, "kernel_size: 3, stride: 2", 1),  # (10 − 3) / 2 = 3.5: the example of CS231n, convolutional networks
        (10, "kernel_size: 3, stride: 3", 1),  # windows at 0, 3, 6: up to 9 of 10
        (12, "kernel_size: 4, stride: 4", 0),
        (224, "kernel_size: 11, stride: 4", 1),  # (224 − 11) / 4 = 53.25: AlexNet as printed in 2012
        (227, "kernel_size: 11, stride: 4", 0),  # (227 − 11) / 4 = 54
        (224, "kernel_size: 7, stride: 2, padding: 3", 0),  # ResNet: only padding is not reached
        (10, "kernel_size: 3, stride: 2, padding: same", 0),
        (13, "kernel_size: 2, stride: 4, dilation: 4", 0),  # extents of 5 at 0, 4, 8: up to 13
        (14, "kernel_size: 2, stride: 4, dilation: 4", 1),
    ],
)
def test_lost_pixels_of_convolutions(size: int, arguments: str, lost: int) -> None:
    found = findings(f"input: [3, {size}, {size}]\nlayers:\n" + CONV.format(arguments))
    assert [one.rule for one in found] == ["lost-pixels"] * bool(lost)
    if lost:
        assert f"the last {lost} of {size} along H" in found[0].message


def test_lost_pixels_of_pooling() -> None:
    assert rules("  - maxpool: 2\n", "[3, 55, 55]") == ["lost-pixels"]
    assert rules("  - maxpool: {kernel_size: 2, ceil_mode: true}\n", "[3, 55, 55]") == []
    assert rules("  - avgpool: {kernel_size: 3, stride: 2}\n", "[3, 55]") == []


@pytest.mark.parametrize(("size", "padding"), [(54, 0), (56, 0), (55, "[[0, 1], [0, 1]]")])
def test_the_hint_for_lost_pixels_helps(size: int, padding: object) -> None:
    (found,) = findings("input: [3, 55, 55]\nlayers:\n" + CONV.format("kernel_size: 2, stride: 2"))
    assert found.hint == "an input of 54 or 56 fits; so does 1 more padding at the end"
    better = CONV.format(f"kernel_size: 2, stride: 2, padding: {padding}")
    assert rules(better, f"[3, {size}, {size}]") == []


def test_stride_over_kernel() -> None:
    (found,) = findings("input: [3, 32, 32]\nlayers:\n" + CONV.format("kernel_size: 1, stride: 2"))
    assert found.rule == "stride-over-kernel"
    assert "reads 1/4 of its input" in found.message  # one of two rows, one of two columns
    assert rules(CONV.format("kernel_size: 2, stride: 2")) == []
    assert rules("  - conv_transpose: {out_channels: 8, kernel_size: 2, stride: 4}\n") == []


RESIDUAL = """\
  - add:
      paths:
        - - conv: {{out_channels: 8, kernel_size: {kernel}, stride: {stride}, padding: {padding}}}
        - - conv: {{out_channels: 8, kernel_size: 1, stride: {stride}}}
"""


def test_a_shortcut_skips_nothing_that_the_other_path_reads() -> None:
    """ResNet's projection (He et al. 2015): 1×1 with stride 2 beside a 3×3 that reads every position."""
    assert rules(RESIDUAL.format(kernel=3, stride=2, padding=1)) == []
    assert rules(RESIDUAL.format(kernel=1, stride=2, padding=0)) == ["stride-over-kernel"] * 2  # both skip the same
    beside = (
        CONV.format("kernel_size: 1, stride: 2") + "    name: down\n  - slice: {axis: 1, stop: 16}\n    from: input\n"
    )
    head = "input: [3, 32, 32]\noutputs: [down, slice1]\nlayers:\n"
    assert [one.rule for one in findings(head + beside)] == ["stride-over-kernel"]  # the slice reads a half
    whole = beside.replace("slice: {axis: 1, stop: 16}", "relu:").replace("slice1", "relu1")
    assert findings(head.replace("slice1", "relu1") + whole) == []


def test_padding_covers_kernel() -> None:
    assert rules(CONV.format("kernel_size: 3, padding: 3")) == ["padding-covers-kernel"]
    assert rules(CONV.format("kernel_size: 1, padding: 1")) == ["padding-covers-kernel"]
    assert rules(CONV.format("kernel_size: 3, padding: 2")) == []
    assert rules(CONV.format("kernel_size: 3, padding: 4, dilation: 2")) == []  # reaches over 5


def test_bias_before_batchnorm() -> None:
    (found,) = findings("input: [3, 32, 32]\nlayers:\n" + CONV.format("kernel_size: 3") + "  - batchnorm\n")
    assert (found.rule, found.hint) == ("bias-before-batchnorm", "bias: false saves 8 params")
    assert rules(CONV.format("kernel_size: 3, bias: false") + "  - batchnorm\n") == []
    assert rules(CONV.format("kernel_size: 3") + "  - relu\n  - batchnorm\n") == []
    assert rules("  - flatten\n  - linear: 10\n  - batchnorm\n") == ["bias-before-batchnorm"]


def test_bias_that_another_layer_reads_as_well_is_needed() -> None:
    layers = CONV.format("kernel_size: 3") + "    name: both\n  - batchnorm\n  - add:\n    from: [both, bn1]\n"
    assert rules(layers) == []


def test_a_bias_at_every_position_is_no_constant_of_its_channel() -> None:
    assert rules("  - locally_connected: {out_channels: 2, kernel_size: 3}\n  - batchnorm\n", "[3, 8, 8]") == []


def test_repeated_relu() -> None:
    assert rules("  - relu\n  - relu\n") == ["repeated-relu"]
    assert rules("  - relu\n  - dropout\n  - flatten\n  - relu\n") == ["repeated-relu"]
    assert rules("  - relu\n  - relu6\n") == ["repeated-relu"]
    assert rules("  - relu\n  - slice: {stop: 2}\n  - permute: [0, 2, 1]\n  - relu\n") == ["repeated-relu"]
    assert rules("  - relu\n  - hardtanh: {min_val: 0, max_val: 6}\n") == ["repeated-relu"]
    assert rules("  - relu6\n  - hardtanh\n") == []  # together they clip to [0, 1], which neither of them does alone
    assert rules("  - relu\n  - pad: {padding: 1, value: -1}\n  - relu\n") == []
    assert (
        rules(
            "  - hardtanh: {min_val: 1, max_val: 2}\n  - im2col: {kernel_size: 2, padding: 1}\n  - hardtanh: {min_val: 1, max_val: 2}\n"
        )
        == []
    )
    assert rules("  - relu\n  - batchnorm\n  - relu\n") == []
    assert rules("  - leaky_relu\n  - relu\n") == []


def test_wide_fc() -> None:
    """VGG's head: 512·7·7 inputs, 4096 outputs, 102,764,544 params; after global pooling 512·4096 + 4096."""
    (found,) = findings("input: [512, 7, 7]\nlayers:\n  - flatten\n  - dropout\n  - linear: 4096\n")
    assert found.rule == "wide-fc"
    assert "a whole map of 512×7×7: 102,764,544 params" in found.message
    assert found.hint == "with global_avgpool before it, it has 2,101,248"
    (found,) = findings("input: [512, 7, 7]\nlayers:\n  - flatten\n  - linear: {out_features: 4096, bias: false}\n")
    assert found.hint == "with global_avgpool before it, it has 2,097,152"
    assert rules("  - global_avgpool\n  - flatten\n  - linear: 4096\n", "[512, 7, 7]") == []
    assert rules("  - flatten\n  - linear: 10\n") == []  # 30,730 params are few
    assert rules("  - linear: 4096\n", "[25088]") == []  # its input was never a map


def test_unused_output() -> None:
    layers = CONV.format("kernel_size: 3, padding: 1") + "    name: side\n  - relu:\n    from: input\n"
    (found,) = findings("input: [3, 32, 32]\nlayers:\n" + layers)
    assert (found.rule, found.layer) == ("unused-output", "side")
    assert findings("input: [3, 32, 32]\noutputs: [side, relu1]\nlayers:\n" + layers) == []


def test_unused_input() -> None:
    assert rules("  - relu:\n    from: a\n", "{a: [3, 8, 8], b: [3, 8, 8]}") == ["unused-name"]


# --- definitions that are never used --------------------------------------------------------------------

UNUSED = """\
input: [width, 32, 32]
args: {width: 3, depth: 2, extra: 1}
blocks:
  used:
    args: {channels, stride: 1, spare: depth}
    layers: [{conv: {out_channels: channels, kernel_size: 3, stride: stride}}]
  spare_block:
    layers: [{used: {channels: extra}}]
layers:
  - used: {channels: c}
    for: i, c in [[0, 8], [1, 16]]
  - relu:
    for: _ in range(2)
    when: c > 1
    name: act
"""


def test_unused_block_argument_and_name() -> None:
    text = UNUSED.replace("    for: _ in range(2)\n    when: c > 1\n", "")
    found = {(one.rule, one.message): str(one.origin) for one in findings(text)}
    assert found == {
        ("unused-block", "block 'spare_block' is never used"): "net.yaml:7:3",
        ("unused-argument", "nothing reads the argument 'extra'"): "net.yaml:2:28",  # except for the unused block
        ("unused-argument", "block 'used' never reads 'spare'"): "net.yaml:5:33",
        ("unused-name", "'i' is bound by 'for' and never read"): "net.yaml:11:10",
    }


def test_a_loop_name_that_begins_with_an_underscore_says_that_it_is_not_read() -> None:
    assert rules("  - conv: {out_channels: 3, kernel_size: 3}\n    for: _i in range(2)\n") == []
    assert rules("  - conv: {out_channels: 3, kernel_size: 3}\n    for: i in range(2)\n") == ["unused-name"]
    assert rules("  - conv: {out_channels: 3 + i, kernel_size: 3}\n    for: i in range(2)\n") == []


def test_an_argument_that_only_a_default_an_output_or_a_variant_reads_is_used() -> None:
    head = (
        "args: {a: 1, b: 2, c: true, d: 3}\nvariants: {v: {expect: {params: d}}}\noutputs: [{name: relu1, when: c}]\n"
    )
    block = "blocks: {k: {args: {x: a}, layers: [{conv: {out_channels: x, kernel_size: 1}}]}}\ninput: [b, 4, 4]\n"
    assert findings(head + block + "layers: [k, relu]\n") == []


def test_a_block_argument_of_the_same_name_hides_the_document_s() -> None:
    text = "args: {c: 1}\nblocks: {k: {args: {c}, layers: [{conv: {out_channels: c, kernel_size: 1}}]}}\n"
    (found,) = findings(text + "input: [3, 4, 4]\nlayers: [{k: {c: 2}}]\n")
    assert (found.rule, str(found.origin)) == ("unused-argument", "net.yaml:1:8")


# --- messages --------------------------------------------------------------------------------------


def test_a_place_is_reported_once_with_the_number_of_layers() -> None:
    (found,) = findings("input: [3, 64, 64]\nlayers:\n  - maxpool: {kernel_size: 1, stride: 2}\n    repeat: 3\n")
    assert found.message.endswith("skips the rest; 2 more layers likewise")


def test_savings_of_several_layers_of_a_place_are_added_up() -> None:
    """Three convolutions have eight filters with a bias each."""
    layers = "  - sequence:\n      - conv: {out_channels: 8, kernel_size: 3}\n      - batchnorm\n    repeat: 3\n"
    (found,) = findings("input: [3, 64, 64]\nlayers:\n" + layers)
    assert found.message.endswith("removes again; 2 more layers likewise")
    assert found.hint == "bias: false saves 8 params here, 24 in all 3 layers"


def test_text_has_place_rule_excerpt_and_hint() -> None:
    (found,) = findings("input: [3, 8, 8]\nlayers:\n  - relu\n  - relu\n")
    assert found.text() == (
        "net.yaml:4:5: warning: relu 'relu2' is idle after 'relu1' [repeated-relu]\n"
        "   4 |   - relu\n"
        "     |     ^\n"
        "  hint: remove one of the two"
    )


def test_a_comment_allows_a_rule_on_its_line() -> None:
    layers = "  - relu\n  - relu  # {}\n"
    assert rules(layers.format("as in the paper; allow: repeated-relu")) == []
    assert rules(layers.format("allow: lost-pixels, repeated-relu")) == []
    assert rules(layers.format("allow: lost-pixels")) == ["repeated-relu"]


@pytest.mark.parametrize("name", layer_types())
def test_every_layer_type_can_be_linted(name: str) -> None:
    example = known(name).example
    item = example.item if ":" in example.item else f"{example.item}:"
    inputs = {f"in{number}": list(shape) for number, shape in enumerate(example.inputs or [(1,)])}
    text = f"input: {inputs}\nlayers:\n  - {item}\n    from: {list(inputs)[: len(example.inputs)]}\n"
    assert not {one.rule for one in findings(text.replace("'", ""))} & {"unused-output", "unused-name"} - (
        {"unused-name"} if not example.inputs else set()
    )


def test_no_shipped_network_is_warned_of() -> None:
    """Oddities of a paper are allowed on their line, with the reason."""
    for member in shipped():
        assert isinstance(member.recipe, Document)
        assert [one.text() for one in [*distinct(unused(member.recipe)), *lint(member.build())]] == []


def test_allowed_warnings_of_shipped_specs_appear_without_the_comment() -> None:
    found = set()
    for path in files():
        text = Path(path).read_text(encoding="utf-8")
        if "allow:" in text:
            document = read_text(text.replace("allow:", "").encode(), path)
            found |= {one.rule for name in document.variants or (None,) for one in lint(document.build(name))}
    assert found == {"bias-before-batchnorm", "lost-pixels", "padding-covers-kernel", "stride-over-kernel", "wide-fc"}
    assert found < {*RULES}


def test_every_rule_is_on_the_page_of_warnings() -> None:
    page = (Path(__file__).parents[2] / "docs" / "warnings.md").read_text(encoding="utf-8")
    assert [f"| `{rule}` | {about} |" for rule, about in RULES.items()] == re.findall(
        r"^\| `[\w-]+` \| .* \|$", page, re.M
    )


@pytest.mark.parametrize(
    ("comment", "hint"),
    [
        ("lost-pixel", "; '# allow:' names no rule: did you mean 'lost-pixels'?"),
        ("wibble", "; '# allow:' names no rule: wibble"),
        ("stride-over-kernel, as in the paper", ""),
    ],
)
def test_a_comment_that_names_no_rule(comment: str, hint: str) -> None:
    """The warning stays, and mentions the comment."""
    layers = (
        f"input: [3, 20, 20]\nlayers:\n  - conv: {{out_channels: 4, kernel_size: 3, stride: 2}}  # allow: {comment}\n"
    )
    done = cnncalc("check", "-", stdin=layers)
    assert next(line for line in done.err.splitlines() if "hint:" in line).endswith(hint)
    assert ("names no rule" in done.err) == bool(hint)
