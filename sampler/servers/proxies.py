"""The way out of this network to a model server."""

from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL


def proxy_to(url: str) -> tuple[URL | None, dict[str, str] | None]:
    """Return the proxy that the environment names for an address, and what it is told."""
    address = URL(url)
    named = getproxies().get(address.scheme)
    if not named or proxy_bypass(address.host or ""):
        return None, None
    proxy = URL(named)
    if not proxy.user:
        return proxy, None
    told = aiohttp.encode_basic_auth(proxy.user, proxy.password or "")
    return proxy.with_user(None), {"Authorization": told}
