"""From checked keys to the frozen model; the secrets that the keys refer to are read here."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gateway.config import convert_access, convert_output
from gateway.config.company_schema import GatewayKeys
from gateway.config.convert_engines import media_servers
from gateway.config.convert_notify import notifications
from gateway.config.convert_tls import tls
from gateway.config.document import Path as KeyPath
from gateway.config.secrets import Reference, SecretError, Secrets
from gateway.config.site_schema import (
    CameraKeys,
    CredentialKeys,
    DiscoveryKeys,
    ScalingKeys,
    SiteKeys,
)
from gateway.kit.secret import Secret
from gateway.model.company import IceServer, Machine, Settings
from gateway.model.site import (
    Camera,
    Credential,
    Discovery,
    MediaServerSettings,
    PrivacyHours,
    Scaling,
    Site,
    Viewing,
)

Report = Callable[[KeyPath, str], None]
"""Takes the place and the sentence of what is wrong."""

_SHORTEST_TICKET_SECRET = 32  # bytes: RFC 7518 section 3.2, HS256
_SHORTEST_TOKEN = 16


class _Reader:
    """Resolves references and reports those that do not, so that all are told together."""

    def __init__(self, secrets: Secrets, report: Report) -> None:
        self._secrets = secrets
        self.report = report

    def secret(self, wanted: Reference | None, path: KeyPath, *, shortest: int = 0) -> Secret:
        if wanted is None:
            return Secret("")
        try:
            found = self._secrets.resolve(wanted)
        except SecretError as error:
            self.report(path, str(error))
            return Secret("")
        if len(found.reveal().encode()) < shortest:
            self.report(
                path,
                f"{wanted} is shorter than {shortest} bytes; make one by `openssl rand -hex 32`",
            )
        return found

    def optional(
        self, wanted: Reference | None, path: KeyPath, *, shortest: int = 0
    ) -> Secret | None:
        return self.secret(wanted, path, shortest=shortest) or None

    def credential(self, keys: CredentialKeys, path: KeyPath) -> Credential:
        return Credential(
            username=keys.username,
            password=self.secret(keys.password, (*path, "password")),
            reference=str(keys.password),
        )


def to_settings(keys: GatewayKeys, secrets: Secrets, report: Report) -> Settings:
    """Return what ``gateway.yaml`` says; references that do not resolve go to ``report``."""
    reader = _Reader(secrets, report)
    host, port = keys.listen
    return Settings(
        public_url=keys.public_url,
        listen_host=host,
        listen_port=port,
        data_dir=Path(keys.data_dir),
        media_servers=media_servers(keys.media_servers, secrets, report),
        scaling=to_scaling(keys.scaling, Scaling(), secrets, report),
        machine=Machine(cpu=keys.machine.cpu, memory=keys.machine.memory),
        ice_servers=tuple(
            IceServer(
                urls=server.urls,
                username=server.username,
                credential=reader.optional(server.credential, ("ice_servers", i, "credential")),
                secret=reader.optional(server.secret, ("ice_servers", i, "secret")),
            )
            for i, server in enumerate(keys.ice_servers)
        ),
        ticket_secret=reader.optional(
            keys.tickets.secret, ("tickets", "secret"), shortest=_SHORTEST_TICKET_SECRET
        ),
        staff_token=reader.optional(keys.staff_token, ("staff_token",), shortest=_SHORTEST_TOKEN),
        ticket_rules=convert_access.ticket_rules(keys.tickets, secrets, report),
        accounts=convert_access.accounts(keys.accounts, secrets, report),
        sign_on=convert_access.sign_on(keys.sign_on),
        trusted_proxies=keys.trusted_proxies,
        audit_days=keys.audit.days,
        probe_every_s=keys.probing.every,
        history_days=keys.history.days,
        notifications=notifications(keys.notifications, secrets, report),
        staff_listen=keys.staff_listen,
        metrics_listen=keys.metrics_listen,
        tls=tls(keys.tls, secrets, report),
    )


def to_scaling(keys: ScalingKeys, default: Scaling, secrets: Secrets, report: Report) -> Scaling:
    """Return ``default`` with the keys that are written."""
    changed = default
    if keys.min_servers is not None:
        changed = replace(changed, min_servers=keys.min_servers)
    if keys.max_servers is not None:
        changed = replace(changed, max_servers=keys.max_servers)
    if keys.viewers_per_server is not None:
        changed = replace(changed, viewers_per_server=keys.viewers_per_server)
    if keys.shrink_after is not None:
        changed = replace(changed, shrink_after_s=keys.shrink_after)
    if keys.licenses is not None:
        reader = _Reader(secrets, report)
        found = (
            reader.secret(key, ("scaling", "licenses", i)) for i, key in enumerate(keys.licenses)
        )
        changed = replace(changed, licenses=tuple(found))
    return changed


def to_site(
    site_id: str, keys: SiteKeys, scaling: Scaling, secrets: Secrets, report: Report
) -> Site:
    """Return what ``<site>.yaml`` says; references that do not resolve go to ``report``."""
    reader = _Reader(secrets, report)
    discovery = _discovery(keys.discovery, reader)
    server = keys.media_server
    return Site(
        id=site_id,
        name=keys.name,
        cameras=tuple(
            _camera(camera, discovery, reader, ("cameras", i))
            for i, camera in enumerate(keys.cameras)
        ),
        media_server=MediaServerSettings(
            address=server.address,
            external_address=server.external_address,
            license=reader.optional(server.license, ("media_server", "license")),
            max_viewers=server.max_viewers,
            engine=server.engine,
            nodes=server.nodes,
            rtsp_output=convert_output.rtsp_output(server.rtsp_output, secrets, report),
        ),
        discovery=discovery,
        viewing=Viewing(
            access=keys.viewing.access,
            allowed_origins=keys.viewing.allowed_origins,
            max_watch_s=keys.viewing.max_watch,
            sound=keys.viewing.sound,
            tickets_since=keys.viewing.tickets_since,
        ),
        scaling=replace(
            to_scaling(keys.scaling, scaling, secrets, report),
            own_licenses=keys.scaling.licenses is not None,
        ),
        enabled=keys.enabled,
        timezone=keys.timezone,
    )


def _discovery(keys: DiscoveryKeys, reader: _Reader) -> Discovery:
    return Discovery(
        interface=keys.interface,
        subnets=keys.subnets,
        credentials=tuple(
            reader.credential(item, ("discovery", "credentials", i))
            for i, item in enumerate(keys.credentials)
        ),
        follow=keys.follow,
    )


def _camera(keys: CameraKeys, discovery: Discovery, reader: _Reader, path: KeyPath) -> Camera:
    return Camera(
        id=keys.id,
        name=keys.name,
        rtsp=keys.rtsp,
        rtsp_sub=keys.rtsp_sub,
        onvif=keys.onvif,
        credential=_credential(keys.credential, discovery, reader, (*path, "credential")),
        pull=keys.pull,
        enabled=keys.enabled,
        privacy_hours=tuple(PrivacyHours(part.start, part.end) for part in keys.privacy_hours),
    )


def _credential(
    written: CredentialKeys | str | None, discovery: Discovery, reader: _Reader, path: KeyPath
) -> Credential | None:
    """Return a camera's user: its own, the named one of the site, or the site's only one."""
    if isinstance(written, CredentialKeys):
        return reader.credential(written, path)
    known = discovery.credentials
    if written is None:
        return known[0] if len(known) == 1 else None
    named = [item for item in known if item.username == written]
    if len(named) == 1:
        return named[0]
    own = "write {username: ..., password: {env: NAME}}"
    reader.report(
        path,
        f"names a user that discovery.credentials has {len(named)} times; {own}"
        if named
        else f"names no user of discovery.credentials; add it there or {own}",
    )
    return None
