"""Other tools' figures: those printed for networks, the rules for every type, and the reasons for differences."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import cnncalc
from cnncalc import loads
from cnncalc.figures.conventions import TOOLS, accounts
from cnncalc.figures.costs import CONVENTIONS, OWN_CONVENTION
from cnncalc.figures.summary import summarize
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers import LayerError, layer_type, layer_types
from cnncalc.network import Network
from tests.layers.building import known, make

NAMES = ("torchinfo", "fvcore", "ptflops", "thop", "calflops")

# In 10⁹ with five digits, as published with the tools' sources; the next table has exact integers.
PRINTED = {
    "alexnet": (0.71468, 0.71420, 0.71468, 0.71421, 1.42974),
    "vgg16": (15.48382, 15.47029, 15.48382, 15.47031, 30.97378),
    "resnet50": (4.08924, 4.11151, 4.08919, 4.13374, 8.21111),
    "mobilenet_v2": (0.30081, 0.31419, 0.30078, 0.32749, 0.61497),
}

# The tools run on torchvision 0.29's models; releases as in data/README.md.
# None: thop ignores torchvision's LayerNorm2d, a class of its own.
PRINTED_EXACTLY = {
    "alexnet": (714682664, 714197696, 714682664, 714206912, 1429741184),
    "vgg16": (15483821032, 15470289408, 15483821032, 15470314496, 30973778432),
    "resnet50": (4089238376, 4111512576, 4089185256, 4133742592, 8211108352),
    "mobilenet_v2": (300809384, 314193216, 300775272, 327486720, 614967488),
    "squeezenet1_0": (823270824, 819093576, 823270824, 819094576, 1648970968),
    "mnasnet1_0": (314454792, 325329152, 314416872, 336242432, 644543104),
    "shufflenet_v2_x1_0": (144925172, 148808392, 144908992, 152708792, 295505472),
    "mobilenet_v3_small": (56527424, 59649536, 56515312, 62477944, 116633816),
    "efficientnet_b0": (385867108, 401659392, 385825092, 415145024, 793641400),
    "densenet121": (2834246312, 2865546752, 2834162664, 2897007104, 5716881152),
    "googlenet": (1498391752, 1504878688, 1498377192, 1511332032, 3009356752),
    "regnet_y_400mf": (401876208, 410406088, 401849056, 418183352, 815847000),
    "convnext_tiny": (322371592, 4470437376, 4468966888, None, 8937258240),
    "vgg11_bn": (7616530792, 7623967232, 7616525288, 7638844416, 15254039040),
}

with (Path(__file__).parent.parent / "data" / "conventions.csv").open(encoding="utf-8", newline="") as file:
    MODULES = list(csv.DictReader(file))


def network(text: str) -> Network:
    return loads(text, name="test.yaml")


@pytest.mark.parametrize("name", PRINTED)
def test_what_tools_print(name: str) -> None:
    net = cnncalc.load(name)
    for tool, figure in zip(NAMES, PRINTED[name], strict=True):
        assert round(summarize(net, convention=tool).totals.macs / 1e9, 5) == figure, tool


@pytest.mark.parametrize("name", PRINTED_EXACTLY)
def test_what_tools_print_to_the_integer(name: str) -> None:
    totals = {account.convention.name: account.total for account in accounts(cnncalc.load(name))}
    for tool, figure in zip(NAMES, PRINTED_EXACTLY[name], strict=True):
        assert figure is None or totals[tool] == figure, tool


@pytest.mark.parametrize("row", MODULES, ids=lambda row: f"{row['item']} {row['input']} {row['batch']}")
def test_rules_on_single_modules(row: dict[str, str]) -> None:
    net = network(f"input: [{row['input'].replace('x', ', ')}]\nlayers:\n  - {row['item']}\n")
    for tool in NAMES:
        counts = [TOOLS[tool].of(node.use, int(row["batch"])) for node in net.nodes]
        assert counts == [int(row[tool]) if row[tool] else None], tool


@pytest.mark.parametrize(
    ("mode", "fvcore", "thop"),
    [
        # by hand from the sources: fvcore/nn/flop_count.py has handles for upsample_nearest2d and upsample_bilinear2d
        # alone; thop/vision/calc_func.py takes 224 + 35 per output element of bicubic, and other modes as nothing
        ("cubic", 0, 259 * 6 * 10 * 14),
        ("nearest-exact", 0, 0),
    ],
)
def test_upsampling_in_other_modes(mode: str, fvcore: int, thop: int) -> None:
    net = network(f"input: [6, 5, 7]\nlayers:\n  - upsample: {{scale_factor: 2, mode: {mode}}}\n")
    totals = {account.convention.name: account.total for account in accounts(net)}
    assert (totals["fvcore"], totals["thop"]) == (fvcore, thop)


@pytest.mark.parametrize(("form", "figure"), [("module", 6 * (5 * 7 + 1)), ("function", 0), ("mean", 0)])
def test_thop_counts_pooling_modules_alone(form: str, figure: int) -> None:
    """thop's hooks see modules; thop/vision/calc_func.py takes kernel + 1 per output element, the kernel being 5×7."""
    net = network(f"input: [6, 5, 7]\nlayers:\n  - global_avgpool: {{form: {form}}}\n")
    totals = {account.convention.name: account.total for account in accounts(net)}
    assert totals["thop"] == figure


