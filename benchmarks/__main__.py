"""`make bench`: every benchmark of this folder but the recommender's.

They run one after the other, each in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LATER = ("recommender", "gate", "__")  # targets of their own: they take long


def main() -> int:
    names = [
        path.stem
        for path in sorted(Path(__file__).parent.glob("*.py"))
        if not path.stem.startswith(LATER)
    ]
    failed = []
    for name in names:
        print(f"\n== benchmarks.{name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
