# Makes candidates: fetches completions and extracts programs.
FROM python:3.11.14-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PIP_NO_CACHE_DIR=1
# Names a further package index while building; nothing of it stays in the image.
ARG PIP_EXTRA_INDEX_URL
WORKDIR /app

# The project without its code brings the room's dependencies; this layer outlives code changes.
COPY pyproject.toml requirements.lock ./
RUN touch README.md \
    && pip install -c requirements.lock setuptools \
    && pip install -c requirements.lock --no-build-isolation '.[sampler]'

COPY infra infra
COPY sampler sampler

RUN useradd --system --uid 10001 rrtf
USER 10001
CMD ["python", "-m", "sampler"]
