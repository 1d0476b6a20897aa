"""The world of opam packages: repositories, the lock, sources fetched, checked and unpacked."""
