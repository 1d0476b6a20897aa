"""Plain values that the pure core and the edge of mpy share."""
