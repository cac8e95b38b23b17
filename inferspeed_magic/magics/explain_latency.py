"""``%explain_latency`` and ``%%explain_latency``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, magics_class, needs_local_scope, no_var_expand

from inferspeed_magic.errors import ProfileInterrupted, UserError
from inferspeed_magic.magics import models
from inferspeed_magic.magics.explain_options import ExplainOptions, parse
from inferspeed_magic.magics.manuals import EXPLAIN_LATENCY
from inferspeed_magic.magics.model_magics import ModelMagics

if TYPE_CHECKING:
    from collections.abc import Mapping


@magics_class
class ExplainMagics(ModelMagics):
    """The magic that explains where the time of Keras models goes."""

    magic = "explain_latency"
    verb = "explain"

    @no_var_expand  # type: ignore[untyped-decorator]
    @needs_local_scope  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def explain_latency(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """See the manual, which takes the place of this line below."""
        from IPython.core.error import UsageError

        try:
            options = parse(line)
            found = self.run_and_find(options.names, cell, local_ns or {})
            inputs = (
                None if options.input is None else models.evaluate(options.input, self.namespace(local_ns), "--input")
            )
            report = _explain(found, options, inputs)
        except UserError as error:
            raise UsageError(str(error)) from error
        except ProfileInterrupted as interruption:
            self._assign(interruption.report, options)
            self.keep(interruption.report)
            raise
        self._assign(report, options)
        return report

    def _assign(self, report: Any, options: ExplainOptions) -> None:
        if options.into is not None:
            self.shell.push({options.into: report})


ExplainMagics.explain_latency.__doc__ = EXPLAIN_LATENCY


def _explain(found: dict[str, Any], options: ExplainOptions, inputs: Any) -> Any:
    from inferspeed_magic.workflow import explain

    return explain(
        found,
        runtimes=None if options.runtimes is None else list(options.runtimes),
        batch_size=options.batch_size,
        inputs=inputs,
        input_shapes=None if options.input_shapes is None else list(options.input_shapes),
        device=options.device,
        threads=options.threads,
        count_only=options.count_only,
        seed=options.seed,
        progress=not options.quiet,
    )
