"""How well each tier will do before it runs: one file an estimator, listed in ``policies.registry``."""
