"""What the operator writes to subscribers: one folder for each text, in Japanese and English, as text and as HTML."""
