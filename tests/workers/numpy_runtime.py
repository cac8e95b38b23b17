"""A runtime that needs nothing but numpy."""

from __future__ import annotations

from inferspeed_magic.runtimes.base import Capabilities, Runtime, Session


class Doubling(Runtime):
    name = "doubling"
    distribution = module = "numpy"
    install_command = "pip install numpy"

    def capabilities(self):
        return Capabilities(devices=("cpu",), formats=("onnx",), batch_in_artifact=False)

    def load(self, artifact, lowering):
        return artifact

    def compile(self, loaded, lowering):
        return DoublingSession()


class DoublingSession(Session):
    def __init__(self):
        self.facts = {"device": "cpu"}

    def run(self, inputs):
        return [2 * array for array in inputs]
