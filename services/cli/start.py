"""Where the `rrtf` program begins."""

import signal


def main() -> None:
    """Load the commands and run the one that is asked for."""
    # Ctrl-C ends us without a word until a command is there to answer it: nothing is begun yet, and
    # Python would print where in its imports it was.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from services.cli.main import app

    app()


if __name__ == "__main__":
    main()
