"""Flow records kept for later questions: segments, Parquet by hour and exporter, retention, hunt."""
