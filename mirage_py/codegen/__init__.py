"""From a graph to text: main.ml, dune files, the opam file, manifests. Python decides, templates lay out."""
