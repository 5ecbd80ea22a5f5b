"""Any export file to a clean Personalize CSV and a report, and the rules over a whole export.

    bytes/    a file as bytes: unpack, decode, tell the dialect, take it apart line by line
    rows/     a file as a table: name the columns, apply the row rules, write the clean files
    export/   all files together: judge them, fit them to a schema, withhold the gate's truth

Each room imports only the ones above it. Paths on the disk in, paths on the disk out: only
`export/fetching` knows that files come from a bucket. DuckDB is imported inside functions, so that
importing this package costs nothing where it is not used.

    FileRejected   this file cannot be used (quarantine it); the others go on
    SetRejected    this export cannot be used
"""
