"""Which models a magic line means: names, expressions, files, or what the cell assigned."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import InputError, ModelError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SUFFIXES = (".keras", ".h5", ".hdf5", ".onnx", ".tflite")


def models_in(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Keras models by name; names with a leading underscore are IPython's or meant to be private."""
    from inferspeed_magic.sources import is_model

    return {name: value for name, value in list(namespace.items()) if not name.startswith("_") and is_model(value)}


def assigned(before: Mapping[str, Any], after: Mapping[str, Any], order: Iterable[str]) -> dict[str, Any]:
    """Pick the models that a cell assigned, each once, under its first name.

    Args:
        before: models by name, before the cell ran.
        after: models by name, after it.
        order: names that the cell's text binds. They count even if the object is the same as before; other names
            (bound by ``%run``, or through ``global``) count if the object is another one, and come last.
    """
    written = [name for name in order if name in after]
    changed = [name for name, model in after.items() if before.get(name) is not model and name not in written]
    found: dict[str, Any] = {}
    for name in written + changed:
        if not any(model is after[name] for model in found.values()):
            found[name] = after[name]
    return found


def named(names: Iterable[str], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Look up what the line names; files come back as paths, under their stem.

    Raises:
        ModelError: for a name that is neither a model nor a file.
    """
    found: dict[str, Any] = {}
    for name in names:
        source = _resolve(name, namespace)
        found[_free_name(source, found) if isinstance(source, Path) else name] = source
    return found


def evaluate(expression: str, namespace: Mapping[str, Any], option: str) -> Any:
    """Evaluate the value of an option, such as ``--input``.

    Raises:
        InputError: if it cannot be evaluated.
    """
    try:
        return _evaluate(expression, namespace)
    except SyntaxError:
        raise InputError(f"{option} {expression} is no Python expression; give the name of a variable") from None
    except NameError as error:
        mend = _did_you_mean(error.name or expression, [name for name in namespace if not name.startswith("_")])
        raise InputError(f"{option} {expression}: {error}; {mend or 'assign it first'}") from None
    except Exception as error:  # whatever the user's own expression raises
        raise InputError(f"{option} {expression}: {_one_line(error)}") from error


def _resolve(name: str, namespace: Mapping[str, Any]) -> Any:
    from inferspeed_magic.sources import is_model

    path = _path(name)
    if name not in namespace and path is not None and path.exists():
        return path
    try:
        value = _evaluate(name, namespace)
    except Exception as error:  # noqa: BLE001  # not a model, whatever the reason: the mend is the same
        if path is not None:
            return path  # no such file; the workflow says so as it does for scripts
        raise _no_model(name, namespace, error) from None
    if is_model(value):
        return value
    if isinstance(value, (str, Path)):
        return Path(value).expanduser()
    raise ModelError(f"{name} is {kind(value)}, not a Keras model; {_mend(name, namespace)}")


def _path(name: str) -> Path | None:
    """Read a name as a path, if it is one: it exists, or ends as a file of a model does."""
    try:
        path = Path(name).expanduser()
        return path if path.suffix.lower() in SUFFIXES or path.exists() else None
    except (OSError, RuntimeError):  # a long expression, or ~somebody
        return None


def _evaluate(expression: str, namespace: Mapping[str, Any]) -> Any:
    # The user's own text in the user's own notebook; a copy, because eval adds __builtins__ to what it is given.
    return eval(expression, dict(namespace))  # noqa: S307


def _no_model(name: str, namespace: Mapping[str, Any], error: Exception) -> UserError:
    if isinstance(error, (SyntaxError, NameError)):
        return ModelError(f"there is no variable and no file called {name!r}; {_mend(name, namespace)}")
    return ModelError(f"{name}: {_one_line(error)}; {_mend(name, namespace)}")


def _mend(name: str, namespace: Mapping[str, Any]) -> str:
    models = list(models_in(namespace))
    if not models:
        return "no variable holds a Keras model yet, so assign one, or give the path of a file"
    return _did_you_mean(name, models) or f"models here: {', '.join(models[:10])}"


def _did_you_mean(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else ""


def _free_name(path: Path, taken: Mapping[str, Any]) -> str:
    """Name a file by its stem; where that is taken, with its suffix, and then with a number."""
    full = path.name or path.resolve().name
    stem = Path(full).stem if Path(full).suffix.lower() in SUFFIXES else full
    number = 2
    name = stem if stem not in taken else full
    while name in taken:
        name = f"{stem}_{number}"
        number += 1
    return name


def kind(value: Any) -> str:
    """Say what an object is: ``a dict``, ``an int``."""
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
