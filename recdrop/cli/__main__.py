"""`python -m recdrop.cli` is `recdrop`."""

import sys

from recdrop.cli.main import main

sys.exit(main())
