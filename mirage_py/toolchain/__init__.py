"""What is installed on this machine, and which flags follow from it."""
