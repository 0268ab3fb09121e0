"""What support staff do: their acts on a session, and what they need to see first."""
