"""The whole way on real engines: collect, calibrate, certify, serve over gRPC, and hold it to its word."""
