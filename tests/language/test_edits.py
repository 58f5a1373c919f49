"""Edits of a spec's text: an item is replaced in place, its modifiers, comments and neighbours are kept."""

from __future__ import annotations

import pytest

from cnncalc import loads
from cnncalc.language.edits import ItemText, Piece, applied, find_item
from cnncalc.network import Network

HEAD = "input: [8, 12, 12]\nlayers:\n"
TWO = [
    Piece("conv", {"out_channels": "2", "kernel_size": "1"}),
    Piece("conv", {"out_channels": "4", "kernel_size": "3"}),
]


def network(text: str) -> Network:
    return loads(text, name="net.yaml")


def item_of(text: str, type_name: str = "conv") -> ItemText:
    net = network(text)
    origin = next(node.origin for node in net.nodes if node.layer.type == type_name)
    assert origin is not None
    item = find_item(origin)
    assert item is not None
    return item


def replaced(body: str, pieces: list[Piece], type_name: str = "conv") -> str:
    text = HEAD + body
    return applied(text, [item_of(text, type_name).replaced(pieces)]).removeprefix(HEAD)


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("  - conv: {out_channels: 4, kernel_size: 3}\n", {"out_channels": "4", "kernel_size": "3"}),
        (
            "  - conv:\n      out_channels: 4 # so many\n      kernel_size: [3, 1]\n",
            {"out_channels": "4", "kernel_size": "[3, 1]"},
        ),
        (
            '  - conv: {out_channels: "max(4, 2)", kernel_size: 3}\n',
            {"out_channels": '"max(4, 2)"', "kernel_size": "3"},
        ),
        (
            "  - conv:\n      out_channels: max(4, 2)\n      kernel_size: 3\n",
            {"out_channels": '"max(4, 2)"', "kernel_size": "3"},
        ),
        (
            "  - conv:\n      out_channels: 4\n      kernel_size:\n        - 3\n        - 1\n",
            {"out_channels": "4", "kernel_size": "[3, 1]"},
        ),
    ],
)
def test_arguments_as_they_stand_in_braces(body: str, arguments: dict[str, str]) -> None:
    item = item_of(HEAD + body)
    assert item.arguments == arguments
    again = applied(HEAD + body, [item.replaced([Piece("conv", item.arguments)])])
    assert [node.shape for node in network(again).nodes] == [node.shape for node in network(HEAD + body).nodes]


def test_a_comment_and_the_neighbours_stay() -> None:
    body = "  - relu  # first\n  - conv: {out_channels: 4, kernel_size: 3}   # second\n  - relu  # third\n"
    assert replaced(body, [Piece("conv", {"out_channels": "2", "kernel_size": "1"})]) == (
        "  - relu  # first\n  - conv: {out_channels: 2, kernel_size: 1}   # second\n  - relu  # third\n"
    )


def test_several_items_take_the_place_under_the_modifiers_of_one() -> None:
    body = (
        "  - conv:             # several lines\n      out_channels: 4\n      kernel_size: 3\n"
        "    name: last\n    repeat: 2\n"
        "  - add: {paths: [[], []]}\n    from: last2\n"
    )
    changed = replaced(body, TWO)
    assert changed == (
        "  - sequence:\n"
        "      - conv: {out_channels: 2, kernel_size: 1}\n"
        "      - conv: {out_channels: 4, kernel_size: 3}\n"
        "    name: last\n    repeat: 2\n"
        "  - add: {paths: [[], []]}\n    from: last2\n"
    )
    assert [node.name for node in network(HEAD + changed).nodes][:4] == [
        "last1.conv1",
        "last1.conv2",
        "last2.conv1",
        "last2.conv2",
    ]


def test_inside_braces_a_sequence_stays_on_its_line() -> None:
    body = "  - concat: {paths: [[], [{conv: {out_channels: 4, kernel_size: 1}}, relu]]}\n"
    pieces = [Piece("conv", {"out_channels": "2", "kernel_size": "1"}, "1 < 2"), Piece("relu")]
    assert replaced(body, pieces) == (
        "  - concat: {paths: [[], [{sequence: "
        "[{conv: {out_channels: 2, kernel_size: 1}, when: 1 < 2}, relu]}, relu]]}\n"
    )


def test_conditions_stand_below_each_item() -> None:
    pieces = [Piece("relu", {}, "1 < 2"), Piece("conv", {"out_channels": "2", "kernel_size": "1"}, "2 < 1")]
    changed = replaced("  - conv: {out_channels: 4, kernel_size: 3}\n", pieces)
    assert changed == (
        "  - sequence:\n      - relu:\n        when: 1 < 2\n"
        "      - conv: {out_channels: 2, kernel_size: 1}\n        when: 2 < 1\n"
    )
    assert [node.layer.type for node in network(HEAD + changed).nodes] == ["relu"]


@pytest.mark.parametrize(
    ("body", "one", "two"),
    [
        ("  - flatten   # so\n", "  - identity   # so\n", "  - sequence:   # so\n      - relu\n      - flatten\n"),
        (
            "  - flatten:\n    name: flat\n",
            "  - identity:\n    name: flat\n",
            "  - sequence:\n      - relu\n      - flatten\n    name: flat\n",
        ),
    ],
)
def test_types_without_arguments(body: str, one: str, two: str) -> None:
    assert replaced(body, [Piece("identity")], "flatten") == one
    assert replaced(body, [Piece("relu"), Piece("flatten")], "flatten") == two
    assert network(HEAD + two).nodes[-1].shape == (8 * 12 * 12,)


def test_an_alias_is_edited_at_its_anchor() -> None:
    body = "  - &one\n    conv: {out_channels: 8, kernel_size: 3}\n  - *one\n"
    changed = replaced(body, [Piece("conv", {"out_channels": "8", "kernel_size": "1"})])
    assert changed == "  - &one\n    conv: {out_channels: 8, kernel_size: 1}\n  - *one\n"


def test_an_item_ends_with_its_alias_and_not_where_the_anchor_does() -> None:
    body = "  - relu: &none\n  - conv:\n      out_channels: &c 8\n      kernel_size: *c  # eight\n  - relu: &none\n"
    changed = replaced(body, [Piece("conv", {"out_channels": "8", "kernel_size": "1"})])
    assert changed == "  - relu: &none\n  - conv: {out_channels: 8, kernel_size: 1}  # eight\n  - relu: &none\n"


def test_edits_of_one_text_do_not_move_each_other() -> None:
    text = HEAD + "  - relu\n  - conv: {out_channels: 4, kernel_size: 3}\n  - flatten\n"
    first, second = item_of(text).replaced(TWO), item_of(text, "flatten").replaced([Piece("identity")])
    for edits in ([first, second], [second, first]):
        assert applied(text, edits).endswith("  - identity\n")
        assert [node.layer.type for node in network(applied(text, edits)).nodes] == ["relu", "conv", "conv", "identity"]
