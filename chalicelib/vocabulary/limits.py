"""How much a value may hold, as Personalize counts it (its quota page, 2025-11).

The local Personalize refuses by the same numbers; a test compares them.
"""

from __future__ import annotations

# In characters.
MAX_ID = 256
MAX_CATEGORY = 1_000  # of any string that is neither an id nor the one textual column
MAX_TEXT = 20_000
MAX_TEXT_EAST_ASIAN = 7_000  # of a text with Chinese or Japanese in it
# A regular expression for one of their characters.
EAST_ASIAN = r"[\x{3040}-\x{30FF}\x{3400}-\x{9FFF}]"
# Whole numbers up to so many digits are the same in a double, in JavaScript and in a spreadsheet.
EXACT_DIGITS = 15
