"""A user's own classes and functions, as text for a script: with what they refer to, as far as that can be told."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from inferspeed_magic.optimized.recipe_names import free_names

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONSTANTS = (int, float, str, bytes, bool, type(None))


@dataclass
class Custom:
    """What a script needs for them.

    Attributes:
        imports: statements, by the names that they bind.
        definitions: texts, by name; those that others need first.
        missing: names of things whose source cannot be had.
        names: the expressions that stand for what Keras looks up, by the name that it looks for.
    """

    imports: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def write_custom(things: Mapping[str, Any]) -> Custom:
    """Write classes and functions, by the names that Keras knows them by."""
    custom = Custom()
    for name, thing in things.items():
        own = getattr(thing, "__name__", "")
        if _add(custom, own, thing):
            custom.names[name] = own
    return custom


def _add(custom: Custom, name: str, thing: Any) -> bool:
    """Add a thing under the name that it is referred to by; False if that cannot be done."""
    if name in {*custom.imports, *custom.definitions}:
        return True
    module = getattr(thing, "__module__", None)
    if isinstance(thing, ModuleType):
        parent, _, last = thing.__name__.rpartition(".")
        plain = f"import {thing.__name__}" + ("" if thing.__name__ == name else f" as {name}")
        custom.imports[name] = f"from {parent} import {name}" if parent and last == name else plain
        return True
    if isinstance(thing, _CONSTANTS) or (isinstance(thing, tuple) and all(isinstance(x, _CONSTANTS) for x in thing)):
        custom.definitions[name] = f"{name} = {thing!r}"
        return True
    if module and _is_installed(module) and _leads_to(module, getattr(thing, "__name__", name), thing):
        renamed = "" if thing.__name__ == name else f" as {name}"
        custom.imports[name] = f"from {module} import {thing.__name__}{renamed}"
        return True
    text = source_text(thing) if isinstance(thing, type | FunctionType) and thing.__name__ == name else None
    if text is None or not _add_needed(custom, name, thing, text):
        custom.missing[name] = module or "?"
        return False
    custom.definitions.pop(name, None)
    custom.definitions[name] = text
    return True


def _add_needed(custom: Custom, name: str, thing: Any, text: str) -> bool:
    """Add what a definition refers to."""
    known = _globals(thing)
    custom.definitions[name] = ""  # what refers to itself is found
    (statement,) = ast.parse(text).body
    for used in free_names(statement):
        if used.name == name or hasattr(builtins, used.name) or used.name in {"__class__", "__name__"}:
            continue
        if used.name not in known:
            if used.in_annotation:
                continue
            return False
        if not _add(custom, used.name, known[used.name]) and not used.in_annotation:
            return False
    return True


def _globals(thing: Any) -> dict[str, Any]:
    """Return what the names in a definition mean, those of functions around it included."""
    known = dict(vars(sys.modules.get(thing.__module__, ModuleType("none"))))
    functions = [thing] if isinstance(thing, FunctionType) else list(_methods(thing))
    for function in functions:
        known |= function.__globals__
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                known[variable] = cell.cell_contents
            except ValueError:  # not yet assigned
                continue
    return known


def _methods(kind: type) -> list[FunctionType]:
    values = [getattr(each, "__func__", each) for each in vars(kind).values() if not isinstance(each, type)]
    values = [inspect.unwrap(each) for each in values if callable(each)]
    return [each for each in values if isinstance(each, FunctionType) and each.__module__ == kind.__module__]


def source_text(thing: Any) -> str | None:
    """Return the text of a class or function; notebooks keep that of their cells."""
    try:
        return textwrap.dedent(inspect.getsource(thing)).strip()
    except (OSError, TypeError):
        pass
    if not isinstance(thing, type):
        return None
    for method in _methods(thing):
        lines = linecache.getlines(method.__code__.co_filename)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == thing.__name__:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                return textwrap.dedent("".join(lines[first - 1 : node.end_lineno])).strip()
    return None


def _is_installed(module: str) -> bool:
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root in {"keras", "tf_keras", "tensorflow", "numpy"}:
        return root != "__main__"
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" in Path(file).parts or "dist-packages" in Path(file).parts


def _leads_to(module: str, name: str, thing: Any) -> bool:
    return getattr(sys.modules.get(module), name, None) is thing
