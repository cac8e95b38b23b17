"""LiteRT (TensorFlow Lite) with its XNNPACK delegate: https://ai.google.dev/edge/litert ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inferspeed_magic.formats.naming import in_order, position
from inferspeed_magic.runtimes.base import Capabilities, Lowering, Runtime, Session, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


#: Operators that keep a state from one inference to the next.
_STATEFUL = {
    *("UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN", "LSTM", "RNN"),
    *("BIDIRECTIONAL_SEQUENCE_RNN", "SVDF", "VAR_HANDLE"),
}


class LiteRT(Runtime):
    """The interpreter of ai-edge-litert."""

    name = "litert"
    distribution = "ai-edge-litert"
    module = "ai_edge_litert"
    install_command = "pip install ai-edge-litert"
    # The profiler of its C library is not bound, and litert-benchmark times whole inferences.
    unprofiled = "has no profiler of operators in its Python package"

    def capabilities(self) -> Capabilities:
        """CPU only: the wheel's GPU delegate needs an OpenCL device that it does not report reliably."""
        return Capabilities(
            devices=("cpu",), formats=("litert",), batch_in_artifact=True, tunable=(("delegate", ("none",)),)
        )

    def prepare(self, lowering: Lowering) -> None:
        """Import the interpreter."""
        del lowering
        import ai_edge_litert.interpreter  # noqa: F401

    def load(self, artifact: str, lowering: Lowering) -> Any:
        """Map the file and build the interpreter."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kernels = OpResolverType.AUTO
        if dict(lowering.options).get("delegate") == "none":
            kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        try:
            return Interpreter(model_path=artifact, num_threads=lowering.threads, experimental_op_resolver_type=kernels)
        except RuntimeError as error:
            if "Select TensorFlow op" in str(error) or "FlexDelegate" in str(error):
                raise UnsupportedError(
                    f"the model needs TensorFlow operators that LiteRT alone does not have: {error}"
                ) from error
            raise

    def compile(self, loaded: Any, lowering: Lowering) -> Session:
        """Apply the delegate and allocate tensors; a file with another batch size is resized."""
        for detail in loaded.get_input_details():
            shape = [int(size) for size in detail["shape"]]
            if shape and shape[0] != lowering.batch_size:
                loaded.resize_tensor_input(detail["index"], [lowering.batch_size, *shape[1:]])
        loaded.allocate_tensors()
        return LiteRTSession(loaded)


class LiteRTSession(Session):
    """Inputs are copied in, outputs are copied out, as an application has to do."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._inputs = [detail["index"] for detail in in_order(interpreter.get_input_details(), _names)]
        self._outputs = _outputs_in_order(interpreter)
        # Its LSTM goes on where the last inference ended, unless it is told to begin anew; Keras always begins anew.
        self._remembers = any(detail["op_name"] in _STATEFUL for detail in interpreter._get_ops_details())  # noqa: SLF001
        self.facts = {"device": "cpu"}

    def run(self, inputs: Sequence[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Set, invoke, get."""
        interpreter = self._interpreter
        for index, value in zip(self._inputs, inputs, strict=True):
            interpreter.set_tensor(index, value)
        if self._remembers:
            interpreter.reset_all_variables()
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in self._outputs]


def _names(detail: dict[str, Any]) -> list[str]:
    return [detail["name"]]


def _outputs_in_order(interpreter: Any) -> list[int]:
    """Index the outputs by the names in the signature: the interpreter lists them in no order, under other names."""
    listed = [detail["index"] for detail in interpreter.get_output_details()]
    signatures = list(interpreter.get_signature_list())
    if len(signatures) != 1:  # a file that is not ours
        return listed
    named = interpreter.get_signature_runner(signatures[0]).get_output_details()
    if any(position(name) is None for name in named):
        return listed
    return [detail["index"] for _, detail in in_order(list(named.items()), lambda pair: [pair[0]])]
