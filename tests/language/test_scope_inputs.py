"""``from: input`` is the input of the scope; a warning says so if the network's input was probably meant."""

from __future__ import annotations

import pytest

from cnncalc.language.findings import noticed
from cnncalc.network import loads

CONV = "{conv: {out_channels: 3, kernel_size: 3, padding: 1}%s}"
OF_SCOPE = "'input' is the scope's input here, not the start of this path or unnamed sequence"
OF_SEQUENCE = "'input' is the sequence's input here, which is also read without a 'from'"


def built(layers: str, head: str = "input: [3, 8, 8]") -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Return the names that each layer reads, and the warnings with their places."""
    with noticed() as found:
        net = loads(f"{head}\nlayers:\n{layers}")
    reads = [[tensor.name for tensor in node.inputs] for node in net.nodes]
    return reads, [(str(one.origin).partition(":")[2], one.message) for one in found]


def test_in_an_unnamed_sequence_it_is_the_scope_s() -> None:
    """In a residual without a name, the sum reads the network's input, and the warning says so."""
    reads, warned = built(
        f"  - relu\n  - sequence:\n      - {CONV % ', name: c'}\n      - add:\n        from: [c, input]\n"
    )
    assert reads == [["input"], ["relu1"], ["c", "input"]]
    assert warned == [("7:19", OF_SCOPE)]


def test_in_a_path_it_is_the_scope_s() -> None:
    reads, warned = built(
        f"  - relu\n  - add:\n      paths:\n        - []\n        - - {CONV % ''}\n          - tanh:\n            from: input\n"
    )
    assert reads[2] == ["input"]
    assert warned == [("9:19", OF_SCOPE)]


def test_in_a_named_sequence_it_is_the_sequence_s() -> None:
    reads, warned = built(
        f"  - relu\n  - sequence:\n      - {CONV % ', name: c'}\n      - add:\n        from: [c, input]\n    name: s\n"
    )
    assert reads[2] == ["s.c", "relu1"]
    assert warned == []


def test_the_first_item_of_a_named_sequence_reads_its_input_anyway() -> None:
    reads, warned = built(f"  - relu\n  - sequence:\n      - {CONV % ', from: input'}\n    name: s\n")
    assert reads[1] == ["relu1"]
    assert warned == [("5:69", OF_SEQUENCE)]


@pytest.mark.parametrize(
    "layers",
    [
        # the first item of a path reads the path's start anyway; a written input means the scope's
        f"  - relu\n  - add:\n      paths:\n        - []\n        - - {CONV % ', from: input'}\n",
        # both inputs are the same here
        f"  - add:\n      paths:\n        - []\n        - - {CONV % ''}\n          - tanh:\n            from: input\n",
        "  - sequence:\n      - relu:\n        from: input\n    name: s\n",
        # the scope's input is meant
        f"  - relu\n  - sequence:\n      - {CONV % ', name: c'}\n      - add:\n        from: [c, input]  # allow: input-of-scope\n",
        # a block has no other input
        "  - relu\n  - b\n",
    ],
)  # fmt: skip
def test_there_is_no_warning_if_the_scopes_input_is_meant(layers: str) -> None:
    assert built(layers, "blocks:\n  b: {layers: [{relu: , from: input}]}\ninput: [3, 8, 8]")[1] == []


def test_the_network_s_input_has_a_name_inside_where_it_is_given_one() -> None:
    layers = (
        f"  - relu\n  - sequence:\n      - {CONV % ', name: c'}\n      - add:\n        from: [c, image]\n    name: s\n"
    )
    reads, warned = built(layers, "input: {image: [3, 8, 8]}")
    assert (reads[2], warned) == (["s.c", "image"], [])


def test_each_place_is_warned_of_once() -> None:
    layers = f"  - sequence:\n      - relu\n      - {CONV % ', name: c'}\n      - add:\n        from: [c, input]\n    repeat: 5\n"
    assert len(built(layers)[1]) == 1
