# The API and the migrations. There is no TensorFlow in it; `worker` is there for its sweeper.
FROM python:3.13-slim-trixie AS packages
COPY requirements/service.txt /requirements.txt
RUN python -m venv /opt/epochd \
    && /opt/epochd/bin/pip install --no-cache-dir --require-hashes --requirement /requirements.txt

FROM python:3.13-slim-trixie
# The folder of the shared volume belongs to the user, or the volume would belong to root.
RUN useradd --uid 10001 --create-home epochd && install -d -o epochd -g epochd /artifacts
COPY --from=packages /opt/epochd /opt/epochd
WORKDIR /app
COPY epochd epochd
COPY api api
COPY store store
COPY search search
COPY health health
COPY models models
COPY migrations migrations
COPY worker worker
# The user may not write here, so the byte code is made now: without it every start compiles.
RUN python -m compileall -q .
ENV PATH=/opt/epochd/bin:$PATH PYTHONPATH=/app EPOCHD_DATA_DIR=/home/epochd \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER epochd
EXPOSE 8000
CMD ["python", "-m", "epochd", "api"]
