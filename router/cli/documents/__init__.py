"""The parts of ``upshift document``."""
