"""What everybody may see: the landing page and the mentors."""
