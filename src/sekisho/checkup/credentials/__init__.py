"""c1.6, opt-in: does a device still accept the default pair that its maker documents (rules, section 2.7)."""
