"""What leaves the house: whether an image is what its sources make, whoever builds it."""
