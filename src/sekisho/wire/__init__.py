"""Export protocols, sans-io and columnar: datagram octets and time in, flow batches out."""
