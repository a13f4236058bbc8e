# Labels candidates, each in an nsjail of its own.
FROM python:3.11.14-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PIP_NO_CACHE_DIR=1
# Names a further package index while building; nothing of it stays in the image.
ARG PIP_EXTRA_INDEX_URL
WORKDIR /app

# The project without its code brings the room's dependencies; this layer outlives code changes.
COPY pyproject.toml requirements.lock ./
RUN touch README.md \
    && pip install -c requirements.lock setuptools \
    && pip install -c requirements.lock --no-build-isolation '.[executor]'

COPY infra infra
COPY executor executor

# Toolchains of languages beyond Python: names as problems have them, such as `cpp java go`.
ARG LANGUAGES=
RUN if [ -n "$LANGUAGES" ]; then python -m executor.toolchains $LANGUAGES && rm -rf /var/lib/apt/lists/*; fi

# Images of packages for candidates. Jails see them, and the worker imports nothing of them.
ARG IMAGES=numpy
ENV RRTF_EXECUTOR_IMAGES=/opt/rrtf/images
RUN RRTF_EXECUTOR_HOME=/opt/rrtf python -m executor.images.build $IMAGES

# The worker is root inside its container: it makes user namespaces with users of their own and
# cgroups with limits. The candidates are not: every jail runs as another user outside this range.
COPY infra/docker/executor-entrypoint.sh /usr/local/bin/executor-entrypoint
ENTRYPOINT ["/usr/local/bin/executor-entrypoint"]
CMD ["python", "-m", "executor"]
