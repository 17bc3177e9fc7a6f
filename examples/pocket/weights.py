"""Where the shipped weights lie. It opens none of them."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
EDGE = WEIGHTS / "edge.gguf"
LOCAL = WEIGHTS / "local"
FRONTIER = WEIGHTS / "frontier.gguf"
