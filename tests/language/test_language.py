"""The spec language: the meaning of each key, modifier and shorthand."""

from __future__ import annotations

from typing import Any

import pytest

from cnncalc import loads
from cnncalc.ground.places import SpecError
from cnncalc.language.loading import read_text
from cnncalc.network import Network


def network(layers: str, head: str = "input: [3, 32, 32]", variant: str | None = None, **settings: Any) -> Network:
    return loads(f"{head}\nlayers:\n{layers}", variant, name="net.yaml", **settings)


def names(net: Network) -> list[str]:
    return [node.name for node in net.nodes]


def test_items_are_named_by_their_stem_and_a_running_number() -> None:
    net = network("- conv: {out_channels: 4, kernel_size: 3}\n- relu\n- maxpool: 2\n- relu\n- flatten\n- linear: 5\n")
    assert names(net) == ["conv1", "relu1", "pool1", "relu2", "flatten1", "fc1"]
    assert {name: tensor.shape for name, tensor in net.outputs.items()} == {"fc1": (5,)}


def test_running_numbers_leave_given_names_out() -> None:
    assert names(network("- relu\n- relu:\n  name: relu2\n- relu\n")) == ["relu1", "relu2", "relu3"]


def test_a_named_item_that_comes_several_times_is_numbered() -> None:
    net = network("- sequence:\n  - relu\n  - relu\n  name: stage\n  repeat: 2\n")
    assert names(net) == ["stage1.relu1", "stage1.relu2", "stage2.relu1", "stage2.relu2"]


def test_an_unnamed_sequence_has_no_scope_of_its_own() -> None:
    assert names(network("- sequence: [relu, relu]\n  repeat: 2\n- relu\n")) == [f"relu{n}" for n in (1, 2, 3, 4, 5)]


def test_names_inside_a_loop_mean_the_own_round() -> None:
    net = network(
        "- sequence:\n  - conv: {out_channels: c, kernel_size: 1}\n    name: a\n  - relu\n  - add:\n    from: [a, relu]\n"
        "  for: c in [4, 8]\n".replace("from: [a, relu]", "from: [a, a]")
    )
    assert names(net) == ["a1", "relu1", "add1", "a2", "relu2", "add2"]
    assert [tensor.name for tensor in net.nodes[5].inputs] == ["a2", "a2"]


def test_for_binds_names_in_arguments_and_when() -> None:
    net = network(
        "- conv: {out_channels: c, kernel_size: 1, stride: 2 if i else 1}\n  for: i, c in zip(range(3), [4, 5, 6])\n  when: c != 5\n"
    )
    assert [node.shape for node in net.nodes] == [(4, 32, 32), (6, 16, 16)]


def test_whole_quotients_are_counts_and_sizes() -> None:
    """As where a layer takes an integer: ``/`` gives 2.0, which is 2."""
    net = loads("args: {depth: 16}\ninput: [3, 448 / 2, 224]\nlayers:\n  - relu:\n    repeat: (depth - 4) / 6\n")
    assert ([node.name for node in net.nodes], net.inputs["input"].shape) == (["relu1", "relu2"], (3, 224, 224))


def test_repeat_feeds_each_round_into_the_next() -> None:
    net = network("- conv: {out_channels: in_channels * 2, kernel_size: 1}\n  repeat: 3\n")
    assert [node.shape[0] for node in net.nodes] == [6, 12, 24]


def test_an_item_that_is_left_out_passes_its_input_on() -> None:
    net = network(
        "- conv: {out_channels: 4, kernel_size: 1}\n- relu:\n  from: input\n  when: in_channels == 99\n- flatten\n"
    )
    assert names(net) == ["conv1", "flatten1"]
    assert net.nodes[1].shape == (4 * 32 * 32,)


def test_an_item_that_is_left_out_may_name_others_that_are() -> None:
    net = network("- relu:\n  name: a\n  when: 1 > 2\n- add:\n  from: [a, input]\n  when: 1 > 2\n- tanh\n")
    assert names(net) == ["tanh1"]


