"""The command line: parses and calls. The single place where the parts meet."""
