"""What abuse costs the network: which links it fills, by how much, and whom that touches."""
