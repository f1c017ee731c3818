# Two stages: what builds stays behind. Runs without root. The version of Python is named here and nowhere else.
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
WORKDIR /srv/greenroom
COPY requirements.txt ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements.txt
COPY app ./app
COPY migrations ./migrations
COPY examples/data ./examples/data
COPY wsgi.py gunicorn.conf.py ./
RUN .venv/bin/python -m compileall -q app migrations

FROM python:${PYTHON_VERSION}-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin greenroom \
    && install -d -o greenroom /srv/greenroom /srv/greenroom/var
WORKDIR /srv/greenroom
COPY --from=build /srv/greenroom ./
ENV PATH=/srv/greenroom/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    APP_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/srv/greenroom/var
USER 10001
VOLUME /srv/greenroom/var
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
