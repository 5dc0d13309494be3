"""The subscribers' portal: what was seen on their line, what to do, whether it worked."""
