"""What clients do all the time: real pulls, single requests and pushes, at a steady rate."""
