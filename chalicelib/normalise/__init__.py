"""Any export file to a clean Personalize CSV and a report, and the rules over all files of an
export.

Local paths in, local paths out: `transfer` is the only module that knows S3 (its client arrives as
an argument). DuckDB is imported inside functions, so that importing this package costs nothing
where it is not used.

    FileRejected   this file cannot be used (quarantine it); the others go on
    SetRejected    this export cannot be used
"""
