"""Hints for unknown commands and options: slips of the keyboard, and other tools' words for the same."""

from __future__ import annotations

from collections.abc import Mapping

import click

from cnncalc.ground.near import did_you_mean

COMMANDS = {
    "summary": "info stat stats profile count flops params describe analyze analyse inspect model",
    "run": "infer inference predict forward bench benchmark exec execute time test",
    "explain": "why formula formulas how derive",
    "check": "lint validate verify ci assert budget budgets",
    "compare": "diff cmp versus vs",
    "sweep": "grid search scan",
    "hotspots": "hotspot hot prune optimize optimise bottleneck bottlenecks savings",
    "draw": "plot graph visualize visualise render svg dot",
    "specs": "list ls models zoo networks search",
    "show": "cat print view get",
    "layers": "layer types ops operators vocabulary",
    "weights": "state_dict tensors parameters",
    "survey": "overview history",
}
"""Other words for our commands."""

OPTIONS = {
    "--input": "--input-size --input-shape --shape --size --resolution --in",
    "--batch": "--batch-size --batchsize --samples --bs",
    "--dtype": "--precision --type --bits --data-type",
    "--set": "--arg --args --param --params --define --with",
    "--format": "--output-format --fmt --as --json --csv",
    "--output": "--out --outfile --output-file --file --save-to",
    "--columns": "--cols --fields --show",
    "--depth": "--level --levels --max-depth",
    "--sort": "--sort-by --order --order-by",
    "--top": "--limit --head --count --first",
    "--color": "--colour --colors --no-color",
    "--jobs": "--workers --processes --parallel",
    "--threads": "--cpus --cores",
    "--repeat": "--runs --iterations --times --repeats",
    "--strict": "--werror --error --fail",
    "--allow": "--ignore --disable --skip --exclude",
    "--weights": "--state-dict --checkpoint --load",
    "--seed": "--random-seed --rng",
    "--variant": "--model --arch --architecture",
    "--layout": "--data-format --channels-last --nhwc --axes",
    "--convention": "--tool --counting --like",
    "--max-params": "--params",
    "--max-macs": "--macs --flops",
}
"""Other words for our options, where a command has them."""


def command_hint(name: str, known: tuple[str, ...]) -> str | None:
    """Return the hint for a command that there is not."""
    return did_you_mean(name, known, "") or _other(name, known, COMMANDS) or f"commands: {', '.join(known)}"


def no_such_option(error: click.NoSuchOption) -> click.UsageError:
    """Return click's error with a hint of ours in place of its own; without one where only the help can say more."""
    name, parameters = error.option_name, error.ctx.command.get_params(error.ctx) if error.ctx else []
    known = tuple([option for parameter in parameters for option in parameter.opts if option.startswith("--")])
    hint = did_you_mean(name, known, "") or _other(name, known, OPTIONS)
    return click.UsageError(f"no option '{name}'" + (f"\n  hint: {hint}" if hint else ""), error.ctx)


def _other(name: str, known: tuple[str, ...], words: Mapping[str, str]) -> str | None:
    ours = next((one for one in known if name.lower() in words.get(one, "").split()), None)
    return f"it is called '{ours}' here" if ours is not None else None
