"""The version of amlc, alone in a file so that ``amlc --version`` need not load anything else."""

VERSION = "0.1.0"
