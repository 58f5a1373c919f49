"""Receptive fields by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnncalc.figures.catalogue import CATALOGUE, Basis
from cnncalc.figures.fields import Fields, leading
from cnncalc.figures.receptive_field import WORK_OF_REGROUPING, receptive_fields
from cnncalc.graph import Tensor
from cnncalc.ground.errors import CnncalcError
from cnncalc.layers.shapes import Shape
from cnncalc.network import Network, loads
from tests.layers.building import make


def stack(shape: Shape, *items: str) -> Network:
    """Return a network of layers in a row."""
    network = Network("stack", {"input": shape})
    tensor: Tensor = network.inputs["input"]
    for number, item in enumerate(items):
        tensor = network.add(make(item), (tensor,), f"layer{number}")
    network.outputs["output"] = tensor
    return network


def seen(network: Network) -> Fields:
    return leading(receptive_fields(network).of[network.outputs["output"]])


def conv(kernel: object, **more: object) -> str:
    arguments = {"out_channels": 4, "kernel_size": kernel, **more}
    return "conv: {" + ", ".join(f"{name}: {value}" for name, value in arguments.items()) + "}"


TALL = conv([3, 1])

# Worked out by hand: the input, the layers, the size of the field along H and W.
KNOWN: list[tuple[Shape, tuple[str, ...], tuple[int, ...]]] = [
    ((1, 16, 16), (TALL, TALL), (5, 1)),
    ((1, 16, 16), (TALL, "permute: [0, 2, 1]", TALL), (3, 3)),  # the second kernel's 3 taps lie along the former W
    # the convolution mixes channels
    ((1, 16, 16), (TALL, "permute: [1, 2, 0]", "linear: {out_features: 8, axis: -1}"), (3, 1)),
    # its channels are the former H
    ((1, 16, 16), ("permute: [1, 2, 0]", "conv: {out_channels: 4, kernel_size: 1}"), (16, 1)),
    ((1, 16, 16), ("permute: [1, 0, 2]", conv(3, groups=16, out_channels=16, padding=1)), (1, 3)),  # rows stay separate
    ((1, 16, 12), (conv(3), "linear: {out_features: 5, axis: 1}"), (3 + 13, 3)),  # 14 windows of 3, 1 apart
    ((1, 16, 12), ("linear: {out_features: 5, axis: 1}", conv([3, 1])), (16, 1)),  # each position saw all of H before
    ((8, 16, 16), (TALL, "reshape: [4, 224]"), (3, 1)),
    ((8, 16, 16), (TALL, "reshape: [4, 224]", "linear: {out_features: 2, axis: 1}"), (16, 16)),
    ((8, 16, 16), (TALL, "reshape: [4, 224]", conv(1)), (3, 1)),
    ((8, 16, 16), (TALL, "reshape: [2, 2, 14, 16]", "reshape: [4, 14, 1, 16]", "reshape: [4, 14, 16]", TALL), (5, 1)),
    ((8, 16, 16), (conv(5), "flatten", "linear: 10"), (16, 16)),
    ((8, 16, 16), (conv(5), "global_avgpool", "reshape: [4]", "linear: 9", "reshape: [1, 3, 3]", conv(3)), (16, 16)),
    ((8, 16, 16), (conv(5), "flatten", "linear: 64", "reshape: [4, 4, 4]", conv(3), conv(2)), (16, 16)),
    ((8, 16, 16), ("slice: {axis: 2, step: 2}", conv(3)), (3, 5)),
    ((8, 16, 16), ("slice: {axis: 2, stop: 8}", conv(3), "global_maxpool"), (16, 8)),
    (
        (8, 16, 16),
        (TALL, "reshape: [4, 224]", conv(3)),
        (4, 16),
    ),  # rows end to end: a window meets the next row's start
    ((8, 16, 16), ("reshape: [8, 256]", "slice: {axis: 1, stop: 100}"), (1, 1)),
    ((8, 16, 16), ("reshape: [8, 4, 64]",), (1, 1)),
    ((8, 16, 16), ("reshape: [8, 4, 64]", "linear: {out_features: 3, axis: 2}"), (4, 16)),  # 64 elements are 4 rows
    ((8, 16, 16), ("reshape: [8, 4, 64]", "linear: {out_features: 3, axis: 1}"), (13, 1)),  # every 4th row
    ((8, 16, 16), ("flatten", "slice: {stop: 5}", "linear: 3"), (1, 5)),  # a part of the first row
    ((8, 16, 16), ("permute: [1, 0, 2]", "channel_shuffle: 4", conv(3)), (16, 3)),
    ((8, 16, 16), ("permute: [1, 0, 2]", conv(3, groups=2)), (8, 3)),  # it sees half of the rows
    ((8, 16, 16), ("pixel_unshuffle: 2",), (2, 2)),  # all channels of a position together
    ((8, 16, 16), ("pixel_unshuffle: 2", conv(3)), (6, 6)),
    ((8, 16, 16), ("pixel_unshuffle: 2", "pixel_shuffle: 2"), (1, 1)),
    ((8, 16, 16), ("pixel_shuffle: 2", conv(3)), (2, 2)),
    ((8, 16, 16), ("select: {axis: 1, index: -1}",), (1, 1)),
    ((8, 16, 16), (conv(3, padding=1), "select: {axis: 1, index: 0}", "mean: 1"), (3, 18)),
    ((8, 16, 16), ("mean: 2", "cumsum: 1"), (16, 16)),
    ((8, 16, 16), ("reshape: [8, 256]", "permute: [1, 0]", "gather: {indices: [15, 16]}", "max: 0"), (2, 16)),
    ((8, 16, 16), ("tile: [1, 2, 1]", conv(3)), (16, 3)),  # across the seam, the last rows and the first
    ((8, 16, 16), (conv(3, dilation=4),), (9, 9)),  # from the first tap to the last
    ((8, 16, 16), ("avgpool: 2", "upsample: 2", conv(4)), (6, 6)),  # faustomilletari/VNet#36 in small
    ((8, 16, 16), (conv(3, padding=1), "layernorm"), (18, 18)),  # padding included
    ((8, 16, 16), ("instancenorm",), (16, 16)),
    ((8, 16, 16), ("groupnorm: 4",), (16, 16)),
    ((8, 16, 16), ("layernorm: channels",), (1, 1)),
    ((8, 16, 16), ("softmax: 2",), (1, 16)),
    ((8, 16, 16), ("batchnorm: {track_running_stats: false}",), (16, 16)),
    ((8, 16, 16), ("batchnorm",), (1, 1)),
    ((8, 16, 16), ("pad: {padding: 1, mode: circular}", conv(3)), (3, 3)),
    ((8, 16, 16), ("pad: {padding: 1, mode: reflect}", conv(3)), (3, 3)),
    ((8, 16, 16), ("conv_transpose: {out_channels: 4, kernel_size: 1, stride: 2}", conv(2)), (1, 1)),  # 1 of 2 is empty
    ((8, 16, 16), ("conv_transpose: {out_channels: 4, kernel_size: 1, stride: 2}", conv(3)), (2, 2)),
]


@pytest.mark.parametrize(("shape", "items", "sizes"), KNOWN)
def test_known_fields(shape: Shape, items: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    fields = seen(stack(shape, *items))
    assert tuple([field.size for field in fields]) == sizes
    assert all(field.is_exact for field in fields)


@pytest.mark.parametrize(
    ("items", "least", "size"),
    [
        (("avgpool: 2", "upsample: 2", conv(4)), 4, 6),  # 2 or 3 pairs
        (("upsample: {scale_factor: 3, mode: linear}",), 1, 2),  # every third position reads only its own place
        (("adaptive_avgpool: 5",), 4, 4),  # bins of 16 elements: 0…3, 3…6, 6…9, 9…12, 12…15
        (("adaptive_avgpool: 6",), 3, 4),  # 0…2, 2…5, …
        (("conv_transpose: {out_channels: 4, kernel_size: 1, stride: 2}",), 0, 1),
        ((TALL, "reshape: [4, 224]", conv(3)), 3, 4),
        ((conv(3, stride=2, padding=1),), 3, 3),  # the border makes no difference
    ],
)
def test_where_positions_differ(items: tuple[str, ...], least: int, size: int) -> None:
    field = seen(stack((8, 16, 16), *items))[0]
    assert (field.least, field.size, field.differs) == (least, size, least < size)


def merged(merge: str, first: tuple[str, ...], second: tuple[str, ...], *rest: str) -> Network:
    """Return two branches of a 1×16×16 input, joined."""
    network = Network("branches", {"input": (1, 16, 16)})
    ends: list[Tensor] = []
    for branch, items in enumerate((first, second)):
        tensor: Tensor = network.inputs["input"]
        for number, item in enumerate(items):
            tensor = network.add(make(item), (tensor,), f"branch{branch}.layer{number}")
        ends.append(tensor)
    tensor = network.add(make(merge), ends, "merge")
    for number, item in enumerate(rest):
        tensor = network.add(make(item), (tensor,), f"layer{number}")
    network.outputs["output"] = tensor
    return network


@pytest.mark.parametrize(
    ("network", "sizes"),
    [
        (merged("add", (conv(5),), (conv(3), "center_crop: 12")), (5, 5)),
        # H and W at once: in a corner, −1 … 1 of the one and 14 … 16 of the other
        (merged("add", (conv(3, padding=1),), ("permute: [0, 2, 1]", conv(3, padding=1))), (18, 18)),
        (merged("multiply", ("global_avgpool",), (conv(3),)), (16, 16)),
        (merged("concat", ("avgpool: 8", "flatten"), ("avgpool: 4", "flatten"), "linear: 2"), (16, 16)),
        (merged("concat: {axis: 1}", (conv(3),), (conv(3),)), (3, 3)),
        (
            merged("concat: {axis: 1}", (conv(3),), (conv(3),), conv(3)),
            (16, 5),
        ),  # a window across the seam reads both ends
        (merged("concat: {axis: 1}", (conv(3),), (conv(3),), conv([1, 3])), (3, 5)),
        (merged("concat: {axis: 1}", ("slice: {axis: 1, stop: 8}",), ("slice: {axis: 1, start: 8}",), conv(3)), (3, 3)),
        (merged("concat", ("slice: {axis: 1, step: 2}",), ("slice: {axis: 1, start: 1, step: 2}",)), (2, 1)),
        (merged("add", ("pad: [[2, 0], [2, 0]]", conv(3)), ("pad: [[0, 2], [0, 2]]", conv(3))), (5, 5)),  # causal, anti
        (
            merged("add", (conv(3, padding=1),), ("pad: {padding: [[4, 0], [0, 0]]}", "slice: {axis: 1, stop: 16}")),
            (6, 3),
        ),
    ],
)
def test_branches(network: Network, sizes: tuple[int, ...]) -> None:
    fields = seen(network)
    assert tuple([field.size for field in fields]) == sizes
    assert all(field.is_exact for field in fields)


def test_an_index_of_merged_axes_sees_one_position() -> None:
    """Index 5 of 4 rows of 3 columns, laid end to end, is row 1 and column 2."""
    fields = seen(stack((1, 4, 3), "reshape: [1, 12]", "select: {axis: 1, index: 5}"))
    assert [(field.size, field.offset, field.is_exact) for field in fields] == [(1, -1, True), (1, -2, True)]


def test_how_often_strided_elements_are_read_does_not_matter() -> None:
    """Rows of 3 elements, 3·c to 3·c + 2 of a map of 15 columns: each sees columns 0, 3, …, 12, or 2, 5, …, 14."""
    field = seen(stack((2, 15, 15), "reshape: [150, 3, 1]", "lppool: {kernel_size: 1, stride: 2}"))[1]
    assert (field.size, field.is_exact) == (13, True)


def test_strides_agree_where_a_skip_connection_meets_an_upsampled_map() -> None:
    """2×2 pooling and upsampling by 2 advance by one element per position on average, as the skip connection does."""
    skip = merged("add", (), ("avgpool: 2", "upsample: 2"))
    assert receptive_fields(skip).disagreeing == []
    strided = merged("add", ("slice: {axis: 1, step: 2}",), ("slice: {axis: 1, stop: 8}",))
    assert [node.name for node in receptive_fields(strided).disagreeing] == ["merge"]


def test_fractions_stay_exact() -> None:
    field = seen(stack((1, 4, 4), "upsample: 2", conv(3)))[0]
    assert (field.size, field.jump, field.offset) == (2, Fraction(1, 2), 0)  # 3 steps of half an element


def test_every_input_has_its_field() -> None:
    network = Network("two", {"left": (1, 16, 16), "right": (1, 8, 8), "word": (5,), "unread": (1, 9, 9)})
    left, right, word, _ = network.inputs.values()
    tensors: list[Tensor] = [
        network.add(make(conv(3, padding=1)), (left,), "a"),
        network.add(make("upsample: 2"), (right,), "b"),
        network.add(make("reshape: [5, 1, 1]"), (word,), "c"),
    ]
    network.add(make("linear: {out_features: 4, axis: 0}"), (tensors[2],), "d")
    merged = network.add(make("add"), (tensors[0], network.nodes[-1]), "e")
    network.outputs["output"] = network.add(make("concat"), (merged, tensors[1]), "f")
    of_output = receptive_fields(network).by_input(network.outputs["output"])
    sizes = {source.name: [(field.size, field.input_size) for field in fields] for source, fields in of_output.items()}
    assert sizes == {"left": [(3, 16)] * 2, "word": [], "right": [(1, 8)] * 2}
    assert CATALOGUE["receptive_field"].of_network(network, Basis()) == 1


def of_many(sizes: Shape, *items: str) -> Network:
    """Return a network that filters inputs by windows of 3, crops them to the shortest, adds them, and goes on."""
    network = Network("many", {f"x{number}": (4, size) for number, size in enumerate(sizes)})
    parts: list[Tensor] = []
    for number, tensor in enumerate(network.inputs.values()):
        window = network.add(make(conv(3)), (tensor,), f"w{number}")
        parts.append(network.add(make(f"slice: {{axis: 1, stop: {min(sizes) - 2}}}"), (window,), f"s{number}"))
    last: Tensor = network.add(make("add"), parts, "sum")
    for number, item in enumerate(items):
        last = network.add(make(item), (last,), f"layer{number}")
    network.outputs["output"] = last
    return network


def test_inputs_with_equal_fields_keep_their_sizes() -> None:
    network = of_many((9, 11, 9, 40), conv(3), conv(3))
    fields = receptive_fields(network).by_input(network.outputs["output"])
    sizes = {source.name: [(field.size, field.input_size) for field in of] for source, of in fields.items()}
    assert sizes == {"x0": [(7, 9)], "x1": [(7, 11)], "x2": [(7, 9)], "x3": [(7, 40)]}
    assert all(field.is_exact for of in fields.values() for field in of)


def test_very_many_inputs_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum's 7 positions together see 9 of each input; for later layers, the exact positions are not tracked."""
    monkeypatch.setattr("cnncalc.figures.receptive_field.MAX_FIELD_WORK", 0)
    network = of_many((9, 11, 9, 40), conv(3, padding=1))
    for source, fields in receptive_fields(network).by_input(network.outputs["output"]).items():
        assert [(field.size, field.input_size, field.is_exact) for field in fields] == [(9, source.shape[1], False)]


