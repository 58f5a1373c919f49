"""Pictures: boxes that don't overlap, lines from box to box, bars as long as their figures say."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from cnncalc import load, loads
from cnncalc.drawing.colours import COLOURS, DARK
from cnncalc.drawing.letters import fitted, text_width
from cnncalc.drawing.measures import measure
from cnncalc.drawing.parts import Box, Card, StackColumns, Valley
from cnncalc.drawing.picture import Choice, Picture, picture
from cnncalc.drawing.svg import document
from cnncalc.figures.roofline import Machine
from cnncalc.graph import Graph
from cnncalc.layers.base import KINDS
from tests.commands import cnncalc
from tests.drawing.networks import ADD, CONV, SHAPE, dominated, encoder_and_decoder, nested_skips, random_network
from tests.drawing.test_tree import check

ATTENTION = """
name: attention
input: [16, 32]
layers:
  - linear: {out_features: 32, axis: 1}
    name: query
  - linear: {out_features: 32, axis: 1}
    name: key
    from: input
  - permute: [1, 0]
  - matmul:
    from: [query, permute1]
  - softmax
  - linear: {out_features: 32, axis: 1}
    name: value
    from: input
  - matmul:
    from: [softmax1, value]
"""
SVG = "{http://www.w3.org/2000/svg}"
AS_IT_SUITS = Choice()
NETWORKS = ["alexnet", "vgg16", "resnet50", "googlenet", "inception_v4", "densenet121", "unet", "yolov3", "yolov4"]


def drawn(graph: Graph, choice: Choice = AS_IT_SUITS, by: str = "macs") -> Picture:
    return picture(graph, measure(graph, by, machine=Machine(10**11, 2 * 10**10)), choice)


def solid(found: Picture) -> list[Card | Box]:
    """Return the parts that hide what is drawn before them: tiles and closed boxes."""
    return [part for part in found.placing.parts if isinstance(part, Card) or not part.is_open]


def check_places(found: Picture) -> None:
    """Assert that no part covers another, and that the parts of a box lie within its frame."""
    parts = sorted(solid(found), key=lambda part: part.y)
    for place, upper in enumerate(parts):
        assert upper.x >= 0
        assert upper.x + upper.width <= found.width
        assert upper.y + upper.height <= found.height
        for lower in parts[place + 1 :]:
            if lower.y >= upper.y + upper.height:
                break
            assert lower.x >= upper.x + upper.width or upper.x >= lower.x + lower.width, (upper, lower)
    for part in found.placing.parts:
        around = part.up
        if around is not None and around is not found.root:
            assert around.x < part.x
            assert part.x + part.width < around.x + around.width
            assert around.y < part.y
            assert part.y + part.height < around.y + around.height
    for line in found.placing.lines:
        for (x, y), (ahead, below) in zip(line.points, line.points[1:], strict=False):
            assert x == ahead or y == below, line  # horizontal or vertical
    for label in found.placing.texts:
        end = label.x + text_width(label.text, 9)
        assert end <= found.width
        for part in parts:
            is_beside = part.x >= end or part.x + part.width <= label.x
            assert is_beside or label.y <= part.y or label.y - 7 >= part.y + part.height, (label, part)


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_covers_anything(name: str) -> None:
    graph = load(name)
    for choice in (Choice(), Choice(1), Choice(99), Choice(99, 3)):
        check_places(drawn(graph, choice))


def test_nothing_covers_anything_in_random_networks() -> None:
    for seed in range(150):
        check_places(drawn(random_network(Random(seed)), Choice(99)))


def test_every_arrow_ends_at_a_box() -> None:
    """Every line with a head ends on the border of a card or closed box, where the card's axis is or at its side."""
    pictures = [drawn(load(name), Choice(depth)) for name in NETWORKS for depth in (1, 99)]
    pictures += [drawn(dominated(), choice) for choice in (Choice(3), Choice(2, 2), Choice(2, 3))]
    for found in [*pictures, drawn(encoder_and_decoder(), Choice(3))]:
        ends = {(part.x + part.width // 2, y) for part in solid(found) for y in (part.y, part.y + part.height)}
        sides = [(x, part.y, part.y + part.height) for part in solid(found) for x in (part.x, part.x + part.width)]
        for line in found.placing.lines:
            x, y = line.points[-1]
            if line.arrow:
                at = (found.heading, line)
                assert (x, y) in ends or any(side == x and top <= y <= end for side, top, end in sides), at


def behind_cards(found: Picture) -> int:
    """Return how many lines run behind a card or a closed box."""
    parts = solid(found)
    return sum(
        any(
            min(x, ahead) < part.x + part.width - 1
            and max(x, ahead) > part.x + 1
            and min(y, below) < part.y + part.height - 1
            and max(y, below) > part.y + 1
            for (x, y), (ahead, below) in pairwise(line.points)
            for part in parts
        )
        for line in found.placing.lines
    )


@pytest.mark.parametrize("name", [*NETWORKS, "shufflenet_g1", "ghostnet", "deeplabv3_resnet50", "yolov4_tiny"])
def test_no_line_runs_behind_a_card(name: str) -> None:
    graph = load(name)
    for choice in (Choice(), Choice(1), Choice(99)):
        assert behind_cards(drawn(graph, choice)) == 0


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent.parent / "data" / "onnx").glob("*.onnx")), ids=lambda path: path.stem
)
def test_imported_networks(path: Path) -> None:
    graph = load(str(path))
    check(graph)
    for choice in (Choice(), Choice(1), Choice(99)):
        found = drawn(graph, choice)
        check_places(found)
        assert behind_cards(found) == 0


