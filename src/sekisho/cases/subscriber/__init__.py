"""What a subscriber does about the case of his line, by himself, in the portal."""
