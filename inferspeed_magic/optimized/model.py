"""A model that came out of ``optimize``: called like the Keras model that went in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError, OptionError
from inferspeed_magic.optimized.batches import in_batches
from inferspeed_magic.optimized.given import Inputs
from inferspeed_magic.optimized.session import LazySession, first_line
from inferspeed_magic.optimized.tensors import like
from inferspeed_magic.optimized.writing import write
from inferspeed_magic.sources.structure import pack

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import numpy as np

    from inferspeed_magic.optimized.package import Package

    Array = np.ndarray[Any, Any]

#: Samples at a time in ``predict`` where the model takes any number and nobody says: what Keras takes, too.
_PREDICT_BATCH = 32


class OptimizedModel:
    """An artifact on its runtime, in this process. Threads may share it; they take turns.

    ``fast(x)`` takes what the Keras model took and returns what it returned, in the same nesting. Indexes beyond an
    embedding's rows do what the runtime does with them, as in Keras.

    Args:
        package: what it takes to run it.
        feed: makes the flat inputs of the artifact from those of the whole model, where preprocessing layers that only
            Keras has were cut off.
        owner: kept as long as this model, since the artifact's folder goes with it.
        recipe: a plain Python script that makes the artifact, or what writes it when asked.
        session: opens the package; made from it where it is left out.
        notes: what whoever uses the model has to know, one sentence each.
    """

    def __init__(
        self,
        package: Package,
        *,
        feed: Callable[[list[Array]], list[Array]] | None = None,
        owner: object | None = None,
        recipe: Callable[[], str] | str | None = None,
        session: LazySession | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._package = package
        self._feed = feed
        self._owner = owner
        self._recipe = recipe
        self._session = session or LazySession(package)
        self._notes = notes
        self._inputs = Inputs(package)
        self._fixed = package.fixed_batch

    def __call__(self, x: Any, *, training: bool | None = False) -> Any:
        """Run the model on all samples at once; one after the other batch where the artifact takes so many at a time.

        Args:
            x: arrays, nested lists of numbers or tensors of TensorFlow, PyTorch or JAX, nested as Keras takes them.
            training: False, as in Keras.

        Returns:
            NumPy arrays, or tensors of the library whose tensors went in, nested as Keras returns them.

        Raises:
            InputError: if ``x`` does not fit; the line says what is expected.
            ModelError: if the model cannot be opened here, or fails.
        """
        if training:
            raise OptionError(f"`{self.name}` is for inference only: training=True needs the Keras model")
        arrays, tensor = self._inputs.flat(x)
        outputs = self._answer(arrays)
        return pack(self._package.output_template, outputs if tensor is None else [like(tensor, a) for a in outputs])

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = 0, steps: None = None, callbacks: None = None
    ) -> Any:
        """Run the model on all samples, batch by batch, as ``keras.Model.predict`` does.

        Args:
            x: arrays, nested lists of numbers or tensors, nested as Keras takes them.
            batch_size: samples at a time, 32 where left out; an artifact that was made for one batch size keeps to it.
            verbose: nothing is ever printed.
            steps: not supported.
            callbacks: not supported.

        Returns:
            NumPy arrays, nested as Keras returns them.

        Raises:
            InputError: if ``x`` does not fit; the line says what is expected.
            ModelError: if the model cannot be opened here, or fails.
            OptionError: for a ``batch_size`` that is no positive number, for ``steps`` and ``callbacks``.
        """
        del verbose
        if steps is not None or callbacks is not None:
            raise OptionError("predict of an optimized model has no steps and no callbacks: leave them out")
        if batch_size is not None and (type(batch_size) is not int or batch_size < 1):
            raise OptionError(f"batch_size is a whole number from 1 on, not {batch_size!r}")
        arrays, _ = self._inputs.flat(x)
        size = batch_size or _PREDICT_BATCH
        if self._fixed is not None:
            size = math.ceil(size / self._fixed) * self._fixed
        return pack(self._package.output_template, in_batches(self._answer, arrays, size, fixed=False))

    def _answer(self, arrays: list[Array]) -> list[Array]:
        if self._feed is not None:
            arrays = self._fed(self._feed, arrays)
        if self._fixed is None:
            return self._session.run(arrays)
        return in_batches(self._session.run, arrays, self._fixed, fixed=True)

    def _fed(self, feed: Callable[[list[Array]], list[Array]], arrays: list[Array]) -> list[Array]:
        try:
            return feed(arrays)
        except Exception as error:
            raise ModelError(f"the preprocessing layers of `{self.name}` failed: {first_line(error)}") from error

    def close(self) -> None:
        """Free the runtime's session; the next call opens it anew."""
        self._session.close()

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a folder that ``inferspeed_magic.load`` reads where only the runtime is installed.

        An earlier save there is replaced, all at once; any other folder that is not empty is left alone.

        Args:
            folder: to write; it holds the artifact, ``manifest.json`` and ``recipe.py`` where there is a recipe.

        Raises:
            OptionError: if the folder cannot be written (no space, read-only, other files in it); nothing is left over.
            ModelError: for a model that cannot run without Keras or without this process.
        """
        if self._feed is not None:
            raise ModelError(
                f"`{self.name}` cannot be saved: its preprocessing layers (text, lookups) run in Keras, outside of the "
                "artifact; save one that was made from the model without them"
            )
        self._session.verify()  # a file that was altered shall not get a hash that says it is right
        write(self._package, folder, self._recipe_or_none())

    def recipe(self) -> str:
        """Return a plain Python script that makes the same artifact with the libraries alone.

        Raises:
            OptionError: if there is none.
        """
        if self._recipe is None:
            raise OptionError(f"there is no recipe for `{self.name}`")
        return self._recipe if isinstance(self._recipe, str) else self._recipe()

    def _recipe_or_none(self) -> str | None:
        try:
            return self.recipe()
        except (ModelError, OptionError):
            return None

    @property
    def package(self) -> Package:
        """Everything that it takes to run it."""
        return self._package

    @property
    def name(self) -> str:
        """``model/runtime+technique[variant]``, as in the report."""
        return self._package.name

    @property
    def runtime(self) -> str:
        """Name of the runtime that it runs on."""
        return self._package.runtime

    @property
    def settings(self) -> dict[str, str]:
        """What was chosen for it: threads, and the settings of its technique and runtime."""
        return dict(self._package.settings)

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured when it was made."""
        return dict(self._package.facts)

    @property
    def size_mb(self) -> float:
        """Size of the artifact's files in MB (10^6 bytes)."""
        return self._package.size_mb()

    @property
    def notes(self) -> tuple[str, ...]:
        """What differs here from where it was made, one sentence each."""
        return (*self._notes, *self._session.notes)

    def __repr__(self) -> str:
        facts = [f"runs on {self.runtime}", *_size(self._package), *_measured(self._package.facts)]
        notes = "".join(f" Note: {note}." for note in self.notes)
        return f"<OptimizedModel {self.name}: {', '.join(facts)}.{notes} Call it like the Keras model.>"


def _size(package: Package) -> list[str]:
    try:
        return [f"{package.size_mb():.3g} MB"]
    except ModelError:
        return ["its files are gone"]


def _measured(facts: dict[str, Any]) -> list[str]:
    """Put what is known about speed and accuracy into words."""

    def number(key: str) -> float | None:
        value = facts.get(key)
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None

    found = []
    latency, speedup = number("p50_ms"), number("speedup")
    if latency is not None:
        found.append(f"p50 {latency:.3g} ms" + ("" if speedup is None else f" ({float(f'{speedup:.3g}'):,g}x faster)"))
    accuracy, drop = number("accuracy"), number("accuracy_drop")
    if accuracy is not None:
        name = facts.get("metric") or "accuracy"
        found.append(f"{name} {accuracy:.4g}" + ("" if drop is None else f" (drop {drop:.2g})"))
    return found
