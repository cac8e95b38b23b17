"""One file per runtime. A runtime loads, compiles and runs; it has no clock.

These files are also imported in worker processes, which have the standard library, numpy and the runtime's own
library only, so they import nothing else at module level.
"""
