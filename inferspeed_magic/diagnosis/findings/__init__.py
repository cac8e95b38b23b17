"""Reasons why a model takes the time that it takes: one file for each, pure functions of what was measured."""

from inferspeed_magic.diagnosis.findings.rules import find_all

__all__ = ["find_all"]
