"""Who may import whom: the layout of the project, read from the source by ast."""

import ast
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "shanshui"
PACKAGE = "shanshui"

# Foundation modules: everyone may import them, and they import only each other.
FOUNDATION = {"errors", "events", "atomic", "together", "memory", "jsontext"}
# The command line sees everything: it is the one place where training meets evaluation.
FRONT = {"cli", "commands", "__init__", "__main__"}
ALLOWED: dict[str, set[str]] = {
    "images": set(),
    "networks": set(),
    "objectives": set(),
    "scenes": {"images"},
    "checkpoints": {"networks"},
    "training": {"scenes", "images", "networks", "objectives", "checkpoints"},
    "pipelines": {"images", "networks", "checkpoints"},
    "evaluation": {"images", "scenes"},
    "serving": {"pipelines", "networks", "checkpoints", "images"},
}
LONGEST_FILE = 350


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Dotted name inside the package: `scenes.dataset`, `images` (for its __init__), `__init__` for the top."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    return ".".join(parts)


def room_of(name: str) -> str:
    return name.split(".")[0]


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names inside the package that the file imports, wherever in the file the import stands."""
    package = path.relative_to(SOURCE.parent).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module or ""]))
            # `from shanshui.images import files` names a module; `from shanshui.errors import X` names a thing in one.
            names = [f"{module}.{alias.name}" for alias in node.names] if module == PACKAGE else [module]
        else:
            continue
        for name in names:
            if name.split(".")[0] == PACKAGE:
                yield name.removeprefix(PACKAGE).removeprefix(".") or "__init__"


def test_every_room_is_known() -> None:
    known = FOUNDATION | FRONT | set(ALLOWED) | {"recipes", "zoo"}
    assert {room_of(name_of(path)) for path in modules()} <= known


def test_imports_follow_the_table() -> None:
    offences = []
    for path in modules():
        room = room_of(name_of(path))
        if room in FRONT or room == "recipes":
            continue
        allowed = FOUNDATION if room in FOUNDATION else FOUNDATION | {room} | ALLOWED[room]
        offences += [
            f"{path.relative_to(SOURCE)} imports {target}"
            for target in imports_of(path)
            if room_of(target) not in allowed
        ]
    assert not offences


def test_recipes_are_made_of_configurations_only() -> None:
    """What recipes take from elsewhere are config dataclasses, never a network, a learner or a function."""
    for path in (SOURCE / "recipes").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
                module = import_module(node.module or "")
                if module.__name__.startswith(f"{PACKAGE}.recipes"):
                    continue
                for alias in node.names:
                    assert is_dataclass(getattr(module, alias.name)), f"{path.name} takes {alias.name}"


def test_rooms_do_not_import_in_circles() -> None:
    graph: dict[str, set[str]] = {}
    for path in modules():
        room = room_of(name_of(path))
        if room not in FRONT:
            graph.setdefault(room, set()).update(room_of(target) for target in imports_of(path))
    done: set[str] = set()

    def visit(room: str, trail: tuple[str, ...]) -> None:
        assert room not in trail, " -> ".join([*trail, room])
        if room not in done:
            for target in graph.get(room, set()) - {room}:
                visit(target, (*trail, room))
            done.add(room)

    for room in graph:
        visit(room, ())


def test_only_the_front_imports_the_front() -> None:
    for path in modules():
        if room_of(name_of(path)) not in FRONT:
            assert not {room_of(target) for target in imports_of(path)} & FRONT, path


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_file_is_taken_in_at_a_glance(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    assert not {"utils", "util", "helpers", "misc", "common"} & set(name_of(path).split("."))
