"""Runs a pipeline on this machine under the rules of the service. The way in is `compiler.local.run.run`."""
