"""What recipes are put together from: functions that stand in for ours in a script, as short as they can be.

Their text is copied (``optimized.recipe_bundle``), so that every line here is for people to read who do not know this
package. Nothing in here is imported to be run.
"""

PARTS = __name__
