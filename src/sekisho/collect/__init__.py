"""Where export datagrams come from, which exporter sent them, and which boundary its records were observed at."""
