"""The pages for visitors, mentees and mentors."""
