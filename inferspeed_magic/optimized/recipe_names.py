"""Which names a piece of Python code takes from outside of itself, and where they stand in it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Name:
    """A name at a place.

    Attributes:
        name: as it is written.
        line, column: of its first character; lines from 1, columns in bytes from 0.
        in_annotation: whether it only says of which type something is.
    """

    name: str
    line: int
    column: int
    in_annotation: bool = False


def free_names(statement: ast.stmt) -> tuple[Name, ...]:
    """List every name in a definition at module level that is the module's, its own among them.

    Names that functions import count as the module's; those that are assigned inside of functions or classes do not.
    """
    finder = _Finder()
    finder.visit(statement)
    own = bound_by(statement)
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        offset = len("def " if isinstance(statement, ast.FunctionDef) else "class ")
        finder.found.append(Name(own[0], statement.lineno, statement.col_offset + offset))
    return tuple(finder.found)


def bound_by(statement: ast.stmt) -> tuple[str, ...]:
    """Name what a statement at module level defines; nothing for imports and conditions."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return (statement.name,)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return tuple(each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


class _Finder(ast.NodeVisitor):
    """Walks through scopes; knows what is local in those around."""

    def __init__(self) -> None:
        self.found: list[Name] = []
        self._locals: list[set[str]] = []
        self._in_annotation = False
        self._in_class = 0

    def visit_Name(self, node: ast.Name) -> None:
        if any(node.id in scope for scope in self._locals):
            return
        if self._in_class and not self._locals and not isinstance(node.ctx, ast.Load):
            return  # an attribute of the class
        self.found.append(Name(node.id, node.lineno, node.col_offset, self._in_annotation))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for each in [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(each)
        for argument in _arguments(node.args):
            self._annotation(argument.annotation)
        self._annotation(node.returns)
        self._locals.append({each.arg for each in _arguments(node.args)} | set(_assigned(node.body)))
        for statement in node.body:
            self.visit(statement)
        self._locals.pop()

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for each in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(each)
        self._locals.append({each.arg for each in _arguments(node.args)})
        self.visit(node.body)
        self._locals.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(each)
        self._in_class += 1
        for statement in node.body:
            self.visit(statement)
        self._in_class -= 1

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotation(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        targets = [part for each in node.generators for part in ast.walk(each.target)]
        self._locals.append({each.id for each in targets if isinstance(each, ast.Name)})
        self.generic_visit(node)
        self._locals.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815

    def _annotation(self, node: ast.expr | None) -> None:
        if node is not None:
            before, self._in_annotation = self._in_annotation, True
            self.visit(node)
            self._in_annotation = before


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def _assigned(body: list[ast.stmt]) -> Iterator[str]:
    """Name what a function assigns, without looking into the functions, classes and comprehensions inside of it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        if not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            waiting.extend(ast.iter_child_nodes(node))
