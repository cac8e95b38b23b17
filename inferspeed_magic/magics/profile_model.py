"""``%profile_model`` and ``%%profile_model``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from inferspeed_magic.errors import ModelError, ProfileInterrupted, UserError
from inferspeed_magic.magics import cell as user_cell
from inferspeed_magic.magics import models
from inferspeed_magic.magics.manual import manual
from inferspeed_magic.magics.options import ProfileOptions, parse

if TYPE_CHECKING:
    from collections.abc import Mapping


@magics_class
class ProfileMagics(Magics):  # type: ignore[misc]  # IPython ships no types that mypy may follow
    """The magic that profiles Keras models."""

    @no_var_expand  # type: ignore[untyped-decorator]
    @needs_local_scope  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def profile_model(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """See the manual, which takes the place of this line below."""
        from IPython.core.error import UsageError

        try:
            options = parse(line)
            found = self._run_and_find(options, cell, local_ns or {})
            inputs = None if options.input is None else models.evaluate(options.input, self._namespace(local_ns))
            report = _profile(found, options, inputs)
        except UserError as error:
            raise UsageError(str(error)) from error
        except ProfileInterrupted as interruption:
            self._keep(interruption.report, options)
            raise
        self._assign(report, options)
        return report

    def _run_and_find(self, options: ProfileOptions, cell: str | None, local_ns: Mapping[str, Any]) -> dict[str, Any]:
        """Run the cell, if there is one, and find what to profile."""
        before = models.models_in(self.shell.user_ns)
        if cell is not None:
            user_cell.run(self.shell, cell)
        if options.names:
            return models.named(options.names, self._namespace(local_ns))
        here = models.models_in(self.shell.user_ns)
        if cell is None:
            example = next(iter(here), "model")
            raise ModelError(f"name what to profile, as in %profile_model {example}{_list(here)}")
        found = models.assigned(before, here, user_cell.assigned_names(self.shell, cell))
        if not found:
            raise ModelError(
                "the cell assigned no Keras model to a name; assign one (model = ...), or name what to profile, "
                f"as in %%profile_model {next(iter(here), 'models[0]')}{_list(here)}"
            )
        return found

    def _namespace(self, local_ns: Mapping[str, Any] | None) -> dict[str, Any]:
        """See what code at the place of the magic would see."""
        return {**self.shell.user_ns, **(local_ns or {})}

    def _assign(self, report: Any, options: ProfileOptions) -> None:
        if options.into is not None:
            self.shell.push({options.into: report})

    def _keep(self, report: Any, options: ProfileOptions) -> None:
        """Show a partial report and keep it where the whole one would have been."""
        from IPython.display import display

        self._assign(report, options)
        # Assigning to _ ourselves would make IPython believe that the user did, and it would never set _ again.
        self.shell.displayhook.update_user_ns(report)
        display(report)


ProfileMagics.profile_model.__doc__ = manual()


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


def _list(names: Mapping[str, Any]) -> str:
    return f" (models here: {', '.join(list(names)[:10])})" if names else ""
