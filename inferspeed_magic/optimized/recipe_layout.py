"""The script as a whole: what it says of itself, its constants, the story of ``make`` and ``main``, and the rest."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferspeed_magic.formats.naming import input_name
from inferspeed_magic.formats.routes import words
from inferspeed_magic.optimized.recipe_parts import PARTS
from inferspeed_magic.optimized.recipe_steps import file_of
from inferspeed_magic.optimized.recipe_text import function, imports_text, loose_annotations, quoted
from inferspeed_magic.version import __version__

if TYPE_CHECKING:
    from inferspeed_magic.formats.routes import Route
    from inferspeed_magic.optimized.recipe_bundle import Bundle
    from inferspeed_magic.optimized.recipe_custom import Custom
    from inferspeed_magic.optimized.recipe_steps import Call
    from inferspeed_magic.records.signature import TensorSpec
    from inferspeed_magic.runtimes.base import Lowering

_LIBRARIES = (
    *("tensorflow", "keras", "tf-keras", "torch", "onnx", "tf2onnx", "onnxruntime", "openvino", "nncf"),
    *("ai-edge-litert", "ai-edge-quantizer", "numpy"),
)
_ALWAYS = ("import argparse", "import os", "import sys", "from pathlib import Path", "from typing import Any")


@dataclass(frozen=True)
class Layout:
    """Everything about an artifact that its script says.

    Attributes:
        name, kind, route, runtime, lowering, batch_in_file, inputs: as ``recipe`` takes them.
        kept: files that it starts from: the model, samples for calibration, a batch with answers.
        custom: the user's own classes.
        steps: calls that make the artifact.
        run: name of the function that runs it.
        first: name of a function that is called before anything else; empty for none.
        lesson: folder with what the model is trained with, and the hash of its files; None where nothing is.
        hashing: name of the function that makes this hash; empty where nothing is trained.
    """

    name: str
    kind: str
    route: Route
    runtime: str
    lowering: Lowering
    batch_in_file: str | None
    inputs: tuple[TensorSpec, ...]
    kept: tuple[str, str | None, str | None]
    custom: Custom
    steps: tuple[Call, ...]
    run: str
    first: str
    lesson: tuple[str, str] | None = None
    hashing: str = ""

    def script(self, found: Bundle, pieces: list[str]) -> str:
        """Put the text together.

        Args:
            found: what was copied.
            pieces: functions that were written for this model.
        """
        plain = [text for module, text in found.sections if module.startswith(PARTS)]
        carried = [(module, text) for module, text in found.sections if not module.startswith(PARTS)]
        own = [text for text in self.custom.definitions.values() if text]
        story = [*own, *self._custom(), *pieces, *plain, self._make(found), self._main()]
        body = "\n\n\n".join([*story, *_carried(carried)])
        body = f'{body}\n\n\nif __name__ == "__main__":\n    main()\n'
        statements = [*_ALWAYS, *found.imports, *self.custom.imports.values(), *self._imports(body)]
        backend = next((step.backend for step in self.route if step.backend != "tensorflow"), "tensorflow")
        imports = imports_text(each for each in statements if each != "import os")
        head = [
            self._docstring(f"{imports}\n{body}"),
            "from __future__ import annotations",
            "import os",
            f'os.environ["KERAS_BACKEND"] = "{backend}"\nos.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")',
            imports,
            self._constants(body),
        ]
        script = "\n\n".join(head) + "\n\n\n" + body
        loose = loose_annotations(script)
        return script.replace(_MARK, "".join(f"\n{name} = Any" for name in loose))

    def _docstring(self, text: str) -> str:
        size = self.lowering.batch_size
        batch = "batches of any size" if self.batch_in_file == "dynamic" else f"batches of {size}"
        lines = [
            f'"""Make {_harmless(self.name)} from the {_KINDS[self.kind]}, and run it.',
            "",
            f"Route: {words(self.route)}.",
            f"Runs on: {self.runtime}, {self.lowering.threads} threads, {batch}.",
            "",
            "    python recipe.py [model] [calibration.npz] [folder to write]",
            "",
            *_filled(f"Made with {', '.join(_versions(text))}."),
            f"Written by inferspeed-magic {__version__}, which it does without.",
            '"""',
        ]
        missing = [f"# It needs {name} of {module}: import it below." for name, module in self.custom.missing.items()]
        return "\n".join([*lines, *missing])

    def _imports(self, body: str) -> list[str]:
        """Import what the functions need that were written for this model."""
        needed = {
            "keras.saving": "import keras",
            "keras.tree": "import keras",
            "tf_keras.models": "import tf_keras",
            "tf.": "import tensorflow as tf",
            "tempfile.": "import tempfile",
            "Sequence[": "from collections.abc import Sequence",
            "shutil.": "import shutil",
        }
        return sorted({statement for word, statement in needed.items() if _mentions(body, word)})

    def _constants(self, body: str) -> str:
        model, calibration, expected = self.kept
        lines = [
            "#: What is taken unless something else is given.",
            f"MODEL = Path({quoted(model)})",
            f"CALIBRATION = {f'Path({quoted(calibration)})' if calibration and self._calibrated else 'None'}",
            *self._taught(),
            "#: A batch of inputs with the model's answers.",
            f"EXPECTED = {f'Path({quoted(expected)})' if expected else 'None'}",
            "#: Inputs, without the batch, in the order of the model.",
            "INPUTS: list[dict[str, Any]] = [",
            *(
                f'    {{"name": {quoted(each.name)}, "shape": {list(each.shape)}, "dtype": {quoted(each.dtype)}}},'
                for each in self.inputs
            ),
            "]",
        ]
        if _mentions(body, "NAMES"):
            names = [quoted(input_name(position, each.name)) for position, each in enumerate(self.inputs)]
            lines += ["#: What they are called in files: converters that sort them by name keep the order."]
            lines += [f"NAMES = [{', '.join(names)}]"]
        lines += [f"BATCH_SIZE = {self.lowering.batch_size}", f"THREADS = {self.lowering.threads}"]
        if _mentions(body, "LIBRARY"):
            lines.append(f'LIBRARY = "{self.kind}"')
        if _mentions(body, "STATE"):
            lines.append("STATE: dict[str, Any] = {}")
        lines.append(_MARK)
        return "\n".join(lines).replace(f"\n{_MARK}", _MARK)

    def _taught(self) -> list[str]:
        if self.lesson is None:
            return []
        about = "#: What to train with: arrays as .npy files, and the rest in two files beside them."
        folder, digest = self.lesson
        return [about, f"LESSON = Path({quoted(folder)})", f"LESSON_SHA256 = {quoted(digest)}"]

    @property
    def _calibrated(self) -> bool:
        return any(step.calibrated for step in self.route)

    def _custom(self) -> list[str]:
        """Name the user's own classes as Keras looks for them."""
        if not self.custom.names and not self.custom.missing:
            return []
        entries = self.custom.names | dict.fromkeys(self.custom.missing, "None")
        lines = [f"    {quoted(name)}: {thing}," for name, thing in entries.items()]
        return ["\n".join(["#: What is not Keras's own.", "CUSTOM: dict[str, Any] = {", *lines, "}"])]

    def _make(self, found: Bundle) -> str:
        file = file_of(self.route)
        head = "make(model_file: Path, calibration: Path | None, folder: Path) -> Path"
        if file is None:
            return function(head, "Nothing has to be made: the runtime opens the model itself.", ["return model_file"])
        lines = [each.line(found.names[each.function]) for each in self.steps]
        if any("work /" in line for line in lines):
            lines = [
                "with tempfile.TemporaryDirectory() as temporary:",
                "    work = Path(temporary)",
                *(f"    {line}" for line in lines),
            ]
        body = [
            "folder.mkdir(parents=True, exist_ok=True)",
            f"made = folder / {quoted(file)}",
            "if made.exists() and made.samefile(model_file):",
            '    sys.exit(f"{made} is the model itself: give another folder to write")',
            *lines,
            "return made",
        ]
        return function(head, f"Go the way from the model to {file}.", body)

    def _main(self) -> str:
        batch = "batch of {BATCH_SIZE}"
        body = [
            'parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\\n")[0])',
            'parser.add_argument("model", nargs="?", type=Path, default=MODEL)',
            'parser.add_argument("calibration", nargs="?", type=Path, default=CALIBRATION)',
            'parser.add_argument("folder", nargs="?", type=Path, default=Path("made"))',
            "given = parser.parse_args()",
            *self._demands(),
            *([f"{self.first}()"] if self.first else []),
            "made = make(given.model, given.calibration, given.folder)",
            'print(f"made {made}")',
            "inputs, expected = example(EXPECTED)",
            f"outputs = {self.run}(made, inputs)",
            f'print(f"{self.runtime}, {{THREADS}} threads, {batch}: outputs", *(each.shape for each in outputs))',
            "if expected and given.model == MODEL:",
            '    print(f"relative error against the original: {relative_error(outputs, expected):.1e}")',
        ]
        return function("main() -> None", "Make the artifact, run it, and compare it with the original.", body)

    def _demands(self) -> list[str]:
        lines = [
            "if not given.model.exists():",
            '    sys.exit(f"there is no model at {given.model}: give its file as the first argument")',
        ]
        if self.lesson is not None:
            lines += [
                f"if {self.hashing}(LESSON) != LESSON_SHA256:",
                '    sys.exit(f"what to train with is gone from {LESSON}, or was changed: ask for the recipe again")',
            ]
        if self._calibrated:
            lines += [
                "if given.calibration is None or not given.calibration.exists():",
                '    sys.exit(f"there are no samples at {given.calibration}: give an .npz with arr_0 ... for inputs")',
            ]
        return lines


