"""The parts of a script that are written anew for each model, and how parts are put together."""

from __future__ import annotations

import ast
import builtins
import sys
from typing import TYPE_CHECKING

from inferspeed_magic.optimized.recipe_names import bound_by, free_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inferspeed_magic.optimized.recipe_custom import Custom
    from inferspeed_magic.optimized.recipe_layers import Look
    from inferspeed_magic.sources.structure import Template


def load_text(kind: str, look: Look, custom: Custom, spare: str) -> str:
    """Write the function that reads the model.

    Args:
        kind: of the source.
        look: what the model's file tells.
        custom: the user's own classes.
        spare: name of the function that has classes rebuilt which refuse some arguments; empty if none has to be.
    """
    if kind == "saved_model":
        return function("load(path: Path) -> Any", "Read the SavedModel.", ["return tf.saved_model.load(str(path))"])
    library = "tf_keras.models" if kind == "tf_keras" else "keras.saving"
    options = "compile=False, safe_mode=False" if look.code or kind == "tf_keras" else "compile=False"
    body = _settings(kind)
    read = f"return {library}.load_model(str(path), {options})"
    if custom.names or custom.missing:
        body += ["missing = [name for name, thing in CUSTOM.items() if thing is None]", "if missing:"]
        body += ["    sys.exit(f\"import {', '.join(missing)} at the top of this file, and name them in CUSTOM\")"]
        if spare:
            body += ["for each in {*CUSTOM.values()}:", "    if isinstance(each, type):", f"        {spare}(each)"]
        scope = "tf_keras.saving" if kind == "tf_keras" else "keras.saving"
        body += [f"with {scope}.custom_object_scope(CUSTOM):", f"    {read}"]
    else:
        body.append(read)
    return function("load(path: Path) -> Any", "Read the model.", body)


def _settings(kind: str) -> list[str]:
    """Set what models depend on that their files do not hold, where it is not as usual."""
    keras = sys.modules.get("keras")
    if kind != "keras" or keras is None:
        return []
    lines = []
    if keras.config.floatx() != "float32":
        lines.append(f'keras.config.set_floatx("{keras.config.floatx()}")')
    if keras.config.image_data_format() != "channels_last":
        lines.append(f'keras.config.set_image_data_format("{keras.config.image_data_format()}")')
    return lines


def infer_text(kind: str, template: Template, names: list[str]) -> str:
    """Write the function that runs the model on arrays in flat order."""
    if kind == "saved_model":
        given = "{" + ", ".join(f"{name!r}: arrays[{position}]" for position, name in enumerate(names)) + "}"
        body = [
            'signature = model.signatures.get("serving_default") or next(iter(model.signatures.values()))',
            f"given = {given}".replace("'", '"'),
            "return tf.nest.flatten(signature(**{name: tf.convert_to_tensor(each) for name, each in given.items()}))",
        ]
    else:
        flatten = "keras.tree.flatten" if kind == "keras" else "tf.nest.flatten"
        body = [f"return {flatten}(model({nested(template)}, training=False))"]
    return function("infer(model: Any, arrays: Sequence[Any]) -> list[Any]", "Run the model in inference mode.", body)


def nested(template: Template) -> str:
    """Write the expression that arranges ``arrays`` as the model takes them."""
    if isinstance(template, int):
        return f"arrays[{template}]"
    if "dict" in template:
        return "{" + ", ".join(f"{quoted(key)}: {nested(each)}" for key, each in template["dict"].items()) + "}"
    if "tuple" in template:
        return "(" + "".join(f"{nested(each)}, " for each in template["tuple"]).rstrip() + ")"
    return "[" + ", ".join(nested(each) for each in template["list"]) + "]"


def quoted(text: str) -> str:
    """Write a string in double quotes, as people do."""
    plain = repr(text)
    return plain if '"' in text or "\\" in plain else f'"{plain[1:-1]}"'


def function(head: str, docstring: str, body: list[str]) -> str:
    """Write a function."""
    return "\n".join([f"def {head}:", f'    """{docstring}"""', *(f"    {line}" for line in body)])


def imports_text(statements: Iterable[str]) -> str:
    """Write imports in the usual order: the standard library's first, names from one module in one statement."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    for each in statements:
        if each.startswith("import "):
            plain.add(each)
        else:
            module, _, name = each.removeprefix("from ").partition(" import ")
            named.setdefault(module, set()).add(name)
    lines = [*sorted(plain, key=str.lower), *(_from(module, named[module]) for module in sorted(named))]
    groups = [[line for line in lines if _is_standard(line) == standard] for standard in (True, False)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _from(module: str, names: set[str]) -> str:
    line = f"from {module} import {', '.join(sorted(names))}"
    if len(line) <= 120:  # noqa: PLR2004  (columns)
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in sorted(names)) + ")"


def _is_standard(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def loose_annotations(script: str) -> list[str]:
    """Name the types that a script only speaks of and that are not in it."""
    statements = ast.parse(script).body
    known = set(dir(builtins)) | {name for each in statements for name in bound_by(each)}
    for each in statements:
        if isinstance(each, ast.Import | ast.ImportFrom):
            known |= {alias.asname or alias.name.partition(".")[0] for alias in each.names}
    used = [
        name
        for each in statements
        if not isinstance(each, ast.Import | ast.ImportFrom | ast.If)
        for name in free_names(each)
    ]
    return sorted({name.name for name in used if name.in_annotation} - known)