def test_an_attention() -> None:
    """Products of two maps have the colour of their kind."""
    graph = loads(ATTENTION, name="attention")
    check(graph)
    found = drawn(graph, Choice(99))
    check_places(found)
    assert document(found).count('<rect class="matmul"') == 2
    assert behind_cards(found) == 0


def test_parts_that_follow_each_other_have_one_line() -> None:
    """If a line connects two closed blocks anyway, a lane between the same two is not drawn beside it."""
    graph = Graph("two", {"x": SHAPE})
    first = graph.add(CONV, [graph.inputs["x"]], "a.one")
    second = graph.add(CONV, [first], "a.two")
    third = graph.add(CONV, [second], "b.one")
    graph.outputs["y"] = graph.add(ADD, [third, first], "b.add")
    check(graph)
    assert sum(line.is_skip for line in drawn(graph, Choice(1)).placing.lines) == 0
    assert sum(line.is_skip for line in drawn(graph, Choice(2)).placing.lines) == 1


def test_hardly_a_line_runs_behind_a_card_in_random_networks() -> None:
    """Only lines beside the tree may, if there is no free place: in 1 of the first 150 networks, in 3 of 400."""
    found = [behind_cards(drawn(random_network(Random(seed)), Choice(99))) for seed in range(150)]
    assert sum(found) <= 1


def test_a_bar_is_as_long_as_its_figure_says() -> None:
    for by in ("macs", "params", "memory", "time"):
        graph = load("inception_v4")
        root = ElementTree.fromstring(document(drawn(graph, Choice(1), by)))
        bars = []
        for group in root.iter(f"{SVG}g"):
            bar = next((rect for rect in group.iter(f"{SVG}rect") if rect.get("class") == "bar"), None)
            printed = [
                text.text or "" for text in group.iter(f"{SVG}text") if re.fullmatch(r"[\d.]+ %", text.text or "")
            ]
            if bar is not None and printed:
                frame = next(rect for rect in group.iter(f"{SVG}rect") if rect.get("class") != "bar")
                bars.append((float(bar.get("width", "")) / (int(frame.get("width", "")) - 18), float(printed[0][:-2])))
        longest = max(share for _, share in bars)
        assert len(bars) >= 6
        for length, share in bars:
            assert length == pytest.approx(share / longest, abs=0.02), (by, share)  # the share is rounded


def test_shares_add_up_to_the_whole() -> None:
    """At any depth, the boxes have all of the network's MACs, with repeats counted as often as they occur."""
    for name in ("densenet121", "inception_v4", "resnet50"):
        graph = load(name)
        whole = sum(node.use.macs for node in graph.nodes)
        for depth in (1, 2, 3, 9):
            assert sum(part.value for part in solid(drawn(graph, Choice(depth)))) == whole


def test_copies_that_differ_are_shown_as_ranges() -> None:
    """DenseNet-121's first block (Huang et al. 2017, table 1): 6 layers that read 64 to 224 channels, and add 32 each."""
    text = document(drawn(load("densenet121"), Choice(3)))
    assert "dense_layer1…6  ×6" in text
    assert "64…224×56×56 → 128×56×56" in text
    assert "all 6 together" in text


def test_a_u_is_drawn_as_a_u() -> None:
    valley = drawn(load("unet")).root.body
    assert isinstance(valley, Valley)
    assert len(valley.steps) == 4  # Ronneberger et al. 2015, figure 1
    for step in valley.steps:
        assert step.up.x > step.down.x + step.down.width
        joint = step.up.items[0]
        assert step.across is not None
        assert step.across.y + step.across.height // 2 == joint.y + joint.height // 2  # a skip is level
    assert not isinstance(drawn(load("resnet50")).root.body, Valley)


