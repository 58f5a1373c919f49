"""Hostile specs: each is refused with a message, within a second and 200 MB, never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.places import SpecError
from cnncalc.language.loading import read_text
from cnncalc.network import loads
from tests.patience import PATIENCE, ends_soon

HEAD = "input: [3, 32, 32]\nlayers:\n"


def bomb(opening: str) -> str:
    rows = [f"{opening}a: &a [1,1,1,1,1,1,1,1,1]"]
    for above, name in zip("abcdefgh", "bcdefghi", strict=True):
        rows.append(f"  {name}: &{name} [{','.join([f'*{above}'] * 9)}]")
    return "\n".join(rows) + "\n" + HEAD + "  - relu\n"


def nested(count: str, condition: str = "") -> str:
    when = f"\n            when: {condition}" if condition else ""
    return HEAD + (
        "  - sequence:\n      - sequence:\n          - relu:\n"
        f"            repeat: {count}{when}\n        repeat: {count}\n    repeat: {count}\n"
    )


BLOCKS_OF_BLOCKS = (
    "blocks:\n" + "".join(f"  b{i}: {{layers: [{', '.join([f'b{i + 1}'] * 10)}]}}\n" for i in range(12)) + "  b12: {layers: [relu]}\n"
)  # fmt: skip

HOSTILE = {
    "aliases of aliases": (bomb("args:\n  "), "aliases expand to more than 10,000 additional parts"),
    "an alias that contains itself": ("input: &a [3, *a]\nlayers: [relu]\n", "the alias *a contains itself"),
    "an item that contains itself": (HEAD + "  - &a\n    sequence: [*a]\n", "the alias *a contains itself"),
    "brackets": ("input: " + "[" * 5000 + "]" * 5000, "nested deeper than 64"),
    "open brackets": (HEAD + "  - conv: " + "[" * 5000, "nested deeper than 64"),
    "indentation": (HEAD + "".join("  " * i + "- sequence:\n" for i in range(1, 2000)), "nested deeper than 64"),
    "parentheses": (HEAD + f"  - linear: {'(' * 5000}1{')' * 5000}\n", "an expression of 10001 characters"),
    "parentheses, fewer": (HEAD + f"  - linear: {'(' * 400}1{')' * 400}\n", "is not an expression"),
    "minus signs": (HEAD + f"  - linear: {'-' * 900}1\n", "an expression nested deeper than 64"),
    "a large repeat": (HEAD + "  - relu:\n    repeat: 1000000000000\n", "layers"),
    "repeats in repeats": (nested("5000"), "the network has at least 125,000,000,000 layers"),
    "repeats by a name": ("args: {n: 5000}\n" + nested("n"), "more than 120,000 layers"),
    "repeats of nothing": (nested("5000", "in_channels > 9"), "takes too many steps"),
    "a power": (HEAD + "  - linear: 9**9**9**9\n", "the exponent is too large"),
    "a range": (HEAD + "  - relu:\n    for: i in range(10**12)\n", "a range of more than 120,000 items"),
    "a list": (HEAD + "  - linear: \"len([0] * 10**9)\"\n", "a list of more than 10,000 items"),
    "a text": (HEAD + "  - linear: \"len('a' * 10**9)\"\n", "a number is needed, not a string"),
    "a product": (HEAD + "  - linear: 9000000000000000 * 9000000000000000\n", "the result is larger than 9,007,199,254,740,992"),
    "digits": (HEAD + "  - linear: 1234567890123456789012345678901234567890\n", "a number too large"),
    "digits in the input": ("input: [1234567890123456789012345678901234567890]\nlayers: [relu]\n", "a number too large"),
    "blocks that use each other": ("blocks:\n  a: {layers: [b, b]}\n  b: {layers: [a, a]}\n" + HEAD + "  - a\n", "blocks are nested deeper than 64"),
    "blocks of blocks": (BLOCKS_OF_BLOCKS + HEAD + "  - b0\n", "the network has at least 1,000,000,000,000 layers"),
    "lists in lists through names": (
        "args:\n  a0: [1]\n" + "".join(f"  a{i}: '[[[[[[[[a{i - 1}]]]]]]]]'\n" for i in range(1, 400)) + HEAD + "  - linear: a399\n",
        "a list nested deeper than 64",
    ),
    "lists of lists, compared": (
        "args: {a: '[[[0] * 9999] * 9999] * 9999'}\n" + HEAD + "  - relu:\n    when: a == a\n", "a list of more than 10,000 items"),
    "sums without end": (
        "args: {n: 120000}\n" + HEAD + "  - relu:\n    repeat: 2000\n    when: sum(range(n)) < 0\n", "take more than 1,500,000 operations"),
    "sums of lists without end": (
        "args: {a: '[0] * 5000'}\n" + HEAD + "  - relu:\n    repeat: 2000\n    when: \"(a + a)[0] > 0\"\n", "take more than 1,500,000 operations"),
    "expressions without end": (
        HEAD + f"  - relu:\n    repeat: 100000\n    when: {' + '.join(['in_channels'] * 60)} < 0\n", "take more than 1,500,000 operations"),
    "calls without end": (
        HEAD + "  - relu:\n    repeat: 5000\n    when: \"len([" + ", ".join(["round(in_channels / 3, 2)"] * 30) + "]) < 0\"\n",
        "take more than 1,500,000 operations"),
    "rounds of nothing": (
        HEAD + "  - sequence:\n      - relu:\n        for: i in range(100000)\n        repeat: 0\n    repeat: 100\n", "steps"),
    "loops in loops": (
        HEAD + "".join(f"{'  ' * (2 * i)}  - sequence:\n{'  ' * (2 * i)}      - relu\n" for i in range(1)) + "    for: i in range(120000)\n    repeat: 100000\n", "layers"),
    "a chain of blocks": (
        "blocks:\n" + "".join(f"  b{i}: {{layers: [b{i + 1}]}}\n" for i in range(1000)) + "  b1000: {layers: [relu]}\n" + HEAD + "  - b0\n",
        "blocks are nested deeper than 64"),
    "a target of many terms": (HEAD + f"  - relu:\n    for: {'a+' * 5000}a in [1]\n", "is not a loop"),
    "a target of many names": (HEAD + f"  - relu:\n    for: {'a,' * 5000}a in [1]\n", "is not a loop"),
    "many args": ("args:\n" + "".join(f"  a{i}: a{i - 1} + 1\n" if i else "  a0: 1\n" for i in range(20000)) + HEAD + "  - linear: x\n", "unknown name 'x'"),
    "many faults": (HEAD + "  - cnov\n" * 50000, "… and 180 more faults"),
    "many items": (HEAD + "  - relu\n" * 130000, "a list of more than 120,000 entries"),
    "a constructor": ("input: !!python/object/apply:os.system [touch owned]\nlayers: [relu]\n", "a YAML tag, '!!python/object/apply:os.system'"),
    "a named object": (HEAD + "  - !!python/name:os.system relu\n", "a YAML tag, '!!python/name:os.system'"),
    "an import": (HEAD + "  - linear: \"__import__('os').system('touch owned')\"\n", "only named functions can be called"),
    "a class": (HEAD + "  - linear: ().__class__\n", "an attribute (a dot) is not allowed"),
    "digits to round to": ('args: {x: "round(5, -100000000)"}\n' + HEAD + "  - relu\n", "round takes 64 digits at most"),
    "slices": (
        'args: {x: "[0]*10000"}\n' + HEAD + "  - relu:\n    for: i in range(6000)\n    when: \"[" + ", ".join(["x[1:][0]"] * 80) + '][0]"\n',
        "take more than 1,500,000 operations"),
    "lists that are refused each time": (
        'args: {x: "[0]*9000"}\n' + HEAD + "  - relu\n  - relu:\n    for: i in range(20000)\n    when: \"len([x, x]) + i\"\n",
        "take more than 1,500,000 operations"),
    "no input": ("input: {}\nlayers: [relu]\n", "the network has no input"),
    "paths": ("input: [1, 8]\nlayers:\n  - add:\n      paths: [" + "[], " * 2500 + "[]]\n    repeat: 20000\n", "has 2,501 paths; a layer may have at most 1,000"),
    "inputs of many layers": ("input: [1, 8]\nlayers:\n  - add:\n      paths: [" + "[], " * 900 + "[]]\n    repeat: 20000\n", "read more than 250,000 tensors"),
    "inputs that double": (
        "input: [1, 8]\nlayers:\n  - sequence: []\n    name: s0\n    from: [input, input]\n"
        + "".join(f"  - sequence: []\n    name: s{i}\n    from: [s{i - 1}, s{i - 1}]\n" for i in range(1, 60))
        + "  - add:\n    from: s59\n", "more than 1,000 inputs"),
    "a long name": ("input: [1, 8]\nlayers:\n  - sequence:\n      - relu:\n        repeat: 100000\n    name: " + "n" * 9000 + "\n", "a name of 9000 characters; at most 100"),
    "long names in one another": (
        "input: [1, 8]\nblocks:\n" + "".join(f"  {'b' * 90}{i}: {{layers: [{'b' * 90}{i + 1}]}}\n" for i in range(40))
        + f"  {'b' * 90}40: {{layers: [relu]}}\nlayers: [{'b' * 90}0]\n", "a dotted path of more than 500 characters"),
    "steps without layers": (
        "blocks:\n  b:\n    args: {n}\n    layers:\n" + "      - b: n - 1\n        when: n > 0\n" * 2 + "input: [1, 8]\nlayers:\n  - relu\n  - b: 40\n",
        "takes too many steps"),
    "axes": ('input: [1, 8]\nlayers:\n  - reshape: "[1] * 9000 + [-1]"\n', "the output has 9001 axes; at most 8"),
    "words that are nearly known": (
        "args: {" + ", ".join(f"aaaaaaaaaaaaaaaaaaa{i}: 1" for i in range(300)) + "}\n" + HEAD
        + "".join(f"  - linear: aaaaaaaaaaaaaabaaaa{i}\n" for i in range(60)), "unknown name"),
    "a message of a megabyte": (HEAD + f"  - &a {'x' * 500_000}\n" + "  - *a\n" * 20, "unknown layer type 'xxx"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_spec_is_refused_soon(name: str, tmp_path: Path) -> None:
    text, message = HOSTILE[name]
    (tmp_path / "net.yaml").write_text(text)
    limited = ["-c", "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 * 10**8, 2 * 10**8));"
               f"resource.setrlimit(resource.RLIMIT_CPU, ({PATIENCE:.0f}, {PATIENCE:.0f}));"
               "sys.argv = ['cnncalc', 'summary', 'net.yaml']; from cnncalc.__main__ import entry; entry()"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *limited], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 30_000
    assert [path.name for path in tmp_path.iterdir()] == ["net.yaml"]


def test_many_layers_that_share_weights_take_no_longer_each(tmp_path: Path) -> None:
    """4,000 layers share weights with groups of 15,001; the owner is found without looking at every layer."""
    text = (
        "input: [1, 8]\nlayers:\n  - sequence:\n      - relu:\n          \n        repeat: 15000\n      - prelu\n    name: a\n"
        "  - sequence: [prelu]\n    name: b\n    weights: a\n    repeat: 4000\n"
    )
    with ends_soon():
        net = loads(text)
    assert [node.params for node in net.nodes[15000:]] == [1] + [0] * 4000


def test_our_bound_applies_before_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    """libyaml 0.2.6 refuses a thousand brackets before it reports one; PyYAML without it refuses none."""
    for parser in {yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)}:
        monkeypatch.setattr("cnncalc.language.read.yaml_tree._Parser", parser)
        for text, place in (
            ("input: " + "[" * 5000, "1:71"),
            ("layers: &x [" + "{a: [" * 2000, "1:168"),
            ("x:\n" + "- " * 5000, "2:127"),
            ('input: ["' + "[" * 2000 + '", ' + "[" * 2000, "1:2075"),
        ):
            with pytest.raises(SpecError) as error:
                loads(text)
            assert error.value.faults[0].message == "nested deeper than 64"
            assert str(error.value.faults[0].origin) == f"<text>:{place}"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_bytes(bytes(range(256)) * 100)
    done = subprocess.run(
        [sys.executable, "-m", "cnncalc", "summary", "net.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("net.yaml:2: the byte 0x80 at offset 128 is not UTF-8")


DEEP = """
args: {depth: 1}
input: [4, 8, 8]
blocks:
  unit:
    args: {n}
    layers:
      - sequence:
          - add:
              paths: [[], [{sequence: [relu, {unit: {n: n - 1}, when: n > 1, repeat: 1}]}]]
layers:
  - unit: {n: depth}
"""


def test_blocks_may_be_nested_to_the_bound_with_anything_between_them() -> None:
    document = read_text(DEEP.encode(), "deep.yaml")
    assert len(document.build(None, {"depth": 64}).nodes) == 2 * 64
    with pytest.raises(CnncalcError, match="blocks are nested deeper than 64"):
        document.build(None, {"depth": 65})


def test_nesting_too_deep_for_python_is_a_fault() -> None:
    inner = "{unit: {n: n - 1}, when: n > 1, repeat: 1}"
    for _ in range(7):
        inner = f"{{add: {{paths: [[], [{{sequence: [relu, {inner}]}}]]}}}}"
    text = f"args: {{depth: 1}}\ninput: [4, 8, 8]\nblocks:\n  unit: {{args: {{n}}, layers: [{inner}]}}\nlayers:\n  - unit: {{n: depth}}\n"
    document = read_text(text.encode(), "deep.yaml")
    assert len(document.build(None, {"depth": 2}).nodes) == 2 * 2 * 7
    with pytest.raises(CnncalcError, match="blocks, sequences and paths are nested too deep"):
        document.build(None, {"depth": 60})
