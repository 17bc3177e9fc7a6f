"""Upshift's wire format; its versions are subpackages."""
