"""A sample of a grid without duplicates: the first places of a seeded permutation.

A Feistel network permutes the numbers below a power of four, and is applied again to numbers outside the grid (cycle
walking; Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). Each place of the sample can therefore be
computed separately, nothing is stored, and a smaller sample is the beginning of a larger one.
"""

from __future__ import annotations

from hashlib import blake2b, shake_128
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    Bits = TypeVar("Bits", int, npt.NDArray[Any])  # unsigned 64-bit integers

ROUNDS = 6
_64_BITS = (1 << 64) - 1


class Sample:
    """The first ``count`` numbers of a grid's places in an order that looks random."""

    def __init__(self, size: int, seed: int, count: int) -> None:
        """Permute the numbers below ``size``; the sample is the whole grid if it has at most ``count`` places."""
        self.size = size
        self.count = min(count, size)
        self._half = max(1, ((size - 1).bit_length() + 1) // 2)
        self._mask = (1 << self._half) - 1
        names = [f"{seed} {size} {number}".encode() for number in range(ROUNDS)]
        self._keys = [int.from_bytes(blake2b(name, digest_size=8).digest(), "little") for name in names]

    def numbers(self, start: int, stop: int) -> list[int]:
        """Return the numbers of some places of the sample."""
        if self._half <= 31 and stop - start >= 64:
            return self._columns(start, stop)
        return [self._walked(place) for place in range(start, stop)]

    def _walked(self, number: int) -> int:
        number = self._permuted(number)
        while number >= self.size:
            number = self._permuted(number)
        return number

    def _columns(self, start: int, stop: int) -> list[int]:
        """Apply :meth:`_walked` to each number, by NumPy."""
        import numpy as np

        with np.errstate(over="ignore"):
            numbers = self._permuted(np.arange(start, stop, dtype=np.uint64))
            while len(outside := np.flatnonzero(numbers >= self.size)):
                numbers[outside] = self._permuted(numbers[outside])
        columns: list[int] = numbers.tolist()
        return columns

    def _permuted(self, number: Bits) -> Bits:
        left, right = number >> self._half, number & self._mask
        for key in self._keys:
            mixed = _mixed(right ^ key) if self._half <= 31 else self._hashed(int(right), key)
            left, right = right, left ^ (mixed & self._mask)
        left <<= self._half
        left |= right
        return left

    def _hashed(self, number: int, key: int) -> int:
        """Return bits of a number of any size."""
        width = (self._half + 7) // 8
        digest = shake_128(key.to_bytes(8, "little") + number.to_bytes(width, "little")).digest(width)
        return int.from_bytes(digest, "little")


def _mixed(bits: Bits) -> Bits:
    """Mix 64 bits, of an integer or of a column (Steele, Lea and Flood 2014, "Fast splittable …", SplitMix64)."""
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _64_BITS
    bits ^= bits >> 31
    return bits
