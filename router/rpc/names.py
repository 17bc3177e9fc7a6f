"""Names that server and client must spell alike."""

from __future__ import annotations

from upshift.v1 import admin_pb2, router_pb2

SERVICE_NAME = router_pb2.DESCRIPTOR.services_by_name["RouterService"].full_name
METHODS = tuple(method.name for method in router_pb2.DESCRIPTOR.services_by_name["RouterService"].methods)
ADMIN_SERVICE_NAME = admin_pb2.DESCRIPTOR.services_by_name["AdminService"].full_name
REQUEST_ID_KEY = "x-request-id"
SESSION_KEY = "x-upshift-session"
AUTHORIZATION_KEY = "authorization"
# gRPC's own key for a serialized google.rpc.Status in trailing metadata.
DETAILS_KEY = "grpc-status-details-bin"
ERROR_DOMAIN = "upshift"
