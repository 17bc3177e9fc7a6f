"""What another policy would have cost and lost on traffic that was recorded."""

from router.simulate.errors import SimulationError
from router.simulate.result import Side, Simulation, Support

__all__ = ["Side", "Simulation", "SimulationError", "Support"]
