"""Model to file: one file per artifact format, and the check that outputs agree.

Everything here runs in a converter process: converters crash, hang and exhaust memory.
"""
