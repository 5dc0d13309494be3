"""Address translators that share an IPv4 address by ports: who held which block, from their logs.

A reader of one log format is a function from one message to a ``Block``, or to the reason why it is none.
"""
