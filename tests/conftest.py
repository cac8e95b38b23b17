"""Being here puts this folder on the path: tests of several folders build their records with profile_records."""
