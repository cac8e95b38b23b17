"""Copy functions out of this package into one script, with everything they need and nothing else.

Definitions are taken from the source of their modules: those that a script asks for, those that these refer to, and so
on. Imports of this package disappear, since what they name is in the script as well; all others move to its top. Where
two modules have the same name for different things, the later one's gets the module's name behind it.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from inferspeed_magic.optimized.recipe_names import bound_by, free_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OURS = "inferspeed_magic"
#: Imported where they are used: scripts for other backends have to run without them.
_OPTIONAL = {"torch", "jax"}
_NOTHING: Mapping[str, str] = MappingProxyType({})
_REMARKS = re.compile(r"  # (?:noqa|type: ignore)\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Bundle:
    """Parts of a script.

    Attributes:
        imports: one statement each, those of the standard library and of others, sorted.
        sections: module and the text of its definitions, dependencies first.
        names: what each thing asked for is called in the script.
    """

    imports: tuple[str, ...]
    sections: tuple[tuple[str, str], ...]
    names: Mapping[str, str]


@dataclass
class _Module:
    name: str
    lines: list[bytes]
    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)


def bundle(
    asked: Sequence[str], instead: Mapping[str, str], taken: Sequence[str] = (), imported: Mapping[str, str] = _NOTHING
) -> Bundle:
    """Collect definitions and what they need.

    Args:
        asked: ``module:name``.
        instead: what stands in for some definitions: another ``module:name``, or a bare name that the script has.
        taken: names that the script has already.
        imported: statements of imports that it has, by the names that they bind.

    Raises:
        LookupError: for something that is no definition of its module.
    """
    return _Bundler(instead, taken, imported).collect(asked)


class _Bundler:
    def __init__(self, instead: Mapping[str, str], taken: Sequence[str], imported: Mapping[str, str]) -> None:
        self._instead = instead
        self._modules: dict[str, _Module] = {}
        self._found: dict[str, set[str]] = {}  # of each module, dependencies first
        self._names: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._used = {*taken, *imported}
        self._imports: dict[str, str] = dict(imported)

    def collect(self, asked: Sequence[str]) -> Bundle:
        for each in asked:
            self._find(self._real(each))
        order = [name for name in self._finished(asked) if self._found.get(name)]
        for module in order:
            for name in sorted(self._found[module], key=lambda name: self._modules[module].definitions[name].lineno):
                self._name(module, name)
        for module in order:
            self._note_imports(self._modules[module])
        sections = tuple((module, self._text(self._modules[module])) for module in order if self._found[module])
        names = {each: self._names.get(self._real(each), self._real(each)) for each in asked}
        return Bundle(tuple(sorted(self._imports.values(), key=_order)), sections, names)

    def _real(self, reference: str) -> str:
        while reference in self._instead:
            reference = self._instead[reference]
        return reference

    def _find(self, reference: str) -> None:
        """Take a definition and everything it refers to."""
        module_name, colon, name = reference.partition(":")
        if not colon:  # the script's own
            return
        module = self._modules.get(module_name) or self._read(module_name)
        if name not in module.definitions:
            if name not in module.ours:
                raise LookupError(f"{reference} is no definition")
            self._find(self._real(module.ours[name]))
            return
        found = self._found.setdefault(module_name, set())
        statement = module.definitions[name]
        if name in found:
            return
        found.update(bound_by(statement))
        for used in free_names(statement):
            target = self._target(module, used.name)
            if target is not None and (not used.in_annotation or target.partition(":")[0] == module_name):
                self._find(target)

    def _target(self, module: _Module, name: str) -> str | None:
        """Say what a name means in a module: a definition of this package's, or None for anything else."""
        if name in module.definitions:
            return self._real(f"{module.name}:{name}")
        return self._real(module.ours[name]) if name in module.ours else None

    def _finished(self, asked: Sequence[str]) -> list[str]:
        """Order modules so that each comes after those it needs."""
        order: list[str] = []
        seen: set[str] = set()

        def visit(module_name: str) -> None:
            if module_name in seen or module_name not in self._found:
                return
            seen.add(module_name)
            module = self._modules[module_name]
            for name in sorted(self._found[module_name]):
                for used in free_names(module.definitions[name]):
                    target = self._target(module, used.name)
                    if target is not None:
                        visit(target.partition(":")[0])
            order.append(module_name)

        for each in [*asked, *self._found]:
            visit(self._real(each).partition(":")[0])
        return order

    def _name(self, module: str, name: str) -> None:
        """Choose what a definition is called in the script; values that modules define alike are there once."""
        statement = self._modules[module].definitions[name]
        value = ast.unparse(statement) if isinstance(statement, ast.Assign) else ""
        if value and self._values.get(value):
            self._names[f"{module}:{name}"] = self._values[value]
            self._found[module].discard(name)
            return
        chosen = name
        if chosen in self._used:
            chosen = f"{name}_{module.rpartition('.')[2]}"
        while chosen in self._used:
            chosen += "_"
        self._used.add(chosen)
        self._names[f"{module}:{name}"] = self._values[value] = chosen

    def _read(self, name: str) -> _Module:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise LookupError(f"{name} has no source")
        source = Path(spec.origin).read_bytes()
        module = self._modules[name] = _Module(name, source.splitlines())
        tree = ast.parse(source)
        for statement in [*tree.body, *(each for part in tree.body if _is_typing(part) for each in _body(part))]:
            module.definitions.update(dict.fromkeys(bound_by(statement), statement))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                _note(module, node)
        return module

    def _note_imports(self, module: _Module) -> None:
        """Move imports to the top of the script, as far as what is left of the module needs them."""
        for name in sorted(self._found[module.name]):
            for used in free_names(module.definitions[name]):
                statement = module.imports.get(used.name)
                free = used.name not in self._used and self._target(module, used.name) is None
                if statement and free:
                    self._imports.setdefault(used.name, statement)

    def _text(self, module: _Module) -> str:
        statements = {id(each): each for name, each in module.definitions.items() if name in self._found[module.name]}
        ordered = sorted(statements.values(), key=lambda each: each.lineno)
        parts = [(each, self._definition(module, each)) for each in ordered]
        text = ""
        for number, (statement, part) in enumerate(parts):
            simple = isinstance(statement, ast.Assign | ast.AnnAssign)
            close = number and simple and isinstance(parts[number - 1][0], ast.Assign | ast.AnnAssign)
            text += ("" if not number else "\n" if close else "\n\n\n") + part
        return text

    def _definition(self, module: _Module, statement: ast.stmt) -> str:
        first, last = _extent(module, statement), statement.end_lineno or statement.lineno
        edits: list[tuple[int, int, int, str]] = []
        for used in free_names(statement):
            target = self._target(module, used.name)
            new = self._names.get(target, target if ":" not in target else None) if target else None
            if new is not None and new != used.name:
                edits.append((used.line, used.column, used.column + len(used.name.encode()), new))
        removed = {
            line
            for each in ast.walk(statement)
            if isinstance(each, ast.Import | ast.ImportFrom) and self._disappears(statement, each)
            for line in range(each.lineno, (each.end_lineno or each.lineno) + 1)
        }
        lines = {number: module.lines[number - 1] for number in range(first, last + 1)}
        for line, start, end, new in sorted(edits, reverse=True):
            lines[line] = lines[line][:start] + new.encode() + lines[line][end:]
        removed |= _gaps(lines, removed)
        kept = [lines[number].decode() for number in sorted(lines) if number not in removed]
        return textwrap.dedent(_REMARKS.sub("", "\n".join(kept)))  # what is for types stands in a condition

    def _disappears(self, statement: ast.stmt, imported: ast.Import | ast.ImportFrom) -> bool:
        if isinstance(imported, ast.ImportFrom) and (imported.module or "").partition(".")[0] == _OURS:
            return True
        at_top = any(imported in getattr(each, "body", []) for each in ast.walk(statement) if _is_function(each))
        return at_top and all(
            self._imports.get(alias.asname or alias.name.partition(".")[0]) == _statement(imported, alias)
            for alias in imported.names
        )


