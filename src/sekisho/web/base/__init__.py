"""What the portal and the console share: headers, language, pages, bounds, tokens."""
