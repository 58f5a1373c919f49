"""Tables for accelerators' simulators: they contain every MAC once, and are read here as the simulators read them."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, prod
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from cnncalc.exporters.contracted import products
from cnncalc.exporters.formats import Options
from cnncalc.exporters.scale_sim import export as scale_sim
from cnncalc.exporters.timeloop import distinct
from cnncalc.exporters.timeloop import files as timeloop
from cnncalc.graph import Graph
from cnncalc.ground.atomic_write import write_folder
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.shipped import networks
from cnncalc.layers import layer_types
from cnncalc.network import load, loads
from tests.commands import cnncalc
from tests.importers.models import FOLDER, stored
from tests.layers.building import known, use

FAMILIES = list({path: (path, variant) for _, path, variant in networks()}.values())

UNUSUAL = """
input: [8, 9, 9]
layers:
  - conv: {out_channels: 8, kernel_size: 3, stride: [1, 2], padding: 1}
  - conv: {out_channels: 8, kernel_size: 3, dilation: 2, padding: same}
  - conv: {out_channels: 12, kernel_size: 3, groups: 4, padding: same}
  - conv: {out_channels: 24, kernel_size: 3, groups: 12, padding: same}
    name: deep
  - conv: {out_channels: 24, kernel_size: 3, groups: 24, dilation: 2, padding: same}
    name: DP-wide
  - conv: {out_channels: 4, kernel_size: [1, 5], stride: [3, 1]}
    name: onlyDP
  - conv_transpose: {out_channels: 6, kernel_size: 3, stride: 2, groups: 2}
  - locally_connected: {out_channels: 2, kernel_size: 3}
  - linear: {out_features: 5, axis: -1}
  - relu
  - reshape: [10, -1]
  - lstm: {hidden_size: 4, bidirectional: true}
  - matmul: {transpose_b: true}
    from: [lstm1, lstm1]
  - einsum: 'ij,jk->ik'
    from: [matmul1, lstm1]
  - reshape: [2, 5, -1]
    name: heads
  - attention:
    from: [heads, heads, heads]
  - fold: 0
  - linear: {out_features: 3, axis: -1}
  - unfold: 2
"""

THREE = """
input: [4, 8, 9, 10]
layers:
  - conv: {out_channels: 6, kernel_size: [3, 1, 3], stride: [1, 1, 2]}
  - conv: {out_channels: 6, kernel_size: [3, 2, 3], stride: [1, 2, 2], dilation: [2, 1, 1], groups: 2}
"""


def text(graph: Graph) -> str:
    """Return SCALE-Sim's table of a network."""
    return b"".join(scale_sim(graph, Options())).decode()


class Read(NamedTuple):
    """A row, read as SCALE-Sim does (scalesim/topology_utils.py of 3.0.0, load_arrays_conv)."""

    name: str
    sizes: list[int]

    @property
    def macs(self) -> int:
        """SCALE-Sim's count of multiply-accumulates (topo_calc_hyperparams)."""
        height, width, filter_height, filter_width, channels, filters, stride = self.sizes
        rows = ceil((height - filter_height + stride) / stride)
        columns = ceil((width - filter_width + stride) / stride)
        return rows * columns * filter_height * filter_width * channels * filters


def read(table: str) -> list[Read]:
    """Return the rows as SCALE-Sim has them: the last comma is followed by nothing, "DP" means a layer per channel."""
    found = []
    for line in table.splitlines()[1:]:
        name, *sizes = line.strip().split(",")[:-1]
        row = Read(name.strip(), [int(size) for size in sizes])
        assert len(row.sizes) == 7
        assert row.sizes[0] >= row.sizes[2]
        assert row.sizes[1] >= row.sizes[3]
        channels = row.sizes[4] if "DP" in name else 0
        found += [row._replace(sizes=[*row.sizes[:4], 1, *row.sizes[5:]])] * channels if channels else [row]
    return found


def problems(graph: Graph) -> list[tuple[dict[str, Any], int]]:
    """Return Timeloop's problems, each with its number of occurrences."""
    written = dict(timeloop(graph, Options()))
    rows = [line.split(",") for line in written.pop("layers.csv").decode().splitlines()[1:]]
    assert [row[0] for row in rows] == list(written)
    return [(yaml.safe_load(written[file])["problem"], int(uses)) for file, uses, *_ in rows]


def macs(problem: dict[str, Any]) -> int:
    """Return the product of all of a problem's dimensions."""
    return prod([problem["instance"][name] for name in problem["shape"]["dimensions"]])


# --- every MAC, once -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", layer_types())
def test_products_are_what_the_layer_counts(name: str) -> None:
    """The example's MACs are computed by hand, independently of the rule for its loops."""
    example = known(name).example
    layer = use(example.item, *example.inputs).layer
    assert sum([one.macs for one in layer.contractions(example.inputs, example.output)]) == example.macs


