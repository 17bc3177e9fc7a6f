"""What policies are worth on recorded outcomes: fitted out of fold, judged with intervals."""

from router.evaluate.problem import EvaluationError, Problem, pose
from router.evaluate.run import Settings, evaluate

__all__ = ["EvaluationError", "Problem", "Settings", "evaluate", "pose"]
