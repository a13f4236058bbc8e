# Trains on ranked batches that it leases over the REST API.
# For a machine without GPU, build with PIP_EXTRA_INDEX_URL naming the CPU index of PyTorch.
FROM python:3.11.14-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PIP_NO_CACHE_DIR=1
# Names a further package index while building; nothing of it stays in the image.
ARG PIP_EXTRA_INDEX_URL
WORKDIR /app

# The project without its code brings the room's dependencies; this layer outlives code changes.
COPY pyproject.toml requirements.lock ./
RUN touch README.md \
    && pip install -c requirements.lock setuptools \
    && pip install -c requirements.lock --no-build-isolation '.[trainer]'

COPY infra infra
COPY trainer trainer

# A named volume takes over the owner of the folder it covers: checkpoints, and fetched models.
RUN useradd --system --uid 10001 rrtf \
    && install -d -o rrtf -g rrtf /var/lib/rrtf /var/cache/rrtf
USER 10001
VOLUME /var/lib/rrtf
CMD ["python", "-m", "trainer"]