@pytest.mark.parametrize("spec", [UNUSUAL, THREE])
def test_unusual_layers_are_complete(spec: str) -> None:
    network = loads(spec)
    for node in network.nodes:
        assert sum([one.contraction.macs for one in products(network) if one.node is node]) == node.macs(), node.name
    total = sum([node.macs() for node in network.nodes])
    assert sum([row.macs for row in read(text(network))]) == total
    assert sum([macs(problem) * uses for problem, uses in problems(network)]) == total


def test_shipped_networks_are_complete() -> None:
    for path, variant in FAMILIES:
        network = load(path, variant=variant)
        total = sum([node.macs() for node in network.nodes])
        assert sum([one.contraction.macs * one.uses for one in distinct(list(products(network)))]) == total, path
        if network.name != "DeepFace":  # 8,000 places have filters of their own, and one row each
            assert sum([row.macs for row in read(text(network))]) == total, path


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.onnx")))
def test_model_files_are_complete(name: str) -> None:
    graph = stored(name).build()
    assert sum([row.macs for row in read(text(graph))]) == sum([node.macs() for node in graph.nodes])


# --- SCALE-Sim -------------------------------------------------------------------------------------------------

ALEXNET = """
Conv1, 227, 227, 11, 11, 3, 64, 4,
Conv2, 27, 27, 5, 5, 64, 192, 1,
Conv3, 13, 13, 3, 3, 192, 384, 1,
Conv4, 13, 13, 3, 3, 384, 256, 1,
Conv5, 13, 13, 3, 3, 256, 256, 1,
FC6, 6, 6, 6, 6, 256, 4096, 1,
FC7, 1, 4096, 1, 4096, 1, 4096, 1,
FC8, 1, 4096, 1, 4096, 1, 1000, 1,
"""  # topologies/mlperf/Alexnet.csv of ARM-software/SCALE-Sim at 6a56dad

RESNET18 = """
Conv1,224,224,7,7,3,64,2, NPU
Conv2_1a,56,56,3,3,64,64,1, GPU
Conv3_1a,56,56,3,3,64,128,2, GPU
Conv3_1b,28,28,3,3,128,128,1, NPU
Conv3_s,56,56,1,1,64,128,2, NPU
Conv4_1a,28,28,3,3,128,256,2, NPU
Conv4_1b,14,14,3,3,256,256,1, NPU
Conv4_s,28,28,1,1,128,256,2, NPU
Conv5_1a,14,14,3,3,256,512,2, NPU
Conv5_1b,7,7,3,3,512,512,1, NPU
Conv5_s,14,14,1,1,256,512,2, NPU
FC,1,1,1,1,512,1000,1, NPU
"""  # topologies/conv_nets/Resnet18.csv of scalesim-project/SCALE-Sim at a1a1a2a, each of its different rows once


def test_alexnet_is_the_simulator_s_own_table_with_its_padding() -> None:
    """The simulator's table has only the first layer's padding; ours has all: 27 + 2·2 = 31, 13 + 2·1 = 15."""
    theirs, ours = read("\n" + ALEXNET.strip()), read(text(load("alexnet")))
    for row, other in zip(ours[:5], theirs, strict=False):
        assert row.sizes[2:] == other.sizes[2:]
    assert [row.sizes[0] for row in ours[:5]] == [227, 31, 15, 15, 15]
    assert [other.sizes[0] for other in theirs[:5]] == [227, 27, 13, 13, 13]
    # the same layer as one row, as 6×6, as 1×4096
    assert [row.macs for row in ours[5:]] == [other.macs for other in theirs[5:]]
    assert sum([row.macs for row in ours]) == 714_188_480  # torchvision's published figure


def test_resnet18_has_the_rows_of_the_simulator_s_own_table() -> None:
    """The simulator's table has no padding; ours has what windows reach: (56 − 1)·1 + 3 = 58, (112 − 1)·2 + 7 = 229."""
    theirs, ours = read("\n" + RESNET18.strip()), read(text(load("resnet18")))
    reach = {row.name: None for row in ours}
    assert len(reach) == 21
    known_rows = {tuple(other.sizes[2:]): other.sizes[0] for other in theirs}
    assert {tuple(row.sizes[2:]) for row in ours} == set(known_rows)
    for row in ours:
        unpadded, kernel, stride = known_rows[tuple(row.sizes[2:])], row.sizes[2], row.sizes[6]
        windows = ceil(unpadded / stride)  # ResNet has the same padding everywhere
        assert row.sizes[:2] == [(windows - 1) * stride + kernel] * 2
    assert sum([row.macs for row in ours]) == 1_814_073_344  # torchvision's published figure


