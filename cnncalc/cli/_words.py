"""Hints for unknown commands and options: typing errors and other tools' words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import click

from cnncalc.cli.options import AS_SVG, RASTER
from cnncalc.ground.near import did_you_mean, suggestion

COMMANDS = {
    "summary": "info stat stats profile count flops params memory describe analyze analyse inspect model",
    "run": "infer inference predict forward bench benchmark exec execute time test",
    "explain": "why formula formulas how derive",
    "check": "lint validate verify ci assert budget budgets",
    "compare": "diff cmp versus vs",
    "sweep": "grid search scan",
    "hotspots": "hotspot hot prune optimize optimise bottleneck bottlenecks savings",
    "draw": "plot graph visualize visualise viz render svg dot picture diagram netron",
    "specs": "list ls models zoo networks search",
    "show": "cat print view get",
    "export": "convert save torch pytorch onnx2torch",
    "layers": "layer types ops operators vocabulary",
    "weights": "state_dict tensors parameters",
    "survey": "overview history",
}
"""Other words for our commands."""

OPTIONS = {
    "--input": "--input-size --input-shape --image-size --imgsz --img-size --shape --size --resolution --res --in",
    "--batch": "--batch-size --batchsize --samples --bs",
    "--dtype": "--precision --type --bits --data-type --quant --quantize",
    "--set": "--arg --args --param --define --with --width --classes --num-classes",
    "--format": "--output-format --fmt --as --to",
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
    "--ram": "--max-ram --max-arena --arena --sram --max-sram --memory --max-memory",
    "--flash": "--max-flash --max-rom --rom",
    "--where": "--filter --if --condition --max-macs --max-params --max-flops",
    "--max-arena": "--max-ram --max-sram --ram --sram",
    "--max-peak-bytes": "--max-memory",
    "--max-ratio": "--fail-if --fail-on --fail-above --threshold --max-change --max-increase",
    "--max-weight-bytes": "--max-size --max-model-size --max-file-size",
    "--max-flash": "--max-rom --flash --rom",
    "--to": "--format --fmt --as --target",
    "--quant": "--precision --dtype --type --quantization --quantize",
    "--board": "--mcu --device --target",
    "--core": "--cpu",
    "--max-macs": "--macs --flops",
}
"""Other words for our options, where a command has them."""

VALUES = {
    "float64": "fp64 f64 double",
    "float32": "fp32 f32 single float",
    "float16": "fp16 f16 half",
    "bfloat16": "bf16",
    "int8": "i8 u8 uint8",
    "torch": "pytorch",
    "params": "parameters",
    "markdown": "md",
    "ndjson": "jsonl",
    "table": "text txt",
    "mermaid": "mmd",
}
"""Other words for what our options take."""

CONVERTED = ["keras", "tensorflow", "tf", "tflite", "coreml", "openvino", "tensorrt", "ncnn", "mnn", "jax", "caffe"]
"""Formats for which other tools convert an ONNX model."""

FEW_COMMANDS = 2
"""Most commands that a hint names as those that have an option."""

SPEC = "a YAML file or an ONNX model, '-' for standard input, or a network that 'cnncalc specs' lists"
NO_NUMBER = {
    "is not a valid integer range.": "is not a whole number.",
    "is not a valid float range.": "is not a number.",
}
"""click's messages for text that is not a number, and ours."""


def command_hint(name: str, known: tuple[str, ...]) -> str | None:
    """Return the hint for an unknown command."""
    if name.lower() == "version":
        return "'cnncalc --version' prints it"
    if name.lower() == "onnx":
        return "'cnncalc summary net.onnx' reads a model, 'cnncalc export SPEC -o net.onnx' writes one"
    return did_you_mean(name, known, "") or _other(name, known, COMMANDS) or f"commands: {', '.join(known)}"


def explained(error: click.ClickException) -> click.ClickException:
    """Return click's error with our hint in place of click's; without one if only the help can say more."""
    if not isinstance(error, click.UsageError):
        return error
    message, hint = error.format_message().strip(), None
    if isinstance(error, click.NoSuchOption):
        message = f"no option '{error.option_name}'"
        hint = _option_hint(error.option_name, error.ctx.command.get_params(error.ctx) if error.ctx else [])
        hint = hint or _elsewhere(error.option_name, error.ctx)
        in_front = error.ctx is not None and isinstance(error.ctx.command, click.Group)
        if in_front and error.option_name == "-v":
            hint = "'cnncalc --version' prints the version"
        elif hint is None and in_front and error.option_name.startswith("--"):
            hint = f"options stand behind the command: cnncalc summary net.yaml {error.option_name} …"
    elif isinstance(error, click.MissingParameter):
        hint = SPEC if error.param is not None and error.param.name in ("spec", "specs") else None
    elif isinstance(error, click.BadParameter):
        for clicks, ours in NO_NUMBER.items():
            message = message.replace(clicks, ours)
        word = re.search(": '(.*)' is not one of ", message)
        if word and error.param is not None and isinstance(error.param.type, click.Choice):
            hint = _value_hint(word[1], tuple(map(str, error.param.type.choices)))
    elif message.startswith("Got unexpected extra argument") and error.ctx:
        hint = _extra_hint(message, error.ctx.command)
    return click.UsageError(message + (f"\n  hint: {hint}" if hint else ""), error.ctx)


