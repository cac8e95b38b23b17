"""Being here puts this folder on the path: tests of several folders build their records with profile_records."""

import os

# What a test converts it converts itself; tests of the cache bring a folder of their own.
os.environ["INFERSPEED_MAGIC_CACHE"] = "off"
