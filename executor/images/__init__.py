"""What a jail sees of a machine: an interpreter, and images of packages."""
