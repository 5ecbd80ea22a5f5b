"""One file as a DuckDB table: from its raw cells to clean Personalize CSV and a report."""
