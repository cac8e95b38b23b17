"""One run of ``explain``: count, measure under several circumstances, and say what follows from it."""
