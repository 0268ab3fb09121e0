"""What a web server imports: `gunicorn wsgi:app`, `flask --app wsgi`. Nothing else may import it."""

from app import create_app

app = create_app()
