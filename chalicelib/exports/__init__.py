"""From objects in the drop bucket to export sets: pure functions, no S3, no clock, no ledger."""
