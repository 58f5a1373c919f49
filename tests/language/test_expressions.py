"""Expressions: their syntax, their values, and refusals."""

from __future__ import annotations

import ast
import contextlib
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.ground.limits import MAX_INTEGER
from cnncalc.ground.values import Value
from cnncalc.language.expressions.arithmetic import make_divisible
from cnncalc.language.expressions.budget import Budget
from cnncalc.language.expressions.compile import bind, compile_expression, compile_loop
from cnncalc.language.expressions.whitelist import ExpressionError

NAMES: dict[str, Any] = {"a": 3, "b": 4.5, "rows": ((1, 2), (3, 4)), "kind": "basic", "flag": True, "empty": None}


def value(text: str, **names: Any) -> Any:
    return compile_expression(text, {**NAMES, **names})({**NAMES, **names}, Budget())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("7 // 2 - -1", 4),
        ("7 / 2", 3.5),
        ("2 ** 10 % 1000", 24),
        ("a * 4 if flag else 0", 12),
        ("kind == 'basic' and not flag", False),
        ("kind in ['basic', 'bottleneck']", True),
        ("1 < a <= 3", True),
        ("rows[1][0]", 3),
        ("rows[-1]", (3, 4)),
        ("len(rows) + sum(rows[0])", 5),
        ("max(a, 7, 2) - min(rows[0])", 6),
        ("ceil(b) + floor(b) + round(2.6) + int(b)", 16),
        ("zip(range(2), [5, 6])", ((0, 5), (1, 6))),
        ("[a, a + 1] + [9]", (3, 4, 9)),
        ("[0] * 3", (0, 0, 0)),
        ("empty is null", True),
        ("true and False == false", True),
        ("1e3", 1000.0),
        ("2014 - 10 - 11", 1993),
        ("len('a#b')", 3),
        ("round(2.567, 2)", 2.57),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lambda: 1", "a lambda is not allowed in an expression"),
        ("[x for x in rows]", "a comprehension is not allowed in an expression"),
        ("{1: 2}", "a dictionary is not allowed in an expression"),
        ("(x := 3)", "an assignment is not allowed in an expression"),
        ("f'{a}'", "an f-string is not allowed in an expression"),
        ("a.real", "an attribute (a dot) is not allowed in an expression"),
        ("open('x')", "unknown function 'open'"),
        ("rows[0](1)", "only named functions can be called"),
        ("max(*rows)", "max() takes only positional arguments"),
        ("make_divisible(8, divisor=4)", "make_divisible() takes only positional arguments"),
        ("a << 62", "the operator in 'a << 62' is not allowed in an expression"),
        ("~a", "the operator ~ is not allowed in an expression"),
        ("nosuch + 1", "unknown name 'nosuch'"),
        ("max", "unknown name 'max'"),
        ("b'x'", "'b'x'' has a constant of a kind that specs don't support"),
        ("1j", "'1j' has a constant of a kind that specs don't support"),
        ("a +", "'a +' is not an expression"),
    ],
)
def test_syntax_beyond_the_whitelist_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression(text, NAMES)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a // 0", "'a // 0' divides by zero"),
        ("make_divisible(0)", "'make_divisible(0)' can't be computed: make_divisible rounds positive numbers"),
        ("make_divisible(24, 0)", "'make_divisible(24, 0)' can't be computed: make_divisible rounds positive numbers"),
        ("rows[5]", "'rows[5]': the index is outside the list"),
        ("kind * 2", "'kind * 2' can't be computed: a number is needed, not a string"),
        ("kind + 1", "'kind + 1' can't be computed: a number is needed, not a string"),
        ("(-8) ** 0.5", "'(-8) ** 0.5' can't be computed: the result is not a real number"),
        ("1e308 * 10", "'1e308 * 10' can't be computed: the result is not a finite number"),
        ("ceil(1e300)", "'ceil(1e300)' can't be computed: the result is larger than 9,007,199,254,740,992"),
        ("2 ** 60", "'2 ** 60' can't be computed: the result is larger than 9,007,199,254,740,992"),
    ],
)
def test_expressions_that_fail_are_reported(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        value(text)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(32 * 0.75, 24), (24 * 0.35, 8), (16 * 1.4, 24), (8.0, 8), (12, 16), (11, 16), (3, 8)],
)  # by hand from TF-slim's rule: the nearest multiple of 8, or the next one if that is below 90 %
def test_make_divisible(channels: float, expected: int) -> None:
    assert make_divisible(channels) == expected


def test_a_loop_binds_nested_names() -> None:
    target, names, rows = compile_loop("i, (c, n) in zip(range(2), rows)", NAMES)
    assert names == ["i", "c", "n"]
    assert [bind(target, row) for row in cast("tuple[Value, ...]", rows(NAMES, Budget()))] == [
        {"i": 0, "c": 1, "n": 2},
        {"i": 1, "c": 3, "n": 4},
    ]


def test_names_that_an_expression_reads() -> None:
    assert compile_expression("a if kind == 'x' else rows[0]", NAMES).names == {"a", "kind", "rows"}


numbers = st.integers(-9, 9)
terms = st.recursive(
    st.one_of(numbers.map(str), st.sampled_from(["a", "b"])),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "<", "==", "and", "or"]), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=8,
)


@given(text=terms, a=numbers, b=numbers)
def test_expressions_mean_what_python_means(text: str, a: int, b: int) -> None:
    """The closures give the values of Python's own evaluation of the same syntax tree."""
    try:
        expected = eval(compile(ast.parse(text, mode="eval"), "", "eval"), {"__builtins__": {}}, {"a": a, "b": b})
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="divides by zero"):
            compile_expression(text, {"a", "b"})({"a": a, "b": b}, Budget())
        return
    assert abs(expected) <= MAX_INTEGER
    assert compile_expression(text, {"a", "b"})({"a": a, "b": b}, Budget()) == expected


@given(st.text(max_size=40))
def test_no_text_breaks_the_compiler(text: str) -> None:
    with contextlib.suppress(ExpressionError):  # any other exception is a bug
        assert compile_expression(text, NAMES).text == text.strip()
        compile_expression(text, NAMES)(NAMES, Budget())
