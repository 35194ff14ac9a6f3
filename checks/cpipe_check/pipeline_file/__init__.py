"""A pipeline file: one parse and one pass over its text give the facts that every rule reads."""

from cpipe_check.pipeline_file.file import PipelineFile, read

__all__ = ["PipelineFile", "read"]
