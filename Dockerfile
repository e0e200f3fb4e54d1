# Two images. The embedded media server, a drop-in for a Web Call Server (WCS) image:
#
#   docker build -t camera-gateway-mediaserver:0.1.0 .
#
# and the gateway itself, with its page and the embedded media server as a process beside it:
#
#   docker build --target gateway -t camera-gateway:0.1.0 .
#
# The media server understands WCS's variables (PASSWORD, LICENSE, LOCAL_IP, EXTERNAL_IP), reads
# conf/flashphoner.properties at WCS's place and has WCS's ports. The gateway is not inside.
#
# Libraries are exactly those of docs/install/*.lock, by their hashes (`make lock` renews them).
# Where no package index is reachable: put them into ./wheels and build with
#   --build-arg PIP_OPTIONS="--no-index --find-links /src/wheels"
ARG BASE=python:3.11-slim-bookworm
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS mediaserver-build
ARG PIP_OPTIONS=""
COPY docs/install/mediaserver.lock wheels* /src/wheels/
RUN python3 -m venv /opt/camera-gateway \
 && /opt/camera-gateway/bin/python -m pip install --no-cache-dir --require-hashes ${PIP_OPTIONS} \
    -r /src/wheels/mediaserver.lock \
 && /opt/camera-gateway/bin/python -m pip uninstall --yes --quiet setuptools pip

FROM ${BASE} AS mediaserver
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
COPY --from=mediaserver-build /opt/camera-gateway /opt/camera-gateway
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

FROM ${BUILD_BASE} AS gateway-build
ARG PIP_OPTIONS=""
COPY docs/install/requirements.lock wheels* /src/wheels/
RUN python3 -m venv /opt/camera-gateway \
 && /opt/camera-gateway/bin/python -m pip install --no-cache-dir --require-hashes ${PIP_OPTIONS} \
    -r /src/wheels/requirements.lock
COPY pyproject.toml README.md LICENSE /src/
COPY web /src/web
COPY gateway /src/gateway
RUN /opt/camera-gateway/bin/python -m pip install --no-cache-dir --no-deps ${PIP_OPTIONS} /src \
 && /opt/camera-gateway/bin/python -m pip uninstall --yes --quiet setuptools pip

FROM ${BASE} AS gateway
# ssh: the way to Docker Engines on other machines. Nothing else needs it.
ARG PACKAGES="openssh-client"
RUN [ -z "${PACKAGES}" ] || { apt-get update \
 && apt-get install -y --no-install-recommends ${PACKAGES} \
 && rm -rf /var/lib/apt/lists/*; }
# A user of a name: ssh refuses to work for a mere number.
RUN groupadd --gid 10001 camera-gateway \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/camera-gateway \
    --shell /usr/sbin/nologin camera-gateway \
 && install -d -o 10001 -g 10001 -m 755 /etc/camera-gateway \
 && install -d -o 10001 -g 10001 -m 700 /var/lib/camera-gateway
COPY --from=gateway-build /opt/camera-gateway /opt/camera-gateway
ENV PATH=/opt/camera-gateway/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8
WORKDIR /var/lib/camera-gateway
USER 10001:10001
VOLUME /var/lib/camera-gateway
EXPOSE 8080/tcp 31001-32000/udp 31001-32000/tcp
# Media servers that are processes end with the container in any case: let them say goodbye.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=60s --timeout=15s --start-period=30s \
    CMD ["gateway", "healthy", "/etc/camera-gateway"]
ENTRYPOINT ["gateway"]
CMD ["serve", "/etc/camera-gateway"]

# What is built when no target is named.
FROM mediaserver
