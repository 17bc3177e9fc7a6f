"""The service: configuration, the cascade loop, gRPC, the command line, the journal.

Importing it loads no model library, opens no socket and reads no environment variable.
"""
