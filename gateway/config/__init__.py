"""The company's files: ``gateway.yaml`` and one ``<site>.yaml`` per building.

Owns the schema, the checks, the watching and the editing of the directory ``sites/``. Everybody
else sees the frozen values of :mod:`gateway.model`; pydantic and YAML stay inside.
"""
