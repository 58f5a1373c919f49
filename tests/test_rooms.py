"""The order of the rooms: imports go down and never up, lazy ones included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cnncalc

PACKAGE = Path(cnncalc.__file__).parent

# From the ground to the roof; a room imports only rooms of earlier lines.
FLOORS = [
    {"ground"},
    {"layers"},
    {"nodes"},
    {"graph"},
    {"figures"},
    {"language"},
    {"execution", "importers", "deployment"},
    {"exporters"},
    {"studies"},
    {"drawing"},
    {"rendering"},
    {"network", "sweeps"},
    {"cli"},
    {"", "__main__"},
]
ROOF = {"cli", "", "__main__"}
"""The rooms that may import the public network; "" is the package itself."""


def room_of(module: str) -> str:
    """Return the room of a module or a name: ``cnncalc.layers.base`` is in layers."""
    room = [*module.split("."), ""][1]
    return room if any(room in rooms for rooms in FLOORS) else ""  # a public name of the package


def modules(package: Path) -> Iterator[tuple[str, Path]]:
    """Return the name and the path of every module of a package."""
    for path in sorted(package.rglob("*.py")):
        parts = ("cnncalc", *path.relative_to(package).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def imported(path: Path) -> list[str]:
    """Return the names that a file imports, within functions and for types, too."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{name.name}" for name in node.names]
    return found


def upward(package: Path) -> list[str]:
    """Return the imports that don't go down, as ``importer -> imported``."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    found = []
    for name, path in modules(package):
        here = room_of(name)
        for target in imported(path):
            there = room_of(target)
            if target.split(".")[0] != "cnncalc" or there == here:
                continue
            if floor[there] >= floor[here]:
                found.append(f"{name} -> {target}")
    return found


def circles(package: Path) -> list[list[str]]:
    """Return the groups of modules that import each other in a circle, each sorted; every import counts."""
    names = dict(modules(package))
    after: dict[str, set[str]] = {}
    for name, path in names.items():
        targets = imported(path)
        after[name] = {target if target in names else target.rpartition(".")[0] for target in targets} & names.keys()
    # Warshall 1962: a module that imports the middle one also imports all that the middle one imports
    for middle in names:
        for name in names:
            if middle in after[name]:
                after[name] |= after[middle]
    groups = {tuple(sorted({other for other in after[name] if name in after[other]})) for name in names}
    return sorted([list(group) for group in groups if len(group) > 1])


def questions_of_kind(package: Path) -> list[str]:
    """Return the places that ask what kind of recipe, a spec or a model file, they have been given, as file:line."""
    trees = [(path, ast.parse(path.read_text(encoding="utf-8"))) for _, path in modules(package)]
    nodes = [(path, node) for path, tree in trees for node in ast.walk(tree)]
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for _, node in nodes
        if isinstance(node, ast.ClassDef)
    }
    kinds = {name for name, own in bases.items() if "Recipe" in own}
    kinds.update(["Recipe"], *[bases[name] for name in kinds])  # a spec is also its other base, the document
    asked = []
    for path, node in nodes:
        known: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "type"):
            known = node.args[1:]
        elif isinstance(node, ast.MatchClass):
            known = [node.cls]
        elif isinstance(node, ast.Compare):
            known = node.comparators
        names = {getattr(part, "id", getattr(part, "attr", "")) for one in known for part in ast.walk(one)}
        if not kinds.isdisjoint(names):
            asked.append(f"{path.name}:{known[0].lineno}")
    return asked


def test_every_room_has_its_floor() -> None:
    known = set().union(*FLOORS)
    assert {name.split(".")[1] for name, _ in modules(PACKAGE) if name != "cnncalc"} <= known


def test_the_page_on_architecture_names_every_room_from_the_roof_to_the_ground() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = [
        line.split()[0].removesuffix("/").removesuffix(".py") for line in page.split("```")[1].splitlines() if line
    ]
    assert set(named) == set().union(*FLOORS) - {"", "__main__"}
    floors = [next(number for number, rooms in enumerate(FLOORS) if room in rooms) for room in named]
    assert floors == sorted(floors, reverse=True)


def test_imports_go_down() -> None:
    assert upward(PACKAGE) == []


def test_no_room_has_a_circle_of_files() -> None:
    assert circles(PACKAGE) == []


def test_only_the_roof_imports_the_public_network() -> None:
    seen = {
        room_of(name)
        for name, path in modules(PACKAGE)
        for target in imported(path)
        if target.startswith("cnncalc.network")
    }
    assert seen <= ROOF


def test_no_room_asks_what_kind_of_recipe_it_has() -> None:
    assert questions_of_kind(PACKAGE) == []


def test_these_tests_can_fail(tmp_path: Path) -> None:
    for room in ("graph", "layers", "figures", "cli"):
        (tmp_path / room).mkdir()
    (tmp_path / "graph" / "__init__.py").write_text(
        "def lazily():\n    from cnncalc.figures.summary import summarize\n"
    )
    (tmp_path / "layers" / "base.py").write_text("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import cnncalc.cli\n")
    (tmp_path / "layers" / "conv.py").write_text("from cnncalc import load\n")
    (tmp_path / "figures" / "a.py").write_text("from cnncalc.figures import b\n")
    (tmp_path / "figures" / "b.py").write_text("from cnncalc.figures.a import x\n")
    (tmp_path / "cli" / "summary.py").write_text("from cnncalc.figures.a import x\n")
    (tmp_path / "cli" / "one.py").write_text("def lazily():\n    from cnncalc.cli import two\n")
    (tmp_path / "cli" / "two.py").write_text("from cnncalc.cli.three import x\nfrom cnncalc.cli.summary import y\n")
    (tmp_path / "cli" / "three.py").write_text("if TYPE_CHECKING:\n    from cnncalc.cli.one import x\n")
    (tmp_path / "language").mkdir()
    (tmp_path / "language" / "kinds.py").write_text("class Spec(Document, Recipe): ...\nclass Other(Document): ...\n")
    (tmp_path / "cli" / "asks.py").write_text(
        "isinstance(recipe, loading.Spec)\nisinstance(recipe, (Other, Document))\ntype(recipe) is Recipe\n"
        "match recipe:\n    case Spec():\n        isinstance(recipe, Other)\n"
    )
    assert questions_of_kind(tmp_path) == ["asks.py:1", "asks.py:2", "asks.py:3", "asks.py:5"]
    assert upward(tmp_path) == [
        "cnncalc.graph -> cnncalc.figures.summary.summarize",
        "cnncalc.layers.base -> cnncalc.cli",
        "cnncalc.layers.conv -> cnncalc.load",
    ]
    assert circles(tmp_path) == [
        ["cnncalc.cli.one", "cnncalc.cli.three", "cnncalc.cli.two"],
        ["cnncalc.figures.a", "cnncalc.figures.b"],
    ]
