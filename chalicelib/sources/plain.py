"""Files that anybody may have written: nothing in their names or columns gives a tool away."""

from __future__ import annotations

from chalicelib.sources.adapter import Adapter

ADAPTER = Adapter("plain", "somebody we do not know")
WHY = "no name or column is particular to a tool that recdrop knows"
