"""``%profile_model`` and ``%%profile_model``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, magics_class, needs_local_scope, no_var_expand

from inferspeed_magic.errors import ProfileInterrupted, UserError
from inferspeed_magic.magics import models
from inferspeed_magic.magics.manuals import PROFILE_MODEL
from inferspeed_magic.magics.model_magics import ModelMagics
from inferspeed_magic.magics.options import ProfileOptions, parse

if TYPE_CHECKING:
    from collections.abc import Mapping


@magics_class
class ProfileMagics(ModelMagics):
    """The magic that profiles Keras models."""

    magic = "profile_model"
    verb = "profile"

    @no_var_expand  # type: ignore[untyped-decorator]
    @needs_local_scope  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def profile_model(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """See the manual, which takes the place of this line below."""
        from IPython.core.error import UsageError

        try:
            options = parse(line)
            found = self.run_and_find(options.names, cell, local_ns or {})
            inputs = (
                None if options.input is None else models.evaluate(options.input, self.namespace(local_ns), "--input")
            )
            report = _profile(found, options, inputs)
        except UserError as error:
            raise UsageError(str(error)) from error
        except ProfileInterrupted as interruption:
            self._assign(interruption.report, options)
            self.keep(interruption.report)
            raise
        self._assign(report, options)
        return report

    def _assign(self, report: Any, options: ProfileOptions) -> None:
        if options.into is not None:
            self.shell.push({options.into: report})


ProfileMagics.profile_model.__doc__ = PROFILE_MODEL


def _profile(found: dict[str, Any], options: ProfileOptions, inputs: Any) -> Any:
    from inferspeed_magic.workflow import profile

    return profile(
        found,
        runtimes=None if options.runtimes is None else list(options.runtimes),
        batch_sizes=options.batch_sizes,
        inputs=inputs,
        input_shapes=None if options.input_shapes is None else list(options.input_shapes),
        device=options.device,
        threads=options.threads,
        scenario=options.scenario,
        target_qps=options.target_qps,
        latency_slo_ms=options.latency_slo_ms,
        duration_s=options.duration_s,
        baseline=options.baseline,
        seed=options.seed,
        batch_in_file=options.batch_in_file,
        techniques=list(options.techniques),
        progress=not options.quiet,
    )
