"""Runs that are played from a tape: the same bytes as a kernel gives, and no memory that somebody else is using."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import numpy as np
import pytest

from cnncalc.execution.inputs import random_inputs
from cnncalc.execution.kernels import Kernels, arena, tape
from cnncalc.execution.kernels.arena import POOLED, Arena, Room
from cnncalc.execution.kernels.engine import HEAVY, Engine
from cnncalc.execution.kernels.workers import Workers
from cnncalc.execution.runner import Runner
from cnncalc.execution.weights import random_weights
from cnncalc.network import Network
from tests.execution.networks import RESIDUAL, spec

FLAT = """
input: [40, 30]
layers:
  - conv: {out_channels: 64, kernel_size: 1}
  - conv: {out_channels: 64, kernel_size: 5, padding: 2}
  - relu
  - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 4}
"""
DEEP = """
input: [20, 5, 9, 8]
layers:
  - conv: {out_channels: 24, kernel_size: 1}
  - relu
  - conv: {out_channels: 24, kernel_size: 3, padding: 1, stride: [1, 2, 1]}
  - batchnorm
  - relu
  - conv: {out_channels: 24, kernel_size: 1, bias: false}
"""
TOKENS = """
input: [16, 100]
layers:
  - linear: {out_features: 90, axis: 0}
  - linear: {out_features: 90, axis: 0}
  - relu
