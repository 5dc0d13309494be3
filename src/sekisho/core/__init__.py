"""What every folder builds on: errors, closed reasons, addresses, time, kernels, configuration."""
