"""Scenarios turned into export datagrams whose truth is known: true flows, sampled, metered, exported."""
