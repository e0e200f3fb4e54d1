# The embedded media server as a container: a drop-in for a Web Call Server (WCS) image.
#
#   docker build -t camera-gateway-mediaserver:0.1.0 .
#
# It understands WCS's variables (PASSWORD, LICENSE, LOCAL_IP, EXTERNAL_IP), reads
# conf/flashphoner.properties at WCS's place and has WCS's ports. The gateway itself is not inside.
#
# Where no package index is reachable: put wheels into ./wheels and build with
#   --build-arg PIP_OPTIONS="--no-index --find-links /src/wheels"
ARG BASE=python:3.11-slim-bookworm
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
ARG PIP_OPTIONS=""
COPY pyproject.toml wheels* /src/wheels/
# The versions are the project's own; what only the gateway needs stays out.
RUN python3 -c "import tomllib; \
needed = ('aiohttp', 'cryptography', 'opencv', 'pylibsrtp', 'pyOpenSSL', 'structlog'); \
wanted = tomllib.load(open('/src/wheels/pyproject.toml', 'rb'))['project']['dependencies']; \
print('\n'.join(one for one in wanted if one.startswith(needed)))" > /src/requirements.txt \
 && python3 -m venv /opt/camera-gateway \
 && /opt/camera-gateway/bin/python -m pip install --no-cache-dir ${PIP_OPTIONS} -r /src/requirements.txt \
 && /opt/camera-gateway/bin/python -m pip uninstall --yes --quiet setuptools pip

FROM ${BASE}
# iptables: the gateway closes the control ports from inside the container's network namespace.
RUN command -v iptables >/dev/null || { apt-get update \
 && apt-get install -y --no-install-recommends iptables \
 && rm -rf /var/lib/apt/lists/*; }
# At WCS's place, because whoever runs a container should not need to know which one it is.
RUN mkdir -p /usr/local/FlashphonerWebCallServer/conf /usr/local/FlashphonerWebCallServer/run \
 && printf '%s\n' http.port=8081 ws.port=8080 media_port_from=31001 embedded.control_address=0.0.0.0 \
    > /usr/local/FlashphonerWebCallServer/conf/flashphoner.properties \
 && chown -R 10001:10001 /usr/local/FlashphonerWebCallServer \
 && chmod 700 /usr/local/FlashphonerWebCallServer/run
COPY --from=build /opt/camera-gateway /opt/camera-gateway
COPY gateway/__init__.py /opt/camera-gateway/app/gateway/
COPY gateway/kit /opt/camera-gateway/app/gateway/kit
COPY gateway/model /opt/camera-gateway/app/gateway/model
COPY gateway/rtsp /opt/camera-gateway/app/gateway/rtsp
COPY gateway/mediaserver /opt/camera-gateway/app/gateway/mediaserver
ENV PATH=/opt/camera-gateway/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/camera-gateway/app PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8
RUN python -m compileall -q /opt/camera-gateway/app
LABEL camera-gateway.media-server=embedded
WORKDIR /usr/local/FlashphonerWebCallServer
USER 10001:10001
EXPOSE 8080/tcp 8081/tcp 31001/udp 31001/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=5s --start-period=20s \
    CMD ["python", "-m", "gateway.mediaserver.healthcheck"]
ENTRYPOINT ["python", "-m", "gateway.mediaserver", "--home", "/usr/local/FlashphonerWebCallServer"]
