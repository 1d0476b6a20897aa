"""What a person wrote here: config.py, the sources beside it, the choices that were saved."""
