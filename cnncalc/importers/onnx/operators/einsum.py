"""Einstein sums."""

from __future__ import annotations

from cnncalc.importers.onnx.builder import Builder, operator
from cnncalc.importers.onnx.values import Call, UnfitError, Value, alias


@operator("Einsum")
def _einsum(build: Builder, call: Call) -> Value:
    values = [call.input(i) for i in range(len(call.inputs))]
    left, _, out = call.text("equation").replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(values):
        raise UnfitError(f"{len(terms)} terms, but {len(values)} inputs")
    if "->" not in call.text("equation"):
        letters = left.replace(",", "").replace(".", "")
        out = ("..." if "..." in left else "") + "".join(sorted(i for i in set(letters) if letters.count(i) == 1))
    terms, out = _without_ellipsis(terms, out, values)
    for term, value in zip(terms, values, strict=True):
        if len(term) != value.rank:
            raise UnfitError(f"'{term}' has {len(term)} letters, but an input {value.rank} axes")
    while len(terms) > 2:  # two at a time from the left, as NumPy does it
        kept = {*out, *"".join(terms[2:])}
        between = "".join(dict.fromkeys([letter for letter in terms[0] + terms[1] if letter in kept]))
        values = [_summed(build, terms[:2], values[:2], between), *values[2:]]
        terms = [between, *terms[2:]]
    return _summed(build, terms, values, out)


def _summed(build: Builder, terms: list[str], values: list[Value], out: str) -> Value:
    """Return the sum of products of one or two tensors over the letters that are not in ``out``.

    Raises:
        UnfitError: if the batch is summed, or stands on different letters.
    """
    batch = {term[value.axis] for term, value in zip(terms, values, strict=True) if value.axis is not None}
    if len(batch) > 1:
        raise UnfitError("the batch has different letters in its terms")
    contracts = len(terms) == 2 and bool(set(terms[0]) & set(terms[1]) - set(out))
    if not any(value.is_live for value in values) and not contracts:
        sizes = dict(zip("".join(terms), [size for value in values for size in value.shape], strict=True))
        return Value("", tuple([sizes[letter] for letter in out]))
    letter = batch.pop() if batch else ""
    if letter and letter not in out:
        raise UnfitError("it sums over the batch")
    live, own = [], []
    for term, value in zip(terms, values, strict=True):
        shape = value.shape
        if letter in term and value.axis is None and letter:
            at = term.index(letter)
            if shape[at] != 1:
                raise UnfitError(f"an input without a batch has {shape[at]} on the axis of the batch")
            shape = (*shape[:at], *shape[at + 1 :])
        own.append(term.replace(letter, "") if letter else term)
        live.append(build.view(value, shape, value.axis) if value.is_live else build.parameter(value, shape))
    axis = out.index(letter) if letter else None
    equation = ",".join(own) + "->" + (out.replace(letter, "") if letter else out)
    y = build.step("einsum", live, axis, equation=equation)
    return y if equation.partition("->")[2] else alias(y, (), axis)


def _without_ellipsis(terms: list[str], out: str, values: list[Value]) -> tuple[list[str], str]:
    """Return the terms and the output of an equation with letters in place of each ellipsis."""
    if "..." not in "".join(terms):
        return terms, out
    free = [letter for letter in "ABCDEFGHIJKLMNOP" if letter not in "".join(terms)]
    spelled, longest = [], ""
    for term, value in zip(terms, values, strict=True):
        letters = "".join(free[: value.rank - len(term.replace("...", ""))])
        longest = max(longest, letters, key=len)
        spelled.append(term.replace("...", letters))
    return spelled, out.replace("...", longest)
