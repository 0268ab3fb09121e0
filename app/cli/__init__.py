"""The command line: `flask user`, `flask seed`, `flask doctor` and their kin."""
