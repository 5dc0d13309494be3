"""Who held what and when, as the sources told it: facts on disk, answers computed from them."""
