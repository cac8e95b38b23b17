"""Run the user's cell as it stands, and tell which names it assigned."""

from __future__ import annotations

import ast
import asyncio
import io
import tokenize
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import InferspeedError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class CellFailedError(InferspeedError):
    """The cell failed. Its own traceback has been shown, so this one is a single line."""

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a stack of our internals."""
        return [str(self)]


def run(shell: Any, cell: str, verb: str) -> None:
    """Run a cell in the user's namespace, exactly as written.

    Args:
        shell: the user's IPython shell.
        cell: its text.
        verb: what was to follow, ``profile`` or ``optimize``.

    Raises:
        CellFailedError: if the cell failed, so that Run All stops there.
        UserError: if the cell awaits something where that cannot be done.
    """
    source = _transformed(shell, cell)
    if _loop_is_running() and shell.should_run_async(cell, transformed_cell=source):
        raise UserError(f"the cell awaits outside a function, which only a plain cell can; {verb} in the next cell")
    # The shell keeps one result at a time: the inner run would leave the outer one without its value.
    outer = shell.displayhook.exec_result
    try:
        # IPython looks for the ; that hushes the last expression in the outer cell, where it is no longer at the end.
        result = shell.run_cell(cell, store_history=False, silent=_hushed(source))
    finally:
        shell.displayhook.exec_result = outer
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        what = "was interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        # With the cell's own frames, %debug lands where the cell failed and not in ours.
        done = f"{verb.removesuffix('e')}ed"
        raise CellFailedError(f"the cell {what}, nothing was {done}").with_traceback(error.__traceback__) from None


def _transformed(shell: Any, cell: str) -> str:
    """Turn magics into Python."""
    try:
        return str(shell.transform_cell(cell))
    except SyntaxError:  # running it will show what is wrong
        return cell


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _hushed(source: str) -> bool:
    """Tell whether the last token is a ``;``."""
    beside = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    try:
        tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in beside]
    except (tokenize.TokenError, SyntaxError):
        return False
    return bool(tokens) and tokens[-1].string == ";"


def assigned_names(shell: Any, cell: str) -> list[str]:
    """Names that a cell binds at its top level, in the order of its text; none where it is no Python.

    Names of functions and classes are not among them.
    """
    return list(dict.fromkeys(_bound(_tree(shell, cell))))


def function_names(shell: Any, cell: str) -> list[str]:
    """Names of the functions that a cell defines outermost, known before it has run."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [statement.name for statement in _tree(shell, cell).body if isinstance(statement, kinds)]


def _tree(shell: Any, cell: str) -> ast.Module:
    try:
        return ast.parse(_transformed(shell, cell))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _bound(node: ast.AST, *, nested: bool = False) -> Iterator[str]:
    """Walk in the order of the text, past functions and classes: what they bind is theirs."""
    if isinstance(node, _SCOPES):
        return
    if isinstance(node, ast.NamedExpr):
        yield node.target.id  # binds outside a comprehension even if written inside
        yield from _bound(node.value, nested=nested)
        return
    if isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not nested:
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from _bound(child, nested=nested or isinstance(node, _COMPREHENSIONS))
