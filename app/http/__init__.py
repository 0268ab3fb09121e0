"""What all doors share: the context of a request, the login, the error table, paging, streams, security headers."""
