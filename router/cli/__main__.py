"""``python -m router.cli`` is ``upshift``."""

from router.cli.app import main

main()