"""


def picture(*layers: str) -> str:
    """Return a spec in which layers follow a convolution, whose output lies in the arena as the input does not."""
    return "\n".join(["input: [8, 30, 30]", "layers:", "  - conv: {out_channels: 64, kernel_size: 1}", *layers])


NETWORKS = {
    "residual": RESIDUAL,
    "one axis": FLAT,
    "three axes": DEEP,
    "tokens": TOKENS,
    "pointwise with a stride": picture("  - conv: {out_channels: 64, kernel_size: 1, stride: 2}", "  - relu6"),
    "a single line": picture("  - conv: {out_channels: 64, kernel_size: 1, stride: [30, 1]}"),
    "pointwise with padding": picture("  - conv: {out_channels: 64, kernel_size: 1, padding: 1}"),
    "depthwise": picture("  - relu6", "  - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 64}"),
    "depthwise in lanes": picture("  - conv: {out_channels: 64, kernel_size: 5, padding: 2, stride: 3, groups: 64}"),
    "dilated": picture("  - conv: {out_channels: 64, kernel_size: 3, dilation: 2, groups: 64}", "  - batchnorm"),
    "gathered": picture("  - conv: {out_channels: 40, kernel_size: 5, stride: 2, padding: 1}", "  - gelu"),
    "grouped": picture("  - conv: {out_channels: 64, kernel_size: 3, padding: 1, groups: 4}", "  - relu"),
    "shallow": picture(
        "  - conv: {out_channels: 3, kernel_size: 1}", "  - conv: {out_channels: 40, kernel_size: 5, padding: 2}"
    ),
    "Winograd": picture(
        "  - relu",
        "  - conv: {out_channels: 128, kernel_size: 3, padding: 1}",
        "  - conv: {out_channels: 64, kernel_size: 5, padding: 2}",
        "  - maxpool: 2",
        "  - conv: {out_channels: 64, kernel_size: 3, padding: 1}",
    ),
    "normalised before": picture(
        "  - maxpool: {kernel_size: 3, stride: 1, padding: 1}",
        "  - batchnorm",
        "  - relu6",
        "  - conv: {out_channels: 64, kernel_size: 3, padding: 1, stride: 2}",
        "  - maxpool: {kernel_size: 3, stride: 1, padding: 1}",
        "  - batchnorm",
        "  - relu",
        "  - conv: {out_channels: 64, kernel_size: 1}",
        "  - batchnorm",
        "  - hardswish",
    ),
    "joined": picture(
        "  - concat:",
        "      paths:",
        "        - - conv: {out_channels: 32, kernel_size: 1}",
        "        - - conv: {out_channels: 32, kernel_size: 3, padding: 1}",
        "  - conv: {out_channels: 64, kernel_size: 1}",
    ),
    "slices": picture(
        "  - concat:",
        "      paths:",
        "        - - slice: {axis: channels, start: 0, stop: 32}",
        "          - conv: {out_channels: 32, kernel_size: 1}",
        "        - - slice: {axis: channels, start: 32}",
        "          - conv: {out_channels: 32, kernel_size: 3, padding: 1}",
    ),
    "dense block": picture(
        *4
        * [
            "  - concat:",
            "      paths:",
            "        - []",
            "        - - conv: {out_channels: 32, kernel_size: 3, padding: 1}",
            "          - relu",
        ],
        "  - conv: {out_channels: 64, kernel_size: 1}",
    ),
}


def prepared(network: Network, threads: int = 1, pieces: bool = False) -> Runner:
    """Return a runner with the weights of seed 0, whose threads share their work whatever BLAS is there."""
    runner = Runner(network, random_weights(network, 0), (), True, threads)
    runner.kernels = Kernels(Engine(threads, pieces=pieces))
    runner.blas_threads = 1
    return runner


def outputs(runner: Runner, seed: int, batch: int = 1) -> dict[str, Any]:
    """Return the outputs of one run on an input of its own."""
    return runner.outputs(random_inputs(runner.network, batch, seed, np.dtype(np.float32)))


def spoil(engine: Engine) -> None:
    """Fill all memory that no array occupies with what would be seen if it were read."""
    for room in engine.arena.rooms:
        if room.idle:
            room.memory[...] = 255  # NaN
    for own in engine._scratch:
        for buffer in own.values():
            buffer.fill(np.nan)


def played(runner: Runner) -> int:
    """Return how many operations have a tape."""
    return sum(operation.tape is not None for operation in runner.operations)


@pytest.mark.parametrize(("threads", "batch", "pieces"), [(1, 1, False), (1, 1, True), (3, 8, False)])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_tape_gives_what_the_kernel_gives(name: str, threads: int, batch: int, pieces: bool) -> None:
    network = spec(NETWORKS[name])
    runner = prepared(network, threads, pieces)
    for seed in range(5):
        made = outputs(runner, seed, batch)
        spoil(runner.kernels.engine)
        wanted = outputs(prepared(network, threads, pieces), seed, batch)
        assert {key: array.tobytes() for key, array in made.items()} == {
            key: array.tobytes() for key, array in wanted.items()
        }
    kernels = sum(operation.step.is_kernel for operation in runner.operations)
    if name == "residual":  # some have maps of less than POOLED bytes, or read what was made by no kernel
        assert played(runner) >= 5
    else:
        assert played(runner) == kernels - 1, "all but the one that reads the input"


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_result_stays_when_there_are_more(threads: int) -> None:
    runner = prepared(spec(NETWORKS["depthwise"]), threads)
    kept = [outputs(runner, seed) for seed in range(6)]
    alone = [outputs(prepared(runner.network, threads), seed) for seed in range(6)]
    for some, other in zip(kept, alone, strict=True):
        assert all(array.nbytes >= POOLED for array in some.values())
        assert [array.tobytes() for array in some.values()] == [array.tobytes() for array in other.values()]


def test_another_batch_on_the_way() -> None:
    runner = prepared(spec(NETWORKS["normalised before"]))
    for batch in (1, 1, 1, 3, 1, 3, 3, 3, 1):
        (made,) = outputs(runner, batch, batch).values()
        (wanted,) = outputs(prepared(runner.network), batch, batch).values()
        assert made.tobytes() == wanted.tobytes()


def test_threads_share_what_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: set[int] = set()
    played_by = tape.make

    def make(calls: Any) -> None:
        numbers.add(runner.kernels.engine.workers.number)
        played_by(calls)

    runner = prepared(spec(NETWORKS["Winograd"]), threads=3)
    monkeypatch.setattr(tape, "make", make)
    for seed in range(40):  # until each has come to do something
        (made,) = outputs(runner, seed, 16).values()
    (wanted,) = outputs(prepared(runner.network, threads=3), 39, 16).values()
    assert made.tobytes() == wanted.tobytes()
    assert len(numbers) > 1


def test_a_fresh_count_is_made_from_a_fresh_run() -> None:
    runner = prepared(spec(NETWORKS["depthwise"]))
    x = random_inputs(runner.network, 1, 0, np.dtype(np.float32))
    for _ in range(3):
        runner.outputs(x)
    assert played(runner)
    assert runner.run(x, 4, None).ok


def test_rooms() -> None:
    arena = Arena()
    array = arena.empty((POOLED // 4,), np.float32)
    (room,) = arena.rooms
    assert not room.idle
    assert arena.room(array) is arena.room(array[5:]) is room
    assert arena.room(np.empty(5)) is None
    part = array[3:7]
    unseen = room.view(part, room.unseen)
    assert arena.room(unseen) is room
    part[:] = [1, 2, 3, 4]
    assert unseen.tolist() == [1, 2, 3, 4]
    assert (unseen.strides, unseen.shape) == (part.strides, part.shape)
    del array, part
    assert room.idle, "whatever lies in it unseen"
    again = arena.empty((POOLED,), np.uint8)
    assert arena.rooms == [room]
    assert again.base is room.memory
    assert arena.empty((POOLED - 1,), np.uint8).base is None, "too small to be worth it"


def test_a_recorded_run_keeps_its_rooms_to_the_end() -> None:
    engine = Engine()
    x = engine.empty((POOLED,), np.uint8)

    def run(arrays: Any) -> Any:
        first, second = engine.empty(x.shape, x.dtype), engine.empty(x.shape, x.dtype)
        assert not np.may_share_memory(first, second)
        assert np.may_share_memory(*arrays, x)
        engine.do(np.copyto, second, first)
        return second

    recorded = engine.record(run, [x])
    assert recorded is not None
    assert recorded.rooms == engine.arena.rooms[1:]
    assert [room.idle for room in engine.arena.rooms] == [False, True, True]


def test_a_concatenation_goes_on_where_a_tape_left_it() -> None:
    engine = Engine()
    engine.again = 2
    first = engine.empty((1, 8, 8, 32), np.float32)
    first[...] = 1

    def extended(arrays: Any) -> Any:
        (before,) = arrays
        out = engine.extended(before, 16)
        engine.do(out[..., before.shape[-1] :].fill, 2)
        return out

    once = engine.record(extended, [first])
    assert once is not None
    made = once.play([first])
    assert made is not None
    twice = engine.record(extended, [made])
    assert twice is not None
    made = twice.play([made])
    del made
    assert [room.idle for room in engine.arena.rooms] == [False, True]
    one = once.play([first])
    assert one is not None
    assert extended([one]).base is one.base
    del one
    one = once.play([first])
    assert one is not None
    two = twice.play([one])
    assert two is not None
    three = extended([two])
    assert one.base is two.base is three.base
    assert len(engine.arena.rooms) == 2
    assert three[0, 3, 5].tolist() == [1] * 32 + [2] * 48
    assert extended([one]).base is not one.base, "what is in use stays as it is"


def test_what_is_not_all_named_is_not_recorded() -> None:
    engine = Engine()
    x = engine.empty((40, 40), np.float32)
    x[...] = 1

    def run(arrays: Any) -> Any:
        out = engine.empty(x.shape, x.dtype)
        engine.do(np.copyto, out, engine.multiply(arrays[0], arrays[0]))
        return out

    assert engine.record(run, [x]) is None
    assert engine.record(lambda arrays: engine.rows(arrays[0]), [np.ones((40, 40), np.float32)]) is None
    assert engine.record(lambda arrays: np.empty(5), [x]) is None
    with pytest.raises(ZeroDivisionError):
        engine.record(lambda arrays: arrays[1 // 0], [x])
    assert engine.multiply(x, x, np.zeros_like(x))[0, 0] == 40, "and what comes next is done again, not named"


def test_a_heavy_weight_is_packed_in_the_place_of_idle_maps() -> None:
    engine = Engine()
    shapes = [(POOLED,), (2 * POOLED,), (5 * POOLED,)]
    kept, *idle = (engine.empty(shape, np.uint8) for shape in shapes)
    del idle
    light, heavy = np.zeros(HEAVY // 8), np.zeros(HEAVY // 8 + 1)
    engine.packed(light, "as it is", np.copy)
    assert len(engine.arena.rooms) == 3
    engine.packed(heavy, "as it is", np.copy)
    assert [room.memory is kept.base for room in engine.arena.rooms] == [True]
    engine.empty((POOLED,), np.uint8)
    engine.packed(heavy, "as it is", np.copy)
    assert len(engine.arena.rooms) == 2, "it is there already"


def test_a_larger_room_serves_where_there_may_be_no_more() -> None:
    arena = Arena(limit=10 * POOLED)
    large = arena.empty((8 * POOLED,), np.uint8)
    del large
    assert arena.empty((POOLED,), np.uint8).base.nbytes == POOLED, "a room of its own"
    first, second = arena.empty((POOLED,), np.uint8), arena.empty((2 * POOLED,), np.uint8)
    assert [array.base.nbytes // POOLED for array in (first, second)] == [1, 8]
    third = arena.empty((2 * POOLED,), np.uint8)
    assert third.base.nbytes == 2 * POOLED, "there is nothing to let go of"
    assert [room.size // POOLED for room in arena.rooms] == [8, 1, 2]
    del first, second
    assert arena.empty((9 * POOLED,), np.uint8).base.nbytes == 9 * POOLED
    assert [room.size // POOLED for room in arena.rooms] == [2, 9]


def test_where_memory_is_short_rooms_and_tapes_are_let_go() -> None:
    engine = Engine(limit=3 * POOLED)
    x, y = engine.empty((POOLED // 4,), np.float32), np.zeros(POOLED // 4, np.float32)
    x[...] = 1

    def run(arrays: Any) -> Any:
        out = engine.empty(x.shape, x.dtype)
        engine.do(np.add, arrays[0], y, out=out)
        return out

    recorded = engine.record(run, [x])
    assert recorded is not None
    result = recorded.play([x])
    assert result is not None
    x[...], y[...] = 2, 3
    assert recorded.play([x]) is None, "the room is occupied by the result"
    assert result[0] == 1
    del result
    made = recorded.play([x])
    assert made is not None
    assert made[0] == 5
    del made
    assert recorded.play([x.copy()]) is None
    assert recorded.play([x[::-1]]) is None
    assert recorded.play([x[1:]]) is None
    large = engine.empty((2 * POOLED,), np.uint8)
    assert recorded.play([x]) is None, "its room is no more"
    assert len(engine.arena.rooms) == 2
    del large
    assert engine.record(run, [x, y]) is None, "an array of the caller's own"


def test_a_thread_that_waits_keeps_no_memory() -> None:
    workers, array = Workers(2), np.zeros(100)
    held = weakref.ref(array)

    def work(start: int, stop: int, array: Any = array) -> None:
        time.sleep(0.01)  # so that each thread takes some

    workers.run(work, [(i, i + 1) for i in range(6)])
    del array, work
    for _ in range(500):
        if held() is None:
            break
        time.sleep(0.01)
    assert held() is None
    workers.close()


def test_a_run_lets_go_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    buffers: list[Any] = []

    class Seen(Room):
        def __init__(self, size: int) -> None:
            super().__init__(size)
            buffers.append(weakref.ref(self.memory))

    monkeypatch.setattr(arena, "Room", Seen)
    gc.disable()  # kernels and their engine refer to each other
    try:
        result = spec(RESIDUAL).run(repeat=4, threads=2)
        assert len(buffers) > 2
        assert [buffer for buffer in buffers if buffer() is not None] == []
    finally:
        gc.enable()
    assert result.ok
