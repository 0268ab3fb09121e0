# The production image: the product and its packages, no embedded servers, no tools of development.
FROM python:3.13-slim AS packages
COPY requirements-production.lock /tmp/
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        -r /tmp/requirements-production.lock

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data
# A fixed number, so that the owner of a volume stays the same over versions of the image.
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin desk \
    && install --directory --owner=desk --group=desk --mode=0700 /data
COPY --from=packages /venv /venv
WORKDIR /srv/mentor-desk
COPY . .
RUN python -m compileall -q app migrations wsgi.py
USER desk
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "--config", "gunicorn.conf.py", "--bind", "0.0.0.0:8000", "wsgi:app"]
