"""Measure what hostile specs cost: CPU time and memory of every command on small specs that ask for much.

    python -m benchmarks.hostile                       # all commands, two specs of each shape: some minutes
    python -m benchmarks.hostile --commands summary,check --specs 5 --shapes dense,fields

Prints one row for each spec that some command takes more than ``--seconds`` or ``--megabytes`` for, then the worst of
each command, then the planner, the zoo on a device, and the search for near words, which have no such specs.  The
tests hold none of these times: they only see that what has a bound ends.
"""

from __future__ import annotations

import argparse
from random import Random
from time import process_time

from tests.fuzz import grown, hostile


def specs(shapes: str, count: int) -> dict[str, str]:
    """Return texts by their names."""
    names = shapes.split(",") if shapes else [*grown.SHAPES]
    texts = {f"{name} {seed}": grown.SHAPES[name](Random(seed)) for name in names for seed in range(count)}
    return {name: text for name, text in texts.items() if len(text.encode()) <= grown.MOST_BYTES}


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
    parser.add_argument("--shapes", default="", help=f"of {', '.join(grown.SHAPES)}; default: all")
    parser.add_argument("--commands", default="", help="by their first word; default: all")
    parser.add_argument("--specs", type=int, default=2, help="of each shape")
    parser.add_argument("--seconds", type=float, default=hostile.SECONDS)
    parser.add_argument("--megabytes", type=float, default=hostile.MEGABYTES)
    options = parser.parse_args()
    wanted = options.commands.split(",") if options.commands else None
    commands = [command for command in hostile.COMMANDS if wanted is None or command[0] in wanted]
    worst: dict[str, tuple[float, float, str]] = {}
    for name, text in specs(options.shapes, options.specs).items():
        slow = []
        for command in commands:
            done = hostile.run(text, command)
            shown = " ".join(command)
            if done.code not in (0, 1, 2) or done.seconds > options.seconds or done.megabytes > options.megabytes:
                slow.append(f"{shown} → {done.code}, {done.seconds:.2f} s, {done.megabytes:.0f} MB")
            if done.seconds > worst.get(shown, (0.0, 0.0, ""))[0]:
                worst[shown] = (done.seconds, done.megabytes, name)
        if slow:
            print(f"{name} ({len(text):,} characters): " + "; ".join(slow), flush=True)
    for shown, (seconds, megabytes, name) in worst.items():
        print(f"{shown:40} {seconds:6.2f} s {megabytes:6.0f} MB   {name}")
    if wanted is None:
        others()


if __name__ == "__main__":
    main()
