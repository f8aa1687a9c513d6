"""What the tests of faults share with those of the pipeline."""

from tests.pipeline.conftest import empty

__all__ = ["empty"]