def test_a_repeated_field_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A permutation and its inverse are each computed once, however often they occur, and fields stay exact."""
    items = "{conv: {out_channels: 4, kernel_size: [3, 1]}}, {permute: [0, 2, 1], repeat: 40}"
    network = loads(f"input: [4, 16, 12]\nlayers: [{items}, {{relu: , name: output}}]\n", name="net.yaml")
    monkeypatch.setattr("cnncalc.figures.receptive_field.MAX_FIELD_WORK", 4 * WORK_OF_REGROUPING)
    assert [(field.size, field.is_exact) for field in seen(network)] == [(3, True), (1, True)]
    monkeypatch.setattr("cnncalc.figures.receptive_field.MAX_FIELD_WORK", WORK_OF_REGROUPING)
    assert not all(field.is_exact for field in seen(network))


def irregular() -> Network:
    """Return a network with only a bound of its field: the rows of a map of 9 million elements, laid end to end."""
    return stack((1, 3000, 3000), "flatten", "slice: {start: 1, step: 2}", "reshape: [1, 1500, 3000]", conv([3, 1]))


def test_a_bound_is_marked_as_one() -> None:
    fields = seen(irregular())
    assert [(field.size, field.is_exact) for field in fields] == [(3000, False)] * 2
    with pytest.raises(CnncalcError, match="'output' sees at most 3000×3000 of 'input'; the exact size is not known"):
        CATALOGUE["receptive_field"].of_network(irregular(), Basis())


def test_a_bound_becomes_exact_if_the_whole_axis_is_read() -> None:
    network = merged("concat: {axis: 1}", (conv(3),), (conv([3, 5], padding=[0, 1]),))
    assert not seen(network)[1].is_exact  # 3 in the upper half, 5 in the lower one
    halves = (conv([3, 5]),), ("center_crop: [14, 12]", conv(1))
    network = merged("concat: {axis: 1}", *halves, "linear: {out_features: 2, axis: 1}")
    assert [(field.size, field.is_exact) for field in seen(network)] == [(16, True), (5, True)]


def test_a_part_of_joined_channels() -> None:
    """Only the union over all channels is tracked: behind a slice of the channels, the field is a bound."""
    network = merged("concat", (conv(3, padding=1),), ("identity",), "slice: {start: 1}")
    assert [(field.size, field.is_exact) for field in seen(network)] == [(3, False)] * 2
    for whole in ("batchnorm", "lrn: 3", "center_crop: {size: [14, 14]}"):  # each of them reads all channels
        network = merged("concat", (conv(3, padding=1),), ("identity",), whole, conv(3))
        assert [(field.size, field.is_exact) for field in seen(network)] == [(5, True)] * 2


def test_a_broadcast_axis_is_read_by_every_position() -> None:
    """Rows −1 … 1 around each position, and all 16 rows: 17 at the borders, where padding is among them."""
    network = merged("add", (conv([3, 1], padding=[1, 0]),), (conv([16, 1]),))
    field = seen(network)[0]
    assert (field.least, field.size) == (16, 17)
    # column 3, and 2 columns on each side of its own: 1 … 5 at column 3, and 3 … 17 with the padding at column 15
    padded = conv([1, 3], padding=[0, 1])
    field = seen(merged("add", (), ("slice: {axis: 2, start: 3, stop: 4}",), padded, padded))[1]
    assert (field.least, field.size) == (5, 15)


def test_a_gated_map_sees_the_whole_map_and_its_padding() -> None:
    """Squeeze and excitation sees the mean of 18 positions, padding included, and a window of 3 sees beyond that."""
    network = merged("multiply", (conv(3, padding=1),), (conv(3, padding=1), "global_avgpool"))
    assert [(field.size, field.differs) for field in seen(network)] == [(18, False)] * 2


def test_a_field_of_gathered_elements_whose_indices_have_shorter_axes() -> None:
    """``y[c, i, 0] = x[c, index[c, i, 0], 0]``: all of H, and the first column, of which a reshape makes one axis."""
    network = loads(
        "input: [3, 5, 2]\nlayers:\n- gather_elements: {axis: 1, paths: [[], [parameter: {shape: [1, 4, 1]}]]}\n"
        "- reshape: [4]\n- linear: 2"
    )
    fields = leading(receptive_fields(network).of[network.outputs["fc1"]])
    assert [field.size for field in fields] == [5, 1]


SAME = conv(3, padding=1)
LAST = ("affine: 2", "linear: {out_features: 1, axis: -1}", "permute: [2, 0, 1]")  # each position alone, channels last
FIRST = ("permute: [1, 2, 0]", "linear: {out_features: 5, axis: -1}", "softmax: -1")


@pytest.mark.parametrize(
    ("shape", "items", "sizes"),
    [
        ((16, 12, 2), (*LAST, conv([5, 3])), (5, 3)),
        ((16, 12, 1), ("reshape: [1, 16, 12]", conv([5, 3])), (5, 3)),  # of one channel nothing moves
        ((16, 12, 2), (*LAST, conv([5, 3]), "flatten", "linear: 2"), (16, 12)),
        ((2, 16, 12), (SAME, *FIRST), (3, 3)),
        ((16, 12, 2), (*LAST, SAME, *FIRST), (3, 3)),
        ((8, 6, 4, 2), ("permute: [3, 0, 1, 2]", "conv: {out_channels: 2, kernel_size: [5, 3, 1]}"), (5, 3, 1)),
    ],
)
def test_maps_with_the_channels_last(shape: Shape, items: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    """Before the channels are put first and after they are put last, positions are along the same axes."""
    assert tuple(field.size for field in seen(stack(shape, *items))) == sizes


@pytest.mark.parametrize("before", ["conv: {out_channels: 6, kernel_size: 1}", "slice: {stop: 8}"])
def test_an_input_of_which_positions_are_combined_has_its_channels_first(before: str) -> None:
    """The convolution mixes the first axis, and the slice takes half of it: it is the channels, and W is the last."""
    fields = seen(stack((16, 12, 2), before, "permute: [2, 0, 1]", "identity"))
    assert [field.input_size for field in fields] == [12, 2]
