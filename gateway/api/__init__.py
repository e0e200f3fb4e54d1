"""The doors that browsers, players and operators knock at: WHEP, JSON, events, pages, health.

The only room with ``aiohttp.web`` handlers. It decides who may see and play what
(:mod:`~gateway.api.access`), turns errors into RFC 9457 problems (:mod:`~gateway.api.problems`)
and asks ``gateway.control`` for everything else.
"""
