"""Indicators: addresses that malware reports to, read from what operators already have, one file a format.

A feed is somebody else's word: what would accuse the innocent (a resolver, a content network, the operator's own
addresses) is left out with a reason, and nothing is left out silently.
"""
