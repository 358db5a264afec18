"""A folder with items in an emulated Encord, and both clients of the data plane."""

from tests.helpers.api import api, folder, lake, perform

__all__ = ["api", "folder", "lake", "perform"]
