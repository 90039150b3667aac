# Airbyte's base image has its own stage, because Dependabot does not find images in ARG lines. Set BASE to replace it.
ARG BASE=airbyte
FROM docker.io/airbyte/python-connector-base:4.1.1@sha256:a268b44c733ae699a60f5fbc06a324945dba98945c6e2ab7f8609f2f895b0d28 AS airbyte

# Each build stage fills a directory tree that is copied in one piece, because directories that COPY itself creates
# would have the build time as their timestamp.
FROM ${BASE} AS dependencies
# Every file gets this date (in seconds since 1970, here 2025-01-01), so that two builds are identical.
ARG SOURCE_DATE_EPOCH=1735689600
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
# hadolint ignore=DL3002,DL3066 # Root is harmless: the last stage only copies from here and runs as a numeric user.
USER root
WORKDIR /build
COPY requirements.lock ./
# /opt/connector is a symlink into /dependencies, so that paths in installed files are already those of the final image.
# Files in an image never change, so Python can use unchecked bytecode, which loads fastest and contains no date.
RUN mkdir -p /dependencies/opt/connector && ln -s /dependencies/opt/connector /opt/connector \
    && python3 -m venv --without-pip /opt/connector/venv \
    && python3 -m pip --python /opt/connector/venv/bin/python install \
        --no-compile --only-binary :all: --require-hashes --requirement requirements.lock \
    && find /opt/connector/venv/lib -type d -regex '.*/\(numpy\|pandas\)/\(.*/\)?tests' -prune -exec rm -r {} + \
    && /opt/connector/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/connector/venv/lib \
    && find /dependencies -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH}" {} +

FROM dependencies AS connector
COPY setup.py metadata.yaml README.md LICENSE ./
COPY source_magnific_analytics ./source_magnific_analytics
COPY main.py /connector/opt/connector/
# The build uses only locked packages, including setuptools, which is in requirements.lock because the CDK requires it.
RUN python3 -m pip --python /opt/connector/venv/bin/python install --root /connector \
        --no-compile --no-index --no-deps --no-build-isolation --use-pep517 . \
    && /opt/connector/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash -s /connector -p / /connector \
    && find /connector -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE}
# `make image` sets VERSION; a build without VERSION is a development version.
ARG VERSION=dev
LABEL io.airbyte.name="airbyte/source-magnific-analytics" \
    io.airbyte.version="${VERSION}" \
    org.opencontainers.image.title="source-magnific-analytics" \
    org.opencontainers.image.description="Airbyte source for the AI-credit usage of a Magnific team" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.source="https://github.com/source-magnific-analytics/source-magnific-analytics" \
    org.opencontainers.image.documentation="https://github.com/source-magnific-analytics/source-magnific-analytics/blob/main/docs/magnific-analytics.md"

# Use two layers: if only the connector changes, an update downloads only the second layer, which is small.
COPY --from=dependencies /dependencies /
COPY --from=connector /connector /

ENV PATH=/opt/connector/venv/bin:${PATH}
ENV AIRBYTE_ENTRYPOINT="python /opt/connector/main.py"
# The platform mounts its files into /airbyte, which the user airbyte owns; root owns the program in /opt/connector.
WORKDIR /airbyte
# Use the numeric ID of the user airbyte, because Kubernetes can verify runAsNonRoot only for numeric IDs.
USER 1000:1000
ENTRYPOINT ["python", "/opt/connector/main.py"]