@pytest.mark.parametrize("name", layer_types())
def test_every_word_that_an_argument_takes_has_a_figure(name: str) -> None:
    example = known(name).example
    layer = make(example.item)
    given = {argument: layer.__dict__[argument] for argument in layer.arguments}
    for argument, one in layer.arguments.items():
        for word in one.words if one.only_words else ():
            try:
                use = type(layer)(**{**given, argument: word}).apply(example.inputs)
            except LayerError:  # the word does not fit the example's other arguments
                continue
            for tool in NAMES:
                figure = TOOLS[tool].of(use, 2)
                assert figure is None or figure >= 0, (tool, word)


@pytest.mark.parametrize(
    ("item", "input", "flops"),
    [
        # printed by calflops 0.3.2, whose rule pads by ⌊D·(K − 1)/2⌋ on both sides: 49 positions instead of 50
        ("conv: {out_channels: 8, kernel_size: 4, padding: same}", "[4, 50]", 12_936),
        # by hand from that rule (calflops/pytorch_ops.py): 9·10 positions, 4·3 taps, 2 channels, 5 filters
        (
            "conv: {out_channels: 5, kernel_size: [4, 3], padding: same, bias: false}",
            "[2, 10, 10]",
            2 * 90 * 12 * 2 * 5,
        ),
        ("conv: {out_channels: 5, kernel_size: 3, padding: same, bias: false}", "[2, 10, 10]", 2 * 100 * 9 * 2 * 5),
        # an even kernel with dilation 2 has an odd extent; with a stride, PyTorch pads by a separate operator
        (
            "conv: {out_channels: 5, kernel_size: 2, dilation: 2, padding: same, bias: false}",
            "[2, 10]",
            2 * 10 * 2 * 2 * 5,
        ),
        (
            "conv: {out_channels: 5, kernel_size: 2, stride: 2, padding: same, bias: false}",
            "[2, 10]",
            2 * 5 * 2 * 2 * 5,
        ),
    ],
)
def test_calflops_under_same(item: str, input: str, flops: int) -> None:
    network = loads(f"input: {input}\nlayers: [{{{item}}}]\n", name="net.yaml")
    (total,) = [account.total for account in accounts(network) if account.convention.name == "calflops"]
    assert total == flops


def test_a_module_used_twice_counts_twice() -> None:
    # nn.Conv2d(6, 6, 3, padding=1) called twice on (1, 6, 5, 7), run through the tools
    net = network(
        "input: [6, 5, 7]\nlayers:\n"
        "  - conv: {out_channels: 6, kernel_size: 3, padding: 1}\n    name: one\n"
        "  - conv: {out_channels: 6, kernel_size: 3, padding: 1}\n    weights: one\n"
    )
    assert [account.total for account in accounts(net)] == [23100, 22680, 23100, 22680, 45780]


def test_types_marked_as_compared_have_a_test() -> None:
    compared = {row["item"].partition(":")[0] for row in MODULES}
    # PyTorch has no module for scale, nor a function for center_crop, which slices; unfold undoes a fold
    types = {name: layer_type(name) for name in layer_types()}
    called = {name for name, found in types.items() if found is not None and found.elsewhere.compared}
    assert called == compared | {"scale", "center_crop", "unfold"}
    assert called < set(layer_types())


@pytest.mark.parametrize("tool", TOOLS)
def test_types_that_were_not_compared_have_no_figure(tool: str) -> None:
    net = network(
        "input: [3, 8, 8]\nlayers:\n  - conv: {out_channels: 2, kernel_size: 3}\n  - locally_connected: {out_channels: 2, kernel_size: 3}\n"
    )
    assert summarize(net, convention=tool).uncounted == ["locally_connected"]
    assert summarize(net, convention=tool).totals.macs > 0


def test_types_without_flops_are_named() -> None:
    net = network("input: [3, 8, 8]\nlayers:\n  - locally_connected: {out_channels: 2, kernel_size: 3}\n  - scale\n")
    assert summarize(net, convention="thop").uncounted == ["locally_connected"]
    assert summarize(net, convention="torchinfo").uncounted == ["locally_connected", "scale"]
    assert summarize(net).totals.macs == 2 * 36 * 27


@pytest.mark.parametrize("name", ["resnet50", "unet", "convnext_tiny"])
def test_differences_add_up(name: str) -> None:
    net = cnncalc.load(name)
    for account in accounts(net):
        assert account.macs == summarize(net).totals.macs
        assert account.total == summarize(net, convention=account.convention.name).totals.macs
        difference = sum((one.counted or 0) - one.macs for one in account.differences)
        assert account.macs + difference == account.total
        assert all(one.rule for one in account.differences)


def test_kinds_and_rows_follow_the_convention() -> None:
    summary = summarize(cnncalc.load("resnet50"), convention="fvcore")
    assert sum(kind.macs for kind in summary.kinds.values()) == summary.totals.macs == summary.totals.flops
    assert summary.kinds["norm"].macs == 2 * 11_113_984  # 2 per output element of all convolutions
    assert summary.figure == "FLOPs (fvcore)"


def test_names_are_the_tools() -> None:
    assert (OWN_CONVENTION, *TOOLS) == CONVENTIONS
    with pytest.raises(CnncalcError) as said:
        summarize(cnncalc.load("alexnet"), convention="torchinf")
    assert said.value.hint == "did you mean 'torchinfo'?"
