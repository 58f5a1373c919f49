"""The lines of a picture, followed from box to box, are exactly the network's edges."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from cnncalc import load
from cnncalc.drawing.lanes import LaneRouter
from cnncalc.drawing.measures import measure
from cnncalc.drawing.mermaid import seen_edges
from cnncalc.drawing.parts import Box, Card, Route
from cnncalc.drawing.picture import Choice, Picture, describe, heading_of, open_to, picture, placed
from cnncalc.drawing.placing import XY, Polyline
from cnncalc.graph import Graph
from tests.drawing.networks import dominated, encoder_and_decoder, nested_skips, random_network
from tests.drawing.test_picture import NETWORKS, solid

Seen = Card | Box


class Reader:
    """Follows lines as an eye does: from the border of a box along its lines, on with those that begin where one ends.

    It knows rectangles and lines alone, not the tree that they were made from.
    """

    def __init__(self, found: Picture) -> None:
        self.solid = solid(found)
        self.frames = [part for part in found.placing.parts if isinstance(part, Box) and part.is_open]
        self.starts: dict[XY, list[Polyline]] = {}
        for line in found.placing.lines:
            self.starts.setdefault(line.points[0], []).append(line)

    def edges(self) -> set[tuple[Seen, Seen]]:
        return {(source, target) for source in self.solid for target in self._targets(source)}

    def loose(self) -> list[Polyline]:
        """Return the lines with a loose end."""
        lines = [line for lines in self.starts.values() for line in lines]
        return [line for line in lines if not line.arrow and not self._goes_on(line)]

    def _goes_on(self, line: Polyline) -> bool:
        return any(other is not line for other in self.starts.get(line.points[-1], ()))

    def _targets(self, source: Seen) -> set[Seen]:
        pending = self._leaving(source)
        found = set[Seen]()
        followed = set[int]()
        while pending:
            line = pending.pop()
            if id(line) in followed:
                continue
            followed.add(id(line))
            if line.arrow:
                found.add(self._at(line.points[-1]))
                continue
            end = line.points[-1]
            pending.extend(self.starts.get(end, ()))
            for frame in self.frames:  # a line may also leave a frame at its side
                if end in _middles(frame) and frame.y < line.points[0][1] < frame.y + frame.height:
                    pending.extend(self._beside(frame))
        return found

    def _leaving(self, part: Seen) -> list[Polyline]:
        below = [line for point in _middles(part) for line in self.starts.get(point, ())]
        return [*below, *self._beside(part)]

    def _beside(self, part: Seen) -> list[Polyline]:
        """Return the skips that begin at the side of a part."""
        return [
            line
            for (x, y), lines in self.starts.items()
            if x in (part.x, part.x + part.width) and part.y < y < part.y + part.height
            for line in lines
            if line.is_skip
        ]

    def _at(self, point: XY) -> Seen:
        """Return the box on whose border a point lies."""
        x, y = point
        [part] = [
            part
            for part in self.solid
            if point in _middles(part) or (x in (part.x, part.x + part.width) and part.y < y < part.y + part.height)
        ]
        return part


def _middles(part: Seen) -> tuple[XY, XY]:
    """Return the middle of a part's upper and of its lower border, where its flow goes."""
    return (part.x + part.axis, part.y), (part.x + part.axis, part.y + part.height)


def check_lines(graph: Graph, depth: int, columns: int | None = None) -> None:
    """Compare the edges read off a picture's lines with those of the tree, before it is laid out."""
    figures, choice = measure(graph, "macs"), Choice(depth)
    root = describe(graph, figures, choice)
    open_to(root, depth)
    expected = {(edge.source, edge.target) for edge in seen_edges(root)}
    reader = Reader(placed(root, heading_of(graph, figures, choice), columns))
    assert reader.edges() == expected
    assert reader.loose() == []


@pytest.mark.parametrize(
    "name", [*NETWORKS, "fcn8s", "yolov3_tiny", "yolov4_tiny", "ghostnet", "mobilenet_v3_large", "segnet"]
)
def test_shipped_networks(name: str) -> None:
    graph = load(name)
    for depth, columns in ((1, None), (2, None), (99, None), (99, 1), (2, 3)):
        check_lines(graph, depth, columns)


@pytest.mark.parametrize(
    "graph",
    [dominated(), encoder_and_decoder(), nested_skips(30), nested_skips(80, scoped=True),
     load(str(Path(__file__).parent / "unet_blocks.yaml"))],
    ids=["dominated", "sides", "skips", "scoped", "blocks"],
)  # fmt: skip
def test_shapes(graph: Graph) -> None:
    for depth, columns in ((1, None), (2, None), (99, None), (2, 3)):
        check_lines(graph, depth, columns)


def test_beyond_a_bound_of_work_lines_run_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnncalc.drawing.lanes.MOST_LOOKED_AT", 0)
    monkeypatch.delattr(LaneRouter, "_ways")
    for seed in range(20):
        check_lines(random_network(Random(seed)), 99)


def test_random_networks() -> None:
    for seed in range(80):
        for depth in (1, 99):
            check_lines(random_network(Random(seed)), depth)


def test_lines_of_different_parts_have_tracks_of_their_own() -> None:
    """HRNet's lines into the branch of its classifier lay along those of its stages, which stand beside that branch."""
    for seed in range(20):
        for depth in (1, 99):
            graph = random_network(Random(seed))
            found = picture(graph, measure(graph, "macs"), Choice(depth, 1))
            for box in [*found.placing.beside, found.root]:
                for a, b in combinations(box.routes, 2):
                    if a.track == b.track and a.source is not b.source and a.target is not b.target:
                        assert not _are_side_by_side(a, b)


def _are_side_by_side(a: Route, b: Route) -> bool:
    (top, bottom), (other_top, other_bottom) = [
        sorted(part.y + part.height // 2 for part in (route.source, route.target)) for route in (a, b)
    ]
    return max(top, other_top) + 20 < min(bottom, other_bottom)
