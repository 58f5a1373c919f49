"""Named tuples that are quick to define, for classes that every start of the program defines.

:class:`typing.NamedTuple` compiles code for each class and for each annotation, which takes 60 to 200 µs; about twenty
of them were a thirtieth of a whole ``cnncalc summary``.  These take a tenth of that, and behave the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from operator import itemgetter

    _tuple = tuple.__new__

    class _Naming(type):
        """Turn the annotated names of a class into the names of its items, and their values into defaults."""

        def __new__(cls, name, bases, body):
            if bases != (tuple,) and NamedTuple in bases:
                fields = tuple(body["__annotations__"])
                body["__slots__"] = ()
                body["_fields"] = body["__match_args__"] = fields
                body["_count"] = len(fields)
                body["_field_defaults"] = defaults = {field: body[field] for field in fields if field in body}
                body["_tail"] = tuple(defaults.values())
                for index, field in enumerate(fields):
                    body[field] = property(itemgetter(index))
            return type.__new__(cls, name, bases, body)

    class NamedTuple(tuple, metaclass=_Naming):
        """A tuple whose items have names; a subclass annotates them."""

        __slots__ = ()

        def __new__(cls, *items, **named):
            """Take the items by position or name. Raises TypeError unless each is given once."""
            if named or len(items) != cls._count:
                items = cls._completed(items, named)
            return _tuple(cls, items)

        _make = classmethod(tuple.__new__)  # calling the class takes four times as long

        @classmethod
        def _completed(cls, items, named):
            absent = cls._count - len(items)
            if not named and 0 < absent <= len(cls._tail):
                return items + cls._tail[-absent:]
            missing = cls._fields[len(items) :]
            given = {**cls._field_defaults, **named}
            if len(items) > cls._count or not named.keys() <= {*missing} or not given.keys() >= {*missing}:
                raise TypeError(f"{cls.__name__} takes each of {', '.join(cls._fields)} once")
            return (*items, *[given[field] for field in missing])

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            return (
                f"{type(self).__name__}({', '.join([f'{name}={value!r}' for name, value in self._asdict().items()])})"
            )

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changed):
            items = list(self)
            for field, value in changed.items():
                items[self._fields.index(field)] = value
            return self._make(items)
