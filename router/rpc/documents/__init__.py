"""``upshift.v1.DocumentService``: documents over gRPC, on the router's own server."""
