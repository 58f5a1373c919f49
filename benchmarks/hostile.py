"""Measure what hostile files cost: CPU time and memory of every command on small specs that ask for much, and on
model files with as many operators as allowed.

    python -m benchmarks.hostile                       # all commands, two specs of each shape: some 20 minutes
    python -m benchmarks.hostile --commands summary,check --specs 5 --shapes "dense,fields,layer norms"

The shapes ask for just under 20,000 layers, for what sums up, and for just under MAX_DETAILED, for what works on each
layer. Prints one row for each spec that some command takes more than ``--seconds`` or ``--megabytes`` for, then a table
of the worst of each command, what it refuses among them, then the planner, the zoo on a device, and the search for near
words, which have no such specs.  The tests hold none of these times: they only see that what has a bound ends.
"""

from __future__ import annotations

import argparse
from random import Random
from time import process_time
from typing import NamedTuple
from unittest import mock

from cnncalc.ground.limits import MAX_DETAILED, MAX_DETAILED_READS
from tests.fuzz import grown, grown_models, hostile


class Worst(NamedTuple):
    """The most that a command took for any spec, and how many specs it refused."""

    seconds: float = 0.0
    slowest: str = ""
    megabytes: float = 0.0
    largest: str = ""
    refused: int = 0

    def after(self, name: str, done: hostile.Done) -> Worst:
        """Return the worst after another spec."""
        worst = self._replace(refused=self.refused + (done.code == 2))
        if done.seconds > worst.seconds:
            worst = worst._replace(seconds=done.seconds, slowest=name)
        if done.megabytes > worst.megabytes:
            worst = worst._replace(megabytes=done.megabytes, largest=name)
        return worst


def files(shapes: str, count: int) -> dict[str, str | bytes]:
    """Return specs, with the most layers that a summary and that a picture takes, and model files, by their names."""
    wanted = shapes.split(",") if shapes else [*grown.SHAPES, *grown_models.SHAPES]
    names = [name for name in wanted if name in grown.SHAPES]
    models = {f"{name} (a model)": grown_models.SHAPES[name]() for name in wanted if name in grown_models.SHAPES}
    texts = {}
    for layers, reads in ((grown.LAYERS, grown.READS), (MAX_DETAILED - 10, MAX_DETAILED_READS - 10)):
        with mock.patch.multiple(grown, LAYERS=layers, READS=reads):
            for name in names:
                texts |= {f"{name} {seed} of {layers:,}": grown.SHAPES[name](Random(seed)) for seed in range(count)}
    return models | {name: text for name, text in texts.items() if len(text.encode()) <= grown.MOST_BYTES}


def others() -> None:
    """Measure what no spec is needed for."""
    import cnncalc
    from cnncalc.deployment.planner import Buffer, greedy
    from cnncalc.deployment.view import deploy
    from cnncalc.ground.errors import CnncalcError
    from cnncalc.ground.near import nearest
    from cnncalc.language.shipped import networks

    for longest in (1, 3, 200, 10_000):
        draw = Random(0)
        ends = [min(i + draw.randint(1, longest), 9_999) for i in range(10_000)]
        buffers = [Buffer(16 * draw.randint(1, 9_999), i, end) for i, end in enumerate(ends)]
        began = process_time()
        greedy(buffers)
        print(f"10,000 tensors that live for up to {longest:,} steps, planned: {process_time() - began:.2f} s")
    graphs = [cnncalc.load(name) for name, *_ in networks()]
    began, count = process_time(), 0
    for graph in graphs:
        try:
            deploy(graph)
            count += 1
        except CnncalcError:
            pass
    print(f"{count} networks that ship, planned for a device: {process_time() - began:.2f} s")
    began = process_time()
    nearest("a" * 40, [f"{'a' * 30}{number:010}" for number in range(20_000)])
    print(f"the nearest of 20,000 words: {process_time() - began:.3f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--shapes", default="", help=f"of {', '.join([*grown.SHAPES, *grown_models.SHAPES])}; default: all"
    )
    parser.add_argument("--commands", default="", help="by their first word; default: all")
    parser.add_argument("--specs", type=int, default=2, help="of each shape")
    parser.add_argument("--seconds", type=float, default=hostile.SECONDS)
    parser.add_argument("--megabytes", type=float, default=hostile.MEGABYTES)
    options = parser.parse_args()
    wanted = options.commands.split(",") if options.commands else None
    commands = [command for command in hostile.COMMANDS if wanted is None or command[0] in wanted]
    worst: dict[str, Worst] = {}
    for name, text in files(options.shapes, options.specs).items():
        slow = []
        for command in commands:
            done = hostile.run(text, command)
            shown = " ".join(command)
            if done.code not in (0, 1, 2) or done.seconds > options.seconds or done.megabytes > options.megabytes:
                slow.append(f"{shown} → {done.code}, {done.seconds:.2f} s, {done.megabytes:.0f} MB")
            worst[shown] = worst.get(shown, Worst()).after(name, done)
        if slow:
            print(f"{name} ({len(text):,} bytes): " + "; ".join(slow), flush=True)
    width = max(map(len, worst), default=0)
    print(f"{'command':{width}}  {'CPU':>6}  {'slowest':28} {'memory':>6}  {'largest':28} refused")
    for shown, most in worst.items():
        print(
            f"{shown:{width}} {most.seconds:5.2f} s  {most.slowest:28} {most.megabytes:3.0f} MB  {most.largest:28} "
            f"{most.refused:,}"
        )
    if wanted is None:
        others()


if __name__ == "__main__":
    main()
