"""The opam world: opam files, versions, repositories, solving, and what a lock says of them."""
