"""The report as people read it: terminal, HTML, PDF; all three from the JSON, so that an old report reads the same."""