def test_a_depthwise_layer_is_one_row_with_the_simulator_s_mark() -> None:
    rows = {line.split(",")[0]: line for line in text(loads(UNUSUAL)).splitlines()}
    assert rows["deep_DP_"] == "deep_DP_, 11, 7, 3, 3, 12, 2, 1,"
    # a name that the simulator would take for a depthwise layer is spelled otherwise
    assert rows["onlyDp"] == "onlyDp, 7, 5, 1, 5, 24, 4, 3,"
    assert [name for name in rows if name.startswith("conv3")] == [f"conv3_{i}" for i in range(1, 5)]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_simulator_s_own_reader_takes_every_row(tmp_path: Path) -> None:
    module = pytest.importorskip("scalesim.topology_utils", reason="SCALE-Sim is not installed (pip install scalesim)")
    for name, network in {
        "mobilenet_v1": load("mobilenet_v1"),
        "unusual": loads(UNUSUAL),
        "three": loads(THREE),
    }.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text(network))
        topology = module.topologies()
        topology.load_arrays(str(path))
        topology.topo_calc_hyperparams()
        counted = [entry[2] for entry in topology.layers_calculated_hyperparams]
        assert counted == [row.macs for row in read(text(network))]
        assert sum(counted) == sum([node.macs() for node in network.nodes])


def test_the_share_of_covered_macs_is_reported(tmp_path: Path) -> None:
    done = cnncalc("export", "resnet18", "--to", "scale-sim", "-o", str(tmp_path / "net.csv"))
    assert (done.code, done.out) == (0, "")
    assert done.err == "21 layers with 1,814,073,344 of 1,814,073,344 MACs; the other 48 layers have none\n"
    assert (tmp_path / "net.csv").read_text() == text(load("resnet18"))
    (tmp_path / "net.yaml").write_text(UNUSUAL)
    done = cnncalc("export", str(tmp_path / "net.yaml"), "--to", "scale-sim")
    assert done.err.splitlines()[-1] == (
        "written as matrix products, which are read as if windows did not overlap: conv1, conv2, DP-wide"
    )


def test_too_many_rows_and_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    done = cnncalc("export", "-", "--to", "scale-sim", stdin="input: [3, 8, 8]\nname: net\nlayers: [relu]\n")
    assert (done.code, done.out, done.err) == (
        2, "", "'net' has no layer with MACs, which is all that SCALE-Sim simulates\n",
    )  # fmt: skip
    monkeypatch.setattr("cnncalc.exporters.scale_sim.MAX_TABLE_ROWS", 20)
    done = cnncalc("export", "resnet18", "--to", "scale-sim")
    assert (done.code, done.out) == (2, "")
    assert done.err == "the table would have 21 rows; at most 20 are allowed\n"


# --- Timeloop --------------------------------------------------------------------------------------------------

# workspace/example_designs/layer_shapes of Accelergy-Project/timeloop-accelergy-exercises at 2d55108, what is not 1;
# there HStride is written for the Hstride that the shape knows.
SHAPES = {
    "alexnet": """
        {C: 3, M: 64, P: 55, Q: 55, R: 11, S: 11, HStride: 4, WStride: 4}
        {C: 64, M: 192, P: 27, Q: 27, R: 5, S: 5}
        {C: 192, M: 384, P: 13, Q: 13, R: 3, S: 3}
        {C: 384, M: 256, P: 13, Q: 13, R: 3, S: 3}
        {C: 256, M: 256, P: 13, Q: 13, R: 3, S: 3}
        {C: 9216, M: 4096}
        {C: 4096, M: 4096}
        {C: 4096, M: 1000}
    """,
    "resnet18": """
        {C: 3, M: 64, P: 112, Q: 112, R: 7, S: 7, HStride: 2, WStride: 2}
        {C: 64, M: 64, P: 56, Q: 56, R: 3, S: 3}
        {C: 64, M: 128, P: 28, Q: 28, R: 3, S: 3, HStride: 2, WStride: 2}
        {C: 128, M: 128, P: 28, Q: 28, R: 3, S: 3}
        {C: 64, M: 128, P: 28, Q: 28, HStride: 2, WStride: 2}
        {C: 128, M: 256, P: 14, Q: 14, R: 3, S: 3, HStride: 2, WStride: 2}
        {C: 256, M: 256, P: 14, Q: 14, R: 3, S: 3}
        {C: 128, M: 256, P: 14, Q: 14, HStride: 2, WStride: 2}
        {C: 256, M: 512, P: 7, Q: 7, R: 3, S: 3, HStride: 2, WStride: 2}
        {C: 512, M: 512, P: 7, Q: 7, R: 3, S: 3}
        {C: 256, M: 512, P: 7, Q: 7, HStride: 2, WStride: 2}
        {C: 512, M: 1000}
    """,
}

