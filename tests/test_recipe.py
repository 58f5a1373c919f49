"""The protocol that commands need of a file: a spec is a recipe, and its messages name arguments."""

from __future__ import annotations

import pickle

import pytest

import cnncalc
from cnncalc.ground.errors import CnncalcError
from cnncalc.language.document import About
from cnncalc.language.loading import read_text
from cnncalc.language.recipe import Recipe
from tests.commands import cnncalc as command

FAMILY = b"""name: family
year: 2015
source: a paper
args: {c: 4, kind: basic}
variants:
  wide: {args: {c: 8}, year: 2016}
  usual: {args: {c: 4}}
input: [3, 8, 8]
layers:
  - conv: {out_channels: c, kernel_size: 1}
"""


def test_a_spec_is_a_recipe() -> None:
    recipe: Recipe = read_text(FAMILY, "family.yaml")
    assert (recipe.name, recipe.path, recipe.text) == ("family", "family.yaml", FAMILY.decode())
    assert list(recipe.variants) == ["wide", "usual"]
    assert list(recipe.settings) == ["c", "kind"]
    assert recipe.members() == ["wide", "usual"]  # the usual variant is the document without changes
    assert recipe.about("wide") == About(2016, "a paper")
    assert recipe.about() == About(2015, "a paper")
    assert recipe.build("wide", {"c": 2}, {"": (1, 4, 4)}).nodes[0].shape == (2, 4, 4)


def test_a_recipe_is_made_again_elsewhere() -> None:
    again = pickle.loads(pickle.dumps(read_text(FAMILY, "family.yaml").reader()))()
    assert again.build("wide").nodes[0].shape == (8, 8, 8)


@pytest.mark.parametrize(
    ("arguments", "options", "python", "console"),
    [
        (
            {"widht": 3}, ["--set", "widht=3"],
            "widht: <text> has no argument 'widht'\n  hint: did you mean 'width'?",
            "--set widht: <stdin> has no argument 'widht'\n  hint: did you mean 'width'?\n",
        ),
        (
            {"width": "abc"}, ["--set", "width=abc"],
            "width: 'abc' is a text, but the spec has 4",
            "--set width: 'abc' is a text, but the spec has 4\n",
        ),
        (
            {"kind": 3}, ["--set", "kind=3"],
            "kind: 3 is no text, but the spec has 'basic'",
            "--set kind: 3 is no text, but the spec has 'basic'\n",
        ),
        (
            {"input": {"lefd": [1, 2]}}, ["--input", "lefd=1x2"],
            "lefd: <text> has no input 'lefd'\n  hint: did you mean 'left'?",
            "--input lefd: <stdin> has no input 'lefd'\n  hint: did you mean 'left'?\n",
        ),
        (
            {"input": [1, 2]}, ["--input", "1x2"],
            "input: the network has several inputs: left, right\n  hint: each shape needs the name of its input",
            "--input: the network has several inputs: left, right\n  hint: each shape needs the name of its input\n",
        ),
    ],
)  # fmt: skip
def test_an_argument_has_its_own_name_in_python_and_its_option_on_the_command_line(
    arguments: dict[str, object], options: list[str], python: str, console: str
) -> None:
    text = "args: {width: 4, kind: basic}\ninput: {left: [3, 8], right: [3, 8]}\nlayers:\n  - conv: {out_channels: width, kernel_size: 1}\n    from: left\n"
    with pytest.raises(CnncalcError) as error:
        cnncalc.loads(text, **arguments)  # type: ignore[arg-type]
    assert str(error.value) == python
    done = command("summary", "-", *options, stdin=text)
    assert (done.code, done.out, done.err) == (2, "", console)
