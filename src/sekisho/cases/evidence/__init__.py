"""What third parties report about our addresses: read, tied to a line by address, port and time, kept as evidence."""
