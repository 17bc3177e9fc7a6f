"""The whole way on real engines: collect, calibrate, certify, serve over gRPC, and what the promise was worth."""
