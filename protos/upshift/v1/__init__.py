"""Generated code of the package ``upshift.v1``; see the ``.proto`` files beside it."""
