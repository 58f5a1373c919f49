"""The device and the bytes of arena, RAM and flash that a spec or a command line asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cnncalc.ground.errors import CnncalcError
from cnncalc.ground.quantities import parse_quantity

if TYPE_CHECKING:
    from cnncalc.deployment.parts import Part
    from cnncalc.deployment.view import Deployment, Device
    from cnncalc.ground.places import Origin
    from cnncalc.language.document import Stated

T = TypeVar("T")
Weighed = tuple[str, int]
Bound = tuple[int, "Origin | None"]
"""A bound on bytes, and its place if it is from a spec."""


class RequestedDevice(NamedTuple):
    """A requested device, by names and sizes; None for what is not given."""

    quant: str | None = None
    converter: str | None = None
    core: str | None = None
    board: str | None = None
    plan: str | None = None
    ram: int | None = None
    flash: int | None = None

    def over(self, section: Mapping[str, Stated]) -> RequestedDevice:
        """Return the request, completed from a spec's ``deploy`` section.

        Raises:
            CnncalcError: for a text that is not a size, or an unknown name, with its place.
        """
        found: dict[str, Any] = {key: value for key, value in self._asdict().items() if value is not None}
        for key, stated in [(key, section[key]) for key in self._fields if key in section]:
            if key in ("ram", "flash"):
                found.setdefault(key, spec_bytes(key, stated))
            else:
                named: dict[str, Any] = {key: stated.text}
                _placed(stated, RequestedDevice(**named).device)
                found.setdefault(key, stated.text)
        return RequestedDevice(**found)

    def device(self) -> Device:
        """Return the device. Raises CnncalcError for an unknown name."""
        from cnncalc.deployment.view import device

        return device(
            self.quant or "int8", self.core, self.board, self.converter or "tf2.21", self.plan or "greedy",
            self.ram, self.flash,
        )  # fmt: skip


def spec_bytes(key: str, stated: Stated) -> int:
    """Return the bytes in a spec. Raises CnncalcError if it is not a number of bytes."""
    return _placed(stated, partial(parse_quantity, stated.text, key, of_bytes=True))


def _placed(stated: Stated, read: Callable[[], T]) -> T:
    """Return what a function reads from a spec's text; its errors get the text's place."""
    try:
        return read()
    except CnncalcError as error:
        raise CnncalcError(f"{stated.origin}: {error.message}", error.hint) from None


def bounds(section: Mapping[str, Stated], given: Mapping[str, int], on: Device) -> dict[str, Bound]:
    """Return the bounds of ``arena`` and ``flash``: the given ones, else a spec's, else the device's sizes.

    Raises:
        CnncalcError: for a text that is not a size.
    """
    found: dict[str, Bound] = {}
    for name, limit in (("arena", on.ram), ("flash", on.flash)):
        stated = section.get(f"max_{name}")
        if name in given:
            found[name] = given[name], None
        elif stated is not None:
            found[name] = spec_bytes(f"max_{name}", stated), stated.origin
        elif limit is not None:
            found[name] = limit, None
    return found


class DeviceBytes(NamedTuple):
    """Bytes of a network on a device: of the planned arena, and of RAM and flash at most."""

    arena: int
    ram_max: int
    flash: int


def upper_ends(found: Deployment) -> DeviceBytes:
    """Return the upper ends of a deployed network, with its branches in the order that needs the largest arena, since
    the converter may run branches in another order than the spec.
    """
    from cnncalc.deployment.orders import other_arenas

    others = other_arenas(found) if found.device.plan == "greedy" else []
    arena = max([found.arena, *others])
    more = max(arena, found.planning) - max(found.arena, found.planning)
    return DeviceBytes(arena, found.ram_total[1] + more, found.flash_total[1])


def measured(found: Deployment) -> dict[str, tuple[int, list[Weighed]]]:
    """Return the upper ends of ``arena`` and ``flash``, each with its parts; activations with the step that needs most.
    What another order of branches adds to the arena is a separate part.
    """
    ends = upper_ends(found)
    parts = [_weighed(part, found) for part in found.ram]
    parts.append(("another order of branches", ends.ram_max - found.ram_total[1]))
    return {"arena": (ends.ram_max, parts), "flash": (ends.flash, [_weighed(part, found) for part in found.flash])}


def _weighed(part: Part, found: Deployment) -> Weighed:
    step = found.highest
    if part.name != "activations" or step.operator is None:
        return part.name, part.high
    return f"{part.name} at step {step.number}, {step.operator.code} of {step.operator.name},", part.high


def published(found: Deployment, what: str, value: object) -> tuple[bool, object]:
    """Return whether a network matches a published ``arena``, or may match a published ``flash``, and its figure."""
    if what == "arena":
        return found.arena == value, found.arena
    low, high = found.file_total
    return isinstance(value, (int, float)) and low <= value <= high, f"{low:,} to {high:,}"
