"""A mentee books, pays and keeps an overview."""
