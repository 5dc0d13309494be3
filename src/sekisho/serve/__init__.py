"""The processes of `sekisho serve` and who looks after them."""