def _extra_hint(message: str, command: click.Command) -> str | None:
    """Return the hint for a second argument: a setting, a shape, a file to write, an input of ``run``, another spec, or
    the rest of an option's value.
    """
    extra = message[message.find("(") + 1 : -1]
    if not any(parameter.name == "spec" for parameter in command.params):
        return f"'cnncalc help {extra}' shows this one" if command.name == "help" and " " not in extra else None
    if re.fullmatch(r"[kKMG]i?B?|[Bb]ytes", extra):
        return f"a number and its unit are one word: 64{extra if extra[0] in 'kKMG' else ''}"
    if re.fullmatch(r"[\d. ]+", extra):
        return "an option takes one word: several values have commas between them, 8,16,32"
    if re.fullmatch(r"\w+=\S+", extra):
        return f"write '--set {extra}'"
    if re.fullmatch(r"\d+(x\d+)+", extra) and command.name != "sweep":
        return f"write '--input {extra}'"
    if re.fullmatch(r"(\d+(x\d+)+ ?)+", extra):
        return "an option takes one word: several shapes have commas between them, 3x64x64,3x96x96"
    if command.name in ("export", "import", "draw") and "." in extra:
        return f"a file to write to follows -o: '-o {extra}'"
    if command.name == "run" and extra.lower().endswith((".npy", ".npz", ".safetensors", ".png", ".jpg", ".jpeg")):
        return f"write '--input {extra}'"
    return "a command takes one spec; 'cnncalc compare' shows several side by side"


def _value_hint(word: str, known: tuple[str, ...]) -> str | None:
    bare = word.lower().removeprefix("cortex").lstrip("-")
    alike = [one for one in known if re.findall("[0-9]", one) == re.findall("[0-9]", word)]  # int4 is not int8
    if "svg" in known and f".{bare}" in RASTER:
        return AS_SVG
    near = suggestion([bare]) if bare in known else did_you_mean(word, alike, "")
    converted = f"write 'onnx', which other tools convert to {bare}" if "onnx" in known and bare in CONVERTED else None
    return near or _other(word, known, VALUES) or converted


def _option_hint(name: str, parameters: Sequence[click.Parameter]) -> str | None:
    known = tuple([option for parameter in parameters for option in parameter.opts if option.startswith("--")])
    name = name.replace("_", "-")
    word = name.removeprefix("--")
    for parameter in parameters:
        for choice in map(str, parameter.type.choices) if isinstance(parameter.type, click.Choice) else ():
            if word in (choice, *VALUES.get(choice, "").split()):
                return f"write '{parameter.opts[0]} {choice}'"
    opposite = {"min": "--max-", "max": "--min-"}.get(word[:3])
    alike = [option for option in known if opposite is None or not option.startswith(opposite)]
    layers = "layers follow SPEC, without an option" if any(one.name == "layers" for one in parameters) else None
    return did_you_mean(name, alike, "") or _other(name, known, OPTIONS) or (layers if word == "layer" else None)


def _elsewhere(name: str, context: click.Context | None) -> str | None:
    """Return the hint for an option that only a few other commands have."""
    root = context.find_root().command if context is not None else None
    if context is None or not isinstance(root, click.Group) or context.command is root:
        return None
    commands = [root.get_command(context, command) for command in root.list_commands(context)]
    having = [one.name for one in commands if one and any(name in parameter.opts for parameter in one.params)]
    if not 0 < len(having) <= FEW_COMMANDS:
        return None
    named = " and ".join([f"'cnncalc {one}'" for one in having])
    return f"{named} take{'s' * (len(having) == 1)} this option"


def _other(name: str, known: tuple[str, ...], words: Mapping[str, str]) -> str | None:
    ours = next((one for one in known if name.lower() in words.get(one, "").split()), None)
    return f"it is called '{ours}' here" if ours is not None else None
