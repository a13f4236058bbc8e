# The REST API, the sweep and the migrations.
FROM python:3.11.14-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PIP_NO_CACHE_DIR=1
# Names a further package index while building; nothing of it stays in the image.
ARG PIP_EXTRA_INDEX_URL
WORKDIR /app

# The project without its code brings the room's dependencies; this layer outlives code changes.
COPY pyproject.toml requirements.lock ./
RUN touch README.md \
    && pip install -c requirements.lock setuptools \
    && pip install -c requirements.lock --no-build-isolation '.[services]'

COPY infra infra
COPY ranker ranker
# Programs are taken out of what a model wrote here too, which needs no model.
COPY sampler/__init__.py sampler/
COPY sampler/extraction sampler/extraction
COPY services services

RUN useradd --system --uid 10001 rrtf
USER 10001
EXPOSE 8000
CMD ["python", "-m", "services.api"]
