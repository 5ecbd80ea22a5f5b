"""The worker process of the local Personalize: `python -m recdrop.personalize.worker [job folder]`."""

from __future__ import annotations

import sys

from recdrop.personalize.work.orders import do_job
from recdrop.service.jobs.worker import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], do_job))
