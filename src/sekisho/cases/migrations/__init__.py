"""The steps by which the case database came to its present form; Alembic runs them."""