def test_a_u_whose_blocks_hold_the_concats_is_drawn_as_a_u() -> None:
    """Each skip leads from the layer that makes it to the concat inside the block at its level, and crosses nothing."""
    graph = load(str(Path(__file__).parent / "unet_blocks.yaml"))
    for depth in (1, 2, 3):
        found = drawn(graph, Choice(depth))
        valley = found.root.body
        assert isinstance(valley, Valley)
        assert [step.down.items[-1].name for step in valley.steps] == ["inc", "down1", "down2", "down3"]  # type: ignore[union-attr]
        assert [step.up.items[0].name for step in valley.steps] == ["up4", "up3", "up2", "up1"]  # type: ignore[union-attr]
        skips = [line for line in found.placing.lines if line.is_skip]
        assert len(skips) == 4
        for step, line in zip(valley.steps, skips, strict=True):
            (x, _), (ahead, _) = line.points[0], line.points[-1]
            assert step.down.x < x < ahead < step.up.x + step.up.width
        check_places(found)
        assert behind_cards(found) == 0


def test_an_encoder_and_a_decoder_are_a_u() -> None:
    """Their frames are left out, so that each block of one stands beside its partner in the other."""
    graph = encoder_and_decoder()
    check(graph)
    for depth in (1, 2, 3):
        found = drawn(graph, Choice(depth))
        valley = found.root.body
        assert isinstance(valley, Valley)
        assert [step.down.items[-1].name for step in valley.steps] == [f"layer{level}" for level in range(4)]  # type: ignore[union-attr]
        assert [step.up.items[0].name for step in valley.steps] == [f"blocks.{level}" for level in (3, 2, 1, 0)]  # type: ignore[union-attr]
        check_places(found)
        assert behind_cards(found) == 0


def test_a_long_scope_is_cut_into_columns() -> None:
    """Imported networks have one scope around nearly all layers; a line enters its first column and leaves at its axis."""
    found = drawn(dominated(), Choice(3))
    [features] = [part for part in found.placing.parts if isinstance(part, Box) and part.name == "features"]
    assert isinstance(features.body, StackColumns)
    check_places(found)
    assert behind_cards(found) == 0
    assert found.width <= 1000
    ends = [line.points for line in found.placing.lines]
    x, y = features.x + features.axis, features.y + features.height
    assert any(points[-1] == (x, y) for points in ends)  # the way out


@pytest.mark.parametrize("name", [*NETWORKS, "mobilenet_v3_large", "efficientnet_b0", "lenet5", "vgg19", "xception"])
def test_a_picture_fits_a_page(name: str) -> None:
    """By default a picture has at most 1.45 times the area of 1,000 × 1,400 pixels, and at most 90 boxes."""
    found = drawn(load(name))
    assert found.root.width <= 1450
    assert found.root.height <= 2030
    assert len(solid(found)) <= 90


def test_columns() -> None:
    columns = drawn(load("vgg16"), Choice(columns=3)).root.body
    assert isinstance(columns, StackColumns)
    assert len(columns.stacks) == 3


def test_deep_nesting_ends() -> None:
    check_places(drawn(nested_skips(400), Choice(99)))


def test_every_kind_of_layer_has_its_colours() -> None:
    assert set(KINDS) <= set(COLOURS)
    assert set(COLOURS) == set(DARK)


def test_names_are_texts() -> None:
    """Names of an imported model may be anything."""
    graph = Graph("<script>alert(1)</script>&\"'", {"x]]>": SHAPE})
    node = graph.add(CONV, [graph.inputs["x]]>"]], "a</title><b onload=x>.\0\x1b\u202e.c")
    graph.outputs["<o>"] = graph.add(CONV, [node], "a</title><b onload=x>.\0\x1b\u202e.d")
    for depth in (1, 2):
        text = document(drawn(graph, Choice(depth)))
        ElementTree.fromstring(text)  # well-formed
        assert "<script>" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in text
        assert "<b onload" not in text
        assert "\u202e" not in text


def test_long_names_are_cut() -> None:
    assert fitted("a" * 500, 12, 100).endswith("…")
    assert text_width(fitted("W" * 500, 12, 100), 12) <= 100
    assert fitted("a\nb\x1b[0m", 12, 100) == "a b�[0m"


# --- the command ---------------------------------------------------------------------------------------------


def test_draw_prints_svg() -> None:
    done = cnncalc("draw", "lenet5")
    assert (done.code, done.err) == (0, "")
    root = ElementTree.fromstring(done.out)
    assert root.tag == f"{SVG}svg"


def test_draw_a_part() -> None:
    done = cnncalc("draw", "resnet50", "--layers", "stage1.bottleneck2.*", "--by", "params")
    assert "input stage1.bottleneck1.relu3 256×56×56" in done.out
    assert "output stage1.bottleneck2.relu3 256×56×56" in done.out
    assert "10 layers of 175" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--columns", "0"), "--columns 0: neither a number of columns nor auto\n"),
        (("-o", "x.png"), "-o x.png: no format has the suffix '.png'\n"),
        (("--by", "time", "--machine", "flops=0,bandwidth=1"), "flops must be above 0"),
        (("--layers", "nothing*"), "'lenet5' has no layer that matches 'nothing*'\n"),
    ],
)
def test_wrong_options(arguments: tuple[str, ...], message: str) -> None:
    done = cnncalc("draw", "lenet5", *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
