"""RADIUS accounting: ``detail`` files, a listener for copies, and the table that a first start begins with."""
