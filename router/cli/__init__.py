"""The command ``upshift``. Each verb is a file; what a verb needs is imported when it runs."""

from router.cli.app import main

__all__ = ["main"]
