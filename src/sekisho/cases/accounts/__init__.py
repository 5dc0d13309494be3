"""Who may come in: people with a password, their sessions, and programs that act for them with a token."""
