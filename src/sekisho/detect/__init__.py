"""Detectors, one file each, over the two window tables; episodes with intervals, levels and explanations."""
