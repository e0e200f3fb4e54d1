"""Media servers as services of a Docker Swarm: several machines, one manager that is asked.

What is the same for containers of one machine comes from ``runtime.docker``; here stands what a
Swarm does in another way: services instead of containers, tasks that tell where one runs, secrets
and configs that cannot be changed, networks that each node makes of its own part.
"""
