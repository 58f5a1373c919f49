"""Traced numbers: the recorded program gives the right result for every other number, or reports that it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnncalc.ground.numeric import as_float, below, larger, settled, smaller, whole
from cnncalc.language.expressions.arithmetic import FUNCTIONS, add, bounded, multiply, power
from cnncalc.studies.sweep.program import Program
from cnncalc.studies.sweep.tape import Tape
from cnncalc.studies.sweep.traced import Traced, source

Function = Callable[[Any, Any], Any]
CALLED: dict[str, Callable[..., Any]] = {**FUNCTIONS, "add": add, "multiply": multiply}

# every function of two numbers, as rules and specs use them
FUNCTIONS_OF_TWO: dict[str, Function] = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: 3 - a - b + 2,
    "product": lambda a, b: a * b * 3,
    "quotient": lambda a, b: a / b,
    "inverse": lambda a, b: 1 / a + b,
    "floor": lambda a, b: a // b,
    "of a plain one": lambda a, b: 100 // a + b,
    "remainder": lambda a, b: a % b,
    "divmod": lambda a, b: sum(divmod(a, b)),
    "exact": lambda a, b: (16 * a + 8 * b) // 8 + (16 * a) % 8,
    "a multiple": lambda a, b: (6 * a + 6 * b) // (2 * a + 2 * b),
    "square": lambda a, b: a**2 + b**3,
    "power": lambda a, b: power(a, 0.5) if a > 0 else b,
    "negative": lambda a, b: -a + abs(b) + (+a),
    "whole": lambda a, b: whole(a * 1.5) + math.floor(b / 2) + math.ceil(a / 3) + round(b * 0.5),
    "digits": lambda a, b: round(a / 7, 2) + b,
    "as float": lambda a, b: as_float(a) * 0.1 + as_float(b),
    "larger": lambda a, b: larger(a, b) - smaller(a, 7) + larger(3, b),
    "below": lambda a, b: below(a, b) + below(b, 2.5),
    "settled": lambda a, b: settled(a) if settled(a) is settled(1) else b,
    "a branch": lambda a, b: a if a > b else b * 2,
    "a chain": lambda a, b: 1 if 2 < a <= b else 0,
    "equal": lambda a, b: 5 if a == b or a != 3 else a,
    "truth": lambda a, b: b if a - b else 7,
    "a range": lambda a, b: sum(range(int(abs(a)) % 9)) + b,
    "a text": lambda a, b: len(f"{a:,}") + b,
    "min and max": lambda a, b: CALLED["max"](a, b, 3) + CALLED["min"]((a, b)),
    "make_divisible": lambda a, b: CALLED["make_divisible"](larger(abs(a), 1) * 1.3, 8),
    "bounded": lambda a, b: bounded(CALLED["add"](CALLED["multiply"](a, b), 1)),
    "int": lambda a, b: CALLED["int"](a * 0.75) + CALLED["round"](b / 3, 1),
    "bits": lambda a, b: (int(a)).bit_length() + b,
}
INTEGERS = st.integers(-20, 60)
LARGE = st.integers(-(2**70), 2**70)
REALS = st.floats(-50, 50, allow_nan=False)


def outcome(function: Function, a: Any, b: Any) -> Any:
    """Return the value, or the type of the error."""
    try:
        return function(a, b)
    except (ArithmeticError, ValueError, TypeError) as error:
        return type(error)


def same(one: Any, other: Any) -> bool:
    """Return whether two results are the same number of the same type."""
    return type(one) is type(other) and (one == other or (one != one and other != other))


@pytest.mark.parametrize("name", FUNCTIONS_OF_TWO)
@pytest.mark.parametrize(
    ("firsts", "seconds"),
    [(INTEGERS, INTEGERS), (INTEGERS, REALS), (REALS, INTEGERS), (REALS, REALS), (LARGE, LARGE)],
)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_program_gives_pythons_results(name: str, firsts: Any, seconds: Any, data: st.DataObject) -> None:
    function = FUNCTIONS_OF_TWO[name]
    pairs = data.draw(st.lists(st.tuples(firsts, seconds), min_size=1, max_size=12))
    columns = [np.array(values, object) for values in zip(*pairs, strict=True)]
    tape = Tape()
    traced = [source(tape, (at,), values[0], (min(values), max(values))) for at, values in enumerate(columns)]
    result = outcome(function, *traced)
    if isinstance(result, type) and not isinstance(result, (int, float)):
        # calculations that can't be traced are run one by one
        assert result in (outcome(function, *pairs[0]), TypeError)
        return
    fits, (found,) = Program(tape, [result]).play(lambda key: columns[key[0]], len(pairs))
    assert fits[0], "the place that was traced is not held"
    values = found.tolist() if isinstance(found, np.ndarray) else [found] * int(fits.sum())
    for pair, value in zip((pair for pair, held in zip(pairs, fits, strict=True) if held), values, strict=True):
        assert same(value, outcome(function, *pair)), (pair, value)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_text_of_zero_is_not_traced(zero: float) -> None:
    """In Python ``f"{-0.0}"`` is "-0.0", but -0.0 == 0.0: a tape would give one text for both."""
    number = source(Tape(), (0,), zero, (-0.0, 0.0))
    with pytest.raises(TypeError, match="the sign of 0"):
        f"{number}"
    with pytest.raises(TypeError, match="the sign of 0"):
        repr(number)


def test_operations_that_are_not_recorded_pin_their_numbers() -> None:
    tape = Tape()
    number = source(tape, (0,), 3, (1, 9))
    assert isinstance(number, int)
    assert not isinstance(number, (bool, float))
    assert len(range(number)) == 3
    fits, _ = Program(tape, []).play(lambda key: np.arange(1, 10), 9)
    assert fits.tolist() == [value == 3 for value in range(1, 10)]


def test_intervals_make_guards_needless() -> None:
    tape = Tape()
    number = source(tape, (0,), 3, (1, 9))
    assert number > 0
    assert not number * 2 + 1 < number  # bounds of the difference, which is at least 2
    assert number - number == 0
    assert tape.guards == {}
    assert number > 2
    assert len(tape.guards) == 1


def test_a_traced_number_is_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(source(Tape(), (0,), 3, (1, 9)))


def test_sums_fold_into_one_entry() -> None:
    tape = Tape()
    number = source(tape, (0,), 64, (1, 512))
    total = sum([9 * number + 5 for _ in range(1000)])
    assert type(total) is Traced
    assert (total.terms, total.constant) == ({0: 9000}, 5000)


@pytest.mark.parametrize("choose", [larger, smaller])
def test_of_equal_numbers_the_first_is_taken(choose: Function) -> None:
    """In Python ``max(3, 3.0)`` is 3, and ``max(3.0, 3)`` is 3.0."""
    for first, second in ((3, 3.0), (3.0, 3)):
        for traced in (0, 1):
            pair: list[Any] = [first, second]
            pair[traced] = source(Tape(), (0,), pair[traced], (1, 9))
            found = choose(*pair)
            assert isinstance(found, float) is isinstance(first, float)
