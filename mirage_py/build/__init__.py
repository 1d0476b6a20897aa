"""Plans and the tools of this machine become images in `dist/`: equip, compile stubs, run dune, link, explain."""
