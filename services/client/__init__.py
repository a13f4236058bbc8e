"""The client of the REST API, for threads and for event loops."""

from services.client.asynchronous import AsyncClient
from services.client.submission import Finished
from services.client.synchronous import Client

__all__ = ["AsyncClient", "Client", "Finished"]
