"""The faults of one reading or of one expansion, as they are found."""

from __future__ import annotations

from cnncalc.ground.errors import clipped
from cnncalc.ground.limits import MAX_FAULTS, MAX_WORK
from cnncalc.ground.places import Fault, Hint, Origin, SpecError, shown_hint


class Faults:
    """Collects faults; the search ends once there are far more than are shown.

    Attributes:
        found: the faults, in the order in which they were noted.
    """

    def __init__(self, each_place_once: bool = False) -> None:
        """Make an empty collection; with ``each_place_once`` a block's fault counts once, however often it is used."""
        self.found: list[Fault] = []
        self._places: set[Origin] | None = set() if each_place_once else None

    def note(self, origin: Origin, message: str, hint: Hint = None) -> None:
        """Note a fault.  Raises SpecError if there are ten times as many as are shown."""
        if self._places is not None:
            if origin in self._places:
                return
            self._places.add(origin)
        self.found.append(Fault(clipped(message), origin, shown_hint(hint, not self.are_many)))
        if len(self.found) >= MAX_FAULTS * 10:
            self.stop()

    @property
    def are_many(self) -> bool:
        """Whether further ones are not shown, so that their hints need not be found."""
        return len(self.found) >= MAX_FAULTS

    def stop(self) -> None:
        """Raise SpecError if a fault has been noted."""
        if self.found:
            raise SpecError(self.found)

    def refusal(self, origin: Origin, message: str) -> SpecError:
        """Return an error that ends the search at once, together with the faults found so far."""
        return SpecError([*self.found, Fault(message, origin)])

    def __bool__(self) -> bool:
        return bool(self.found)

    def __len__(self) -> int:
        return len(self.found)


def out_of_work(origin: Origin) -> Fault:
    """Return the fault of a spec whose expressions take too long."""
    return Fault(f"the expressions of the spec take more than {MAX_WORK:,} operations", origin)
