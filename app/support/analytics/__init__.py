"""What the past says: reports over a range of days, each a table that can be downloaded (AN-1, AN-2, AN-3)."""
