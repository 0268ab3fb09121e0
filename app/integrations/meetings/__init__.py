"""Meeting providers behind one interface (MT-1)."""
