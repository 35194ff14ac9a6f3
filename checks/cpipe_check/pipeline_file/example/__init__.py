"""The example of its use that a pipeline's author gives: found in texts, read without running it."""

from cpipe_check.pipeline_file.example.find import example_of

__all__ = ["example_of"]