_KINDS = {
    "keras": "Keras model",
    "tf_keras": "tf_keras model",
    "saved_model": "SavedModel",
    "onnx": "ONNX file",
    "litert": "LiteRT file",
}
#: Where names of types go that are only spoken of.
_MARK = "\n# (types)"


def _mentions(body: str, word: str) -> bool:
    """Whether the word stands in the text where a name begins."""
    return re.search(rf"(?<![\w.]){re.escape(word)}", body) is not None


def _harmless(name: str) -> str:
    """Take out of a name what would end a docstring."""
    return re.sub(r'["\\]', "'", name)


def _versions(text: str) -> list[str]:
    """Name the libraries that are imported, with the versions that are installed here."""
    versions = []
    for name in _LIBRARIES:
        if re.search(rf"^ *(?:import|from) {name.replace('-', '_')}\b", text, re.MULTILINE):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                versions.append(f"{name} {importlib.metadata.version(name)}")
    return versions


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)


def _carried(sections: list[tuple[str, str]]) -> list[str]:
    """Write what was copied from this package under headings that say so."""
    if not sections:
        return []
    line = "# " + "-" * 98
    about = f"# From here on: parts of inferspeed-magic {__version__} (Apache-2.0), for what libraries alone get wrong."
    head = f"{line}\n{about}\n{line}"
    written = []
    for module, text in sections:
        says = (importlib.import_module(module).__doc__ or "").strip().splitlines()[0]
        written.append(f"# {module.partition('.')[2]}: {says}\n\n\n{text}")
    return [head, *written]
