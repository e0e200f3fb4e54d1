"""What ``gateway.yaml`` says of media servers and of the machines that they run on."""

from pathlib import Path

from gateway.config.company_schema import EngineKeys, MediaServersKeys, NetworkKeys
from gateway.config.convert_access import Report
from gateway.config.document import Path as KeyPath
from gateway.config.secrets import Reference, SecretError, Secrets
from gateway.model.company import EngineSettings, Limits, MediaServers, Network

ENGINES: KeyPath = ("media_servers", "engines")


def media_servers(keys: MediaServersKeys, secrets: Secrets, report: Report) -> MediaServers:
    """Return the media servers' settings; files that cannot be read go to ``report``."""
    network = _network(keys.network)
    return MediaServers(
        runtime=keys.runtime,
        image=keys.image,
        engine=keys.engine,
        engines=tuple(
            _engine(engine, network, _Files(secrets, report, (*ENGINES, index)))
            for index, engine in enumerate(keys.engines)
        ),
        network=network,
        limits=Limits(cpus=keys.limits.cpus, memory=keys.limits.memory, cpuset=keys.limits.cpuset),
        nodes=keys.nodes,
        media_ports=keys.media_ports,
        max_viewers=keys.max_viewers,
        keep_on_stop=keys.keep_on_stop,
    )


def _network(keys: NetworkKeys) -> Network:
    return Network(
        driver=keys.driver,
        parent=keys.parent,
        subnet=keys.subnet,
        gateway=keys.gateway,
        ip_range=keys.ip_range,
        dhcp_range=keys.dhcp_range,
        guard_image=keys.guard_image,
    )


class _Files:
    """The files that one engine names: the ways to it read them by themselves."""

    def __init__(self, secrets: Secrets, report: Report, path: KeyPath) -> None:
        self._secrets = secrets
        self._report = report
        self._path = path

    def find(self, key: str, written: str | Reference | None) -> Path | None:
        if written is None:
            return None
        path = (*self._path, key)
        if isinstance(written, Reference):
            if written.kind != "file":
                self._report(path, "must be a file, which ssh and TLS read; write {file: path}")
                return None
            written = written.name
        try:
            return self._secrets.locate(written)
        except SecretError as error:
            self._report(path, str(error))
            return None


def _engine(keys: EngineKeys, network: Network, files: _Files) -> EngineSettings:
    return EngineSettings(
        name=keys.name,
        url=keys.url,
        network=network if keys.network is None else _network(keys.network),
        ca=files.find("ca", keys.ca),
        cert=files.find("cert", keys.cert),
        key=files.find("key", keys.key),
        control=keys.control,
        ssh_key=files.find("ssh_key", keys.ssh_key),
        known_hosts=files.find("known_hosts", keys.known_hosts),
        enabled=keys.enabled,
    )
