"""What only newer versions of Airflow have: the tests of it name the feature and the first version that has it."""

from __future__ import annotations

import airflow
import pytest
from packaging.version import Version


def is_at_least(version: str) -> bool:
    """Whether this Airflow is of a version, or of a later one.

    :param version: such as ``"3.3"``.
    """
    # A pre-release of 3.4 has what is new in 3.4.
    return Version(Version(airflow.__version__).base_version) >= Version(version)


def requires_airflow(version: str, feature: str) -> pytest.MarkDecorator:
    """Skip a test on Airflows that lack what it is about.

    :param version: the first version that has it, such as ``"3.3"``.
    :param feature: what that is; it is the reason that the matrix of versions shows.
    """
    return pytest.mark.skipif(
        not is_at_least(version), reason=f"Airflow {version} is the first with {feature}"
    )
