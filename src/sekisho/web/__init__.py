"""Pages for people: reports, the operators' console, the subscribers' portal."""
