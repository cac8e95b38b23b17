"""Launch, talk to, time-limit and bury child processes."""
