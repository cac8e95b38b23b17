"""Measuring: the clock, load scenarios, memory, accuracy, and the description of the machine."""