def test_paths_start_at_the_incoming_tensor_and_an_empty_one_is_the_identity() -> None:
    net = network(
        "- add:\n    paths:\n      - []\n      - - conv: {out_channels: 3, kernel_size: 3, padding: 1}\n        - relu\n"
    )
    assert names(net) == ["conv1", "relu1", "add1"]
    assert [tensor.name for tensor in net.nodes[2].inputs] == ["input", "relu1"]


def test_blocks_take_arguments_defaults_and_the_incoming_channels() -> None:
    head = "args: {k: 3}\nblocks:\n  b:\n    args: {c, s: 1, hidden: in_channels * 2 + c}\n    layers:\n" + (
        "      - conv: {out_channels: hidden, kernel_size: k, stride: s}\n      - conv: {out_channels: c, kernel_size: 1}\n"
    )
    net = network("- b: {c: 8}\n- b: 5\n- b: {c: 2, s: 2, hidden: 7}\n", head + "input: [3, 32, 32]")
    assert [node.shape for node in net.nodes] == [
        (14, 30, 30),
        (8, 30, 30),
        (21, 28, 28),
        (5, 28, 28),
        (7, 13, 13),
        (2, 13, 13),
    ]
    assert names(net)[-1] == "b3.conv2"


def test_blocks_do_not_see_the_loops_around_them() -> None:
    with pytest.raises(SpecError, match="unknown name 'i'"):
        network(
            "- b\n", "blocks:\n  b:\n    layers:\n      - conv: {out_channels: i, kernel_size: 1}\ninput: [3, 8, 8]"
        )


def test_a_name_that_a_block_lacks_is_looked_up_outwards() -> None:
    net = network(
        "- relu:\n  name: skip\n- b\n",
        "blocks:\n  b:\n    layers:\n      - tanh\n      - add:\n        from: [tanh1, skip]\ninput: [3, 8, 8]",
    )
    assert [tensor.name for tensor in net.nodes[2].inputs] == ["b1.tanh1", "skip"]


def test_input_is_the_scopes_own_input() -> None:
    net = network(
        "- relu\n- b\n",
        "blocks:\n  b:\n    layers:\n      - tanh\n      - add:\n        from: [tanh1, input]\ninput: [3, 8, 8]",
    )
    assert [tensor.name for tensor in net.nodes[2].inputs] == ["b1.tanh1", "relu1"]


def test_a_dotted_name_reaches_into_a_scope() -> None:
    net = network("- sequence: [relu, tanh]\n  name: s\n- add:\n  from: [s, s.relu1]\n")
    assert [tensor.name for tensor in net.nodes[2].inputs] == ["s.tanh1", "s.relu1"]


def test_a_block_may_take_several_inputs() -> None:
    head = (
        "blocks:\n  fuse:\n    layers:\n      - concat\n      - add:\n        from: [input1, input2]\ninput: [3, 8, 8]"
    )
    net = network("- relu\n  \n- tanh:\n  from: input\n- fuse:\n  from: [relu1, tanh1]\n", head)
    assert [node.shape for node in net.nodes[2:]] == [(6, 8, 8), (3, 8, 8)]


def test_shared_weights_count_once_at_their_first_use() -> None:
    net = network(
        "- conv: {out_channels: 3, kernel_size: 3, padding: 1}\n  name: a\n- relu\n- conv: {out_channels: 3, kernel_size: 3, padding: 1}\n  weights: a\n"
    )
    assert [node.params for node in net.nodes] == [84, 0, 0]
    assert [node.use.macs for node in net.nodes] == [82944, 0, 82944]  # 3·32·32 · 3·3·3, at each use


def test_blocks_share_weights_layer_by_layer() -> None:
    head = "blocks:\n  tower:\n    layers:\n      - conv: {out_channels: 4, kernel_size: 3}\n      - relu\n      - conv: {out_channels: 5, kernel_size: 1}\n"
    head += "input: {left: [1, 8, 8], right: [1, 8, 8]}"
    net = network(
        "- tower:\n  from: left\n  name: a\n- tower:\n  from: right\n  name: b\n  weights: a\n- concat:\n  from: [a, b]\n",
        head,
    )
    assert [node.params for node in net.nodes] == [40, 0, 25, 0, 0, 0, 0]
    assert net.nodes[3].shares is net.nodes[0]
    assert list(net.inputs) == ["left", "right"]


