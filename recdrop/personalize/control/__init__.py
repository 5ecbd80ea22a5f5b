"""The control plane: every resource is created, described, listed, changed, tagged and deleted here."""
