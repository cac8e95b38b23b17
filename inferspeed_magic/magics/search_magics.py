"""What the magics share that search for a faster version of a model: the functions of the cell, and the search."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import ModelError, ProfileInterrupted, UserError
from inferspeed_magic.magics import cell as user_cell
from inferspeed_magic.magics import cell_functions, models
from inferspeed_magic.magics.metric import metric
from inferspeed_magic.magics.model_magics import ModelMagics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inferspeed_magic.magics.optimize_options import OptimizeOptions


class SearchMagics(ModelMagics):
    """A magic that optimizes a model as its line and its cell say."""

    def search(
        self,
        parse: Callable[[str], OptimizeOptions],
        line: str,
        cell: str | None,
        local_ns: Mapping[str, Any] | None,
    ) -> Any:
        """Read the line, run the cell, search, and give the report.

        Args:
            parse: reads the line.
            line: of the magic.
            cell: its text; None for the line form.
            local_ns: variables of the function that the magic is called in.

        Raises:
            UsageError: for the user's mistakes, in one line.
            ProfileInterrupted: with what was found until then, which is shown and kept.
        """
        from IPython.core.error import UsageError

        try:
            options = parse(line)
            found, functions = self._run_and_look(options, cell, local_ns or {})
            space = self.namespace(local_ns)
            data = None if options.data is None else models.evaluate(options.data, space, "--data")
            train = None if options.train is None else models.evaluate(options.train, space, "--train")
            measure = None if options.metric is None else metric(options.metric, space)
            report = _optimize(found, options, (data, train), measure, functions)
        except UserError as error:
            raise UsageError(str(error)) from error
        except ProfileInterrupted as interruption:
            self.keep(interruption.report)
            self._assign(interruption.report, options)
            raise
        self._assign(report, options)
        return report

    def check_text(self, cell: str) -> None:
        """Refuse a cell that cannot do, by its text, before it runs for an hour."""

    def check_functions(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        """Refuse what a cell defined, or did not define."""

    def _run_and_look(
        self, options: OptimizeOptions, cell: str | None, local_ns: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run the cell, if there is one; find the model, and the functions that the cell defines."""
        names = () if options.name is None else (options.name,)
        if cell is None:
            return self.run_and_find(names, None, local_ns), {}
        # The cell may train for an hour: what its text shows is said before.
        cell_functions.refuse_metric(options.metric, user_cell.function_names(self.shell, cell))
        self.check_text(cell)
        before = cell_functions.present(self.shell.user_ns)
        found = self.run_and_find(names, cell, local_ns)
        if len(found) > 1:
            example = f"%%{self.magic} {next(iter(found))}"
            raise ModelError(f"one model at a time: the cell assigns {', '.join(found)}; name one, as in {example}")
        after = cell_functions.present(self.shell.user_ns)
        functions = cell_functions.defined(before, after, user_cell.assigned_names(self.shell, cell))
        cell_functions.refuse_metric(options.metric, functions)
        cell_functions.check(functions)
        self.check_functions(functions)
        return found, cell_functions.arguments(functions)

    def _assign(self, report: Any, options: OptimizeOptions) -> None:
        """Give the best model its name, or say that there is none."""
        if options.into is None:
            return
        best = report.best
        if best is not None:
            self.shell.push({options.into: best})
            return
        kept = "keeps its value" if options.into in self.shell.user_ns else "is not assigned"
        mend = "the report's pick(name) gives any candidate of its table"
        sys.stdout.write(f"nothing met the goal, so {options.into} {kept}; {mend}\n")


def _optimize(
    found: dict[str, Any],
    options: OptimizeOptions,
    samples: tuple[Any, Any],
    measure: Any,
    functions: Mapping[str, Any],
) -> Any:
    from inferspeed_magic.workflow import optimize

    data, train = samples
    distilling: dict[str, Any] = {"features": dict(options.features)} if options.features else {}
    if options.temperature is not None:
        distilling["temperature"] = options.temperature
    return optimize(
        found,
        data,
        train=train,
        epochs=options.epochs,
        metric=measure,
        max_accuracy_drop=options.max_drop,
        target=options.target,
        batch_size=options.batch_size,
        device=options.device,
        threads=options.threads,
        budget_s=options.budget_s,
        techniques=None if options.techniques is None else list(options.techniques),
        runtimes=None if options.runtimes is None else list(options.runtimes),
        exclude=options.exclude,
        max_size_mb=options.max_size_mb,
        max_memory_mb=options.max_memory_mb,
        input_shapes=None if options.input_shapes is None else list(options.input_shapes),
        seed=options.seed,
        progress=not options.quiet,
        **distilling,
        **functions,
    )
