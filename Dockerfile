# ddcodec on CPUs: `docker build -t ddcodec .`, then
# `docker run --rm -v "$PWD:/data" ddcodec inspect photos.ddz`.
# For an image of a quarter of a gigabyte that only reads artifacts: `--build-arg EXTRA=`.
FROM python:3.11-slim AS build
ARG EXTRA=torch
COPY . /src
WORKDIR /src
# PyTorch's own index has the builds without CUDA. Versions are those the promised bytes come from.
RUN python -m venv /opt/ddcodec \
    && if [ -n "$EXTRA" ]; then \
        /opt/ddcodec/bin/pip install --no-cache-dir -c constraints.txt \
            --index-url https://download.pytorch.org/whl/cpu \
            --extra-index-url https://pypi.org/simple torch==2.13.0 ; \
    fi \
    && /opt/ddcodec/bin/pip install --no-cache-dir -c constraints.txt ".${EXTRA:+[$EXTRA]}" \
    && mkdir -p /opt/ddcodec/share/man/man1 \
    && /opt/ddcodec/bin/ddz man > /opt/ddcodec/share/man/man1/ddz.1

FROM python:3.11-slim
COPY --from=build /opt/ddcodec /opt/ddcodec
ENV PATH=/opt/ddcodec/bin:$PATH DDCODEC_CACHE=/cache HF_HOME=/cache/hf
RUN useradd --create-home --uid 1000 ddz && mkdir -m 700 /cache /data && chown ddz:ddz /cache /data
USER ddz
VOLUME /cache
WORKDIR /data
ENTRYPOINT ["ddz"]
CMD ["--help"]