def _note(module: _Module, statement: ast.Import | ast.ImportFrom) -> None:
    place = statement.module or "" if isinstance(statement, ast.ImportFrom) else statement.names[0].name
    root = place.partition(".")[0]
    for alias in statement.names:
        name = alias.asname or alias.name.partition(".")[0]
        if root == _OURS and isinstance(statement, ast.ImportFrom):
            module.ours[name] = f"{statement.module}:{alias.name}"
        elif root != "__future__" and root not in _OPTIONAL:
            module.imports.setdefault(name, _statement(statement, alias))


def _statement(imported: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    renamed = f" as {alias.asname}" if alias.asname else ""
    if isinstance(imported, ast.ImportFrom):
        return f"from {imported.module} import {alias.name}{renamed}"
    return f"import {alias.name}{renamed}"


def _extent(module: _Module, statement: ast.stmt) -> int:
    """Give the first line of a definition, decorators and comments above it included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(each.lineno for each in decorators)])
    while first > 1 and module.lines[first - 2].startswith(b"#"):
        first -= 1
    return first


def _gaps(lines: Mapping[int, bytes], removed: set[int]) -> set[int]:
    """Find the blank lines that would be left behind imports at the beginning of a function, or doubled."""
    found: set[int] = set()
    for number in sorted(removed):
        after = number + 1
        before = number - 1
        while before in removed | found:
            before -= 1
        head = lines.get(before, b"").rstrip()
        if after in removed or not (head == b"" or head.endswith((b":", b'"""'))):
            continue
        while after in lines and not lines[after].strip():
            found.add(after)
            after += 1
        if head and lines.get(after, b"").lstrip().startswith((b"def ", b"class ", b"@")):
            found.discard(after - 1)
    return found


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _is_typing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")


def _body(statement: ast.stmt) -> list[ast.stmt]:
    return statement.body if isinstance(statement, ast.If) else []


def _order(statement: str) -> tuple[int, str]:
    root = statement.split()[1].partition(".")[0]
    return (0 if root in sys.stdlib_module_names else 1, statement)
