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

# Libraries that run a model in the sampler itself: `transformers`, `ctranslate2`, or both with a comma.
# For a machine without GPU, build with PIP_EXTRA_INDEX_URL naming the CPU index of PyTorch.
ARG BACKENDS=
RUN if [ -n "$BACKENDS" ]; then pip install -c requirements.lock --no-build-isolation ".[$BACKENDS]"; fi

COPY infra infra
COPY sampler sampler

# A named volume takes over the owner of the folder it covers: checkpoints, and fetched models.
RUN useradd --system --uid 10001 rrtf \
    && install -d -o rrtf -g rrtf /var/lib/rrtf /var/cache/rrtf
USER 10001
CMD ["python", "-m", "sampler"]
