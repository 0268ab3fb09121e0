"""Disputes: reported by a party, handled by staff, resolved by doing what the resolution says (DSP)."""
