"""What OCaml libraries are, where they come from, and which of them make an image."""
