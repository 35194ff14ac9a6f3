"""The names of `--isolation`, which the command line shows without importing the rest."""

MODES = ("auto", "strict", "bwrap", "landlock", "docker", "podman", "none")