def test_several_outputs_by_name_and_condition() -> None:
    head = "args: {aux: false}\ninput: [3, 8, 8]\noutputs:\n  - b\n  - {name: a, when: aux}"
    layers = "- relu:\n  name: a\n- tanh:\n  name: b\n"
    assert list(network(layers, head).outputs) == ["b"]
    assert list(network(layers, head, aux=True).outputs) == ["b", "a"]


def test_the_output_has_the_name_of_the_sequence_that_it_comes_from() -> None:
    assert list(network("- sequence: [relu, tanh]\n  name: body\n").outputs) == ["body"]


def test_a_variant_overrides_args_input_and_expect() -> None:
    head = "args: {c: 4, k: 1}\nexpect: {output: [4, 32, 32]}\nvariants:\n  wide: {args: {c: 8}, input: [3, 16, 16], expect: {output: [8, 16, 16], params: 32}}\ninput: [3, 32, 32]"
    layers = "- conv: {out_channels: c, kernel_size: k}\n"
    assert network(layers, head).nodes[0].shape == (4, 32, 32)
    wide = network(layers, head, "wide")
    assert wide.nodes[0].shape == (8, 16, 16)
    assert wide.unmet == []
    assert wide.title == "wide"
    assert network(layers, head, "wide", k=2).nodes[0].shape == (8, 15, 15)


def test_words_in_args_are_texts() -> None:
    head = "args: {kind: basic, on: no, rows: [[1, RE], [2, HS]]}\ninput: [3, 8, 8]"
    net = network(
        "- conv: {out_channels: n, kernel_size: 1}\n  when: kind == 'basic' and on == 'no' and act == 'HS'\n  for: n, act in rows\n",
        head,
    )
    assert [node.shape[0] for node in net.nodes] == [2]


def test_no_and_on_are_flags_where_a_flag_is_wanted_and_names_where_a_name_is() -> None:
    net = network("- conv: {out_channels: 2, kernel_size: 1, bias: no}\n  name: on\n")
    assert net.nodes[0].name == "on"
    assert net.nodes[0].params == 6


def test_args_may_use_those_above_them() -> None:
    assert network("- linear: b\n", "args: {a: 4, b: 2 * a + 1}\ninput: [3]").nodes[0].shape == (9,)
    assert network("- linear: b\n", "args: {a: 4, b: 2 * a + 1}\ninput: [3]", a=10).nodes[0].shape == (21,)


def test_the_input_may_use_args() -> None:
    assert network("- relu\n", "args: {r: 64}\ninput: [3, r, r // 2]").nodes[0].shape == (3, 64, 32)


def test_an_expect_that_is_not_met_is_kept_with_both_figures() -> None:
    net = network("- relu:\n  expect: [3, 16, 16]\n", "expect: {params: 5, macs: 0}\ninput: [3, 32, 32]")
    assert [(unmet.what, unmet.expected, unmet.actual) for unmet in net.unmet] == [
        ("the output of 'relu1'", "[3, 16, 16]", "[3, 32, 32]"),
        ("params", 5, 0),
    ]
    assert str(net.unmet[0].origin) == "net.yaml:5:11"


def test_published_figures_are_not_checked_under_set_or_input() -> None:
    document = read_text(b"args: {c: 1}\nexpect: {params: 5}\ninput: [3, 8, 8]\nlayers: [relu]\n", "net.yaml")
    assert len(Network.of(document.build()).unmet) == 1
    assert Network.of(document.build(settings={"c": 2})).unmet == []
    assert Network.of(document.build(inputs={"": (3, 9, 9)})).unmet == []


def test_ranks_are_free() -> None:
    layers = "- conv: {out_channels: 4, kernel_size: 3, padding: 1}\n- maxpool: 2\n"
    assert network(layers, "input: [3, 16]").nodes[1].shape == (4, 8)
    assert network(layers, "input: [3, 16, 8]").nodes[1].shape == (4, 8, 4)
    assert network(layers, "input: [3, 16, 8, 4]").nodes[1].shape == (4, 8, 4, 2)
