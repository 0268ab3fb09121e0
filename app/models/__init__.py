"""Tables only: columns, named constraints, indexes, relationships."""
