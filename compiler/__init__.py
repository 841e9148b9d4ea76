"""amlc: a compiler for machine-learning pipelines. The public functions are in ``compiler.api``."""
