"""``cnncalc.ground.named``: its named tuples behave like those of ``typing``."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import typing
from typing import Any

import pytest

from cnncalc.ground import named


class Usual(typing.NamedTuple):
    x: int
    index: str  # type: ignore[assignment]  # a name that tuples have, too
    z: tuple[int, ...] = ()

    def doubled(self) -> int:
        return 2 * self.x


class Quick(named.NamedTuple):
    x: int
    index: str  # type: ignore[assignment]
    z: tuple[int, ...] = ()

    def doubled(self) -> int:
        return 2 * self.x


class Further(Quick):
    """A subclass with an additional attribute."""


BOTH = pytest.mark.parametrize("made", [Usual, Quick])


@BOTH
def test_items_have_names_and_places(made: Any) -> None:
    value = made(1, "a", (2,))
    assert (value.x, value.index, value.z) == tuple(value) == value == (1, "a", (2,))
    assert value.doubled() == 2
    assert {value: 3}[1, "a", (2,)] == 3
    assert made(z=(2,), x=1, index="a") == value
    assert made(1, index="a") == (1, "a", ())
    assert repr(value) == f"{made.__name__}(x=1, index='a', z=(2,))"
    assert value._asdict() == {"x": 1, "index": "a", "z": (2,)}
    assert made._make([1, "a", (2,)]) == value
    assert made._fields == ("x", "index", "z")
    changed = value._replace(index="b")
    assert changed == (1, "b", (2,))
    assert type(changed) is made
    match changed:
        case made(1, name):
            assert name == "b"


@BOTH
@pytest.mark.parametrize("copied", [lambda value: pickle.loads(pickle.dumps(value)), copy.copy, copy.deepcopy])
def test_copies_are_equal_and_of_the_same_class(made: Any, copied: Any) -> None:
    value = copied(made(1, "a"))
    assert value == (1, "a", ())
    assert type(value) is made


@BOTH
def test_items_can_be_neither_changed_nor_added(made: Any) -> None:
    value = made(1, "a")
    for name in ("x", "unknown"):
        with pytest.raises(AttributeError):
            setattr(value, name, 2)


@BOTH
@pytest.mark.parametrize(
    ("items", "named"),
    [((), {}), ((1,), {}), ((1, "a", (), 4), {}), ((1,), {"x": 1, "index": "a"}), ((1, "a"), {"w": 1})],
)
def test_each_item_is_given_once(made: Any, items: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=made.__name__):
        made(*items, **named)


def test_a_subclass_may_remember_more() -> None:
    value = Further(1, "a")
    value.more = 2  # type: ignore[attr-defined]
    assert value == Quick(1, "a")
    assert value._fields == Quick._fields


def test_modules_of_every_start_define_no_slow_ones() -> None:
    code = (
        "import sys; from cnncalc.__main__ import main; sys.argv = ['cnncalc', 'summary', 'resnet50', '--format=json'];"
        "main(); import cnncalc.ground.named as named;"
        "print([f'{m}.{n}' for m, module in sorted(sys.modules.items()) if m.startswith('cnncalc')"
        " for n, value in vars(module).items() if hasattr(value, '_fields') and type(value) is type], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
