"""Short-lived containers that do one thing to a media server's network or volume."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.runtime.docker import names
from gateway.runtime.docker.engine import Engine


@dataclass(frozen=True, slots=True)
class Job:
    """A shell script in a container of ``image``; ``host`` are arguments of its host config."""

    server: str
    what: str
    image: str
    script: str
    host: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None

    @property
    def name(self) -> str:
        """The container's name."""
        return names.helper(self.server, self.what)


async def run(engine: Engine, job: Job, *, within_s: float) -> tuple[int, str]:
    """Run a job and return its exit code and output; its container is gone afterwards.

    Raises what :meth:`Engine.call` raises.
    """
    await _discard(engine, job.name)

    def work(client: Any) -> tuple[int, str]:
        made = client.create_container(
            job.image,
            entrypoint=["sh", "-c"],
            command=[job.script],
            name=job.name,
            user=job.user,
            environment=dict(job.environment),
            labels={names.HELPER: job.server},
            healthcheck={"test": ["NONE"]},
            host_config=client.create_host_config(**job.host),
        )
        try:
            client.start(made["Id"])
            code = int(client.wait(made["Id"], timeout=within_s)["StatusCode"])
            return code, client.logs(made["Id"]).decode("utf-8", "replace")
        finally:
            client.remove_container(made["Id"], force=True, v=True)

    return await engine.call(f"run {job.name}", work, within_s=within_s + 10)


async def _discard(engine: Engine, name: str) -> None:
    """Remove a container that a crash has left over."""
    found = await engine.attempt(f"inspect {name}", lambda client: client.inspect_container(name))
    if found is not None and names.HELPER in (found["Config"]["Labels"] or {}):
        await engine.attempt(
            f"remove {name}", lambda client: client.remove_container(name, force=True, v=True)
        )
