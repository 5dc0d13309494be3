"""A small LAN of stand-in devices in network namespaces: for the demo, and for the tests that need real packets."""
