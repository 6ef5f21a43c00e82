"""What the filter costs: instructions, processor time, and the network table."""
