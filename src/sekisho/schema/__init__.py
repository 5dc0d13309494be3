"""Every table declared once; Arrow, DuckDB and Spark types, SQL and the reference pages derive from it."""
