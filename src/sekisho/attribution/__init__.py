"""Who held which address and which ports when: one file per source, one lookup kernel."""
