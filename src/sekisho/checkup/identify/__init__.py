"""Maker, model, hardware revision and firmware of a device, each with its source and confidence."""
