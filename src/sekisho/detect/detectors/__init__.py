"""One file a detector: docstring, Params, KINDS, SQL, explain. ``detect/registry.py`` lists them."""