PROJECTIONS = {
    "Weights": [[["C"]], [["M"]], [["R"]], [["S"]], [["G"]]],
    "Inputs": [
        [["N"]], [["C"]], [["R", "Wdilation"], ["P", "Wstride"]], [["S", "Hdilation"], ["Q", "Hstride"]], [["G"]],
    ],
    "Outputs": [[["N"]], [["M"]], [["Q"]], [["P"]], [["G"]]],
}  # fmt: skip
"""Of layer_shapes/problem_base.yaml, at the same commit."""


@pytest.mark.parametrize("name", SHAPES)
def test_problems_are_those_of_timeloop_s_own_examples(name: str) -> None:
    network = load(name)
    wanted = [yaml.safe_load(line.replace("Stride", "stride")) for line in SHAPES[name].split("\n") if line.strip()]
    found = problems(network)
    sizes = [{key: size for key, size in problem["instance"].items() if size != 1} for problem, _ in found]
    assert sorted(sizes, key=str) == sorted([dict(one) for one in _ordered(wanted, sizes)], key=str)
    assert sum([uses for _, uses in found]) == len([node for node in network.nodes if node.use.macs])
    for problem, _ in found:
        assert problem["version"] == 0.4
        assert {one["name"]: one["projection"] for one in problem["shape"]["data_spaces"]} == PROJECTIONS
        assert [one["name"] for one in problem["shape"]["data_spaces"] if one.get("read_write")] == ["Outputs"]


def _ordered(wanted: list[dict[str, int]], found: list[dict[str, int]]) -> list[dict[str, int]]:
    """Return problems with their keys in our order."""
    order = list(dict.fromkeys([key for one in found for key in one]))
    return [{key: one[key] for key in order if key in one} for one in wanted]


def test_three_axes_have_dimensions_of_their_own() -> None:
    (first, _), (second, _) = problems(loads(THREE))
    assert first["instance"] | {"T": 3, "O": 6, "R": 3, "P": 4, "Wstride": 2, "S": 1, "Q": 9} == first["instance"]
    assert second["instance"] | {"G": 2, "C": 3, "M": 3, "T": 3, "O": 2, "Ddilation": 2} == second["instance"]
    inputs = second["shape"]["data_spaces"][1]["projection"]
    assert inputs[4] == [["T", "Ddilation"], ["O", "Dstride"]]
    ranks = [rank for space in second["shape"]["data_spaces"] for rank in space["projection"]]
    names = {name for rank in ranks for term in rank for name in term}
    assert names <= {*second["shape"]["dimensions"], *[one["name"] for one in second["shape"]["coefficients"]]}


def test_a_folder_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "lenet"
    done = cnncalc("export", "lenet5", "--to", "timeloop", "-o", str(target))
    assert (done.code, done.out) == (0, "")
    assert done.err == "5 layers with 416,520 of 416,520 MACs; the other 7 layers have none; 5 problems\n"
    assert sorted(path.name for path in target.iterdir()) == [
        "0_C1.yaml", "1_C3.yaml", "2_C5.yaml", "3_F6.yaml", "4_fc1.yaml", "layers.csv",
    ]  # fmt: skip
    again = cnncalc("export", "lenet5", "--to", "timeloop", "-o", str(target))
    assert again.code == 2
    assert again.err == f"can't write {target}: it exists and is not an empty folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["lenet"]


def test_a_convolution_on_four_axes_is_refused_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.yaml").write_text(
        "input: [2, 4, 4]\nlayers:\n  - conv: {out_channels: 2, kernel_size: 1}\n"
        "  - reshape: [2, 2, 2, 2, 2]\n  - conv: {out_channels: 2, kernel_size: 1}\n"
    )
    monkeypatch.chdir(tmp_path)
    done = cnncalc("export", "net.yaml", "--to", "timeloop", "-o", "net")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(
        "net.yaml:5:5: 'conv2' is of type conv, but a problem of Timeloop's has names for 3 spatial axes, and none for 4\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net.yaml"]
    assert cnncalc("export", "net.yaml", "--to", "scale-sim").code == 0  # there it is a product of matrices


def test_a_folder_that_can_not_be_finished_is_removed(tmp_path: Path) -> None:
    def pieces() -> Iterator[tuple[str, bytes]]:
        yield "one", b"1"
        raise CnncalcError("no more")

    with pytest.raises(CnncalcError, match="no more"):
        write_folder(str(tmp_path / "net"), pieces())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "net").mkdir()
    write_folder(str(tmp_path / "net"), [("one", b"1")])  # an empty folder is allowed
    assert (tmp_path / "net" / "one").read_bytes() == b"1"


def test_without_a_folder_problems_are_documents_of_one_text() -> None:
    done = cnncalc("export", "lenet5", "--to", "timeloop")
    assert done.code == 0
    assert [macs(document["problem"]) for document in yaml.safe_load_all(done.out)] == [
        117_600, 240_000, 48_000, 10_080, 840,
    ]  # fmt: skip
