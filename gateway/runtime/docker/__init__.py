"""Media servers as containers of a Docker Engine: one per building.

The only room that imports the ``docker`` SDK. ``DockerRuntime`` (module ``runtime``) satisfies
``control.ports.Runtime`` by shape.

Who restarts a container that has died is the gateway, not the engine: a container's control ports
are closed from outside its process (see :mod:`~gateway.runtime.docker.guard`), and a refused
licence must not be tried in a loop.
"""
