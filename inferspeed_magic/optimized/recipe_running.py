"""How a script runs what it made: with the runtime and its settings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from inferspeed_magic.discovery import runtimes
from inferspeed_magic.optimized.recipe_parts import PARTS
from inferspeed_magic.optimized.recipe_text import function

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inferspeed_magic.runtimes.base import Lowering

_LOWERING = "inferspeed_magic.runtimes.base:Lowering"
_KERAS = {"keras.compiled": "run_compiled", "keras.xla": "run_xla"}
#: What each setting of ONNX Runtime is in its options.
_ONNXRUNTIME = {
    ("graph_optimization", "basic"): (
        "options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC"
    ),
    ("graph_optimization", "extended"): (
        "options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED"
    ),
    ("spinning", "off"): 'options.add_session_config_entry("session.intra_op.allow_spinning", "0")',
    ("memory_arena", "off"): "options.enable_cpu_mem_arena = False",
}


@dataclass(frozen=True)
class Running:
    """What a script needs to run the artifact.

    Attributes:
        run: ``module:name`` of a function of the file and a list of arrays; empty if ``text`` is that.
        text: what the script defines for it.
        functions: ``module:name`` of what that text refers to.
        first: ``module:name`` of what has to be called before anything else; empty for nothing.
        lowering: the record that goes with it, if our own runtime comes along.
    """

    run: str
    text: str = ""
    functions: tuple[str, ...] = ()
    first: str = ""
    lowering: Lowering | None = None

    def written(self, names: Mapping[str, str]) -> str:
        """Write what the script defines, with the names that things have in it."""
        if self.lowering is None:
            return self.text
        runtime, record = (names[each] for each in self.functions)
        values = [(each.name, getattr(self.lowering, each.name)) for each in fields(self.lowering)]
        body = [
            f"runtime = {runtime}()",
            f"lowering = {record}({', '.join(f'{name}={value!r}' for name, value in values)})",
            "runtime.prepare(lowering)",
            "session = runtime.compile(runtime.load(str(file), lowering), lowering)",
            "return session.run(arrays)",
        ]
        return function("run(file: Path, arrays: list[Any]) -> list[Any]", "Open the file and run one batch.", body)


def run_of(runtime: str, lowering: Lowering, kind: str) -> Running:
    """Choose how: in a few lines where these are enough, else with our own runtime, whose text comes along.

    Args:
        runtime: name of the runtime.
        lowering: how it is to run.
        kind: of the source.
    """
    options = set(lowering.options)
    if runtime.startswith("keras"):
        return Running(f"{PARTS}.keras:{_KERAS.get(runtime, 'run_eagerly')}", first=f"{PARTS}.keras:limit_threads")
    usual = not lowering.on_gpu and lowering.precision not in {"float16", "bfloat16"}
    # A file that came as it is need not have signatures.
    if runtime == "litert" and kind != "litert" and options <= {("delegate", "none")}:
        return Running(f"{PARTS}.litert:{'run_without_delegate' if options else 'run'}")
    if runtime == "onnxruntime" and usual and options <= set(_ONNXRUNTIME):
        body = [_ONNXRUNTIME[each] for each in lowering.options] or ["del options  # it is fastest as it is"]
        text = function("tune(options: Any) -> None", "Set what was chosen for ONNX Runtime.", body)
        return Running(f"{PARTS}.onnx:run", text)
    if runtime == "openvino" and usual and not options:
        return Running(f"{PARTS}.openvino:run")
    own = type(runtimes()[runtime])
    return Running("", functions=(f"{own.__module__}:{own.__name__}", _LOWERING), lowering=lowering)
