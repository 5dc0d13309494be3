"""Where a subscriber can be reached: read from the operator's books, joined at a case and nowhere else."""
