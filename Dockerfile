FROM python:3.13-slim AS build
WORKDIR /app
# For Vertex AI: --build-arg LOCK=requirements-vertex.lock
ARG LOCK=requirements.lock
COPY ${LOCK} ./
RUN python -m venv --without-pip .venv \
    && pip --python .venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes --requirement ${LOCK}
COPY bot bot
COPY adapters adapters
COPY core core
RUN python -m compileall -q bot adapters core

FROM python:3.13-slim
# The sheets' fonts: Latin, Greek, Cyrillic, Hebrew and Arabic; Chinese, Japanese and Korean; how scripts run.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-dejavu-core fonts-droid-fallback libfribidi0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home bot \
    && install --directory --owner bot --mode 0700 /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data
USER 10001
# The embedded store, the web workspace and the simulated service write here; with REDIS_URL, a chat platform and a real
# image service nothing does.
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["python", "-m", "bot", "health"]
CMD ["python", "-m", "bot", "run"]
