"""Payment gateways behind one interface (MN-2)."""
