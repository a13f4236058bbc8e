"""A port to listen on that nobody else has, and who has it if not us."""

import contextlib
import errno
import ipaddress
import socket

import psutil

from infra import errors

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Listen on a port, for a process to be handed the socket: so whoever answers there is ours.

    Raises:
        errors.AddressTaken: another process listens there.
        errors.ConfigurationError: the host is none of this machine's, or the port not for us.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as stack:
            made = stack.enter_context(socket.socket(family, kind))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(_BACKLOG)
            stack.pop_all()
            return made
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise errors.AddressTaken(
                f"port {port} of {host} is taken{_by_whom(port)}, maybe by another suite; stop"
                " that, or choose a free port with --port"
            ) from error
        raise errors.ConfigurationError(f"cannot listen on {host}, port {port}: {error}") from error


def url_of(listener: socket.socket) -> str:
    """Return the address by which this machine reaches a socket that listens."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}" if address.version == 4 else f"http://[{address}]:{port}"


def _by_whom(port: int) -> str:
    """Name the process that listens, as far as this user may know."""
    with contextlib.suppress(psutil.Error, OSError):
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr[1:] == (port,) and one.pid:
                command = " ".join(psutil.Process(one.pid).cmdline())
                return f" by process {one.pid} ({command[:100]})"
    return ""
